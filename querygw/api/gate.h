/* gate.h - how many queries run at once: a numbered place each; others wait in the order in which
 * they came, until their deadline or until their client is gone.
 *
 * A waiting query holds its worker, so a pool needs more workers than places.
 * Threads: open and close by the owner; the rest any. */
#pragma once
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/metrics.h"

struct gate;

struct gate_opts {
    size_t places;             /* > 0 */
    const struct clock *clock; /* borrowed for life, as metrics */
    struct metrics *metrics;   /* NULL: thanos_query_concurrent_gate_queries_* are not told */
};

/* The caller owns the result. */
struct gate *gate_open(const struct gate_opts *opts);
/* Nobody may be inside. NULL is allowed. */
void gate_close(struct gate *g);
DEFINE_AUTO(struct gate *, gate_close)
/* A place below `places`, until gate_leave(). None is free: ERR_TIMEOUT past deadline_ns
 * (monotonic; 0: none), ERR_CANCELED once gone(arg), which is asked ten times a second. */
struct err gate_enter(struct gate *g, uint64_t deadline_ns, bool (*gone)(void *arg), void *arg,
                      size_t *ret_place);
void gate_leave(struct gate *g, size_t place);
