/* judge.h - what becomes of a sample, by its time alone. Pure.
 *
 * Source: spec/tsdb.md section 12, "Decision for sample t" (prometheus tsdb/head_append.go,
 * memSeries.appendable). In this order:
 *
 *   t >= min_valid and newer than the series   in order: judge_in_order(), the usual case
 *   t >= min_valid and at its newest sample    repeated, or a duplicate when the values differ
 *   within the out-of-order window             stored late
 *   anything else                              too old with a window; without one out of bounds
 *                                              below min_valid, out of order above it
 *
 * So a sample below min_valid that repeats the newest one is no repetition: as in Prometheus it
 * goes to the window, or is refused. What has the time of a sample already stored late is found
 * only when it is inserted: ooo_chunk.h. The caller judges again when it stores, since another
 * request may have come in between. Threads: any (values). */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "tsdb/head/append.h"

/* Limits of one request, read once at its beginning. */
struct judge_limits {
    int64_t min_valid_ms; /* in-order samples start here */
    int64_t late_min_ms;  /* late samples start here; meaningless without a window */
    bool late_allowed;    /* the out-of-order window is not 0 */
};

/* `head_maxt_ms` is the newest sample of the whole head, INT64_MIN while it is empty: then every
 * late sample lies in the window. `window_ms` 0 turns late samples off. */
static inline struct judge_limits
judge_limits_of(int64_t min_valid_ms, int64_t head_maxt_ms, int64_t window_ms)
{
    int64_t late_min;
    if (__builtin_sub_overflow(head_maxt_ms, window_ms, &late_min))
        late_min = INT64_MIN;
    return (struct judge_limits){min_valid_ms, late_min, window_ms > 0};
}

/* The newest in-order sample of a series, if it has one. */
struct judge_last {
    int64_t t_ms;
    bool known;
};

/* How a sample's value compares with that of the newest one: bit for bit, and a float never
 * equals a histogram. Asked for at equal times only. */
enum judge_value { JUDGE_OTHER_VALUE, JUDGE_SAME_VALUE };

/* SAMPLE_STORED. The only branch that a sender in good order takes. */
static inline bool
judge_in_order(const struct judge_limits *l, struct judge_last last, int64_t t_ms)
{
    bool newer = !last.known || t_ms > last.t_ms;
    return __builtin_expect(newer && t_ms >= l->min_valid_ms, 1);
}
/* Any fate but SAMPLE_STORED: for what judge_in_order() has refused. */
enum sample_fate judge_rest(const struct judge_limits *l, struct judge_last last, int64_t t_ms,
                            enum judge_value value);
