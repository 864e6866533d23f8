/* float_histogram.h - arithmetic on native histograms: what PromQL and downsampling compute with.
 *
 * A histogram whose counts are doubles and whose buckets may be changed. Stored histograms
 * (histogram.h) become one by float_histogram_of(). Rounding, layouts of buckets and hints follow
 * prometheus model/histogram/float_histogram.go, so that results agree in the last digit.
 * Memory: everything an operation needs comes from the arena that is given; what was there before
 * stays in the arena as garbage. Functions that change `to` change its buckets in place where the
 * layout allows: buckets belong to one histogram, spans and bounds are immutable and shared.
 * Threads: one at a time. */
#pragma once
#include "tsdb/model/histogram.h"

/* The buckets of one side; n is the number that the spans cover. */
struct float_buckets {
    struct histogram_spans spans; /* shared */
    double *v;                    /* owned: counts, not differences */
    size_t n;
};

struct float_histogram {
    int32_t schema;
    enum histogram_reset reset;
    double zero_threshold, zero_count, count, sum;
    struct float_buckets positive, negative;
    const double *bounds; /* shared; HISTOGRAM_SCHEMA_CUSTOM only */
    size_t bound_n;
};

static inline bool
float_histogram_is_custom(const struct float_histogram *h)
{
    return h->schema == HISTOGRAM_SCHEMA_CUSTOM;
}

/* Arrays in the arena; shares the spans of `h`, which must live as long. */
struct float_histogram *float_histogram_of(const struct histogram *h, struct arena *a);
/* A float histogram as it is stored; shares the spans of `h`. */
struct histogram float_histogram_store(const struct float_histogram *h, struct arena *a);
/* With arrays of its own, spans and bounds too: nothing but the arena keeps it. */
struct float_histogram *float_histogram_copy(const struct float_histogram *h, struct arena *a);
/* The same values in the same buckets, by bits; hints are not compared. Prometheus' Equals(). */
bool float_histogram_equal(const struct float_histogram *x, const struct float_histogram *y);

/* Every count and the sum times `factor` or divided by `by`; a gauge behind a negative one. By 0
 * all buckets go. */
void float_histogram_multiply(struct float_histogram *h, double factor);
void float_histogram_divide(struct float_histogram *h, double by);

/* What combining two histograms found, as bits of a set. */
enum float_histogram_finding {
    FLOAT_HISTOGRAM_RESET_CONFLICT = 1, /* one says reset, the other says none */
    FLOAT_HISTOGRAM_BOUNDS_DIFFER = 2,  /* custom bounds were cut down to the common ones */
};

/* Adds or subtracts `other`, with zero buckets, schemas and custom bounds brought together first.
 * The hint of the result is Prometheus'. Findings are added to *findings. False, with `to` as it
 * was, when one has custom bounds and the other has not. */
bool float_histogram_add(struct float_histogram *to, const struct float_histogram *other,
                         struct arena *a, unsigned *findings);
bool float_histogram_subtract(struct float_histogram *to, const struct float_histogram *other,
                              struct arena *a, unsigned *findings);
/* As add, with what rounding lost kept in *c, a histogram of the layout of `to`; NULL before the
 * first call. Prometheus' KahanAdd(). */
bool float_histogram_add_compensated(struct float_histogram *to, struct float_histogram **c,
                                     const struct float_histogram *other, struct arena *a,
                                     unsigned *findings);

/* Takes empty buckets out of the layout; Prometheus' Compact(0). */
void float_histogram_compact(struct float_histogram *h, struct arena *a);
/* In the coarser buckets of a smaller or equal exponential schema. */
void float_histogram_reduce(struct float_histogram *h, int32_t schema, struct arena *a);

/* Without the observations above (or below) `bound`: a bucket that holds it is cut by
 * interpolation. Prometheus' TrimBuckets(). */
enum float_histogram_side { FLOAT_HISTOGRAM_ABOVE, FLOAT_HISTOGRAM_BELOW };
void float_histogram_trim(struct float_histogram *h, double bound, enum float_histogram_side drop,
                          struct arena *a);

/* `now` cannot have grown out of `before`: Prometheus' DetectReset(), hints included. */
bool float_histogram_was_reset(const struct float_histogram *now,
                               const struct float_histogram *before);

/* One bucket with its borders; both borders of the zero bucket and only the upper one of a
 * positive bucket belong to it. */
struct float_bucket {
    double lower, upper, count;
    bool lower_inclusive, upper_inclusive;
    int64_t index; /* within its side; meaningless for the zero bucket */
};

/* The share of the bucket's width that is below v, which is strictly within finite borders: as it
 * is, or (for exponential buckets, whose borders are both above or both below 0) in logarithms. */
double float_bucket_fraction_below(const struct float_bucket *b, double v, bool linear);

/* All buckets in ascending (or descending) order of their borders; the zero bucket only where it
 * counts something. Borders are cut at the zero bucket as Prometheus' AllBucketIterator cuts
 * them. */
struct float_bucket_walk {
    const struct float_histogram *h; /* borrowed */
    bool descending;
    int part;             /* which side is being walked */
    size_t span, in_span; /* position */
    size_t bucket;
    int64_t index;
    int64_t known_index; /* the bound computed last */
    double known_bound;
};
struct float_bucket_walk float_bucket_walk_start(const struct float_histogram *h, bool descending);
bool float_bucket_walk_next(struct float_bucket_walk *w, struct float_bucket *ret_bucket);
/* The same in two halves: what the next bucket counts, and then, where it matters, its borders,
 * which cost most. */
bool float_bucket_walk_step(struct float_bucket_walk *w, double *ret_count);
struct float_bucket float_bucket_walk_here(struct float_bucket_walk *w);

/* {count:9, sum:-3.5, (1,2]:5} as histogram_format() has it, appended. */
void float_histogram_format(const struct float_histogram *h, struct buf *to);
