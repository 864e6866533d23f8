/* fingerprints.h - a hash table from 128-bit keyed hashes to small numbers, read without locks.
 *
 * It keeps 96 bits of the hash plus the shard's 6 and no key at all: two different keys of one
 * process meet with a probability below 1e-13 at 1e8 entries, and the seed is secret, so
 * nobody outside can make them meet. Series, label pairs and label names are found this way.
 * An entry is written once and never changes; a shard that grows is replaced and retired.
 * Threads: finding any, within an epoch; inserting by one thread at a time. */
#pragma once
#include <stdatomic.h>
#include <stdbool.h>

#include "base/epoch.h"
#include "base/hash.h"

enum {
    FP_SHARDS_LOG2 = 6, /* a shard that grows stalls creation for 1/64 of the table only */
    FP_ID_MAX = UINT32_MAX - 1,
};

struct fp_shard;

struct fp_table {
    struct epoch *epoch; /* borrowed for life */
    _Atomic(struct fp_shard *) shards[1 << FP_SHARDS_LOG2]; /* NULL while empty */
};

void fp_init(struct fp_table *t, struct epoch *epoch);
void fp_fini(struct fp_table *t);
/* Starts loading the cache line that fp_find() will need first. */
void fp_prefetch(const struct fp_table *t, struct hash128 key);
bool fp_find(const struct fp_table *t, struct hash128 key, uint32_t *ret_id);
/* The key must not be there yet; id at most FP_ID_MAX. */
void fp_insert(struct fp_table *t, struct hash128 key, uint32_t id);
/* Memory of the table, for statistics. Threads: the inserting one. */
size_t fp_bytes(const struct fp_table *t);
