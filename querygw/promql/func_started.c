/* func_started.c - rate, increase and irate of samples with start timestamps.
 *
 * A start timestamp within the window stands for a sample of value 0 there: nothing is
 * extrapolated to the left, and one sample is enough. Everywhere else this is func_rate.c, which
 * is made for series without them. Source: prometheus promql/functions.go (extrapolatedRate). */
#include "querygw/promql/counter.h"
#include "querygw/promql/growth.h"

static struct err
run_growth(struct exec *x, struct window_scratch *scratch, const struct windows *w,
           struct column *to, double range)
{
    struct counter_resets resets = counter_resets_find(scratch, w);
    struct growth_layout layout = {.range = range};
    struct window_cursor c = window_cursor_start();
    for (size_t step = 0; step < w->steps; step++) {
        if (!window_move(w, &c, step))
            continue;
        size_t count = c.hi - c.lo;
        int64_t end_ms = window_end_ms(w, step), start_ms = w->starts_ms[c.lo];
        int64_t before_ms = end_ms - w->t_ms[c.lo], after_ms = end_ms - w->t_ms[c.hi - 1];
        bool from_start = counter_start_within(start_ms, end_ms - w->range_ms, w->t_ms[c.lo]);
        if (count == 1 && !from_start)
            continue;
        double first = w->values[c.lo], growth = w->values[c.hi - 1] - first;
        growth = counter_resets_add(&resets, &c, growth);
        TRY(exec_work(x, 1 + resets.hi - resets.lo));
        if (from_start) {
            column_set(to, step,
                       (growth + first) * growth_factor_since_start(range, end_ms - start_ms,
                                                                    before_ms, after_ms, count));
            continue;
        }
        growth_layout_update(&layout, w->range_ms, before_ms, after_ms, count);
        column_set(to, step, growth * growth_factor(&layout, first, growth));
    }
    return OK;
}

struct err
run_started_rate(struct exec *x, struct window_scratch *scratch, const struct windows *w,
                 struct column *to)
{
    return run_growth(x, scratch, w, to, duration_seconds(w->range_ms));
}

struct err
run_started_increase(struct exec *x, struct window_scratch *scratch, const struct windows *w,
                     struct column *to)
{
    return run_growth(x, scratch, w, to, 1);
}

struct err
run_started_irate(struct exec *x, struct window_scratch *scratch, const struct windows *w,
                  struct column *to)
{
    (void)x, (void)scratch;
    struct window_cursor c = window_cursor_start();
    for (size_t step = 0; step < w->steps; step++) {
        if (!window_move(w, &c, step) || c.hi - c.lo < 2)
            continue;
        size_t last = c.hi - 1;
        double growth = w->values[last];
        if (!counter_was_reset(w, last))
            growth -= w->values[last - 1];
        column_set(to, step, growth / ((double)(w->t_ms[last] - w->t_ms[last - 1]) / 1000));
    }
    return OK;
}
