/* write_gate.c - a counter under a lock. Metrics are those of Thanos' gate. */
#include "receiver/write_gate.h"

#define GATE_METRIC "thanos_receive_write_request_concurrent_gate_write_requests_"

static struct metric *
metric(struct metrics *m, enum metric_type type, const char *name, const char *help)
{
    return metrics_single(m, &(struct metric_spec){.type = type, .name = name, .help = help});
}

void
write_gate_init(struct write_gate *g, struct metrics *m, const struct clock *clock)
{
    *g = (struct write_gate){
        .clock = clock,
        .max = metric(m, METRIC_GAUGE, GATE_METRIC "max",
                      "Writes that may be under way at once; 0: any number."),
        .in_flight = metric(m, METRIC_GAUGE, GATE_METRIC "in_flight", "Writes under way."),
        .total = metric(m, METRIC_COUNTER, GATE_METRIC "total", "Writes that were let in."),
    };
    lock_init(&g->lock, LOCK_RANK_LEAF);
    cond_init(&g->left_cond);
}

void
write_gate_fini(struct write_gate *g)
{
    cond_fini(&g->left_cond);
    lock_fini(&g->lock);
}

void
write_gate_set(struct write_gate *g, uint64_t limit)
{
    metric_set(g->max, (double)limit);
    LOCKED(&g->lock);
    g->limit = limit;
    cond_broadcast(&g->left_cond); /* a wider one may let several in */
}

static struct err
wait_for_place(struct write_gate *g)
{
    uint64_t deadline_ns = 0;
    LOCKED(&g->lock);
    while (g->limit > 0 && g->inside >= g->limit) {
        if (deadline_ns == 0)
            deadline_ns = clock_mono_ns(g->clock) + (uint64_t)GATE_WAIT_MS * 1000000;
        if (!cond_wait_until(&g->left_cond, &g->lock, deadline_ns) && g->limit > 0 &&
            g->inside >= g->limit)
            return ERR(ERR_UNAVAILABLE, "too many writes at once: limit %ju", (uintmax_t)g->limit);
    }
    g->inside++;
    return OK;
}

struct err
write_gate_enter(struct write_gate *g)
{
    TRY(wait_for_place(g));
    metric_inc(g->total);
    metric_add(g->in_flight, 1);
    return OK;
}

void
write_gate_leave(struct write_gate *g)
{
    metric_add(g->in_flight, -1);
    LOCKED(&g->lock);
    g->inside--;
    cond_signal(&g->left_cond);
}
