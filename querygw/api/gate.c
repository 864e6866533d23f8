/* gate.c - places are handed from who leaves to who has waited longest.
 *
 * Metrics as Thanos' pkg/gate has them, and Prometheus' engine. */
#include "querygw/api/gate.h"

#include "base/assert.h"
#include "base/lock.h"
#include "base/vec.h"

enum { LOOK_NS = 100 * 1000 * 1000 }; /* between two looks at the client */

/* On the stack of a thread that waits. */
struct waiter {
    struct waiter *next;
    size_t place; /* once it is given */
    bool given;
};

struct gate_metrics {
    struct metric *in_flight, *engine_queries, *total, *duration; /* NULL: none */
};

struct gate {
    const struct clock *clock;
    size_t places;
    struct gate_metrics metrics;
    struct lock lock;
    struct cond given;
    VEC(size_t) free GUARDED_BY(lock); /* none while somebody waits */
    struct waiter *first, **last GUARDED_BY(lock);
};

static struct gate_metrics
register_metrics(struct metrics *m, size_t places)
{
    static const double waits_s[] = {0.01, 0.1, 0.3, 0.6, 1,   3,   6,   9,
                                     20,   30,  60,  90,  120, 240, 360, 720};
    static const struct metric_spec max = {.type = METRIC_GAUGE,
                                           .name = "thanos_query_concurrent_gate_queries_max",
                                           .help = "Maximum number of concurrent queries."},
                                    engine_max = {.type = METRIC_GAUGE,
                                                  .name =
                                                      "prometheus_engine_queries_concurrent_max",
                                                  .help = "The max number of concurrent queries."};
    static const struct metric_spec in_flight = {
        .type = METRIC_GAUGE,
        .name = "thanos_query_concurrent_gate_queries_in_flight",
        .help = "Number of queries that are currently in flight."};
    static const struct metric_spec engine_queries = {
        .type = METRIC_GAUGE,
        .name = "prometheus_engine_queries",
        .help = "The current number of queries being executed or waiting."};
    static const struct metric_spec total = {.type = METRIC_COUNTER,
                                             .name = "thanos_query_concurrent_gate_queries_total",
                                             .help = "Total number of queries."};
    static const struct metric_spec duration = {
        .type = METRIC_HISTOGRAM,
        .name = "thanos_query_concurrent_gate_queries_duration_seconds",
        .help = "How many seconds it took for queries to wait at the gate.",
        .buckets = waits_s,
        .bucket_count = ARRAY_LEN(waits_s)};
    metric_set(metrics_single(m, &max), (double)places);
    metric_set(metrics_single(m, &engine_max), (double)places);
    return (struct gate_metrics){.in_flight = metrics_single(m, &in_flight),
                                 .engine_queries = metrics_single(m, &engine_queries),
                                 .total = metrics_single(m, &total),
                                 .duration = metrics_single(m, &duration)};
}

struct gate *
gate_open(const struct gate_opts *opts)
{
    ASSERT(opts->places > 0);
    struct gate *g = mem_alloc_zero(sizeof *g);
    g->clock = opts->clock;
    g->places = opts->places;
    g->last = &g->first;
    lock_init(&g->lock, LOCK_RANK_QUEUE);
    cond_init(&g->given);
    for (size_t place = opts->places; place > 0; place--)
        vec_push(&g->free, place - 1); /* the lowest is taken first */
    if (opts->metrics)
        g->metrics = register_metrics(opts->metrics, opts->places);
    return g;
}

void
gate_close(struct gate *g)
{
    if (!g)
        return;
    ASSERT(g->free.n == g->places);
    vec_fini(&g->free);
    cond_fini(&g->given);
    lock_fini(&g->lock);
    mem_free(g);
}

static void
count(struct metric *m, double amount)
{
    if (m)
        metric_add(m, amount);
}

static void
leave_line(struct gate *g, struct waiter *w) REQUIRES(g->lock)
{
    struct waiter **at = &g->first;
    while (*at != w)
        at = &(*at)->next;
    *at = w->next;
    if (g->last == &w->next)
        g->last = at;
}

static struct err
wait_in_line(struct gate *g, struct waiter *w, uint64_t deadline_ns, bool (*gone)(void *arg),
             void *arg) REQUIRES(g->lock)
{
    while (!w->given) {
        uint64_t now_ns = clock_mono_ns(g->clock), look_ns = now_ns + LOOK_NS;
        if (deadline_ns && now_ns >= deadline_ns)
            return ERR(ERR_TIMEOUT, "query timed out in query queue");
        if (gone && gone(arg))
            return ERR(ERR_CANCELED, "query was canceled in query queue");
        cond_wait_until(&g->given, &g->lock,
                        deadline_ns && deadline_ns < look_ns ? deadline_ns : look_ns);
    }
    return OK;
}

static struct err
take_place(struct gate *g, uint64_t deadline_ns, bool (*gone)(void *arg), void *arg,
           size_t *ret_place)
{
    LOCKED(&g->lock);
    if (g->free.n > 0) {
        *ret_place = vec_pop(&g->free);
        return OK;
    }
    struct waiter w = {.given = false};
    *g->last = &w;
    g->last = &w.next;
    struct err e = wait_in_line(g, &w, deadline_ns, gone, arg);
    if (e.code != ERR_NONE) {
        leave_line(g, &w);
        return e;
    }
    *ret_place = w.place;
    return OK;
}

struct err
gate_enter(struct gate *g, uint64_t deadline_ns, bool (*gone)(void *arg), void *arg,
           size_t *ret_place)
{
    uint64_t began_ns = clock_mono_ns(g->clock);
    count(g->metrics.total, 1);
    count(g->metrics.engine_queries, 1);
    struct err e = take_place(g, deadline_ns, gone, arg, ret_place);
    if (g->metrics.duration)
        metric_observe(g->metrics.duration, (double)(clock_mono_ns(g->clock) - began_ns) / 1e9);
    if (e.code == ERR_NONE)
        count(g->metrics.in_flight, 1);
    else
        count(g->metrics.engine_queries, -1);
    return e;
}

void
gate_leave(struct gate *g, size_t place)
{
    ASSERT(place < g->places);
    count(g->metrics.in_flight, -1);
    count(g->metrics.engine_queries, -1);
    LOCKED(&g->lock);
    struct waiter *w = g->first;
    if (!w) {
        vec_push(&g->free, place);
        return;
    }
    leave_line(g, w);
    w->place = place;
    w->given = true;
    cond_broadcast(&g->given);
}
