/* peer_link_ops.c - what the pipe asks for but calls: its queue on disk, votes. */
#include "base/assert.h"
#include "replication/peer_link_int.h"
#include "replication/peer_wire.h"

enum { LOG_BURST = 5 }; /* lines about dropped parts in a second */

static uint64_t
now_ns(const struct peer_link *l)
{
    return clock_mono_ns(l->opts.clock);
}

/* --- calls ------------------------------------------------------------------------------------ */

/* Nothing is handed on: what a peer that left was to get it still gets (peer_link_leave()). */
static void
hand_on(void *driver, const struct peer_message *m)
{
    (void)driver, (void)m;
    UNREACHABLE("the link never asks for it");
}

/* --- disk ------------------------------------------------------------------------------------- */

static void
note_append(void *driver, struct peer_part *const *parts, size_t count)
{
    struct peer_link *l = driver;
    l->append.parts = parts;
    l->append.count = count;
}

static void
note_read(void *driver, uint64_t after, size_t bytes)
{
    struct peer_link *l = driver;
    l->read.wanted = true;
    l->read.after = after;
    l->read.bytes = bytes;
}

static void
acknowledge(void *driver, uint64_t through)
{
    struct peer_link *l = driver;
    handoff_ack(l->handoff, through);
}

static struct err
append_records(struct peer_link *l, uint64_t *ret_last)
{
    size_t n = l->append.count;
    AUTO(buf_fini) struct buf bytes = BUF_INIT;
    AUTO(mem_free) size_t *ends = mem_array_zero(n, sizeof *ends);
    AUTO(mem_free) struct str *records = mem_array_zero(n, sizeof *records);
    for (size_t i = 0; i < n; i++) {
        peer_wire_record(l->append.parts[i], l->encoder, &bytes);
        ends[i] = bytes.n;
    }
    for (size_t i = 0, from = 0; i < n; from = ends[i++])
        records[i] = str_of(bytes.p + from, ends[i] - from);
    return handoff_append(l->handoff, records, n, clock_wall_ms(l->opts.clock), ret_last);
}

static void
append(struct peer_link *l)
{
    size_t n = l->append.count;
    uint64_t last = 0;
    struct err e = append_records(l, &last);
    l->append.count = 0;
    if (e.code != ERR_NONE) {
        uint32_t lines = 0;
        if (log_throttle_pass(&l->throttle, l->opts.log, LOG_BURST, &lines))
            log_warn(l->opts.log, "what a receiver has missed cannot be kept on disk",
                     KV_CSTR("peer", l->address), KV_ERR(e), KV_U64("lines_dropped", lines));
        err_drop(e);
        peer_append_failed(l->pipe, now_ns(l));
        return;
    }
    AUTO(mem_free) uint64_t *positions = mem_array_zero(n, sizeof *positions);
    for (size_t i = 0; i < n; i++)
        positions[i] = last - (n - 1) + i;
    peer_appended(l->pipe, now_ns(l), positions, n);
}

/* The hand-off goes on behind what it gave out last; the pipe may want to begin elsewhere. */
static struct err
read_records(struct peer_link *l, struct handoff_batch *ret_batch, size_t *ret_skip)
{
    if (l->read.after < l->read_through) {
        handoff_rewind(l->handoff);
        l->read_through = 0;
    }
    for (;;) {
        arena_reset(&l->arena);
        TRY(handoff_read(l->handoff, &l->arena, l->read.bytes, ret_batch));
        size_t skip = 0;
        while (skip < ret_batch->count && ret_batch->seqs[skip] <= l->read.after)
            skip++;
        if (ret_batch->count > 0)
            l->read_through = ret_batch->seqs[ret_batch->count - 1];
        *ret_skip = skip;
        if (ret_batch->count == 0 || skip < ret_batch->count)
            return OK;
    }
}

static void
read_on(struct peer_link *l)
{
    struct handoff_batch batch;
    size_t skip = 0, n = 0;
    l->read.wanted = false;
    struct err e = read_records(l, &batch, &skip);
    if (e.code != ERR_NONE) {
        log_warn(l->opts.log, "queue of a receiver cannot be read", KV_CSTR("peer", l->address),
                 KV_ERR(e));
        err_drop(e);
        peer_read_failed(l->pipe, now_ns(l));
        return;
    }
    AUTO(mem_free) struct peer_record *records = mem_array_zero(batch.count, sizeof *records);
    for (size_t i = skip; i < batch.count; i++) {
        e = peer_wire_read_record(batch.records[i], &records[n].part);
        if (e.code == ERR_NONE)
            records[n++].position = batch.seqs[i];
        else
            log_warn(l->opts.log, "record in the queue of a receiver left out",
                     KV_CSTR("peer", l->address), KV_ERR(e));
        err_drop(e);
    }
    if (n == 0 && skip < batch.count) /* none of them is one: there may be more behind them */
        note_read(l, l->read_through, l->read.bytes);
    else
        peer_read(l->pipe, now_ns(l), records, n);
}

void
peer_link_serve_disk(struct peer_link *l)
{
    while (l->append.count > 0 || l->read.wanted) {
        if (l->append.count > 0)
            append(l);
        if (l->read.wanted)
            read_on(l);
    }
}

/* --- votes ------------------------------------------------------------------------------------ */

static void
vote(void *driver, struct votes *v, uint32_t ballot, enum vote_outcome outcome, struct str text)
{
    struct peer_link *l = driver;
    AUTO(buf_fini) struct buf cause = BUF_INIT;
    if (outcome != VOTE_OK)
        buf_printf(&cause, "forwarding request to endpoint %s: %.*s", l->address, STR_FMT(text));
    if (votes_cast(v, ballot, outcome, buf_str(&cause)))
        votes_tell(v);
}

static void
note_dropped(void *driver, const struct peer_part *part, enum peer_drop why, struct str text)
{
    static const char *const reasons[PEER_DROP_COUNT] = {
        [PEER_DROP_REFUSED] = "refused",
        [PEER_DROP_FAILED] = "failed",
        [PEER_DROP_MEMORY] = "memory",
        [PEER_DROP_CLOSED] = "closed",
    };
    struct peer_link *l = driver;
    uint32_t lines = 0;
    metric_inc(l->dropped);
    if (why == PEER_DROP_REFUSED) /* the write that it is of is told, or was */
        return;
    if (log_throttle_pass(&l->throttle, l->opts.log, LOG_BURST, &lines))
        log_warn(l->opts.log, "a receiver will not get its copy of some samples from here",
                 KV_CSTR("peer", l->address), KV_CSTR("reason", reasons[why]),
                 KV_U64("bytes", peer_part_bytes(part)), KV_STR("err", text),
                 KV_U64("lines_dropped", lines));
}

const struct peer_ops peer_link_ops = {
    .send = peer_link_send,
    .hand_on = hand_on,
    .append = note_append,
    .read = note_read,
    .ack = acknowledge,
    .vote = vote,
    .dropped = note_dropped,
};
