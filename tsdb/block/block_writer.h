/* block_writer.h - writes what a series_set yields as a new block.
 *
 * Order, so that a crash leaves either no block or a whole one: chunks and index into
 * <ULID>.tmp-for-creation, each synced; meta.json, tombstones; sync of the directory; rename to
 * <ULID>; sync of the parent. What a crash leaves has the suffix and is removed at the next
 * opening (tsdb/blocks.h). Chunks are copied as they are. Threads: one. */
#pragma once
#include "tsdb/block/meta.h"
#include "tsdb/series_set.h"

enum { BLOCK_SEGMENT_BYTES_MAX = 512 << 20 };

struct block_writer_opts {
    struct fs *fs;
    const char *dir;    /* of the database: the parent of the block */
    struct ulid ulid;   /* of the new block */
    int64_t mint_ms, maxt_ms; /* for meta.json; chunks must lie in [mint, maxt) */
    uint64_t segment_bytes;   /* 0: BLOCK_SEGMENT_BYTES_MAX */
};
/* Pulls all of `set`. Without any chunk nothing is left and *ret_empty is true. */
struct err block_write(const struct block_writer_opts *o, struct series_set *set, bool *ret_empty);
