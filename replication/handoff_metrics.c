/* handoff_metrics.c - figures of the queues: counters as things happen, gauges when they are read.
 */
#include "replication/handoff_int.h"

static const struct figure {
    enum metric_type type;
    const char *name, *label, *value;
} figures[] = {
#define X(id, type, name, label, value) {METRIC_##type, name, label, value},
    HANDOFF_FIGURES(X)
#undef X
};

static const char *const helps[HANDOFF_FIGURE_COUNT] = {
    [HANDOFF_BYTES] = "Bytes on disk of what a peer could not be given yet.",
    [HANDOFF_RECORDS] = "Messages that a peer could not be given yet.",
    [HANDOFF_OLDEST] = "How long the oldest of them has waited.",
    [HANDOFF_APPENDED] = "Messages that were put into a peer's hand-off queue.",
    [HANDOFF_REPLAYED] = "Messages of a hand-off queue that its peer has taken.",
    [HANDOFF_DROPPED_BYTES] = "Messages of a hand-off queue that its peer will not get.",
    [HANDOFF_FAILED_APPEND] = "Operations on a hand-off queue that failed.",
};

static void
collect(void *arg)
{
    struct handoffs *hs = arg;
    for (size_t i = 0, n = handoffs_count(hs); i < n; i++) {
        struct handoff *h = handoffs_at(hs, i);
        struct handoff_stats s = handoff_stats(h);
        metric_set(h->figures[HANDOFF_BYTES], (double)s.bytes);
        metric_set(h->figures[HANDOFF_RECORDS], (double)s.records);
        metric_set(h->figures[HANDOFF_OLDEST], (double)s.oldest_ms / 1000);
    }
}

void
handoffs_register(struct handoffs *hs)
{
    for (size_t i = 0; i < HANDOFF_FIGURE_COUNT; i++) {
        /* Rows of one name stand together: the first has the help. */
        size_t first = i;
        while (first > 0 && strcmp(figures[first - 1].name, figures[i].name) == 0)
            first--;
        hs->families[i] = metrics_family(hs->metrics, &(struct metric_spec){
                                                          .type = figures[i].type,
                                                          .name = figures[i].name,
                                                          .help = helps[first],
                                                          .labels = {"peer", figures[i].label},
                                                          .children_max = 4 * HANDOFF_PEERS_MAX,
                                                      });
    }
    metrics_on_collect(hs->metrics, collect, hs);
}

void
handoff_register(struct handoff *h)
{
    for (size_t i = 0; i < HANDOFF_FIGURE_COUNT; i++) {
        struct str values[2] = {str_of_cstr(h->peer)};
        if (figures[i].label)
            values[1] = str_of_cstr(figures[i].value);
        h->figures[i] = metric_with(h->set->families[i], values, figures[i].label ? 2 : 1);
    }
}

static uint64_t
counted(const struct handoff *h, enum handoff_figure figure)
{
    return (uint64_t)metric_value(h->figures[figure]);
}

void
handoff_span(struct handoff *h, uint64_t *ret_acked_seq, uint64_t *ret_last_seq)
{
    LOCKED(&h->lock);
    *ret_acked_seq = h->acked_seq;
    *ret_last_seq = h->last_seq;
}

struct handoff_stats
handoff_stats(struct handoff *h)
{
    struct handoff_stats s = {
        .appended = counted(h, HANDOFF_APPENDED),
        .replayed = counted(h, HANDOFF_REPLAYED),
        .dropped_bytes = counted(h, HANDOFF_DROPPED_BYTES),
        .dropped_age = counted(h, HANDOFF_DROPPED_AGE),
        .damaged = counted(h, HANDOFF_DROPPED_DAMAGE),
    };
    int64_t now_ms = clock_wall_ms(h->set->clock);

    LOCKED(&h->lock);
    s.records = h->last_seq - h->acked_seq;
    if (s.records == 0)
        return s;
    s.bytes = h->closed_bytes + (h->wal ? wal_end(h->wal).offset : 0);
    if (h->segments.n > 0 && h->segments.v[0].number == h->acked_at.segment)
        s.bytes -= u64_min(s.bytes, h->acked_at.offset);
    int64_t oldest_ms = h->marks.n > 0 ? h->marks.v[0].first_ms : h->unread_ms;
    if (oldest_ms != HANDOFF_TIME_NONE)
        s.oldest_ms = i64_max(now_ms - oldest_ms, 0);
    return s;
}
