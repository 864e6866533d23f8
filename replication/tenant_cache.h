/* tenant_cache.h - what was found out about a tenant, for so many tenants as were asked for last.
 * Names of tenants come from outside, so it is bounded.
 * Threads: any; a short lock a call, under which nothing but the cache is touched. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct tenant_cache;
struct tenant_cache_opts {
    uint64_t tenants_max; /* not 0 */
    /* A value with one reference more, and one less; NULL: values are not counted. */
    void (*ref)(const void *value);
    void (*unref)(const void *value);
};
struct tenant_cache *tenant_cache_new(const struct tenant_cache_opts *opts);
/* NULL is allowed. */
void tenant_cache_free(struct tenant_cache *c);

/* A reference of the caller's own, or NULL. */
const void *tenant_cache_get(struct tenant_cache *c, struct str tenant);
/* With a reference of the cache's own. Where two threads have found out the same, the first stays.
 */
void tenant_cache_put(struct tenant_cache *c, struct str tenant, const void *value);

struct tenant_cache_stats {
    uint64_t requests, hits, evicted; /* so far */
    uint64_t items, items_max;
};
struct tenant_cache_stats tenant_cache_stats(struct tenant_cache *c);
