/* counter.h - where a counter begins anew: its value falls, or its start timestamp says so.
 *
 * Source: prometheus promql/functions.go (isStartTimestampReset, checkStartTimeOverlap).
 * Threads: one query. */
#pragma once
#include "querygw/promql/func_range_int.h"

/* Numbered from 0 on. */
struct counter_resets {
    double *lost;    /* the value before each reset */
    uint32_t *until; /* for each sample: how many resets lead up to it */
    size_t lo, hi;   /* those within the window that was looked at last */
};

/* Sample i, not the first, is behind a reset as its start timestamp tells; w has those. */
bool counter_started_at(const struct windows *w, size_t i);
/* The same as its value or, where w has them, its start timestamp tells. */
bool counter_was_reset(const struct windows *w, size_t i);

/* A counter's start that is known, behind the begin of a window and before its first sample: it was
 * 0 then. */
static inline bool
counter_start_within(int64_t start_ms, int64_t begin_ms, int64_t first_ms)
{
    return start_ms != 0 && start_ms > begin_ms && start_ms < first_ms;
}

/* In scratch memory; start timestamps count where w has some. */
struct counter_resets counter_resets_find(struct window_scratch *scratch, const struct windows *w);
/* `to` and what the counter lost to resets between the samples of the window [lo, hi), added in
 * their order. */
static inline double
counter_resets_add(struct counter_resets *r, const struct window_cursor *c, double to)
{
    r->lo = r->hi = 0;
    if (c->lo >= c->hi)
        return to;
    r->lo = r->until[c->lo];
    r->hi = r->until[c->hi - 1];
    for (size_t i = r->lo; i < r->hi; i++)
        to += r->lost[i];
    return to;
}
/* How many resets lead up to each sample; in scratch memory. */
const uint32_t *counter_resets_until(struct window_scratch *scratch, const struct windows *w);

/* How many windows hold a sample that started before its predecessor was taken, but not when
 * that one did; w has start timestamps. */
size_t counter_overlaps(const struct windows *w);
