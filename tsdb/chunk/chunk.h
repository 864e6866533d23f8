/* chunk.h - encoded runs of samples: what every source of series hands to every reader.
 *
 * Source: spec/tsdb.md section 4 (prometheus tsdb/chunkenc). Threads: any (values). */
#pragma once
#include "base/err.h"
#include "base/str.h"
#include "base/vec.h"
#include "tsdb/model/sample.h"

struct arena;
struct bit_reader;
struct histogram_columns; /* tsdb/model/histogram.h */

enum chunk_encoding {
    CHUNK_NONE = 0,
    CHUNK_XOR = 1,
    CHUNK_HISTOGRAM = 2,
    CHUNK_FLOAT_HISTOGRAM = 3,
    CHUNK_XOR2 = 4,
    CHUNK_HISTOGRAM_ST = 5,
    CHUNK_FLOAT_HISTOGRAM_ST = 6,
};

/* What the header of a histogram chunk says of its beginning; numbered as its bits are. */
enum chunk_flag {
    CHUNK_FLAG_UNKNOWN,  /* nobody compared */
    CHUNK_FLAG_NO_RESET, /* it goes on where the chunk before ended */
    CHUNK_FLAG_RESET,
    CHUNK_FLAG_GAUGE,
};

enum {
    CHUNK_BYTES_MAX = 64 << 10,   /* of one float chunk's data; Prometheus cuts them at 1 KiB */
    CHUNK_SAMPLES_MAX = 65535,    /* a 16-bit count */
    CHUNK_ST_COUNT_MASK = 0x3fff, /* encodings 5 and 6: the top bits are a flag */
};

static inline bool
chunk_holds_histograms(enum chunk_encoding e)
{
    return e == CHUNK_HISTOGRAM || e == CHUNK_FLOAT_HISTOGRAM || e == CHUNK_HISTOGRAM_ST ||
           e == CHUNK_FLOAT_HISTOGRAM_ST;
}

struct chunk_view {
    int64_t mint_ms, maxt_ms; /* of its first and last sample, both inclusive */
    enum chunk_encoding encoding;
    struct str data; /* complete bytes, count first; borrowed as its maker says */
};

/* Start timestamps beside samples, 0 for none; vec_fini(). */
VEC_TYPE(start_column, int64_t);

/* Samples with mint <= t <= maxt, appended to *to: encodings 1 and 4. ERR_CORRUPT with the place
 * for bytes that are no chunk, ERR_UNIMPLEMENTED for encodings that hold no floats. Nothing is
 * added on failure. */
struct err chunk_decode_floats(const struct chunk_view *c, int64_t mint_ms, int64_t maxt_ms,
                               struct sample_columns *to);
/* The same, and appends the start timestamp of each sample to *starts. */
struct err chunk_decode_floats_starts(const struct chunk_view *c, int64_t mint_ms, int64_t maxt_ms,
                                      struct sample_columns *to, struct start_column *starts);
/* Histograms with mint <= t <= maxt, appended to *to: encodings 2, 3, 5 and 6. Their arrays are in
 * the arena, whose budget is kept (ERR_LIMIT); the rest as above. Hints are as Prometheus reads
 * them: a chunk's first counter is unknown, the others go on. */
struct err chunk_decode_histograms(const struct chunk_view *c, int64_t mint_ms, int64_t maxt_ms,
                                   struct arena *a, struct histogram_columns *to);
/* What the header says of the chunk's beginning; unknown for other
 * encodings and for bytes that end before it. */
enum chunk_flag chunk_histogram_flag(const struct chunk_view *c);
/* First and last time without keeping samples, and a full check of the bytes: at least one
 * sample, nothing behind the last but one zero byte of an old writer. All encodings. */
struct err chunk_check(enum chunk_encoding encoding, struct str data, int64_t *ret_mint_ms,
                       int64_t *ret_maxt_ms);
/* The count that the chunk announces. */
struct err chunk_sample_count(const struct chunk_view *c, size_t *ret_count);

/* What xor_check() asks of the bytes behind the last sample, for the other encodings. */
struct err chunk_check_end(const struct bit_reader *r);
