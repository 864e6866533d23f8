/* block_delete.h - takes a whole block away, or the samples of some series out of one.
 *
 * Threads: any; one call at a time for one block, and none while it is compacted. */
#pragma once
#include "tsdb/block/block.h"

/* Removes <dir>/<ULID>: renamed to <ULID>.tmp-for-deletion, then removed, so that a crash leaves
 * the block, or what the next opening removes (tsdb/blocks.h); and what a writer that failed could
 * not remove. Readers that have it open go on. A missing block is fine. */
struct err block_delete(struct fs *fs, const char *dir, const struct ulid *ulid);

/* Notes in the block's files that samples of matching series in [mint, maxt], both inclusive, are
 * gone: tombstones first, then their count in meta.json, each replaced as a whole. *ret_series is
 * the number of series that may have had some; with 0 nothing is written. The open block does not
 * change: who is to see the deletion opens it anew.
 * Source: prometheus tsdb/block.go, Block.Delete. */
struct err block_delete_range(const struct block *b, struct matchers matchers, int64_t mint_ms,
                              int64_t maxt_ms, size_t *ret_series);
