/* grpc_unary.c - calls of one answer, which is kept until the status comes. */
#include "base/assert.h"
#include "net/grpc/grpc_client_int.h"

struct unary {
    void (*done)(void *arg, const struct grpc_outcome *o);
    void *arg;
    size_t messages;           /* that came */
    struct grpc_payload reply; /* the first */
};

static struct err
on_message(struct client_call *c, struct grpc_payload *p)
{
    struct unary *u = c->arg;
    if (u->messages++ > 0) {
        grpc_payload_fini(p);
        return ERR(ERR_INTERNAL, "cardinality violation: more than one message for a unary call");
    }
    u->reply = *p;
    enum grpc_encoding e;
    if (!grpc_answer_encoding(&c->answer, &e) && p->compressed)
        return ERR(ERR_INTERNAL, "grpc: no decompressor for grpc-encoding \"%.*s\"",
                   STR_FMT(c->answer.encoding_name));
    return grpc_payload_decode(&u->reply, e, c->ch->opts.message_bytes_max);
}

/* The answer is wanted as soon as it can come. */
static bool
may_consume(struct client_call *c)
{
    (void)c;
    return true;
}

static void
on_end(struct client_call *c, enum grpc_code code, struct str text)
{
    struct unary *u = c->arg;
    if (code == GRPC_OK && u->messages == 0) {
        code = GRPC_INTERNAL;
        text = STR("cardinality violation: no message for a unary call");
    }
    struct grpc_outcome o = {.code = code, .text = text, .answer = &c->answer};
    if (code == GRPC_OK)
        o.reply = buf_str(&u->reply.bytes);
    u->done(u->arg, &o);
    grpc_payload_fini(&u->reply);
    mem_free(u);
}

static const struct client_call_ops unary_ops = {
    .on_message = on_message,
    .may_consume = may_consume,
    .on_end = on_end,
};

uint64_t
grpc_unary(struct grpc_channel *ch, const struct grpc_unary *q,
           void (*done)(void *arg, const struct grpc_outcome *o), void *arg)
{
    struct unary *u = mem_alloc_zero(sizeof *u);
    u->done = done;
    u->arg = arg;
    return client_call_begin(ch, GRPC_CLIENT_UNARY, q, &unary_ops, u, NULL);
}

/* --- canceling -------------------------------------------------------------------------------- */

struct cancel {
    struct grpc_channel *ch; /* one reference */
    uint64_t number;
};

static bool
cancel_in(struct client_calls *list, uint64_t number)
{
    for (struct client_call *c = list->first; c; c = c->next) {
        if (c->number != number)
            continue;
        client_call_finish(c, GRPC_CANCELED, STR("context canceled"));
        return true;
    }
    return false;
}

static void
on_cancel(void *arg)
{
    struct cancel *x = arg;
    if (!cancel_in(&x->ch->open, x->number))
        cancel_in(&x->ch->waiting, x->number);
    channel_unref(x->ch);
    mem_free(x);
}

void
grpc_unary_cancel(struct grpc_channel *ch, uint64_t number)
{
    struct cancel *x = mem_alloc_zero(sizeof *x);
    *x = (struct cancel){ch, number};
    atomic_fetch_add_explicit(&ch->refs, 1, memory_order_relaxed);
    loop_post(ch->opts.loop, on_cancel, x);
}
