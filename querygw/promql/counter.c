/* counter.c - resets of counters and what their start timestamps tell. */
#include "querygw/promql/counter.h"

bool
counter_started_at(const struct windows *w, size_t i)
{
    int64_t before_ms = w->t_ms[i - 1], before_start_ms = w->starts_ms[i - 1];
    int64_t start_ms = w->starts_ms[i];
    if (start_ms == 0 || start_ms >= w->t_ms[i]) /* none, or one that nobody can know */
        return false;
    if (start_ms != before_ms)
        return start_ms > before_ms;
    /* A delta that begins where the last one ended; but behind a sample without a known start it
     * is a counter that was first seen there. */
    return before_start_ms != 0 && before_start_ms < before_ms;
}

bool
counter_was_reset(const struct windows *w, size_t i)
{
    return w->values[i] < w->values[i - 1] || (w->starts_ms && counter_started_at(w, i));
}

struct counter_resets
counter_resets_find(struct window_scratch *scratch, const struct windows *w)
{
    double *lost = window_scratch_get(scratch, w->n, sizeof *lost + sizeof(uint32_t));
    uint32_t *until = (uint32_t *)(void *)(lost + w->n);
    if (w->n > 0)
        until[0] = 0;
    size_t n = 0;
    for (size_t i = 1; i < w->n; i++) { /* no branch: a gauge falls as often as it rises */
        lost[n] = w->values[i - 1];
        n += w->starts_ms ? counter_was_reset(w, i) : w->values[i] < w->values[i - 1];
        until[i] = (uint32_t)n;
    }
    return (struct counter_resets){.lost = lost, .until = until};
}

const uint32_t *
counter_resets_until(struct window_scratch *scratch, const struct windows *w)
{
    return counter_resets_find(scratch, w).until;
}

static bool
overlaps(const struct windows *w, size_t i)
{
    int64_t start_ms = w->starts_ms[i];
    return start_ms != 0 && start_ms < w->t_ms[i - 1] && start_ms != w->starts_ms[i - 1];
}

size_t
counter_overlaps(const struct windows *w)
{
    struct window_cursor c = window_cursor_start();
    size_t count = 0, seen = 1, last = 0; /* the last overlap among samples [1, seen) */
    for (size_t step = 0; step < w->steps; step++) {
        if (!window_move(w, &c, step))
            continue;
        for (; seen < c.hi; seen++)
            if (overlaps(w, seen))
                last = seen;
        count += last > c.lo;
    }
    return count;
}
