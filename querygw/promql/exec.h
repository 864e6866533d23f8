/* exec.h - what one running query shares between its operators: memory, limits, counters.
 *
 * Every loop whose length depends on data calls exec_work(); whatever keeps samples calls
 * exec_hold(). Threads: one query, one thread. */
#pragma once
#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/pool.h"
#include "querygw/promql/notes.h"
#include "querygw/store/store.h"

enum { PROMQL_SAMPLES_MAX_DEFAULT = 50 * 1000 * 1000 }; /* 16 bytes each */

struct measures;

struct promql_limits {
    size_t samples_max;          /* in memory at a time; 0: PROMQL_SAMPLES_MAX_DEFAULT */
    const struct clock *clock;   /* NULL: no deadline */
    uint64_t deadline_ns;        /* monotonic; 0: none */
    bool (*canceled)(void *arg); /* NULL: never */
    void *arg;
    /* Series are evaluated on its threads, too; NULL: on the caller's alone. Borrowed. canceled()
     * is then called on them. */
    struct pool *pool;
    size_t batch_series;       /* that a thread takes at a time; 0: by their size */
    struct measures *measures; /* of every operator: measure.h; NULL: nobody asks. Wants a clock */
    bool counts_steps;         /* promql_stats.steps */
    bool delays_names;         /* no limit but an option: delayed_name.h */
    bool use_start_timestamps; /* no limit but an option: Prometheus' use-start-timestamps */
};

/* Samples that are looked at for one step. */
struct promql_step_stats {
    uint64_t total, read;
};

/* Prometheus' query statistics. */
struct promql_stats {
    uint64_t samples_total;          /* looked at, each window in full */
    uint64_t samples_read;           /* looked at, overlaps of windows counted once */
    uint64_t samples_peak;           /* in memory at a time */
    struct promql_step_stats *steps; /* of the query's grid; NULL: not asked for, or a subquery */
};

static inline void
stats_count(struct promql_stats *s, size_t step, uint64_t total, uint64_t read)
{
    s->samples_total += total;
    s->samples_read += read;
    if (s->steps) {
        s->steps[step].total += total;
        s->steps[step].read += read;
    }
}

struct select_reader;

struct exec {
    struct arena *arena; /* borrowed */
    struct store *store; /* borrowed; NULL for a tenant without data */
    struct promql_limits limits;
    struct promql_stats stats;
    struct notes notes;
    struct select_reader *readers; /* all of the query, to be closed with it */
    bool leaves_names; /* names that a leaf opened now would drop are left to who joins batches */
    size_t samples_held;
    size_t work;        /* since the last look at clock and client */
    uint64_t hash_seed; /* of label sets */
};

/* Deadline, client and arena: ERR_TIMEOUT, ERR_CANCELED, ERR_LIMIT. */
struct err exec_check(struct exec *x);
/* Counts samples as in memory; ERR_LIMIT with Prometheus' text when there are too many. */
struct err exec_hold(struct exec *x, size_t samples);
void exec_release(struct exec *x, size_t samples);
/* An arena of the budget of the query's for what lives shorter than that, to be reset by whoever
 * asked for it; released with the query's. */
struct arena *exec_scratch(struct exec *x);

enum { EXEC_WORK_BETWEEN_CHECKS = 1 << 18 }; /* elements: below a millisecond */

/* `units` elements were handled: exec_check() now and then. */
static inline struct err
exec_work(struct exec *x, size_t units)
{
    x->work += units;
    if (__builtin_expect(x->work < EXEC_WORK_BETWEEN_CHECKS, 1))
        return OK;
    return exec_check(x);
}
