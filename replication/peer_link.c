/* peer_link.c - the thread of a peer: inbox, pipe, disk, and sleep until there is more. */
#include "replication/peer_link.h"

#include "base/assert.h"
#include "base/hash.h"
#include "net/loop.h"
#include "replication/peer_link_int.h"

enum { NS_PER_MS = 1000000 };

/* --- metrics ---------------------------------------------------------------------------------- */

void
peer_metrics_init(struct peer_metrics *p, struct metrics *m)
{
    struct metric_family *forwards =
        metrics_family(m, &(struct metric_spec){.type = METRIC_COUNTER,
                                                .name = "thanos_receive_forward_requests_total",
                                                .help = "The number of forward requests.",
                                                .labels = {"result"}});
    p->forwards[0] = metric_with(forwards, (struct str[]){STR("success")}, 1);
    p->forwards[1] = metric_with(forwards, (struct str[]){STR("error")}, 1);
    p->parts = metrics_family(
        m,
        &(struct metric_spec){.type = METRIC_COUNTER,
                              .name = "mneme_replication_parts_total",
                              .help = "What other receivers own of writes, by what became of it: "
                                      "stored, spilled to disk, replayed from there, dropped.",
                              .labels = {"peer", "result"}});
    p->wire_bytes = metrics_family(
        m, &(struct metric_spec){.type = METRIC_COUNTER,
                                 .name = "mneme_replication_sent_bytes_total",
                                 .help = "Bytes of messages to other receivers, compressed.",
                                 .labels = {"peer", "zone"}});
    p->plain_bytes =
        metrics_family(m, &(struct metric_spec){.type = METRIC_COUNTER,
                                                .name = "mneme_replication_plain_bytes_total",
                                                .help = "The same messages before compression.",
                                                .labels = {"peer", "zone"}});
    p->behind = metrics_family(
        m,
        &(struct metric_spec){.type = METRIC_GAUGE,
                              .name = "mneme_replication_behind",
                              .help = "1 while a receiver gets its share from the queue on disk.",
                              .labels = {"peer", "zone"}});
    p->lag = metrics_family(
        m, &(struct metric_spec){.type = METRIC_GAUGE,
                                 .name = "mneme_replication_lag_seconds",
                                 .help = "How long the oldest has waited on disk that a receiver "
                                         "has still to get.",
                                 .labels = {"peer", "zone"}});
}

static void
set_lag(struct peer_link *l)
{
    metric_set(l->lag, (double)handoff_stats(l->handoff).oldest_ms / 1000);
}

static void
open_metrics(struct peer_link *l)
{
    struct str address = str_of_cstr(l->address), zone = str_of_cstr(l->zone);
    struct peer_metrics *m = l->opts.metrics;
    l->stored = metric_with(m->parts, (struct str[]){address, STR("stored")}, 2);
    l->spilled = metric_with(m->parts, (struct str[]){address, STR("spilled")}, 2);
    l->replayed = metric_with(m->parts, (struct str[]){address, STR("replayed")}, 2);
    l->dropped = metric_with(m->parts, (struct str[]){address, STR("dropped")}, 2);
    l->wire_bytes = metric_with(m->wire_bytes, (struct str[]){address, zone}, 2);
    l->plain_bytes = metric_with(m->plain_bytes, (struct str[]){address, zone}, 2);
    l->behind = metric_with(m->behind, (struct str[]){address, zone}, 2);
    l->lag = metric_with(m->lag, (struct str[]){address, zone}, 2);
}

/* --- the thread ------------------------------------------------------------------------------- */

/* What came since the last turn. */
struct turn {
    struct link_pushes pushes;
    struct link_reply reply;
    bool leaves, stops;
    uint64_t stop_at_ns;
};

static bool
has_come(const struct peer_link *l) REQUIRES(l->lock)
{
    return l->inbox.n > 0 || l->reply.there || l->leaving;
}

/* Sleeps until there is something to do. A link that stops looks only for replies. */
static void
wait_turn(struct peer_link *l, uint64_t tick_ns, struct turn *t)
{
    LOCKED(&l->lock);
    while (!has_come(l) && !(l->stopping && !t->stops)) {
        if (!cond_wait_until(&l->come, &l->lock, u64_min(tick_ns, l->stop_at_ns)))
            break;
    }
    struct link_pushes taken = l->inbox;
    l->inbox = t->pushes; /* empty, with its room */
    l->inbox_bytes = 0;
    t->pushes = taken;
    struct link_reply reply = l->reply;
    l->reply = t->reply;
    l->reply.there = false;
    t->reply = reply;
    t->leaves = l->leaving;
    l->leaving = false;
    t->stops = l->stopping;
    t->stop_at_ns = l->stop_at_ns;
}

