/* counter.h - where a counter begins anew: its value falls, or its start timestamp says so.
 *
 * Source: prometheus promql/functions.go (isStartTimestampReset, checkStartTimeOverlap).
 * Threads: one query. */
#pragma once
#include "querygw/promql/func_range_int.h"

struct counter_resets {
    uint32_t *at; /* positions i of samples that begin anew, behind the first */
    size_t n;
    size_t lo, hi; /* those within the window: cursors of their own */
};

/* Sample i, not the first, is behind a reset as its start timestamp tells; w has those. */
bool counter_started_at(const struct windows *w, size_t i);

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
 * their order. Windows only move forward. */
double counter_resets_add(struct counter_resets *r, const struct windows *w,
                          const struct window_cursor *c, double to);
/* How many resets lead up to each sample; in scratch memory. */
const uint32_t *counter_resets_until(struct window_scratch *scratch, const struct windows *w);

/* How many windows hold a sample that started before its predecessor was taken, but not when
 * that one did; w has start timestamps. */
size_t counter_overlaps(const struct windows *w);
