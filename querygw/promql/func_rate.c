/* func_rate.c - how fast a value grows: rate, increase, delta, irate, idelta.
 *
 * A counter that falls was reset: what it had reached is added to the difference of the last
 * and the first sample. The positions of all resets are found once a series; a window then
 * visits its own resets only, in order, which gives Prometheus' rounding. */
#include <math.h>

#include "base/assert.h"
#include "querygw/promql/func_range_int.h"

struct resets
resets_find(struct window_scratch *scratch, const struct windows *w)
{
    struct resets r = {.at = window_scratch_get(scratch, w->n, sizeof *r.at)};
    for (size_t i = 1; i < w->n; i++)
        if (w->values[i] < w->values[i - 1])
            r.at[r.n++] = (uint32_t)i;
    return r;
}

double
resets_add(struct resets *r, const struct windows *w, const struct window_cursor *c, double to)
{
    while (r->hi < r->n && r->at[r->hi] < c->hi)
        r->hi++;
    while (r->lo < r->hi && r->at[r->lo] <= c->lo)
        r->lo++;
    for (size_t i = r->lo; i < r->hi; i++)
        to += w->values[r->at[i] - 1];
    return to;
}

/* The growth is extended to the borders of the window: all the way when the outermost sample is
 * nearer than 1.1 average distances, by half a distance otherwise; a counter never below the point
 * where it would be 0. */
double
rate_factor(const struct rate_span *s, enum rate_kind kind)
{
    double to_start = (double)(s->first_ms - (s->end_ms - s->range_ms)) / 1000;
    double to_end = (double)(s->end_ms - s->last_ms) / 1000;
    double sampled = (double)(s->last_ms - s->first_ms) / 1000;
    double distance = sampled / (double)(s->samples - 1);
    double near = distance * 1.1;

    if (to_start >= near)
        to_start = distance / 2;
    if (kind != RATE_DELTA && s->growth > 0 && s->first_value >= 0) {
        double to_zero = sampled * (s->first_value / s->growth);
        if (to_zero < to_start)
            to_start = to_zero;
    }
    if (to_end >= near)
        to_end = distance / 2;
    double factor = (sampled + to_start + to_end) / sampled;
    return kind == RATE_PER_SECOND ? factor / duration_seconds(s->range_ms) : factor;
}

static struct err
run_extrapolated(struct exec *x, struct window_scratch *scratch, const struct windows *w,
                 struct column *to, enum rate_kind kind)
{
    struct resets resets = {0};
    if (kind != RATE_DELTA)
        resets = resets_find(scratch, w);
    struct window_cursor c = window_cursor_start();
    for (size_t step = 0; step < w->steps; step++) {
        if (!window_move(w, &c, step) || c.hi - c.lo < 2)
            continue;
        double growth = w->values[c.hi - 1] - w->values[c.lo];
        growth = resets_add(&resets, w, &c, growth);
        struct rate_span span = {.first_ms = w->t_ms[c.lo],
                                 .last_ms = w->t_ms[c.hi - 1],
                                 .end_ms = window_end_ms(w, step),
                                 .range_ms = w->range_ms,
                                 .samples = c.hi - c.lo,
                                 .first_value = w->values[c.lo],
                                 .growth = growth};
        column_set(to, step, growth * rate_factor(&span, kind));
        TRY(exec_work(x, 1 + resets.hi - resets.lo));
    }
    return OK;
}

struct err
run_rate(struct exec *x, struct window_scratch *scratch, const struct windows *w, struct column *to)
{
    return run_extrapolated(x, scratch, w, to, RATE_PER_SECOND);
}

struct err
run_increase(struct exec *x, struct window_scratch *scratch, const struct windows *w,
             struct column *to)
{
    return run_extrapolated(x, scratch, w, to, RATE_INCREASE);
}

struct err
run_delta(struct exec *x, struct window_scratch *scratch, const struct windows *w,
          struct column *to)
{
    return run_extrapolated(x, scratch, w, to, RATE_DELTA);
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