static void
count(struct metric *m, uint64_t now, uint64_t *told)
{
    if (now > *told)
        metric_add(m, (double)(now - *told));
    *told = now;
}

static void
publish(struct peer_link *l)
{
    struct peer_status s = peer_status(l->pipe);
    bool behind = s.state != PEER_DIRECT;
    count(l->stored, s.stored, &l->told.stored);
    count(l->spilled, s.spilled, &l->told.spilled);
    count(l->replayed, s.replayed, &l->told.replayed);
    metric_set(l->behind, behind);
    set_lag(l);
    atomic_store_explicit(&l->is_mneme, s.kind == PEER_KIND_MNEME, memory_order_relaxed);
    atomic_store_explicit(&l->is_numbered, l->takes_numbers && !l->opts.other_region,
                          memory_order_relaxed);
    atomic_store_explicit(&l->is_empty, peer_is_empty(l->pipe), memory_order_release);
    LOCKED(&l->lock);
    l->status.behind = behind;
    l->status.backing_off = s.backing_off;
    l->status.memory_bytes = s.memory_bytes;
}

static void
take_turn(struct peer_link *l, struct turn *t)
{
    uint64_t now_ns = clock_mono_ns(l->opts.clock);
    if (t->reply.there)
        peer_link_settle(l, &t->reply);
    t->reply.there = false;
    peer_link_serve_disk(l);
    vec_each (&t->pushes, push) {
        peer_push(l->pipe, now_ns, push->part, push->votes, push->ballot);
        votes_unref(push->votes);
    }
    vec_clear(&t->pushes);
    if (t->leaves)
        peer_leave(l->pipe, now_ns, PEER_LEAVE_KEEP);
    peer_tick(l->pipe, clock_mono_ns(l->opts.clock));
    peer_link_serve_disk(l);
}

static bool
is_at_end(const struct peer_link *l, const struct turn *t)
{
    return t->stops && (peer_is_flushed(l->pipe) || clock_mono_ns(l->opts.clock) >= t->stop_at_ns);
}

static void
serve(void *arg)
{
    struct peer_link *l = arg;
    struct turn t = {.pushes = VEC_INIT, .reply = {.answer = BUF_INIT, .text = BUF_INIT}};
    bool flushing = false;
    while (!is_at_end(l, &t)) {
        wait_turn(l, peer_next_tick_ns(l->pipe), &t);
        take_turn(l, &t);
        if (t.stops && !flushing)
            peer_flush(l->pipe, clock_mono_ns(l->opts.clock));
        flushing = t.stops;
        peer_link_serve_disk(l);
        publish(l);
    }
    vec_fini(&t.pushes);
    buf_fini(&t.reply.answer);
    buf_fini(&t.reply.text);
}

/* --- life ------------------------------------------------------------------------------------- */

static void
free_link(struct peer_link *l)
{
    if (!l)
        return;
    peer_close(l->pipe);
    grpc_channel_close(l->channel);
    vec_fini(&l->inbox);
    buf_fini(&l->reply.answer);
    buf_fini(&l->reply.text);
    arena_fini(&l->arena);
    peer_link_fini_calls(l);
    cond_fini(&l->come);
    lock_fini(&l->lock);
    mem_free(l->address);
    mem_free(l->zone);
    mem_free(l);
}
DEFINE_AUTO(struct peer_link *, free_link)

static struct err
open_parts(struct peer_link *l)
{
    const struct peer_link_opts *o = &l->opts;
    struct grpc_channel_opts channel = {.address = o->address,
                                        .loop = o->loop,
                                        .tls = o->tls,
                                        .metrics = o->registry,
                                        .log = o->log,
                                        .clock = o->clock,
                                        .connect_timeout_ms = o->forward_timeout_ms,
                                        .backoff_max_ms = o->backoff_max_ms};
    TRY(grpc_channel_open(&channel, &l->channel));
    TRY(handoffs_of(o->handoffs, o->address, &l->handoff));
    struct peer_opts pipe = {
        .ops = &peer_link_ops,
        .driver = l,
        .seed = hash64(o->address) ^ clock_mono_ns(o->clock),
        .forward_timeout_ms = o->forward_timeout_ms,
        .backoff_max_ms = o->backoff_max_ms,
        .replay_bytes_per_s = o->replay_bytes_per_s,
        .order = o->other_region ? PEER_DURABLE_FIRST : PEER_DIRECT_FIRST,
    };
    handoff_span(l->handoff, &pipe.handoff_acked, &pipe.handoff_last);
    l->pipe = peer_open(&pipe);
    atomic_init(&l->is_empty, pipe.handoff_acked == pipe.handoff_last);
    return OK;
}

