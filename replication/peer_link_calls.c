/* peer_link_calls.c - messages to the peer, and what it answers.
 *
 * Parts whose series the peer knows by number go without labels. When it does not know them after
 * all, they go again at once, in full; the pipe hears of the message when all of it has an answer.
 */
#include "base/assert.h"
#include "replication/peer_link_int.h"
#include "replication/peer_wire.h"

static const char method[] = "/thanos.WriteableStore/RemoteWrite";
/* What `mneme-peer` tells from on; before it, a peer is of our kind and knows no numbers. */
enum { TAKES_NUMBERS = 2 };

/* --- out -------------------------------------------------------------------------------------- */

/* On the channel's loop. */
static void
on_answer(void *arg, const struct grpc_outcome *o)
{
    struct peer_link *l = arg;
    struct str told = o->answer ? grpc_answer_metadata(o->answer, STR("mneme-peer")) : STR("");
    uint64_t version = 0;
    err_drop(str_parse_u64(told, &version)); /* stays 0 */
    LOCKED(&l->lock);
    struct link_reply *r = &l->reply;
    ASSERT(!r->there); /* P1 */
    buf_clear(&r->answer);
    buf_clear(&r->text);
    r->there = true;
    r->outcome = peer_wire_outcome(o->code);
    r->kind = told.n > 0 ? PEER_KIND_MNEME : PEER_KIND_THANOS;
    r->takes_numbers = version >= TAKES_NUMBERS;
    buf_append(&r->answer, o->reply);
    buf_append(&r->text, o->text);
    cond_signal(&l->come);
}

/* Damage on its way through the disk: the reply comes from here. */
static void
answer_myself(struct peer_link *l, struct err e)
{
    LOCKED(&l->lock);
    l->reply.there = true;
    l->reply.outcome = VOTE_FAILED;
    l->reply.kind = PEER_KIND_THANOS;
    l->reply.takes_numbers = false;
    buf_clear(&l->reply.text);
    buf_printf(&l->reply.text, "%s", err_text(&e));
    err_drop(e);
}

/* `terse` as peer_wire_form. */
static void
call(struct peer_link *l, const struct peer_message *m, const bool *terse)
{
    /* Of who has not answered yet, too: asked without it, one of our kind would ask its ring, and
     * its OK would mean a quorum of others. Thanos does not look. */
    static const struct grpc_metadata direct = {STR_INIT("mneme-direct"), STR_INIT("1")};
    struct peer_wire_form form = {l->opts.encoding, l->encoder, terse};
    AUTO(shared_unref) struct shared *message = NULL;
    size_t plain_bytes = 0;
    struct err e = peer_wire_message(m, &form, &message, &plain_bytes);
    if (e.code != ERR_NONE) {
        answer_myself(l, e);
        return;
    }
    metric_add(l->plain_bytes, (double)plain_bytes);
    metric_add(l->wire_bytes, (double)shared_bytes(message).n);
    struct grpc_unary unary = {.method = method,
                               .metadata = &direct,
                               .metadata_count = 1,
                               .encoding =
                                   m->kind == PEER_KIND_MNEME ? GRPC_ZSTD : l->opts.encoding,
                               .message = message,
                               .timeout_ms = l->opts.forward_timeout_ms};
    (void)grpc_unary(l->channel, &unary, on_answer, l);
}

void
peer_link_send(void *driver, const struct peer_message *m)
{
    struct peer_link *l = driver;
    struct link_message *sent = &l->sent;
    bool numbers = l->takes_numbers && m->kind == PEER_KIND_MNEME;
    sent->of = *m;
    vec_clear(&sent->terse);
    vec_clear(&sent->outcomes);
    vec_clear(&sent->again);
    vec_clear(&sent->again_parts);
    for (size_t i = 0; i < m->count; i++) {
        const struct peer_rows *rows = m->parts[i]->rows;
        vec_push(&sent->terse, numbers && rows && link_numbers_suffice(&l->numbers, rows));
    }
    call(l, m, sent->terse.v);
}

