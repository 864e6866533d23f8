/* chunk.h - encoded runs of samples: what every source of series hands to every reader.
 *
 * Source: spec/tsdb.md section 4 (prometheus tsdb/chunkenc). Threads: any (values). */
#pragma once
#include "base/err.h"
#include "base/str.h"
#include "tsdb/model/sample.h"

enum chunk_encoding {
    CHUNK_NONE = 0,
    CHUNK_XOR = 1,
    CHUNK_HISTOGRAM = 2,
    CHUNK_FLOAT_HISTOGRAM = 3,
    CHUNK_XOR2 = 4,
    CHUNK_HISTOGRAM_ST = 5,
    CHUNK_FLOAT_HISTOGRAM_ST = 6,
};

enum {
    CHUNK_BYTES_MAX = 64 << 10, /* of one chunk's data; Prometheus cuts float chunks at 1 KiB */
    CHUNK_SAMPLES_MAX = 65535,  /* a 16-bit count */
};

struct chunk_view {
    int64_t mint_ms, maxt_ms; /* of its first and last sample, both inclusive */
    enum chunk_encoding encoding;
    struct str data; /* complete bytes, count first; borrowed as its maker says */
};

/* Samples with mint <= t <= maxt, appended to *to. ERR_CORRUPT with the offset for bytes that
 * are no chunk, ERR_UNIMPLEMENTED for encodings that hold no floats. */
struct err chunk_decode_floats(const struct chunk_view *c, int64_t mint_ms, int64_t maxt_ms,
                               struct sample_columns *to);
/* The count that the chunk announces. */
struct err chunk_sample_count(const struct chunk_view *c, size_t *ret_count);
