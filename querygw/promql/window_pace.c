/* window_pace.c - sums of clamped arithmetic progressions. */
#include "querygw/promql/window_pace.h"

#include "base/assert.h"
#include "base/mem.h"
#include "querygw/promql/func_range.h"

enum { SAMPLES_MIN = 4 };             /* below, nothing is gained */
#define NUMBER_MAX (INT64_C(1) << 38) /* times PROMQL_STEPS_MAX is an int64 */

static bool
is_even(const int64_t *t_ms, size_t n, int64_t apart_ms)
{
    uint64_t differ = 0; /* no branch: the loop is done sooner than it would be left */
    for (size_t i = 1; i < n; i++)
        differ |= (uint64_t)(t_ms[i] - t_ms[i - 1]) ^ (uint64_t)apart_ms;
    return differ == 0;
}

/* The number of the first sample behind `t_ms`; false when it is too large to count with. */
static bool
number_behind(const struct windows *w, int64_t t_ms, int64_t apart_ms, int64_t *ret_number)
{
    int64_t since_ms;
    if (__builtin_sub_overflow(t_ms, w->t_ms[0], &since_ms))
        return false;
    int64_t whole = since_ms / apart_ms - (since_ms % apart_ms < 0);
    *ret_number = whole + 1;
    return whole > -NUMBER_MAX && whole < NUMBER_MAX;
}

struct window_pace
window_pace_find(const struct windows *w)
{
    struct window_pace none = {.even = false}, p = {.even = true};
    if (w->n < SAMPLES_MIN)
        return none;
    int64_t apart_ms = w->t_ms[1] - w->t_ms[0];
    int64_t step_ms = w->steps > 1 ? w->step_ms : 0;
    p.every = step_ms / apart_ms;
    if (step_ms % apart_ms != 0 || p.every >= NUMBER_MAX || !is_even(w->t_ms, w->n, apart_ms) ||
        !number_behind(w, w->start_ms, apart_ms, &p.hi) ||
        !number_behind(w, w->start_ms - w->range_ms, apart_ms, &p.lo))
        return none;
    return p;
}

/* Of the numbers first + k * every for each step k, cut to [0, n]. */
static uint64_t
sum_of_numbers(int64_t first, int64_t every, size_t n, uint32_t steps)
{
    int64_t many = steps, last = (int64_t)n;
    if (every == 0)
        return (uint64_t)many * window_pace_at(first, n);
    int64_t above = first > 0 ? 0 : -first / every + 1; /* the first step that is above 0 */
    int64_t full = first >= last ? 0 : (last - first + every - 1) / every;
    above = i64_min(above, many);
    full = i64_min(full, many);
    int64_t between = full - above;
    ASSERT(between >= 0);
    int64_t numbers = (above + full - 1) * between / 2; /* of the steps between */
    return (uint64_t)(between * first + every * numbers + (many - full) * last);
}

struct window_pace_counts
window_pace_count(const struct windows *w)
{
    const struct window_pace *p = &w->pace;
    uint64_t total = sum_of_numbers(p->hi, p->every, w->n, w->steps) -
                     sum_of_numbers(p->lo, p->every, w->n, w->steps);
    int64_t last_hi = p->hi + p->every * (int64_t)(w->steps - 1);
    bool gaps = p->every > p->hi - p->lo;
    return (struct window_pace_counts){
        .total = total,
        .read = gaps ? total : window_pace_at(last_hi, w->n) - window_pace_at(p->lo, w->n),
    };
}
