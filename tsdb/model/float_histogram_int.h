/* float_histogram_int.h - what the files of float_histogram.h share. */
#pragma once
#include "base/kahan.h"
#include "tsdb/model/float_histogram.h"
#include "tsdb/model/histogram_spans.h"

/* Upper bound of the positive bucket `index`; that of the bucket before is the lower one. */
double float_histogram_bound(const struct float_histogram *h, int64_t index);

/* Of schemas that have bounds by themselves; reserved ones are none. */
static inline bool
float_histogram_is_exponential(const struct float_histogram *h)
{
    return h->schema >= HISTOGRAM_SCHEMA_MIN && h->schema <= HISTOGRAM_SCHEMA_MAX;
}

/* Prometheus' addition with what it lost; `lost` may be NULL. */
static inline void
float_add(double *sum, double *lost, double v)
{
    if (!lost) {
        *sum += v;
        return;
    }
    struct kahan k = {*sum, *lost};
    kahan_add(&k, v);
    *sum = k.sum;
    *lost = k.c;
}

/* Below, `c` and `lost` are what rounding lost: a histogram or a side of the same layout, or NULL
 * when nobody keeps it. */

/* Takes out buckets in which both are 0. */
void float_buckets_compact(struct float_buckets *b, struct float_buckets *lost, struct arena *a);
/* In buckets of a schema that is `steps` below. */
void float_buckets_reduce(struct float_buckets *b, struct float_buckets *lost, int steps,
                          struct arena *a);
struct float_buckets float_buckets_copy(const struct float_buckets *b, struct arena *a);

/* How many buckets of `b`, at its front, are within the zero bucket of `h`, which has the same
 * schema. */
size_t float_buckets_within(const struct float_histogram *h, const struct float_buckets *b);

/* A zero bucket as it would be with another threshold. */
struct float_zero {
    double threshold, count, lost;
};
/* With a threshold of at least `threshold`, which is not below that of `h`: where that is within
 * a bucket that counts something, the bucket is in it, too. */
struct float_zero float_histogram_wider_zero(const struct float_histogram *h,
                                             const struct float_histogram *c, double threshold);
/* Gives `to` the least zero bucket that can be that of both; returns what it would count in
 * `other`. */
struct float_zero float_histogram_join_zero(struct float_histogram *to, struct float_histogram *c,
                                            const struct float_histogram *other, struct arena *a);

bool float_histogram_bounds_same(const struct float_histogram *x, const struct float_histogram *y);
/* Adds `other` times `factor`, both cut down to the bounds that they share. */
void float_histogram_add_custom(struct float_histogram *to, struct float_histogram *c,
                                const struct float_histogram *other, double factor,
                                struct arena *a);
