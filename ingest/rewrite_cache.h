/* rewrite_cache.h - what became of a label key when it was rewritten, remembered.
 *
 * Keys are known by a keyed hash of 128 bits. Entries never change and are never freed before the
 * cache: what is found may be used without a lock as long as the cache lives. A cache that is full
 * takes no more and gets old: rewrite_cache_is_stale() says when a new one is due.
 * Threads: any, but for open and close. */
#pragma once
#include <stdbool.h>

#include "base/arena.h"
#include "base/hash.h"
#include "base/mem.h"
#include "tsdb/model/label_key.h"

enum {
    REWRITE_CACHE_SHARDS = 64,
    REWRITE_CACHE_BYTES_MAX = 256 << 20, /* of all shards together */
};

enum rewrite_verdict {
    REWRITE_KEPT,       /* the key stays as it came       */
    REWRITE_CHANGED,    /* `label_key` stands in its place */
    REWRITE_DROPPED,    /* by a rule                      */
    REWRITE_REFUSED,    /* for `fault`                    */
    REWRITE_BAD_TENANT, /* `tenant` is no name of one  */
};

struct rewrite_entry {
    enum rewrite_verdict verdict;
    enum label_fault fault;
    struct str label_key; /* canonical */
    struct str tenant;    /* that the series goes to; empty: to that of the request */
    /* What is kept: */
    uint32_t label_count, name_bytes_max, value_bytes_max;
};

struct rewrite_cache;
/* Of all shards together; 0: REWRITE_CACHE_BYTES_MAX. */
struct rewrite_cache *rewrite_cache_open(size_t bytes_max);
void rewrite_cache_close(struct rewrite_cache *c); /* NULL is allowed */
DEFINE_AUTO(struct rewrite_cache *, rewrite_cache_close)

/* What the cache knows a key by. */
struct hash128 rewrite_cache_hash(const struct rewrite_cache *c, struct str label_key);
/* Has the processor fetch what rewrite_cache_find() will look at. */
void rewrite_cache_prefetch(const struct rewrite_cache *c, struct hash128 key);
/* NULL when unknown. Waits for nobody. */
const struct rewrite_entry *rewrite_cache_find(const struct rewrite_cache *c, struct hash128 key);
/* A copy of the entry and its texts, or the one that was there before; NULL when it is full. */
const struct rewrite_entry *rewrite_cache_add(struct rewrite_cache *c, struct hash128 key,
                                              const struct rewrite_entry *entry);
/* It is full, and what it could not take was looked for often. */
bool rewrite_cache_is_stale(const struct rewrite_cache *c);
