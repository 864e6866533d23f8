/* func_range.c - functions over windows that need no arithmetic between neighbours: sums,
 * means, extremes, counts. Rates stand in func_rate.c. */
#include "querygw/promql/func_range.h"

#include <math.h>

#include "base/assert.h"
#include "base/mem.h"
#include "querygw/promql/func_range_int.h"
#include "querygw/promql/window_sums.h"

/* Up to 2^53 every integer is a double: sums are exact in any order. */
#define EXACT_SUM_MAX 9007199254740992.0

enum { OVERLAP_MIN = 4 }; /* windows a sample is in, before prefix sums pay */

void *
window_scratch_get(struct window_scratch *s, size_t count, size_t item_bytes)
{
    ASSERT(item_bytes > 0);
    size_t bytes = size_max(count, 1) * item_bytes;
    if (bytes > s->bytes) {
        s->bytes = size_max(bytes, 2 * s->bytes);
        s->p = arena_alloc(s->arena, s->bytes);
    }
    return s->p;
}

/* Sums of the first i values in ret_sums[i], n + 1 of them; false unless all are integers whose
 * every sum is exact. */
static bool
exact_prefix_sums(const struct windows *w, double *ret_sums)
{
    double sum = 0, magnitude = 0;
    ret_sums[0] = 0;
    for (size_t i = 0; i < w->n; i++) {
        double v = w->values[i];
        magnitude += fabs(v);
        if (!(magnitude < EXACT_SUM_MAX) || v != rint(v))
            return false;
        sum += v;
        ret_sums[i + 1] = sum;
    }
    return true;
}

/* NULL when windows overlap little or the sums would not be exact. */
static const double *
prefix_sums(struct window_scratch *scratch, const struct windows *w)
{
    if (w->steps == 1 || w->step_ms == 0 || w->range_ms / w->step_ms < OVERLAP_MIN)
        return NULL;
    double *sums = window_scratch_get(scratch, w->n + 1, sizeof *sums);
    return exact_prefix_sums(w, sums) ? sums : NULL;
}

static struct err
run_sum(struct exec *x, struct window_scratch *scratch, const struct windows *w, struct column *to)
{
    const double *sums = prefix_sums(scratch, w);
    if (!sums)
        return window_sums(x, w, to);
    struct window_cursor c = window_cursor_start();
    for (size_t step = 0; step < w->steps; step++)
        if (window_move(w, &c, step))
            column_set(to, step, sums[c.hi] - sums[c.lo]);
    return OK;
}

static struct err
run_avg(struct exec *x, struct window_scratch *scratch, const struct windows *w, struct column *to)
{
    const double *sums = prefix_sums(scratch, w);
    if (!sums)
        return window_means(x, w, to);
    struct window_cursor c = window_cursor_start();
    for (size_t step = 0; step < w->steps; step++)
        if (window_move(w, &c, step))
            column_set(to, step, (sums[c.hi] - sums[c.lo]) / (double)(c.hi - c.lo));
    return OK;
}

static struct err
run_count(struct exec *x, struct window_scratch *scratch, const struct windows *w,
          struct column *to)
{
    (void)x, (void)scratch;
    struct window_cursor c = window_cursor_start();
    for (size_t step = 0; step < w->steps; step++)
        if (window_move(w, &c, step))
            column_set(to, step, (double)(c.hi - c.lo));
    return OK;
}

static struct err
run_last(struct exec *x, struct window_scratch *scratch, const struct windows *w, struct column *to)
{
    (void)x, (void)scratch;
    struct window_cursor c = window_cursor_start();
    for (size_t step = 0; step < w->steps; step++)
        if (window_move(w, &c, step))
            column_set(to, step, w->values[c.hi - 1]);
    return OK;
}

static struct err
run_first(struct exec *x, struct window_scratch *scratch, const struct windows *w,
          struct column *to)
{
    (void)x, (void)scratch;
    struct window_cursor c = window_cursor_start();
    for (size_t step = 0; step < w->steps; step++)
        if (window_move(w, &c, step))
            column_set(to, step, w->values[c.lo]);
    return OK;
}

static struct err
run_present(struct exec *x, struct window_scratch *scratch, const struct windows *w,
            struct column *to)
{
    (void)x, (void)scratch;
    struct window_cursor c = window_cursor_start();
    for (size_t step = 0; step < w->steps; step++)
        if (window_move(w, &c, step))
            column_set(to, step, 1);
    return OK;
}

static struct err
run_ts_of_first(struct exec *x, struct window_scratch *scratch, const struct windows *w,
                struct column *to)
{
    (void)x, (void)scratch;
    struct window_cursor c = window_cursor_start();
    for (size_t step = 0; step < w->steps; step++)
        if (window_move(w, &c, step))
            column_set(to, step, (double)w->t_ms[c.lo] / 1000);
    return OK;
}

static struct err
run_ts_of_last(struct exec *x, struct window_scratch *scratch, const struct windows *w,
               struct column *to)
{
    (void)x, (void)scratch;
    struct window_cursor c = window_cursor_start();
    for (size_t step = 0; step < w->steps; step++)
        if (window_move(w, &c, step))
            column_set(to, step, (double)w->t_ms[c.hi - 1] / 1000);
    return OK;
}

/* The oldest of equal values stays when their value is told, as -0 and 0 differ in print; the
 * newest when their time is. */
enum extreme { EXTREME_VALUE, EXTREME_TIME };

