/* fingerprints.h - a hash table from 128-bit keyed hashes to small numbers, read without locks.
 *
 * It keeps 96 bits of the hash plus the shard's 6 and no key at all: two different keys of one
 * process meet with a probability below 1e-13 at 1e8 entries, and the seed is secret, so
 * nobody outside can make them meet. Series, label pairs and label names are found this way.
 * Of an entry only the number ever changes, in one store: to that of a successor of what it named
 * (fp_put), or to none (fp_sweep). A shard that grows is replaced and retired.
 * Threads: finding any, within an epoch; all that changes the table by one thread at a time. */
#pragma once
#include <stdatomic.h>
#include <stdbool.h>

#include "base/epoch.h"
#include "base/hash.h"

enum {
    FP_SHARDS_LOG2 = 6, /* a shard that grows stalls creation for 1/64 of the table only */
    FP_SHARDS = 1 << FP_SHARDS_LOG2,
    FP_ID_MAX = UINT32_MAX - 2, /* one more than it names nobody */
};

struct fp_shard;

struct fp_table {
    struct epoch *epoch; /* borrowed for life */
    size_t count;        /* keys that lead to a number; of the changing thread */
    _Atomic(struct fp_shard *) shards[FP_SHARDS]; /* NULL while empty */
};

void fp_init(struct fp_table *t, struct epoch *epoch);
void fp_fini(struct fp_table *t);
/* Starts loading the cache line that fp_find() will need first. */
void fp_prefetch(const struct fp_table *t, struct hash128 key);
bool fp_find(const struct fp_table *t, struct hash128 key, uint32_t *ret_id);
/* The key must not be there yet; id at most FP_ID_MAX. */
void fp_insert(struct fp_table *t, struct hash128 key, uint32_t id);
/* The same for a key that may be there: its number is replaced. */
void fp_put(struct fp_table *t, struct hash128 key, uint32_t id);
/* Takes the keys of one shard out whose number is gone; for bounded pauses, a shard a call. The
 * shard gets their places back when it grows. */
typedef bool (*fp_is_gone)(const void *arg, uint32_t id);
void fp_sweep(struct fp_table *t, unsigned shard, fp_is_gone gone, const void *arg);
/* Memory of the table, for statistics. Threads: the inserting one. */
size_t fp_bytes(const struct fp_table *t);
