/* window_sums.c - the windows of some successive steps are lanes. */
#include "querygw/promql/window_sums.h"

#include "base/kahan_lanes.h"
#include "querygw/promql/func_range_int.h"
#include "querygw/promql/kahan.h"

enum {
    LANES = KAHAN_LANES,
    LANES_OVERLAP_MIN = 32, /* windows a sample is in, before lanes pay for being set up */
};

struct batch {
    struct window_cursor at[LANES]; /* neither lo nor hi falls */
    uint32_t step[LANES];
    size_t n, samples; /* windows, those behind them repeat the last one; samples in all */
};

/* The next windows that hold samples, at or after *step, which is then behind them; false when
 * there is none. */
static bool
batch_take(const struct windows *w, struct window_cursor *c, size_t *step, struct batch *b)
{
    struct window_cursor at = *c;
    size_t i = *step;
    for (b->n = b->samples = 0; i < w->steps && b->n < LANES; i++) {
        if (!window_move(w, &at, i))
            continue;
        b->at[b->n] = at;
        b->step[b->n++] = (uint32_t)i;
        b->samples += at.hi - at.lo;
    }
    *c = at;
    *step = i;
    for (size_t k = b->n; b->n > 0 && k < LANES; k++)
        b->at[k] = b->at[b->n - 1];
    return b->n > 0;
}

static struct kahan
add_alone(const double *v, size_t lo, size_t hi, struct kahan k)
{
    for (size_t i = lo; i < hi; i++)
        kahan_add(&k, v[i]);
    return k;
}

/* By TwoSum: see kahan_lanes.h. */
static struct kahan
add_quickly(const double *v, size_t lo, size_t hi, struct kahan k)
{
    for (size_t i = lo; i < hi; i++) {
        double t = k.sum + v[i], z = t - k.sum;
        k.c += (k.sum - (t - z)) + (v[i] - z);
        k.sum = t;
    }
    return k;
}

/* Adds v[lo + skip] to v[hi - 1] of each window to its sum. */
static void
batch_add(const struct batch *b, const double *v, size_t skip, struct kahan sums[LANES])
{
    size_t lo = b->at[LANES - 1].lo + skip, hi = b->at[0].hi; /* what all windows see */
    if (lo >= hi) {
        for (size_t k = 0; k < LANES; k++)
            sums[k] = add_alone(v, b->at[k].lo + skip, b->at[k].hi, sums[k]);
        return;
    }
    struct kahan all[LANES];
    for (size_t k = 0; k < LANES; k++)
        all[k] = add_quickly(v, b->at[k].lo + skip, lo, sums[k]);
    kahan_lanes_add(v + lo, hi - lo, all);
    for (size_t k = 0; k < LANES; k++) {
        all[k] = add_quickly(v, hi, b->at[k].hi, all[k]);
        bool sure = isfinite(all[k].sum + all[k].c); /* rare otherwise: again, with care */
        sums[k] = sure ? all[k] : add_alone(v, b->at[k].lo + skip, b->at[k].hi, sums[k]);
    }
}

/* Neighbours share most of what they see. */
static bool
overlap_much(const struct windows *w)
{
    return w->steps > 1 && w->step_ms > 0 && w->range_ms / w->step_ms >= LANES_OVERLAP_MIN;
}

static struct err
sums_in_lanes(struct exec *x, const struct windows *w, struct column *to)
{
    struct window_cursor c = window_cursor_start();
    struct batch b;
    for (size_t step = 0; batch_take(w, &c, &step, &b);) {
        struct kahan sums[LANES] = {{0}};
        batch_add(&b, w->values, 0, sums);
        for (size_t k = 0; k < b.n; k++)
            column_set(to, b.step[k], kahan_value(&sums[k]));
        TRY(exec_work(x, b.samples));
    }
    return OK;
}

struct err
window_sums(struct exec *x, const struct windows *w, struct column *to)
{
    if (overlap_much(w))
        return sums_in_lanes(x, w, to);
    struct window_cursor c = window_cursor_start();
    for (size_t step = 0; step < w->steps; step++) {
        if (!window_move(w, &c, step))
            continue;
        struct kahan k = add_alone(w->values, c.lo, c.hi, (struct kahan){0});
        column_set(to, step, kahan_value(&k));
        TRY(exec_work(x, c.hi - c.lo));
    }
    return OK;
}

static double
mean_alone(const double *v, const struct window_cursor *c)
{
    struct kahan_mean m = {0};
    for (size_t i = c->lo; i < c->hi; i++)
        kahan_mean_add(&m, v[i]);
    return kahan_mean_value(&m);
}

static struct err
means_in_lanes(struct exec *x, const struct windows *w, struct column *to)
{
    struct window_cursor c = window_cursor_start();
    struct batch b;
    for (size_t step = 0; batch_take(w, &c, &step, &b);) {
        struct kahan sums[LANES];
        for (size_t k = 0; k < LANES; k++)
            sums[k] = (struct kahan){w->values[b.at[k].lo], 0};
        batch_add(&b, w->values, 1, sums);
        for (size_t k = 0; k < b.n; k++) {
            struct kahan_mean m = {.k = sums[k], .count = (double)(b.at[k].hi - b.at[k].lo)};
            bool sure = isfinite(sums[k].sum); /* a sum that overflows goes on as a running mean */
            column_set(to, b.step[k],
                       sure ? kahan_mean_value(&m) : mean_alone(w->values, &b.at[k]));
        }
        TRY(exec_work(x, b.samples));
    }
    return OK;
}

struct err
window_means(struct exec *x, const struct windows *w, struct column *to)
{
    if (overlap_much(w))
        return means_in_lanes(x, w, to);
    struct window_cursor c = window_cursor_start();
    for (size_t step = 0; step < w->steps; step++) {
        if (!window_move(w, &c, step))
            continue;
        column_set(to, step, mean_alone(w->values, &c));
        TRY(exec_work(x, c.hi - c.lo));
    }
    return OK;
}
