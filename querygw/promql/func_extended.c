/* func_extended.c - rate, increase, delta, changes and resets over extended windows.
 *
 * A window sees the samples in (begin - lookback, end], smoothed ones those up to end + lookback
 * as well. Nothing is extrapolated: the growth is that between the values at the borders. */
#include "base/bytes.h"
#include "base/mem.h"
#include "querygw/promql/counter.h"
#include "querygw/promql/extended.h"

struct extended_cursor {
    struct window_cursor seen;
    size_t inside; /* the first sample behind the begin of the window */
    size_t end;    /* the first sample at or behind its end */
};

struct extended_window
extended_window_at(const struct windows *w, int64_t seen_until_ms)
{
    int64_t end_ms = seen_until_ms - w->after_ms;
    return (struct extended_window){.end_ms = end_ms,
                                    .begin_ms = end_ms - (w->range_ms - w->before_ms - w->after_ms),
                                    .smoothed = w->after_ms > 0};
}

bool
extended_window_set(struct extended_window *e, size_t lo, size_t hi, size_t inside, size_t end)
{
    if (inside >= hi)
        return false;
    e->first = inside > lo ? inside - 1 : inside;
    e->last = e->smoothed ? size_min(end, hi - 1) : hi - 1;
    e->from = inside;
    e->to = size_min(end, hi);
    e->last_has_left = e->last > lo;
    return true;
}

/* Moves to `step`; false when no sample is behind the begin of the window. */
static bool
extended_move(const struct windows *w, struct extended_cursor *c, size_t step,
              struct extended_window *e)
{
    if (!window_move(w, &c->seen, step))
        return false;
    *e = extended_window_at(w, window_end_ms(w, step));
    while (c->inside < w->n && w->t_ms[c->inside] <= e->begin_ms)
        c->inside++;
    while (c->end < w->n && w->t_ms[c->end] < e->end_ms)
        c->end++;
    return extended_window_set(e, c->seen.lo, c->seen.hi, c->inside, c->end);
}

/* Between samples i - 1 and i. A counter that fell starts from 0. */
static double
interpolate(const int64_t *t_ms, const double *values, size_t i, int64_t at_ms, bool counter)
{
    double before = values[i - 1], after = values[i];
    if (counter && after < before)
        before = 0;
    return before +
           (after - before) * (double)(at_ms - t_ms[i - 1]) / (double)(t_ms[i] - t_ms[i - 1]);
}

static double
value_at_begin(const struct windows *w, const struct extended_window *e, bool counter)
{
    if (e->smoothed && w->t_ms[e->first] < e->begin_ms)
        return interpolate(w->t_ms, w->values, e->first + 1, e->begin_ms, counter);
    return w->values[e->first];
}

static double
value_at_end(const struct windows *w, const struct extended_window *e, bool counter)
{
    if (e->smoothed && e->last_has_left && w->t_ms[e->last] > e->end_ms)
        return interpolate(w->t_ms, w->values, e->last, e->end_ms, counter);
    return w->values[e->last];
}

/* What the counter lost to resets on the way from the value at the begin to that at the end. */
static double
lost_to_resets(struct counter_resets *resets, const struct windows *w,
               const struct extended_window *e, double left, double right)
{
    if (e->from >= e->to)
        return right < left ? left : 0;
    double lost = w->values[e->from] < left ? left : 0;
    lost = counter_resets_add(resets, &(struct window_cursor){e->from, e->to}, lost);
    return right < w->values[e->to - 1] ? lost + w->values[e->to - 1] : lost;
}

enum growth_kind { GROWTH_PER_SECOND, GROWTH_INCREASE, GROWTH_DELTA };

static struct err
run_growth(struct exec *x, struct window_scratch *scratch, const struct windows *w,
           struct column *to, enum growth_kind kind)
{
    bool counter = kind != GROWTH_DELTA;
    double seconds = duration_seconds(w->range_ms - w->before_ms - w->after_ms);
    struct counter_resets resets = {0};
    if (counter)
        resets = counter_resets_find(scratch, w);
    struct extended_cursor c = {0};
    for (size_t step = 0; step < w->steps; step++) {
        struct extended_window e;
        if (!extended_move(w, &c, step, &e) || (e.smoothed && w->t_ms[e.first] > e.end_ms))
            continue;
        double left = value_at_begin(w, &e, counter), right = value_at_end(w, &e, counter);
        double growth = right - left;
        if (counter)
            growth += lost_to_resets(&resets, w, &e, left, right);
        column_set(to, step, kind == GROWTH_PER_SECOND ? growth / seconds : growth);
        TRY(exec_work(x, 1 + resets.hi - resets.lo));
    }
    return OK;
}

/* Anchored: the last sample at or before the begin is the first to compare with. `until` counts
 * up to each sample. */
