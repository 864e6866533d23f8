/* growth.h - how far the growth between the samples of a window is extended to its borders: what
 * rate(), increase() and delta() extrapolate.
 *
 * Source: prometheus promql/functions.go (extrapolatedRate). Pure functions. */
#pragma once
#include <stddef.h>
#include <stdint.h>

/* How the samples of a window lie in it. Regular scrapes lie in the same way step after step, so
 * what follows from it alone is computed when it changes. Begins as {.range = ...}. */
struct growth_layout {
    double range;                     /* seconds; 1 unless the result is a rate per second */
    int64_t before_ms, after_ms;      /* from the first and the last sample to the window's end */
    size_t count;                     /* samples; 0: of no window yet */
    double sampled, to_start, to_end; /* seconds */
    double factor;                    /* of the growth, when 0 is not nearer than to_start */
};

/* Of at least two samples in a window of this length. */
void growth_layout_set(struct growth_layout *l, int64_t range_ms, int64_t before_ms,
                       int64_t after_ms, size_t count);

static inline void
growth_layout_update(struct growth_layout *l, int64_t range_ms, int64_t before_ms, int64_t after_ms,
                     size_t count)
{
    if (before_ms != l->before_ms || after_ms != l->after_ms || count != l->count)
        growth_layout_set(l, range_ms, before_ms, after_ms, count);
}

/* By what the growth of a counter is multiplied, which is extended never below the point where the
 * counter would be 0; `first` is its first value in the window. For what is no counter:
 * l->factor. */
static inline double
growth_factor(const struct growth_layout *l, double first, double growth)
{
    if (growth > 0 && first >= 0) {
        double to_zero = l->sampled * (first / growth);
        if (to_zero < l->to_start)
            return (l->sampled + to_zero + l->to_end) / l->sampled / l->range;
    }
    return l->factor;
}

/* The same where the counter is known to have been 0 at a time within the window, `started_ms`
 * before its end: nothing is extended to the left. One sample is enough. */
double growth_factor_since_start(double range, int64_t started_ms, int64_t before_ms,
                                 int64_t after_ms, size_t count);
