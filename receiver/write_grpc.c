/* write_grpc.c - see write_grpc.h. */
#include "receiver/write_grpc.h"

#include "base/assert.h"
#include "base/mem.h"
#include "base/quote.h"
#include "ingest/writeable.h"
#include "receiver/receive_int.h"
#include "receiver/write.h"

/* One call, from its message to its answer. */
struct grpc_write {
    struct receiver *v;
    struct grpc_call *call;
    struct scratch *scratch; /* this is in its arena */
    struct writeable_rows rows;
    struct write q;
    struct err e;
    bool here;                 /* the sender knows that this machine owns all of it */
    _Atomic(unsigned) holders; /* the worker, the decision */
};

static const enum grpc_code codes[WRITEABLE_OUTCOME_COUNT] = {
    [WRITEABLE_OK] = GRPC_OK,
    [WRITEABLE_CONFLICT] = GRPC_ALREADY_EXISTS,
    [WRITEABLE_INVALID] = GRPC_ALREADY_EXISTS, /* see write_grpc.h */
    [WRITEABLE_UNAVAILABLE] = GRPC_UNAVAILABLE,
    [WRITEABLE_FAILED] = GRPC_INTERNAL,
    [WRITEABLE_UNNUMBERED] = GRPC_FAILED_PRECONDITION,
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
    policy_release(&w->q.hold);
    scratch_release(&v->scratches, w->scratch);
    grpc_finish(call, code, copy);
}

/* Of the call as a whole; consumes the error. What is too large today is so tomorrow: senders would
 * keep a message that is answered with RESOURCE_EXHAUSTED, and try it for ever. */
static void
refuse(struct grpc_write *w, struct err e)
{
    enum grpc_code code =
        e.code == ERR_TOO_LARGE ? GRPC_INVALID_ARGUMENT : grpc_code_of_err(e.code);
    struct str text = arena_str(w->q.arena, str_of_cstr(err_text(&e)));
    err_drop(e);
    end(w, code, text);
}

/* `parts`: an outcome each, if the sender tells them apart. */
static void
answer(struct grpc_write *w, const enum writeable_outcome *parts, enum writeable_outcome worst,
       struct str text)
{
    AUTO(buf_fini) struct buf reply = BUF_INIT;
    size_t part_count = w->rows.message.part_count;
    if (part_count > 0)
        writeable_encode_outcomes(&reply, parts, part_count);
    if (part_count > 0 || worst == WRITEABLE_OK)
        end(w, GRPC_OK, buf_str(&reply));
    else
        end(w, codes[worst], text);
}

static bool
has_bad_tenants(const struct grpc_write *w)
{
    return w->rows.bad_tenant.p != NULL;
}

static struct str
text_with_bad_tenants(const struct grpc_write *w, struct str text)
{
    AUTO(buf_fini) struct buf quoted = BUF_INIT;
    if (!has_bad_tenants(w))
        return text;
    quote_text(w->rows.bad_tenant, &quoted);
    return arena_printf(w->q.arena, "tenant name not valid (first: %s)%s%.*s", buf_cstr(&quoted),
                        text.n > 0 ? "; " : "", STR_FMT(text));
}

/* --- stored here ------------------------------------------------------------------------------ */

static struct rewritten_batch
as_rewritten(const struct grpc_write *w, const struct batch *b)
{
    return (struct rewritten_batch){.batch = *b, .limits = limits_of(w->q.hold.limits, b->tenant)};
}

static struct err
append(void *arg, size_t index, const struct batch *batch, struct append_result *ret_result)
{
    struct grpc_write *w = arg;
    struct rewritten_batch b = as_rewritten(w, batch);
    (void)index;
    w->q.result = (struct append_result){.series_created = 0};
    struct err e = write_store(&w->q, &b);
    *ret_result = w->q.result;
    return e;
}