static struct err
count_between(const struct windows *w, const uint32_t *until, struct column *to)
{
    struct extended_cursor c = {0};
    for (size_t step = 0; step < w->steps; step++) {
        struct extended_window e;
        if (extended_move(w, &c, step, &e))
            column_set(to, step, until[e.last] - until[e.first]);
    }
    return OK;
}

#define RUN(name, body)                                                                            \
    static struct err name(struct exec *x, struct window_scratch *scratch,                         \
                           const struct windows *w, struct column *to)                             \
    {                                                                                              \
        (void)x;                                                                                   \
        return body;                                                                               \
    }

RUN(run_rate_between, run_growth(x, scratch, w, to, GROWTH_PER_SECOND))
RUN(run_increase_between, run_growth(x, scratch, w, to, GROWTH_INCREASE))
RUN(run_delta_between, run_growth(x, scratch, w, to, GROWTH_DELTA))
RUN(run_changes_between, count_between(w, changes_until(scratch, w), to))
RUN(run_resets_between, count_between(w, counter_resets_until(scratch, w), to))

/* The first SMOOTHED_COUNT of them may be smoothed. */
static const struct range_function functions[] = {
    {.id = PROMQL_FN_RATE,
     .run = run_rate_between,
     .run_mixed = mixed_rate_between,
     .wants_counter = true},
    {.id = PROMQL_FN_INCREASE,
     .run = run_increase_between,
     .run_mixed = mixed_increase_between,
     .wants_counter = true},
    {.id = PROMQL_FN_DELTA, .run = run_delta_between, .run_mixed = mixed_delta_between},
    {.id = PROMQL_FN_CHANGES, .run = run_changes_between, .run_mixed = mixed_changes_between},
    {.id = PROMQL_FN_RESETS,
     .run = run_resets_between,
     .run_started = run_resets_between,
     .run_mixed = mixed_resets_between},
};
enum { SMOOTHED_COUNT = 3 };

const struct range_function *
extended_function_find(enum promql_fn id, bool smoothed)
{
    for (size_t i = 0; i < (smoothed ? SMOOTHED_COUNT : ARRAY_LEN(functions)); i++)
        if (functions[i].id == id)
            return &functions[i];
    return NULL;
}

const char *
extended_function_names(bool smoothed)
{
    return smoothed ? "delta, increase, rate" : "changes, delta, increase, rate, resets";
}

void
extended_smooth(const struct plan_select *s, const struct promql_grid *grid,
                const struct sample_columns *from, struct column *to)
{
    const double *values = (const double *)(const void *)from->bits;
    size_t next = 0; /* the first sample at or behind the step */
    for (size_t step = 0; step < grid->steps; step++) {
        int64_t end_ms = grid_time_ms(grid, step) - s->shift_ms; /* of what is seen */
        int64_t time_ms = end_ms - s->after_ms;
        while (next < from->n && from->t_ms[next] < time_ms)
            next++;
        bool follows = next < from->n && from->t_ms[next] <= end_ms;
        bool precedes = next > 0 && from->t_ms[next - 1] > time_ms - s->before_ms;
        if (follows && from->t_ms[next] == time_ms)
            column_set(to, step, values[next]);
        else if (precedes && follows)
            column_set(to, step, interpolate(from->t_ms, values, next, time_ms, false));
        else if (precedes)
            column_set(to, step, values[next - 1]);
    }
}

static void
push(struct sample_columns *to, int64_t t_ms, uint64_t bits)
{
    to->t_ms[to->n] = t_ms;
    to->bits[to->n++] = bits;
}

struct err
extended_samples(struct select_reader *r)
{
    const struct plan_select *s = r->what;
    struct sample_columns *v = &r->samples;
    if (r->histograms.n)
        return ERR(ERR_EXECUTION, "%s modifier is not supported with histograms",
                   s->after_ms ? "smoothed" : "anchored");
    struct windows w = {
        .t_ms = v->t_ms,
        .values = (const double *)(const void *)v->bits,
        .n = v->n,
        .start_ms = r->grid.start_ms - s->shift_ms,
        .range_ms = s->window_ms,
        .before_ms = s->before_ms,
        .after_ms = s->after_ms,
        .steps = 1,
    };
    struct extended_cursor c = {0};
    struct extended_window e;
    struct sample_columns out = SAMPLE_COLUMNS_INIT;
    if (extended_move(&w, &c, 0, &e)) {
        sample_columns_reserve(&out, v->n + 2);
        push(&out, e.begin_ms, bits_of_f64(value_at_begin(&w, &e, false)));
        for (size_t i = e.from; i < e.to; i++)
            push(&out, v->t_ms[i], v->bits[i]);
        push(&out, e.end_ms, bits_of_f64(value_at_end(&w, &e, false)));
    }
    exec_release(r->x, v->n);
    sample_columns_fini(v);
    *v = out;
    return exec_hold(r->x, v->n);
}
