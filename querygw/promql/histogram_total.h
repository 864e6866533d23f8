/* histogram_total.h - the sum or the mean of native histograms, one added after another.
 *
 * Compensated as floats are (kahan.h); a mean divides the sum until that would overflow and goes on
 * as a running mean. Source: prometheus promql/functions.go (sum_over_time, avg_over_time),
 * promql/engine.go (aggregation). Threads: one query, one thread. */
#pragma once
#include "tsdb/model/float_histogram.h"

enum histogram_total_kind { HISTOGRAM_TOTAL_SUM, HISTOGRAM_TOTAL_MEAN };

/* Begins as {.arena = ..., .kind = ...}. */
struct histogram_total {
    struct arena *arena; /* borrowed */
    enum histogram_total_kind kind;
    struct float_histogram *value, *c; /* NULL before the first and the second histogram */
    double count;
    bool running;      /* value is a mean, not a sum */
    bool incompatible; /* some have custom bounds, some have not: there is no total */
    bool reset_seen, no_reset_seen;
    unsigned findings;
};

/* False when it was `h` that made the total incompatible; later ones are passed over. */
bool histogram_total_add(struct histogram_total *t, const struct float_histogram *h);
/* What was found, as float_histogram_add() tells it. */
unsigned histogram_total_findings(const struct histogram_total *t);
/* Once, of at least one histogram, and not of an incompatible total. */
struct float_histogram *histogram_total_value(struct histogram_total *t);
