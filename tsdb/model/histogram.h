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
#include <stddef.h>
#include <stdint.h>

enum histogram_kind { HISTOGRAM_INTEGER, HISTOGRAM_FLOAT };

/* Numbered as in the log and in prompb. */
enum histogram_reset {
    HISTOGRAM_RESET_UNKNOWN,
    HISTOGRAM_RESET_YES,
    HISTOGRAM_RESET_NO,
    HISTOGRAM_GAUGE, /* counts may fall */
};

enum {
    HISTOGRAM_SCHEMA_MIN = -4,     /* exponential: a bucket spans a factor of 2^(2^-schema) */
    HISTOGRAM_SCHEMA_MAX = 8,
    HISTOGRAM_SCHEMA_RESERVED = 52, /* 9 to 52: valid, reduced to 8 when they are read */
    HISTOGRAM_SCHEMA_CUSTOM = -53, /* bounds stand in custom_bounds */
    HISTOGRAM_BUCKETS_MAX = 1 << 16, /* of one side; bounds memory */
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
