/* func_rate.c - how fast a value grows: rate, increase, delta, irate, idelta.
 *
 * A counter that falls was reset: what it had reached is added to the difference of the last
 * and the first sample. The positions of all resets are found once a series; a window then
 * visits its own resets only, in order, which gives Prometheus' rounding. */

#include "base/assert.h"
#include "querygw/promql/counter.h"
#include "querygw/promql/growth.h"

static struct err
run_counter(struct exec *x, struct window_scratch *scratch, const struct windows *w,
            struct column *to, double range)
{
    struct counter_resets resets = counter_resets_find(scratch, w);
    struct growth_layout layout = {.range = range};
    struct window_cursor c = window_cursor_start();
    for (size_t step = 0; step < w->steps; step++) {
        if (!window_move(w, &c, step) || c.hi - c.lo < 2)
            continue;
        int64_t end_ms = window_end_ms(w, step);
        double growth = w->values[c.hi - 1] - w->values[c.lo];
        growth = counter_resets_add(&resets, &c, growth);
        growth_layout_update(&layout, w->range_ms, end_ms - w->t_ms[c.lo],
                             end_ms - w->t_ms[c.hi - 1], c.hi - c.lo);
        column_set(to, step, growth * growth_factor(&layout, w->values[c.lo], growth));
        TRY(exec_work(x, 1 + resets.hi - resets.lo));
    }
    return OK;
}

struct err
run_rate(struct exec *x, struct window_scratch *scratch, const struct windows *w, struct column *to)
{
    return run_counter(x, scratch, w, to, duration_seconds(w->range_ms));
}

struct err
run_increase(struct exec *x, struct window_scratch *scratch, const struct windows *w,
             struct column *to)
{
    return run_counter(x, scratch, w, to, 1);
}

struct err
run_delta(struct exec *x, struct window_scratch *scratch, const struct windows *w,
          struct column *to)
{
    (void)x, (void)scratch;
    struct growth_layout layout = {.range = 1};
    struct window_cursor c = window_cursor_start();
    for (size_t step = 0; step < w->steps; step++) {
        if (!window_move(w, &c, step) || c.hi - c.lo < 2)
            continue;
        int64_t end_ms = window_end_ms(w, step);
        growth_layout_update(&layout, w->range_ms, end_ms - w->t_ms[c.lo],
                             end_ms - w->t_ms[c.hi - 1], c.hi - c.lo);
        column_set(to, step, (w->values[c.hi - 1] - w->values[c.lo]) * layout.factor);
    }
    return OK;
}

struct err
run_irate(struct exec *x, struct window_scratch *scratch, const struct windows *w,
          struct column *to)
{
    (void)x, (void)scratch;
    struct window_cursor c = window_cursor_start();
    for (size_t step = 0; step < w->steps; step++) {
        if (!window_move(w, &c, step) || c.hi - c.lo < 2)
            continue;
        double before = w->values[c.hi - 2], last = w->values[c.hi - 1];
        double growth = last < before ? last : last - before; /* after a reset: since 0 */
        double seconds = (double)(w->t_ms[c.hi - 1] - w->t_ms[c.hi - 2]) / 1000;
        ASSERT(seconds > 0); /* times ascend: select.c */
        column_set(to, step, growth / seconds);
    }
    return OK;
}

struct err
run_idelta(struct exec *x, struct window_scratch *scratch, const struct windows *w,
           struct column *to)
{
    (void)x, (void)scratch;
    struct window_cursor c = window_cursor_start();
    for (size_t step = 0; step < w->steps; step++)
        if (window_move(w, &c, step) && c.hi - c.lo >= 2)
            column_set(to, step, w->values[c.hi - 1] - w->values[c.hi - 2]);
    return OK;
}
