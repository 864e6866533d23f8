/* started_chunk.h - writes chunks with start timestamps, which the product only reads.
 *
 * They are right, but not as short as they could be. Threads: any. */
#pragma once
#include "base/arena.h"
#include "tsdb/chunk/chunk.h"
#include "tsdb/model/histogram.h"

/* A sample with its start timestamp; 0: none. */
struct started_sample {
    int64_t t_ms;
    uint64_t bits;
    int64_t start_ms;
};

/* An XOR2 chunk. */
struct str xor2_encode(struct arena *a, const struct started_sample *v, size_t count);
/* A chunk of encoding 6 that holds one float histogram. */
struct str started_histogram_encode(struct arena *a, int64_t t_ms, int64_t start_ms,
                                    const struct histogram *h);