static void
store_here(struct grpc_write *w)
{
    struct writeable_store store = {append, w};
    struct writeable_stored stored;
    struct err e = writeable_store_rows(&w->rows, w->q.arena, &store, &stored);
    if (e.code != ERR_NONE) {
        refuse(w, e);
        return;
    }
    struct str text = stored.first.code != ERR_NONE
                          ? arena_str(w->q.arena, str_of_cstr(err_text(&stored.first)))
                          : write_refusal_text(&stored.result, w->q.arena);
    err_drop(stored.first);
    answer(w, stored.parts, stored.worst, text_with_bad_tenants(w, text));
}

/* --- to its owners ---------------------------------------------------------------------------- */

/* What the owners have made of all rows, and so of each part. */
static void
answer_all(struct grpc_write *w, enum writeable_outcome outcome, struct str text)
{
    size_t n = w->rows.message.part_count;
    enum writeable_outcome *parts = ARENA_ARRAY(w->q.arena, enum writeable_outcome, n);
    if (has_bad_tenants(w))
        outcome = writeable_outcome_worse(outcome, WRITEABLE_INVALID);
    for (size_t i = 0; i < n; i++)
        parts[i] = outcome;
    answer(w, parts, outcome, text_with_bad_tenants(w, text));
}

static void
let_go(struct grpc_write *w, unsigned holders)
{
    if (atomic_fetch_sub_explicit(&w->holders, holders, memory_order_acq_rel) != holders)
        return;
    if (w->q.pending) {
        struct votes_answer a = replication_answer(&w->q.replication);
        answer_all(w, outcomes[a.outcome], a.text);
    } else {
        refuse(w, w->e);
    }
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
    struct rewritten_batch *all =
        ARENA_ARRAY(q->arena, struct rewritten_batch, w->rows.batch_count);
    for (size_t i = 0; i < w->rows.batch_count; i++)
        all[i] = as_rewritten(w, &w->rows.batches[i]);
    q->rewritten = (struct rewritten){.batches = all, .count = w->rows.batch_count};
    /* as Thanos: who only routes asks not */
    q->replica = q->sink ? (unsigned)w->rows.message.replica : 0;
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
    bool direct = grpc_call_metadata(w->call, "mneme-direct").n > 0;
    TRY(receiver_check_state(w->v));
    w->q.sink = w->v->sink; /* published by the state, as the next */
    w->q.replicator = w->v->replicator;
    w->here = w->q.sink && (direct || !w->q.replicator);
    struct numberings *numberings = w->here ? w->v->numberings : NULL;
    struct err e = ingest_decode_writeable(w->q.arena, numberings, message, &w->rows);
    if (e.code == ERR_UNAVAILABLE)
        memory_limit_refused(w->v->memory, MEMORY_REFUSED_WRITE);
    TRY(e);
    int64_t replica = w->rows.message.replica;
    if (replica < 0 || replica > RING_REPLICAS_MAX)
        return ERR(ERR_INVALID, "request replica exceeds receiver replication factor: %jd",
                   (intmax_t)replica);
    return OK;
}

static void
serve(void *arg, struct grpc_call *call)
{
    struct receiver *v = arg;
    struct scratch *s = scratch_acquire(&v->scratches, grpc_call_message(call).n);
    struct grpc_write *w = ARENA_NEW(&s->arena, struct grpc_write);
    *w = (struct grpc_write){.v = v,
                             .call = call,
                             .scratch = s,
                             .q = {.arena = &s->arena,
                                   .memory = v->memory,
                                   .policy = v->policy,
                                   .hold = policy_acquire(v->policy)}};
    struct err e = begin(w);
    if (e.code != ERR_NONE) {
        refuse(w, e);
        return;
    }
    if (w->rows.unnumbered)
        answer_all(w, WRITEABLE_UNNUMBERED, STR("series are told by numbers that are not known"));
    else if (w->here)
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
                                .pool = v->pool,
                                .keeps = GRPC_KEEPS_MESSAGE};
}
