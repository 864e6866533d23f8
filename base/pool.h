/* pool.h - worker threads over one bounded queue of jobs.
 *
 * Jobs start in the order of submission and run without any lock held.
 * Threads: any; pool_stop() by one, when nobody else uses the pool any more. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct pool;

struct pool_opts {
    const char *name;    /* thread names; borrowed for pool_start() */
    size_t threads;      /* > 0 */
    size_t queued_limit; /* jobs that may wait, > 0 */
    int niceness;        /* of the threads, above that of the process: 0 to 19 */
};

/* The caller owns *ret_pool. */
struct err pool_start(const struct pool_opts *opts, struct pool **ret_pool);
/* Runs every queued job, joins the threads, frees. What jobs submit meanwhile is refused. NULL
 * is allowed. */
void pool_stop(struct pool *p);
/* Queues run(arg). False when the queue is full: the caller still owns arg and answers
 * "overloaded". */
bool pool_submit(struct pool *p, void (*run)(void *arg), void *arg);
size_t pool_queued(const struct pool *p);
size_t pool_threads(const struct pool *p);

/* Calls run(arg, i) for i in [0, count) on the pool's threads and the caller's, and returns
 * when all are done. Safe when the pool is full (the caller then does it alone) and from
 * inside a job of the same pool. */
void pool_for_each(struct pool *p, size_t count, void (*run)(void *arg, size_t i), void *arg);
