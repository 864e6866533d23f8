/* histogram.h - a point of a native histogram series.
 *
 * One shape for both kinds. An integer histogram counts in uint64 and keeps each bucket as the
 * difference from the one before it; a float histogram has doubles throughout, as raw bits, and
 * absolute buckets. Buckets exist where spans say: a span skips `offset` buckets (the first one:
 * starts there) and covers `length`. A sum with the bits STALE_NAN_BITS is a stale marker, and
 * nothing else of it counts.
 * Sources: prometheus model/histogram, tsdb/docs/format/chunks.md, prompb/types.proto.
 * Threads: any (values). Arrays are borrowed: whoever made it says how long they live. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "tsdb/model/sample.h"

enum histogram_kind { HISTOGRAM_INTEGER, HISTOGRAM_FLOAT };

/* Numbered as in the log and in prompb. */
enum histogram_reset {
    HISTOGRAM_RESET_UNKNOWN,
    HISTOGRAM_RESET_YES,
    HISTOGRAM_RESET_NO,
    HISTOGRAM_GAUGE, /* counts may fall */
};

enum {
    HISTOGRAM_SCHEMA_MIN = -4, /* exponential: a bucket spans a factor of 2^(2^-schema) */
    HISTOGRAM_SCHEMA_MAX = 8,
    HISTOGRAM_SCHEMA_RESERVED_MIN = -9, /* -9 to -5: read, but never accepted */
    HISTOGRAM_SCHEMA_RESERVED = 52,     /* 9 to 52: valid, reduced to 8 when they are read */
    HISTOGRAM_SCHEMA_CUSTOM = -53,      /* bounds stand in custom_bounds */
    HISTOGRAM_BUCKETS_MAX = 1 << 16,    /* of one side, and of spans and bounds; bounds memory */
    HISTOGRAM_INDEX_MAX = 1 << 30,      /* of a bucket, either side of 0; offsets stay int32 */
};

struct histogram_span {
    int32_t offset;
    uint32_t length;
};
struct histogram_spans {
    const struct histogram_span *v;
    size_t n;
};
/* 64-bit words: int64 differences or bits of doubles, as the kind says. */
struct histogram_words {
    const uint64_t *v;
    size_t n;
};

struct histogram {
    enum histogram_kind kind;
    enum histogram_reset reset;
    int32_t schema;
    uint64_t zero_threshold;    /* bits of a double */
    uint64_t zero_count, count; /* a number, or bits of a double */
    uint64_t sum;               /* bits of a double */
    struct histogram_spans positive_spans, negative_spans;
    struct histogram_words positive, negative;
    struct histogram_words custom_bounds; /* bits of doubles; HISTOGRAM_SCHEMA_CUSTOM only */
};

struct histogram_sample {
    int64_t t_ms;
    struct histogram value;
};

/* What a chunk can hold: custom bounds, or an exponential schema from -9 to 52. */
bool histogram_schema_known(int32_t schema);

static inline bool
histogram_is_stale(const struct histogram *h)
{
    return h->sum == STALE_NAN_BITS;
}

/* What a sender has to keep to, in the order of Prometheus' Validate(): ERR_INVALID names the
 * rule that is broken. Reserved schemas are refused: histogram_reduce() comes before. */
struct err histogram_validate(const struct histogram *h);
/* All arrays copied into the arena. */
struct histogram histogram_copy(const struct histogram *h, struct arena *a);
/* The same values by bits, in the same buckets however the spans are cut. Hints are not compared;
 * stale markers of one kind are equal. */
bool histogram_equal(const struct histogram *x, const struct histogram *y);
/* The same, but buckets that count nothing may be there or not. Both are valid. */
bool histogram_alike(const struct histogram *x, const struct histogram *y);

/* Schemas 9 to 52 as schema 8, with arrays in the arena; any other histogram as it is. ERR_INVALID
 * when spans and buckets do not fit together. */
struct err histogram_reduce(const struct histogram *h, struct arena *a, struct histogram *ret);
/* A float histogram of the same buckets, with new bucket arrays in the arena; one that is a float
 * histogram already as it is. Custom buckets lose what does not belong to them. */
struct histogram histogram_to_float(const struct histogram *h, struct arena *a);
/* Between absolute counts and differences from the bucket before; `to` has n words and may be `v`.
 */
void histogram_counts_of_deltas(const uint64_t *v, size_t n, uint64_t *to);
void histogram_deltas_of_counts(const uint64_t *v, size_t n, uint64_t *to);

/* Decoded histograms side by side, ascending in time; columns grow on the heap. What the values
 * point to is elsewhere: in the arena that was given with them. */
struct histogram_columns {
    int64_t *t_ms;
    int64_t *start_ms; /* start timestamps, 0 for none */
    struct histogram *values;
    size_t n, cap;
};
#define HISTOGRAM_COLUMNS_INIT                                                                     \
    {                                                                                              \
        NULL, NULL, NULL, 0, 0                                                                     \
    }
/* Room for `more` histograms behind the last. */
void histogram_columns_reserve(struct histogram_columns *c, size_t more);
void histogram_columns_fini(struct histogram_columns *c);
static inline void
auto_histogram_columns_fini(struct histogram_columns *c)
{
    histogram_columns_fini(c);
}
