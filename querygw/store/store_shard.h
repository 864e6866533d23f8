/* store_shard.h - a part of a store: the series whose labels hash to one of several shards.
 *
 * A query frontend that splits a query by series asks each part with its own shard; who ignored
 * that would count every series once a shard. Source: spec/query.md section 1.2, ShardInfo.
 * Threads: as store.h. */
#pragma once
#include "querygw/store/store.h"

enum { SHARD_LABELS_MAX = 1000 };

struct shard {
    int64_t index, total; /* total < 1: all series */
    bool by;              /* the hash is of these labels; else of all others */
    struct str *labels;   /* borrowed */
    size_t label_count;
};

/* In the arena, over `inner`, which is borrowed. For queries: it can do nothing but select(). */
struct store *store_shard_of(struct arena *a, struct store *inner, const struct shard *shard);
/* The series belongs to the shard. Pure. `scratch` is overwritten. */
bool shard_has(const struct shard *shard, struct labels labels, struct buf *scratch);
