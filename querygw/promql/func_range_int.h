/* func_range_int.h - the cursors that all window functions share. */
#pragma once
#include "querygw/promql/func_range.h"

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
    int64_t end_ms = window_end_ms(w, step), begin_ms = end_ms - w->range_ms;
    while (c->hi < w->n && w->t_ms[c->hi] <= end_ms)
        c->hi++;
    while (c->lo < c->hi && w->t_ms[c->lo] <= begin_ms)
        c->lo++;
    return c->lo < c->hi;
}

/* Room for `count` items; the contents of the last call are gone. */
void *window_scratch_get(struct window_scratch *s, size_t count, size_t item_bytes);

window_fn run_changes, run_resets; /* func_changes.c */
window_fn run_quantile, run_mad;   /* func_quantile.c */
window_fn run_stddev, run_stdvar, run_deriv, run_predict_linear, run_smoothing; /* func_trend.c */
window_fn run_rate, run_increase, run_delta, run_irate, run_idelta;             /* func_rate.c */