/* --- in --------------------------------------------------------------------------------------- */

/* What the parts of a call came to, one behind the other in `outcomes`. False: the peer tells
 * nothing of parts, and they all have the outcome of the call. */
static bool
read_outcomes(struct peer_link *l, struct link_reply *reply, size_t count, uint8_t *outcomes)
{
    size_t told = 0;
    memset(outcomes, (int)reply->outcome, count);
    if (reply->outcome != VOTE_OK)
        return false;
    struct err e = peer_wire_outcomes(buf_str(&reply->answer), outcomes, count, &told);
    if (e.code != ERR_NONE) {
        reply->outcome = VOTE_FAILED;
        memset(outcomes, VOTE_FAILED, count);
        buf_clear(&reply->text);
        buf_append(&reply->text, STR("malformed answer of the receiver"));
        log_warn(l->opts.log, "malformed answer of a receiver", KV_CSTR("peer", l->address),
                 KV_ERR(e));
    }
    err_drop(e);
    return told > 0;
}

/* Sends the parts again that were not understood; false: there are none. */
static bool
send_again(struct peer_link *l)
{
    struct link_message *sent = &l->sent;
    for (size_t i = 0; i < sent->of.count; i++) {
        if (sent->outcomes.v[i] != PEER_WIRE_UNNUMBERED || !sent->terse.v[i])
            continue;
        link_numbers_forget(&l->numbers, sent->of.parts[i]->rows);
        sent->terse.v[i] = false;
        vec_push(&sent->again, i);
        vec_push(&sent->again_parts, sent->of.parts[i]);
    }
    if (sent->again.n == 0)
        return false;
    struct peer_message m = sent->of;
    m.parts = sent->again_parts.v;
    m.count = sent->again_parts.n;
    call(l, &m, NULL);
    return true;
}

/* What the peer has stored whole, in full, it knows the numbers of. */
static void
learn(struct peer_link *l)
{
    struct link_message *sent = &l->sent;
    for (size_t i = 0; i < sent->of.count; i++) {
        const struct peer_rows *rows = sent->of.parts[i]->rows;
        if (sent->outcomes.v[i] == PEER_WIRE_UNNUMBERED)
            sent->outcomes.v[i] = VOTE_FAILED; /* it was sent in full */
        else if (l->takes_numbers && sent->outcomes.v[i] == VOTE_OK && !sent->terse.v[i] && rows)
            link_numbers_learn(&l->numbers, rows);
    }
}

void
peer_link_settle(struct peer_link *l, struct link_reply *reply)
{
    struct link_message *sent = &l->sent;
    bool second = sent->again.n > 0;
    size_t count = second ? sent->again.n : sent->of.count;
    AUTO(mem_free) uint8_t *outcomes = mem_array_zero(count, sizeof *outcomes);
    if (reply->outcome != VOTE_CONFLICT)
        metric_inc(l->opts.metrics->forwards[reply->outcome != VOTE_OK]);
    bool told = read_outcomes(l, reply, count, outcomes);
    l->takes_numbers = reply->takes_numbers;
    if (second) {
        for (size_t i = 0; i < count; i++)
            sent->outcomes.v[sent->again.v[i]] = outcomes[i];
    } else {
        for (size_t i = 0; i < count; i++)
            vec_push(&sent->outcomes, outcomes[i]);
        if (told && send_again(l))
            return;
    }
    learn(l);
    struct peer_reply r = {.outcome = second ? VOTE_OK : reply->outcome,
                           .part_outcomes = second || told ? sent->outcomes.v : NULL,
                           .kind = reply->kind,
                           .text = buf_str(&reply->text)};
    peer_replied(l->pipe, clock_mono_ns(l->opts.clock), &r);
}

void
peer_link_fini_calls(struct peer_link *l)
{
    vec_fini(&l->sent.terse);
    vec_fini(&l->sent.outcomes);
    vec_fini(&l->sent.again);
    vec_fini(&l->sent.again_parts);
    link_numbers_fini(&l->numbers);
    zstd_encoder_close(l->encoder);
}