struct err
peer_link_open(const struct peer_link_opts *opts, struct peer_link **ret_link)
{
    AUTO(free_link) struct peer_link *l = mem_alloc_zero(sizeof *l);
    l->opts = *opts;
    l->address = mem_dup_text(opts->address.p, opts->address.n);
    l->zone = mem_dup_text(opts->zone.p, opts->zone.n);
    l->opts.address = str_of_cstr(l->address);
    l->opts.zone = str_of_cstr(l->zone);
    l->stop_at_ns = UINT64_MAX;
    atomic_init(&l->refs, 1);
    arena_init(&l->arena, 0);
    l->encoder = zstd_encoder_open(ZSTD_FAST);
    lock_init(&l->lock, LOCK_RANK_PEER_LINK);
    cond_init(&l->come);
    open_metrics(l);
    TRY(open_parts(l));
    struct pool_opts thread = {.name = "peer", .threads = 1, .queued_limit = 1};
    TRY(pool_start(&thread, &l->thread));
    bool runs = pool_submit(l->thread, serve, l);
    ASSERT(runs); /* it is the only job */
    *ret_link = TAKE(l);
    return OK;
}

static void
do_nothing(void *arg)
{
    (void)arg;
}

/* The call under way ends with its channel, on the loop; what it was to bring is on disk. */
void
peer_link_close(struct peer_link *l, uint64_t wait_ms)
{
    if (!l)
        return;
    {
        LOCKED(&l->lock);
        l->stopping = true;
        l->stop_at_ns = clock_mono_ns(l->opts.clock) + wait_ms * NS_PER_MS;
        cond_signal(&l->come);
    }
    pool_stop(TAKE(l->thread));
    grpc_channel_close(TAKE(l->channel));
    loop_call(l->opts.loop, do_nothing, NULL); /* behind what the channel has posted */
    vec_each (&l->inbox, push) {               /* came behind the last turn */
        peer_push(l->pipe, clock_mono_ns(l->opts.clock), push->part, push->votes, push->ballot);
        votes_unref(push->votes);
    }
    free_link(l);
}

struct peer_link *
peer_link_ref(struct peer_link *l)
{
    atomic_fetch_add_explicit(&l->refs, 1, memory_order_relaxed);
    return l;
}

void
peer_link_unref(struct peer_link *l)
{
    if (l)
        atomic_fetch_sub_explicit(&l->refs, 1, memory_order_release);
}

bool
peer_link_is_shared(const struct peer_link *l)
{
    return atomic_load_explicit(&l->refs, memory_order_acquire) > 1;
}

/* --- from outside ----------------------------------------------------------------------------- */

static bool
put_into_inbox(struct peer_link *l, struct peer_part *part, struct votes *v, uint32_t ballot)
{
    LOCKED(&l->lock);
    size_t bytes = peer_part_bytes(part);
    if (l->inbox_bytes + bytes > PEER_INBOX_BYTES_MAX && l->inbox.n > 0)
        return false;
    l->inbox_bytes += bytes;
    vec_push(&l->inbox, ((struct link_push){part, v ? votes_ref(v) : NULL, ballot}));
    cond_signal(&l->come);
    return true;
}

void
peer_link_push(struct peer_link *l, struct peer_part *part, struct votes *v, uint32_t ballot)
{
    atomic_store_explicit(&l->is_empty, false, memory_order_relaxed);
    if (put_into_inbox(l, part, v, ballot))
        return;
    metric_inc(l->dropped);
    peer_part_unref(part);
    if (v && votes_cast(v, ballot, VOTE_UNAVAILABLE, STR("too much waits for a receiver")))
        votes_tell(v);
}

void
peer_link_leave(struct peer_link *l)
{
    LOCKED(&l->lock);
    l->leaving = true;
    cond_signal(&l->come);
}

bool
peer_link_is_empty(const struct peer_link *l)
{
    return atomic_load_explicit(&l->is_empty, memory_order_acquire);
}

bool
peer_link_is_mneme(const struct peer_link *l)
{
    return atomic_load_explicit(&l->is_mneme, memory_order_relaxed);
}

bool
peer_link_takes_numbers(const struct peer_link *l)
{
    return atomic_load_explicit(&l->is_numbered, memory_order_relaxed);
}

struct str
peer_link_address(const struct peer_link *l)
{
    return l->opts.address;
}

struct peer_link_status
peer_link_status(struct peer_link *l)
{
    struct handoff_stats handoff = handoff_stats(l->handoff);
    LOCKED(&l->lock);
    struct peer_link_status s = l->status;
    s.handoff = handoff;
    return s;
}
