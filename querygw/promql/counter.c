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

static bool
is_reset(const struct windows *w, size_t i)
{
    return w->values[i] < w->values[i - 1] || (w->starts_ms && counter_started_at(w, i));
}

struct counter_resets
counter_resets_find(struct window_scratch *scratch, const struct windows *w)
{
    struct counter_resets r = {.at = window_scratch_get(scratch, w->n, sizeof *r.at)};
    if (w->starts_ms) {
        for (size_t i = 1; i < w->n; i++)
            if (is_reset(w, i))
                r.at[r.n++] = (uint32_t)i;
        return r;
    }
    for (size_t i = 1; i < w->n; i++) { /* no branch: a gauge falls as often as it rises */
        r.at[r.n] = (uint32_t)i;
        r.n += w->values[i] < w->values[i - 1];
    }
    return r;
}

double
counter_resets_add(struct counter_resets *r, const struct windows *w, const struct window_cursor *c,
                   double to)
{
    while (r->hi < r->n && r->at[r->hi] < c->hi)
        r->hi++;
    while (r->lo < r->hi && r->at[r->lo] <= c->lo)
        r->lo++;
    for (size_t i = r->lo; i < r->hi; i++)
        to += w->values[r->at[i] - 1];
    return to;
}

const uint32_t *
counter_resets_until(struct window_scratch *scratch, const struct windows *w)
{
    uint32_t *until = window_scratch_get(scratch, w->n, sizeof *until);
    for (size_t i = 0; i < w->n; i++)
        until[i] = i == 0 ? 0 : until[i - 1] + is_reset(w, i);
    return until;
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
