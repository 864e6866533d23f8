/* recode.h - chunks that cannot stay as they were written: samples deleted out of them, or
 * several chunks over the same time.
 *
 * Such chunks are decoded and written again as XOR chunks of at most RECODE_SAMPLES samples,
 * whose bytes lie in the arena. Chunks without floats cannot be taken apart yet.
 * Threads: any (values). */
#pragma once
#include "base/arena.h"
#include "base/vec.h"
#include "tsdb/chunk/chunk.h"
#include "tsdb/model/interval.h"

enum { RECODE_SAMPLES = 120 }; /* as Prometheus' compaction cuts */

VEC_TYPE(chunk_views, struct chunk_view);

/* Appends `samples` (ascending) as chunks. */
void recode_floats(const struct sample_columns *samples, struct arena *a, struct chunk_views *to);
/* Appends what is left of a chunk without the samples in `gone` (joined intervals): the chunk
 * itself when nothing in it is gone. ERR_UNIMPLEMENTED for a touched chunk without floats. */
struct err recode_without(const struct chunk_view *chunk, const struct interval *gone, size_t n,
                          struct arena *a, struct chunk_views *to);
/* Brings chunks of one series in order of time, none overlapping another: equal chunks become
 * one, overlapping ones are merged. Of several samples at one time the one of the chunk that
 * stood first in the list stays. Overlapping chunks without floats are left overlapping. */
struct err recode_overlaps(struct chunk_views *chunks, struct arena *a);
