/* func_range.h - functions over the samples of a sliding window: rate(), sum_over_time(), ...
 *
 * Each computes a whole column: two cursors walk the samples of one series once, so a step
 * costs what changed since the last one. Functions whose result must have Prometheus' rounding
 * add up each window anew, unless the values are integers and every order gives the same sum.
 * Source: prometheus promql/functions.go; spec/query.md section 5. Threads: one query. */
#pragma once
#include "base/err.h"
#include "querygw/promql/exec.h"
#include "querygw/promql/functions.h"
#include "querygw/promql/histogram_point.h"
#include "querygw/promql/step.h"
#include "querygw/promql/window_pace.h"

enum { WINDOW_ARGS_MAX = 2 };

/* One series and how windows move over it: step i sees the samples with
 * end_i - range < t <= end_i, where end_i = start + i * step. */
struct windows {
    const int64_t *t_ms;      /* ascending */
    const double *values;     /* without stale markers */
    const int64_t *starts_ms; /* start timestamps, 0 for none; or NULL: no sample has one */
    size_t n;
    int64_t start_ms, step_ms, range_ms; /* step 0: all steps have the same window */
    int64_t before_ms, after_ms;         /* parts of range_ms: see struct plan_select */
    uint32_t steps;
    struct window_pace pace;             /* of the samples, where they have one */
    const struct promql_grid *grid;      /* the evaluation times: windows may be shifted */
    const double *args[WINDOW_ARGS_MAX]; /* scalar arguments, a value a step */
};

/* The samples [lo, hi) of the window at a step; both only grow. */
struct window_cursor {
    size_t lo, hi;
};

static inline struct window_cursor
window_cursor_start(void)
{
    return (struct window_cursor){0, 0};
}

/* The end of the window at `step`. */
static inline int64_t
window_end_ms(const struct windows *w, size_t step)
{
    return w->start_ms + (int64_t)step * w->step_ms;
}

/* Moves to `step`; false when no sample is in its window. Left-open, right-closed. */
static inline bool
window_move(const struct windows *w, struct window_cursor *c, size_t step)
{
    if (w->pace.even) {
        int64_t ahead = w->pace.every * (int64_t)step;
        c->lo = window_pace_at(w->pace.lo + ahead, w->n);
        c->hi = window_pace_at(w->pace.hi + ahead, w->n);
        return c->lo < c->hi;
    }
    int64_t end_ms = window_end_ms(w, step), begin_ms = end_ms - w->range_ms;
    while (c->hi < w->n && w->t_ms[c->hi] <= end_ms)
        c->hi++;
    while (c->lo < c->hi && w->t_ms[c->lo] <= begin_ms)
        c->lo++;
    return c->lo < c->hi;
}

/* One window of a series that has histograms. */
struct mixed_window {
    struct exec *x;
    struct arena *arena;     /* for the result */
    const struct windows *w; /* of the series' floats */
    const struct histogram_points *histograms;
    const struct windows *starts; /* times and start timestamps of these; NULL: they do not count */
    uint8_t *resets;              /* of each histogram: see histogram_was_reset() */
    size_t float_lo, float_hi;    /* its floats */
    size_t histogram_lo, histogram_hi; /* its histograms, one at least */
    int64_t end_ms;
    struct labels series;      /* for notes, as the range is */
    struct promql_range range; /* of the argument */
};

/* What a window has become. */
struct window_value {
    enum { WINDOW_NOTHING, WINDOW_FLOAT, WINDOW_HISTOGRAM } kind;
    double value;
    const struct float_histogram *histogram;
};

typedef struct err mixed_window_fn(const struct mixed_window *m, struct window_value *ret_value);

/* Memory that the functions reuse from series to series. */
struct window_scratch {
    struct arena *arena; /* borrowed */
    void *p;
    size_t bytes;
};

typedef struct err window_fn(struct exec *x, struct window_scratch *scratch,
                             const struct windows *w, struct column *to);

struct range_function {
    enum promql_fn id;
    window_fn *run;         /* sets values and bits of an empty column, not begin and end */
    window_fn *run_started; /* the same where samples have start timestamps, if they matter */
    /* Of windows with histograms, in place of what `run` made of their floats; NULL: histograms are
     * ignored, which is told where there are floats as well. */
    mixed_window_fn *run_mixed;
    bool keeps_name;     /* the result is still the metric itself */
    bool wants_counter;  /* infos when the metric's name is no counter's */
    bool takes_quantile; /* the first scalar argument: warns when it is none */
};

/* NULL for functions that are not of this kind. */
const struct range_function *range_function_find(enum promql_fn id);
