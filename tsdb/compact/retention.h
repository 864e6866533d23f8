/* retention.h - which blocks have had their time.
 *
 * Source: spec/tsdb.md section 12 (prometheus tsdb/db.go, deletableBlocks).
 * Pure: no files, no clock. Threads: any. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "tsdb/block/meta.h"

/* 0 each: no such limit. */
struct retention_limits {
    int64_t time_ms;     /* between the ends of the newest block and of one that goes */
    uint64_t bytes;      /* of all blocks and of what stands in `other_bytes` */
    double disk_percent; /* of disk_bytes, instead of `bytes` */
    uint64_t disk_bytes; /* the whole file system; 0: not known, `bytes` counts */
};
struct retention_block {
    const struct block_meta *meta;
    uint64_t bytes; /* its files: block_bytes() */
};

/* Puts the positions of the blocks to delete into ret_chosen, which has room for n; returns how
 * many. Those marked as deletable are among them, and the newest one may be, by size.
 * `other_bytes`: log and files of the head, which count against the size. */
size_t retention_choose(const struct retention_block *blocks, size_t n, uint64_t other_bytes,
                        const struct retention_limits *limits, size_t *ret_chosen);
