/* write_grpc.c - see write_grpc.h. */
#include "receiver/write_grpc.h"

#include "base/assert.h"
#include "base/mem.h"
#include "ingest/peer_batches.h"
#include "receiver/receive_int.h"
#include "receiver/write.h"

/* One call, from its message to its answer. */
struct grpc_write {
    struct receiver *v;
    struct grpc_call *call;
    struct scratch *scratch; /* this is in its arena */
    struct peer_batches message;
    struct write q;
    struct err e;
    _Atomic(unsigned) holders; /* the worker, the decision */
};

static const enum grpc_code codes[] = {
    [VOTE_OK] = GRPC_OK,
    [VOTE_CONFLICT] = GRPC_ALREADY_EXISTS,
    [VOTE_INVALID] = GRPC_INVALID_ARGUMENT,
    [VOTE_UNAVAILABLE] = GRPC_UNAVAILABLE,
    [VOTE_FAILED] = GRPC_INTERNAL,
};
static const enum writeable_outcome outcomes[] = {
    [VOTE_OK] = WRITEABLE_OK,           [VOTE_CONFLICT] = WRITEABLE_CONFLICT,
    [VOTE_INVALID] = WRITEABLE_INVALID, [VOTE_UNAVAILABLE] = WRITEABLE_UNAVAILABLE,
    [VOTE_FAILED] = WRITEABLE_FAILED,
};

/* The last act, which frees it. */
static void
end(struct grpc_write *w, enum grpc_code code, struct str message_or_text)
{
    struct grpc_call *call = w->call;
    struct arena *a = grpc_call_arena(call);
    struct str copy = arena_str(a, message_or_text);
    struct receiver *v = w->v;
    write_end(&w->q);
    scratch_release(&v->scratches, w->scratch);
    grpc_finish(call, code, copy);
}

static void
end_with(struct grpc_write *w, enum vote_outcome outcome, struct str text)
{
    end(w, codes[outcome], outcome == VOTE_OK ? STR("") : text);
}

/* --- stored here ------------------------------------------------------------------------------ */

static struct rewritten_batch
as_rewritten(const struct batch *b)
{
    return (struct rewritten_batch){.batch = *b, .limits = &tenant_unlimited};
}

/* Batches `from` up to `to`, which are those of one part. */
static enum vote_outcome
store_part(struct grpc_write *w, size_t from, size_t to, struct str *ret_text)
{
    struct write *q = &w->q;
    enum vote_outcome outcome = VOTE_OK;
    q->result = (struct append_result){.series_created = 0};
    for (size_t i = from; i < to; i++) {
        struct rewritten_batch b = as_rewritten(&w->message.batches[i]);
        if (w->message.bad_tenants[i]) {
            outcome = VOTE_INVALID;
            *ret_text = STR("tenant name not valid");
            continue;
        }
        struct err e = write_store(q, &b);
        if (e.code == ERR_NONE)
            continue;
        *ret_text = arena_printf(q->arena, "%s", err_text(&e));
        err_drop(e);
        return VOTE_UNAVAILABLE;
    }
    enum vote_outcome stored = write_outcome(&q->result);
    if (stored != VOTE_OK)
        *ret_text = write_refusal_text(&q->result, q->arena);
    return stored > outcome ? stored : outcome;
}

static void
answer_parts(struct grpc_write *w)
{
    size_t n = w->message.part_count, from = 0;
    enum writeable_outcome *told = ARENA_ARRAY(w->q.arena, enum writeable_outcome, n);
    AUTO(buf_fini) struct buf reply = BUF_INIT;
    for (size_t i = 0; i < n; i++) {
        struct str text = STR("");
        size_t to = from + w->message.part_batches[i];
        told[i] = outcomes[store_part(w, from, to, &text)];
        from = to;
    }
    writeable_encode_outcomes(&reply, told, n);
    end(w, GRPC_OK, buf_str(&reply));
}

static void
store_here(struct grpc_write *w)
{
    struct str text = STR("");
    if (w->message.part_count > 0) {
        answer_parts(w);
        return;
    }
    enum vote_outcome outcome = store_part(w, 0, w->message.count, &text);
    end_with(w, outcome, text);
}

/* --- to its owners ---------------------------------------------------------------------------- */

static void
let_go(struct grpc_write *w, unsigned holders)
{
    if (atomic_fetch_sub_explicit(&w->holders, holders, memory_order_acq_rel) != holders)
        return;
    if (w->q.pending) {
        struct votes_answer a = replication_answer(&w->q.replication);
        end_with(w, a.outcome, a.text);
        return;
    }
    enum grpc_code code = grpc_code_of_err(w->e.code);
    struct str text = arena_printf(w->q.arena, "%s", err_text(&w->e));
    err_drop(w->e);
    end(w, code, text);
}

static void
on_decision(void *arg)
{
    let_go(arg, 1);
}

static void
route(struct grpc_write *w)
{
    struct write *q = &w->q;
    struct rewritten_batch *all = ARENA_ARRAY(q->arena, struct rewritten_batch, w->message.count);
    for (size_t i = 0; i < w->message.count; i++)
        all[i] = as_rewritten(&w->message.batches[i]);
    q->rewritten = (struct rewritten){.batches = all, .count = w->message.count};
    q->replica =
        q->sink ? (unsigned)w->message.replica : 0; /* as Thanos: who only routes asks not */
    q->decided = on_decision;
    q->decided_arg = w;
    atomic_store_explicit(&w->holders, 2, memory_order_relaxed);
    w->e = write_replicate(q);
    let_go(w, q->pending ? 1 : 2);
}

/* --- the call --------------------------------------------------------------------------------- */

static struct err
begin(struct grpc_write *w)
{
    struct str message = grpc_call_message(w->call);
    TRY(receiver_check_state(w->v));
    TRY(ingest_decode_peer(w->q.arena, message, &w->message));
    if (w->message.replica < 0 || w->message.replica > RING_REPLICAS_MAX)
        return ERR(ERR_INVALID, "request replica exceeds receiver replication factor: %jd",
                   (intmax_t)w->message.replica);
    w->q.sink = w->v->sink; /* published by the state, as the next */
    w->q.replicator = w->v->replicator;
    return OK;
}

static void
serve(void *arg, struct grpc_call *call)
{
    struct receiver *v = arg;
    struct scratch *s = scratch_acquire(&v->scratches, grpc_call_message(call).n);
    struct grpc_write *w = ARENA_NEW(&s->arena, struct grpc_write);
    *w = (struct grpc_write){
        .v = v, .call = call, .scratch = s, .q = {.arena = &s->arena, .memory = v->memory}};
    struct err e = begin(w);
    if (e.code != ERR_NONE) {
        enum grpc_code code = grpc_code_of_err(e.code);
        struct str text = arena_printf(&s->arena, "%s", err_text(&e));
        err_drop(e);
        end(w, code, text);
        return;
    }
    bool direct = grpc_call_metadata(call, "mneme-direct").n > 0;
    if (w->q.sink && (direct || !w->q.replicator))
        store_here(w);
    else
        route(w);
}

struct grpc_method
receiver_grpc_method(struct receiver *v)
{
    return (struct grpc_method){.service = "thanos.WriteableStore",
                                .name = "RemoteWrite",
                                .kind = GRPC_UNARY,
                                .handler = serve,
                                .arg = v,
                                .pool = v->pool};
}