static bool
is_beaten(double sign, double old, double new, enum extreme what)
{
    return what == EXTREME_VALUE ? sign * old < sign * new : sign *old <= sign *new;
}

/* `sign` 1 finds maxima, -1 minima. `queue` holds the positions that can still become the
 * extreme of a window, best first: every later one is smaller (NaN stays out; a window of
 * nothing else yields NaN, and the time of the last). */
static void
run_extreme(struct window_scratch *scratch, const struct windows *w, struct column *to, double sign,
            enum extreme what)
{
    uint32_t *queue = window_scratch_get(scratch, w->n, sizeof *queue);
    size_t head = 0, tail = 0, taken = 0;
    struct window_cursor c = window_cursor_start();
    for (size_t step = 0; step < w->steps; step++) {
        bool any = window_move(w, &c, step);
        taken = size_max(taken, c.lo); /* what no window saw need not be queued */
        for (; taken < c.hi; taken++) {
            if (isnan(w->values[taken]))
                continue;
            while (tail > head &&
                   is_beaten(sign, w->values[queue[tail - 1]], w->values[taken], what))
                tail--;
            queue[tail++] = (uint32_t)taken;
        }
        while (head < tail && queue[head] < c.lo)
            head++;
        if (!any)
            continue;
        size_t best = head < tail ? queue[head] : c.hi - 1;
        column_set(to, step,
                   what == EXTREME_VALUE ? w->values[best] : (double)w->t_ms[best] / 1000);
    }
}

#define RUN_EXTREME(name, sign, what)                                                              \
    static struct err name(struct exec *x, struct window_scratch *scratch,                         \
                           const struct windows *w, struct column *to)                             \
    {                                                                                              \
        (void)x;                                                                                   \
        run_extreme(scratch, w, to, sign, what);                                                   \
        return OK;                                                                                 \
    }

RUN_EXTREME(run_max, 1, EXTREME_VALUE)
RUN_EXTREME(run_min, -1, EXTREME_VALUE)
RUN_EXTREME(run_ts_of_max, 1, EXTREME_TIME)
RUN_EXTREME(run_ts_of_min, -1, EXTREME_TIME)

static const struct range_function functions[] = {
    {.id = PROMQL_FN_RATE,
     .run = run_rate,
     .run_started = run_started_rate,
     .run_mixed = mixed_rate,
     .wants_counter = true},
    {.id = PROMQL_FN_INCREASE,
     .run = run_increase,
     .run_started = run_started_increase,
     .run_mixed = mixed_increase,
     .wants_counter = true},
    {.id = PROMQL_FN_DELTA, .run = run_delta, .run_mixed = mixed_delta},
    {.id = PROMQL_FN_IRATE,
     .run = run_irate,
     .run_started = run_started_irate,
     .run_mixed = mixed_irate},
    {.id = PROMQL_FN_IDELTA, .run = run_idelta, .run_mixed = mixed_idelta},
    {.id = PROMQL_FN_SUM_OVER_TIME, .run = run_sum, .run_mixed = mixed_sum},
    {.id = PROMQL_FN_AVG_OVER_TIME, .run = run_avg, .run_mixed = mixed_avg},
    {.id = PROMQL_FN_MIN_OVER_TIME, .run = run_min},
    {.id = PROMQL_FN_MAX_OVER_TIME, .run = run_max},
    {.id = PROMQL_FN_COUNT_OVER_TIME, .run = run_count, .run_mixed = mixed_count},
    {.id = PROMQL_FN_LAST_OVER_TIME, .run = run_last, .run_mixed = mixed_last, .keeps_name = true},
    {.id = PROMQL_FN_FIRST_OVER_TIME,
     .run = run_first,
     .run_mixed = mixed_first,
     .keeps_name = true},
    {.id = PROMQL_FN_PRESENT_OVER_TIME, .run = run_present, .run_mixed = mixed_present},
    {.id = PROMQL_FN_CHANGES, .run = run_changes, .run_mixed = mixed_changes},
    {.id = PROMQL_FN_RESETS,
     .run = run_resets,
     .run_started = run_resets,
     .run_mixed = mixed_resets},
    {.id = PROMQL_FN_DERIV, .run = run_deriv},
    {.id = PROMQL_FN_PREDICT_LINEAR, .run = run_predict_linear},
    {.id = PROMQL_FN_STDDEV_OVER_TIME, .run = run_stddev},
    {.id = PROMQL_FN_STDVAR_OVER_TIME, .run = run_stdvar},
    {.id = PROMQL_FN_QUANTILE_OVER_TIME, .run = run_quantile, .takes_quantile = true},
    {.id = PROMQL_FN_MAD_OVER_TIME, .run = run_mad},
    {.id = PROMQL_FN_DOUBLE_EXPONENTIAL_SMOOTHING, .run = run_smoothing},
    {.id = PROMQL_FN_TS_OF_FIRST_OVER_TIME, .run = run_ts_of_first, .run_mixed = mixed_ts_of_first},
    {.id = PROMQL_FN_TS_OF_LAST_OVER_TIME, .run = run_ts_of_last, .run_mixed = mixed_ts_of_last},
    {.id = PROMQL_FN_TS_OF_MAX_OVER_TIME, .run = run_ts_of_max},
    {.id = PROMQL_FN_TS_OF_MIN_OVER_TIME, .run = run_ts_of_min},
};

const struct range_function *
range_function_find(enum promql_fn id)
{
    for (size_t i = 0; i < ARRAY_LEN(functions); i++)
        if (functions[i].id == id)
            return &functions[i];
    return NULL;
}
