/* compact.h - several blocks as one.
 *
 * Chunks that nothing touches are copied with their checksums, verified on the way. Chunks over the
 * same time are merged sample by sample, the block that stands first wins; deleted samples are
 * left out. The new block names its parents, so that whoever opens both knows to drop the old ones.
 * Source: spec/tsdb.md section 12 (prometheus tsdb/compact.go, CompactBlockMetas, PopulateBlock).
 *
 * Memory: 16 bytes a symbol and 4 for each block that has it, 8 a label, 24 a chunk, 4 a series of
 * each block; besides, one series at a time.
 * Threads: one, beside any readers of the blocks. Errors name the block that is damaged, its file
 * and the place; inputs are never changed. */
#pragma once
#include "tsdb/block/block.h"

enum { COMPACT_BLOCKS_MAX = 1 << 16 }; /* at once */

struct compact_opts {
    struct fs *fs;
    const char *dir;        /* of the database: the parent of the new block */
    struct ulid ulid;       /* of the new block */
    uint64_t segment_bytes; /* of its chunk files; 0: BLOCK_SEGMENT_BYTES_MAX */
};

/* The blocks (at least one, in order of time as compact_plan() gives them) become <dir>/<ULID>: one
 * level above the highest, sources united. With *ret_empty nothing is left and none was written;
 * the inputs should be marked BLOCK_MARK_DELETABLE then. A failure leaves nothing behind; the
 * inputs should be marked BLOCK_MARK_FAILED, unless the disk is at fault. */
struct err compact_blocks(const struct compact_opts *o, const struct block *const *blocks, size_t n,
                          bool *ret_empty);
/* The block without its deleted samples, as Prometheus' "clean tombstones": level 1, a source by
 * itself, one parent. */
struct err compact_clean(const struct compact_opts *o, const struct block *b, bool *ret_empty);
/* Marks the meta.json of each of the blocks. Goes on after a failure and returns the first. */
struct err compact_mark(const struct block *const *blocks, size_t n, enum block_mark mark);
