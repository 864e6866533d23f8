/* histogram_stats.h - what PromQL asks of one native histogram: quantiles, fractions, moments.
 *
 * Source: prometheus promql/quantile.go (HistogramQuantile, HistogramFraction) and functions.go;
 * results agree in the last digit. Observations that are NaN are counted, but in no bucket: what
 * that did to a result is added to *findings, and the caller makes notes of it. Pure functions. */
#pragma once
#include "tsdb/model/float_histogram.h"

/* Bits of a set. */
enum histogram_stats_finding {
    HISTOGRAM_STATS_NAN_RESULT = 1,   /* the quantile is among the NaNs: it is NaN */
    HISTOGRAM_STATS_NAN_SKEW = 2,     /* the quantile is higher for them, which count as +Inf */
    HISTOGRAM_STATS_NAN_EXCLUDED = 4, /* the fraction is one of all, but they are never in it */
};

double histogram_stats_quantile(const struct float_histogram *h, double q, unsigned *findings);
/* Of the observations from `lower` to `upper`. */
double histogram_stats_fraction(const struct float_histogram *h, double lower, double upper,
                                unsigned *findings);
/* Each bucket stands for its middle; the root is the standard deviation. */
double histogram_stats_variance(const struct float_histogram *h);
double histogram_stats_average(const struct float_histogram *h);
