/* step.h - the grid of evaluation times and the columns that operators hand on.
 *
 * An operator yields one output series at a time as a column: a value and a presence bit for
 * each step of its grid. Values of absent steps are arbitrary, so arithmetic runs over whole
 * columns without looking at the bits. The elements of few series are native histograms: their
 * columns have a second array, and only these pay for it. Threads: one at a time. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "tsdb/model/float_histogram.h"
#include "tsdb/model/labels.h"

enum { PROMQL_STEPS_MAX = 1 << 24 }; /* of one grid; the API allows 11,001 */

/* Evaluation times start, start + step, ...: `steps` of them, at least one. */
struct promql_grid {
    int64_t start_ms, step_ms; /* step_ms is not used when steps is 1 */
    uint32_t steps;
};

static inline int64_t
grid_time_ms(const struct promql_grid *g, size_t step)
{
    return g->start_ms + (int64_t)step * g->step_ms;
}

/* As Go's Duration.Seconds() rounds them. */
double duration_seconds(int64_t ms);

/* One output series. Whoever receives it may change everything in it; it stays valid until the
 * next call of the operator that made it. Present steps lie in [begin, end), and begin < end:
 * columns without a present step are never handed on.
 * A present step whose entry in `histograms` is not NULL is a histogram, and its value is
 * arbitrary. A histogram is never changed: whoever wants another one makes it. It lives as long as
 * the column does. */
struct column {
    struct labels labels;
    double *values;                            /* one a step */
    uint64_t *present;                         /* a bit a step, bits past the last step are 0 */
    const struct float_histogram **histograms; /* one a step; NULL: every element is a float */
    uint32_t begin, end;
    bool drop_name; /* the metric's name goes when the query ends: delayed_name.h */
    const struct float_histogram **room; /* for `histograms`; NULL before it was needed */
};

static inline size_t
column_words(uint32_t steps)
{
    return ((size_t)steps + 63) / 64;
}

/* Room for `steps` steps; all absent. */
void column_init(struct column *c, struct arena *a, uint32_t steps);
/* Makes every step absent; [begin, end) is empty, and the name stays. */
void column_clear(struct column *c, uint32_t steps);

static inline void
column_set(struct column *c, size_t step, double value)
{
    c->values[step] = value;
    c->present[step / 64] |= UINT64_C(1) << (step % 64);
}

/* Makes the step a histogram; the first one of a column may take room for `steps` from `a`. */
void column_set_histogram(struct column *c, struct arena *a, uint32_t steps, size_t step,
                          const struct float_histogram *h);

static inline const struct float_histogram *
column_histogram(const struct column *c, size_t step)
{
    return c->histograms ? c->histograms[step] : NULL;
}

/* Makes the step absent. */
static inline void
column_unset(struct column *c, size_t step)
{
    c->present[step / 64] &= ~(UINT64_C(1) << (step % 64));
}

static inline bool
column_has(const struct column *c, size_t step)
{
    return c->present[step / 64] >> (step % 64) & 1;
}

/* Recomputes begin and end from the bits; false when no step is present. */
bool column_fit(struct column *c, uint32_t steps);
/* The next run [*begin, *end) of present steps at or after *end. Start with *end = c->begin. */
bool column_next_run(const struct column *c, size_t *begin, size_t *end);
/* Makes every step present. */
void column_fill(struct column *c, uint32_t steps);
size_t column_count(const struct column *c);
/* Makes the steps that are histograms absent: what is left are floats. True when there were any;
 * begin and end are not touched. */
bool column_drop_histograms(struct column *c);
/* Copies the first step to all others: an element that does not depend on time. */
void column_repeat(struct column *c, uint32_t steps);
