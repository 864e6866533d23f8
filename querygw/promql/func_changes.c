/* func_changes.c - how often neighbours differ: changes(), resets().
 *
 * Counted once a series: a window is the difference of two counts. */
#include <math.h>

#include "querygw/promql/func_range_int.h"

static bool
is_change(double before, double now, enum change_kind kind)
{
    if (kind == CHANGE_DOWN)
        return now < before;
    return now != before && !(isnan(now) && isnan(before));
}

const uint32_t *
changes_until(struct window_scratch *scratch, const struct windows *w, enum change_kind kind)
{
    uint32_t *until = window_scratch_get(scratch, w->n, sizeof *until);
    for (size_t i = 0; i < w->n; i++)
        until[i] = i == 0 ? 0 : until[i - 1] + is_change(w->values[i - 1], w->values[i], kind);
    return until;
}

static void
count_changes(struct window_scratch *scratch, const struct windows *w, struct column *to,
              enum change_kind kind)
{
    const uint32_t *until = changes_until(scratch, w, kind);
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
    count_changes(scratch, w, to, CHANGE_ANY);
    return OK;
}

struct err
run_resets(struct exec *x, struct window_scratch *scratch, const struct windows *w,
           struct column *to)
{
    (void)x;
    count_changes(scratch, w, to, CHANGE_DOWN);
    return OK;
}
