/* recode.h - chunks that cannot stay as they were written: samples deleted out of them, or
 * several chunks over the same time.
 *
 * Such chunks are decoded and written again with at most RECODE_SAMPLES samples each, floats as
 * XOR, histograms as encodings 2 and 3: start timestamps are lost. A chunk ends where the kind of
 * samples changes, and where a histogram does not continue it (histogram_rules.h); nothing is
 * said of resets between chunks that only length parted. New bytes lie in the arena.
 * Source: prometheus storage/series.go, seriesToChunkEncoder. Threads: any (values). */
#pragma once
#include "base/arena.h"
#include "base/vec.h"
#include "tsdb/chunk/chunk.h"
#include "tsdb/model/histogram.h"
#include "tsdb/model/interval.h"

enum {
    RECODE_SAMPLES = 120, /* as Prometheus' compaction cuts */
    /* Histograms of the chunks that are merged at once; above, ERR_LIMIT. */
    RECODE_HISTOGRAM_BYTES_MAX = 256 << 20,
};

VEC_TYPE(chunk_views, struct chunk_view);

/* Appends `samples` (ascending) as chunks. */
void recode_floats(const struct sample_columns *samples, struct arena *a, struct chunk_views *to);
/* The same for histograms of both kinds, which keep the rules of histogram_validate() or come out
 * of a chunk. */
void recode_histograms(const struct histogram_columns *samples, struct arena *a,
                       struct chunk_views *to);
/* Appends what is left of a chunk without the samples in `gone` (joined intervals): the chunk
 * itself when nothing in it is gone. */
struct err recode_without(const struct chunk_view *chunk, const struct interval *gone, size_t n,
                          struct arena *a, struct chunk_views *to);
/* Brings chunks of one series in order of time, none overlapping another: equal chunks become
 * one, overlapping ones are merged. Of several samples at one time the one of the chunk that
 * stood first in the list stays, whatever kinds they have. */
struct err recode_overlaps(struct chunk_views *chunks, struct arena *a);
