/* bucket.h - quantiles and fractions of one classic histogram: cumulative counts by upper bound.
 * Source: prometheus promql/quantile.go (BucketQuantile, BucketFraction). Pure functions. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

struct bucket {
    double upper, count; /* count: of the observations up to `upper` */
};

/* Where counts fell from one bucket to the next and were raised. */
struct bucket_fix {
    bool forced;
    double min_upper, max_upper; /* of the raised buckets */
    double max_raise;
};

/* Both take buckets sorted by `upper`, at least one, and may change them. NaN without a bucket
 * of +Inf or without observations. */
double bucket_quantile(double q, struct bucket *v, size_t n, struct bucket_fix *ret_fix);
double bucket_fraction(double lower, double upper, struct bucket *v, size_t n);
