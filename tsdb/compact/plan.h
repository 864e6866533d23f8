/* plan.h - which blocks of a database are to become one next: Prometheus' leveled compaction.
 *
 * Blocks grow by ranges: those of a range of time that is aligned to 3 times the smallest range
 * become one, then 9 times, and so on. Overlapping blocks go first, whatever their ranges.
 * Source: spec/tsdb.md section 12 (prometheus tsdb/compact.go, LeveledCompactor.plan).
 * Pure: no files, no clock. Threads: any. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "tsdb/block/meta.h"

enum {
    COMPACT_RANGES_MAX = 10,
    COMPACT_RANGE_FACTOR = 3, /* between one range and the next */
};

/* Lengths of blocks, ascending; at least one. */
struct compact_ranges {
    int64_t v[COMPACT_RANGES_MAX];
    size_t n;
};
/* min, 3 min, 9 min, ... up to `max_ms`; just `min_ms` (> 0) when max is not above it. */
struct compact_ranges compact_ranges_of(int64_t min_ms, int64_t max_ms);

/* Puts the positions of the blocks to compact into ret_chosen, which has room for n, in order of
 * time; returns how many. 0: there is nothing to do. 1: the block is to be rewritten, for much
 * of it was deleted.
 *
 * Blocks of stale and of selected series are never mixed with others, for what comes out must
 * keep the hint; the others go first. Nor are blocks of late samples that end behind all blocks
 * without a hint: what comes out is such a block, and a head that is opened behind it would take
 * the samples of that time, which it has in its log, for samples of blocks. (Prometheus mixes
 * them.) Of these only those that overlap each other are chosen. Not chosen for their ranges: the
 * newest block, and whatever shares its range with a block whose compaction failed. */
size_t compact_plan(const struct block_meta *const *metas, size_t n,
                    const struct compact_ranges *ranges, size_t *ret_chosen);
