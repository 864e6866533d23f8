/* loop.h - event loops: one libevent base and one thread each.
 * Threads: as each function says. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct loop;
struct loops;

/* `count` > 0 loops, each on a thread of its own. */
struct err loops_start(unsigned count, struct loops **ret_loops);
/* Every user must have been stopped before. NULL is allowed. */
void loops_stop(struct loops *l);
unsigned loops_count(const struct loops *l);
struct loop *loops_at(struct loops *l, unsigned i);

/* Runs fn(arg) on the loop's thread, in order of posting. Threads: any. */
void loop_post(struct loop *l, void (*fn)(void *arg), void *arg);
/* loop_post() and wait until it has run; not from a loop's own thread. */
void loop_call(struct loop *l, void (*fn)(void *arg), void *arg);
bool loop_is_current(const struct loop *l);
/* fn(arg) every `interval_ms` on the loop's thread until loop_timer_free(). Threads: loop. */
struct loop_timer;
struct loop_timer *loop_timer_new(struct loop *l, uint64_t interval_ms, void (*fn)(void *arg),
                                  void *arg);
void loop_timer_free(struct loop_timer *t);
/* A timer that runs fn(arg) once each time it is set; setting it again counts from then. Freed by
 * loop_timer_free(), which fn() may call. Threads: loop. */
struct loop_timer *loop_alarm_new(struct loop *l, void (*fn)(void *arg), void *arg);
void loop_alarm_set(struct loop_timer *t, uint64_t after_ms);
void loop_alarm_clear(struct loop_timer *t);
