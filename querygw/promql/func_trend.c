/* func_trend.c - spread and course of a window: stddev, stdvar, deriv, predict_linear, double
 * exponential smoothing. Each window is added up anew, for Prometheus' rounding. */
#include <math.h>

#include "querygw/promql/func_range_int.h"
#include "querygw/promql/kahan.h"

/* Welford's method with compensated sums. */
static double
window_variance(const struct windows *w, const struct window_cursor *c)
{
    struct kahan mean = {0, 0}, squares = {0, 0};
    double count = 0;
    for (size_t i = c->lo; i < c->hi; i++) {
        double v = w->values[i], delta = v - (mean.sum + mean.c);
        count++;
        kahan_add(&mean, delta / count);
        kahan_add(&squares, delta * (v - (mean.sum + mean.c)));
    }
    return (squares.sum + squares.c) / count;
}

struct err
run_stdvar(struct exec *x, struct window_scratch *scratch, const struct windows *w,
           struct column *to)
{
    (void)scratch;
    struct window_cursor c = window_cursor_start();
    for (size_t step = 0; step < w->steps; step++) {
        if (!window_move(w, &c, step))
            continue;
        column_set(to, step, window_variance(w, &c));
        TRY(exec_work(x, c.hi - c.lo));
    }
    return OK;
}

struct err
run_stddev(struct exec *x, struct window_scratch *scratch, const struct windows *w,
           struct column *to)
{
    TRY(run_stdvar(x, scratch, w, to));
    for (size_t step = 0; step < w->steps; step++)
        if (column_has(to, step))
            to->values[step] = sqrt(to->values[step]);
    return OK;
}

/* --- regression ---------------------------------------------------------------------------- */

struct line {
    double slope, at_zero;
};

static bool
is_constant(const struct windows *w, const struct window_cursor *c)
{
    for (size_t i = c->lo + 1; i < c->hi; i++)
        if (w->values[i] != w->values[c->lo])
            return false;
    return true;
}

/* Least squares over at least two samples; time 0 is at `zero_ms`. */
static struct line
fit_line(const struct windows *w, const struct window_cursor *c, int64_t zero_ms)
{
    if (is_constant(w, c)) {
        double v = w->values[c->lo];
        return isinf(v) ? (struct line){NAN, NAN} : (struct line){0, v};
    }
    struct kahan sum_x = {0, 0}, sum_y = {0, 0}, sum_xy = {0, 0}, sum_xx = {0, 0};
    double n = (double)(c->hi - c->lo);
    for (size_t i = c->lo; i < c->hi; i++) {
        double x = (double)(w->t_ms[i] - zero_ms) / 1e3, y = w->values[i];
        kahan_add(&sum_x, x);
        kahan_add(&sum_y, y);
        kahan_add(&sum_xy, x * y);
        kahan_add(&sum_xx, x * x);
    }
    double x = sum_x.sum + sum_x.c, y = sum_y.sum + sum_y.c;
    double covariance = sum_xy.sum + sum_xy.c - x * y / n;
    double variance = sum_xx.sum + sum_xx.c - x * x / n;
    double slope = covariance / variance;
    return (struct line){slope, y / n - slope * x / n};
}

struct err
run_deriv(struct exec *x, struct window_scratch *scratch, const struct windows *w,
          struct column *to)
{
    (void)scratch;
    struct window_cursor c = window_cursor_start();
    for (size_t step = 0; step < w->steps; step++) {
        if (!window_move(w, &c, step) || c.hi - c.lo < 2)
            continue;
        /* Small times keep the precision: from the first sample on. */
        column_set(to, step, fit_line(w, &c, w->t_ms[c.lo]).slope);
        TRY(exec_work(x, c.hi - c.lo));
    }
    return OK;
}

struct err
run_predict_linear(struct exec *x, struct window_scratch *scratch, const struct windows *w,
                   struct column *to)
{
    (void)scratch;
    struct window_cursor c = window_cursor_start();
    for (size_t step = 0; step < w->steps; step++) {
        if (!window_move(w, &c, step) || c.hi - c.lo < 2)
            continue;
        struct line line = fit_line(w, &c, grid_time_ms(w->grid, step));
        column_set(to, step, line.slope * w->args[0][step] + line.at_zero);
        TRY(exec_work(x, c.hi - c.lo));
    }
    return OK;
}

/* --- smoothing ----------------------------------------------------------------------------- */

static double
smooth(const struct windows *w, const struct window_cursor *c, double level_part, double trend_part)
{
    const double *v = w->values + c->lo;
    double before = 0, level = v[0], trend = v[1] - v[0];
    for (size_t i = 1; i < c->hi - c->lo; i++) {
        if (i > 1)
            trend = trend_part * (level - before) + (1 - trend_part) * trend;
        double next = level_part * v[i] + (1 - level_part) * (level + trend);
        before = level;
        level = next;
    }
    return level;
}

struct err
run_smoothing(struct exec *x, struct window_scratch *scratch, const struct windows *w,
              struct column *to)
{
    (void)scratch;
    struct window_cursor c = window_cursor_start();
    for (size_t step = 0; step < w->steps; step++) {
        double level_part = w->args[0][step], trend_part = w->args[1][step];
        if (!window_move(w, &c, step))
            continue;
        if (level_part <= 0 || level_part >= 1)
            return ERR(ERR_EXECUTION, "invalid smoothing factor. Expected: 0 < sf < 1, got: %f",
                       level_part);
        if (trend_part <= 0 || trend_part >= 1)
            return ERR(ERR_EXECUTION, "invalid trend factor. Expected: 0 < tf < 1, got: %f",
                       trend_part);
        if (c.hi - c.lo < 2)
            continue;
        column_set(to, step, smooth(w, &c, level_part, trend_part));
        TRY(exec_work(x, c.hi - c.lo));
    }
    return OK;
}
