/* ring_int.h - a ring from the inside: its hashrings and what tenants get of them. */
#pragma once
#include <stdatomic.h>

#include "base/map.h"
#include "replication/ketama.h"
#include "replication/ring.h"
#include "replication/ring_config.h"
#include "replication/shuffle.h"
#include "replication/tenant_cache.h"

/* --- ring_part.c: placing hashes on nodes -------------------------------------------------- */

struct hashmod {
    uint64_t endpoint_count;
    const uint16_t *rows;    /* a row of owners starts at each of the first endpoint_count items */
    const uint16_t *wrapped; /* rows of the last hashes, whose numbers wrap around 2^64 */
};

struct ring_part {
    _Atomic(uint32_t) refs; /* 0: the ring's own, not counted */
    const struct ring_hashring *hashring;
    unsigned replication_factor;
    struct ketama *ketama; /* NULL: hashmod */
    struct hashmod hashmod;
    uint16_t *nodes; /* ascending, each once */
    size_t node_count;
};

/* Endpoints are told as nodes, in the order of their addresses. Too few of them for the copies make
 * a part that ring_part() refuses. */
struct ring_part *ring_part_new_hashmod(const struct ring_hashring *h,
                                        const struct ring_node *nodes, unsigned replication_factor);
struct err ring_part_new_ketama(const struct ring_hashring *h, const struct ketama_opts *opts,
                                struct ring_part **ret_part);
/* For a tenant_cache. */
void ring_part_ref_cached(const void *part);
void ring_part_unref_cached(const void *part);
void ring_part_free(struct ring_part *p);
DEFINE_AUTO(struct ring_part *, ring_part_free)

/* --- ring.c, ring_tenants.c, ring_shard.c --------------------------------------------------------
 */

/* What shuffle sharding needs of a hashring; `ketama` in it describes all of its endpoints. */
struct ring_shards {
    struct ketama_section *sections;
    struct ketama_opts ketama;
    struct shuffle *shuffle;
    struct tenant_cache *parts; /* tenant -> struct ring_part */
};

struct hashring {
    struct ring_hashring view;
    const struct hashring_config *config; /* in the ring's arena */
    struct ring_part *whole;              /* NULL: each tenant has its shard */
    struct ring_shards shards;
};

struct ring {
    _Atomic(uint32_t) refs;
    unsigned replication_factor;
    struct arena arena; /* texts and arrays of nodes */
    struct ring_node *nodes;
    size_t node_count;
    struct map node_index; /* address, NUL, zone -> its item of `nodes` */
    struct hashring *v;
    size_t n;
    struct map exact;           /* tenant -> the first hashring that names it */
    size_t first_all;           /* the first that takes all tenants, or n */
    struct tenant_cache *globs; /* tenant -> struct hashring; NULL: there are no patterns */
};

/* The first hashring that takes the tenant. */
struct err ring_match(const struct ring *r, struct str tenant, const struct hashring **ret_ring);
/* Fills exact, first_all, globs. */
void ring_match_init(struct ring *r);
