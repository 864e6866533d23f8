/* shuffle.h - shuffle sharding: which endpoints of a ketama ring a tenant's series may lie on.
 *
 * In each zone (or in all of them as one) random places on the circle are drawn, seeded by the
 * tenant's and the zone's names, and the first endpoints from there on are taken that were not yet.
 * Source: spec/receive.md 2.4 (which has it from Cortex). Threads: any (immutable). */
#pragma once
#include "replication/ketama.h"

struct shuffle_opts { /* borrowed for the call */
    const struct ketama_section *sections;
    size_t section_count;
    const uint16_t *zones; /* endpoint -> a number below zone_count */
    const uint16_t *nodes; /* endpoint -> the same number for what is one node */
    size_t endpoint_count;
    const struct str *zone_names; /* live as long as the result */
    size_t zone_count;
    bool zone_awareness_disabled;
};
struct shuffle;
struct shuffle *shuffle_new(const struct shuffle_opts *opts);
/* NULL is allowed. */
void shuffle_free(struct shuffle *s);
DEFINE_AUTO(struct shuffle *, shuffle_free)

/* Sets chosen[endpoint] of those that are in the tenant's shard; the others are left alone.
 * ERR_INVALID: a zone has fewer nodes than its part of the shard. */
struct err shuffle_choose(const struct shuffle *s, struct str tenant, int64_t shard_size,
                          bool *chosen);
/* What each of `zones` zones (not 0) has to give; a size below 0 counts as 0. */
uint64_t shuffle_per_zone(int64_t shard_size, size_t zones);
/* The seed of tenant and zone; an empty zone stands for none. */
int64_t shuffle_seed(struct str tenant, struct str zone);
