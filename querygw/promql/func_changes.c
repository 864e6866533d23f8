/* func_changes.c - how often neighbours differ: changes(), resets().
 *
 * Counted once a series: a window is the difference of two counts. */
#include <math.h>

#include "querygw/promql/counter.h"

bool
values_differ(double before, double now)
{
    return now != before && !(isnan(now) && isnan(before));
}

const uint32_t *
changes_until(struct window_scratch *scratch, const struct windows *w)
{
    uint32_t *until = window_scratch_get(scratch, w->n, sizeof *until);
    for (size_t i = 0; i < w->n; i++)
        until[i] = i == 0 ? 0 : until[i - 1] + values_differ(w->values[i - 1], w->values[i]);
    return until;
}

static void
count_steps(const struct windows *w, const uint32_t *until, struct column *to)
{
    struct window_cursor c = window_cursor_start();
    for (size_t step = 0; step < w->steps; step++)
        if (window_move(w, &c, step))
            column_set(to, step, until[c.hi - 1] - until[c.lo]);
}

struct err
run_changes(struct exec *x, struct window_scratch *scratch, const struct windows *w,
            struct column *to)
{
    (void)x;
    count_steps(w, changes_until(scratch, w), to);
    return OK;
}

struct err
run_resets(struct exec *x, struct window_scratch *scratch, const struct windows *w,
           struct column *to)
{
    (void)x;
    count_steps(w, counter_resets_until(scratch, w), to);
    return OK;
}
