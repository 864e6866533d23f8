/* grpc_call_reply.c - answers: from a handler's thread to the loop, and onto the stream.
 *
 * A handler appends whole messages to `pending`; at most one post is under way a call (`posted`),
 * and the loop takes all that is pending then. While more than GRPC_SEND_BYTES_MAX are on their way
 * the handler waits. An error before the first message is one block of header fields. */
#include "base/assert.h"
#include "net/grpc/grpc_server_int.h"

#include <stdio.h>

VEC_TYPE(headers, struct h2_header);

/* --- header blocks ---------------------------------------------------------------------------- */

static void
add(struct headers *h, const char *name, struct str value)
{
    vec_push(h, ((struct h2_header){str_of_cstr(name), value}));
}

static void
add_head(struct headers *h, const char *http_status)
{
    add(h, ":status", str_of_cstr(http_status));
    add(h, "content-type", STR("application/grpc"));
    add(h, "mneme-peer", STR("2"));
}

/* Texts live in `digits` and `text`. */
static void
add_status(struct headers *h, enum grpc_code code, struct str message, char digits[3],
           struct buf *text)
{
    snprintf(digits, 3, "%u", (unsigned)code % 100);
    add(h, "grpc-status", str_of_cstr(digits));
    if (code == GRPC_OK || message.n == 0)
        return;
    grpc_text_encode(message, text);
    add(h, "grpc-message", buf_str(text));
}

static void
add_reply_metadata(struct headers *h, const struct grpc_call *c)
{
    for (size_t i = 0; i < c->reply_metadata.n; i++)
        vec_push(h, c->reply_metadata.v[i]);
}

static void
send_head(struct grpc_call *c)
{
    if (c->head_sent)
        return;
    c->head_sent = true;
    struct headers h = VEC_INIT;
    add_head(&h, "200");
    add(&h, "grpc-accept-encoding", STR(GRPC_ENCODINGS_ACCEPTED));
    if (c->reply_encoding != GRPC_IDENTITY)
        add(&h, "grpc-encoding", grpc_encoding_name(c->reply_encoding));
    add_reply_metadata(&h, c);
    h2_stream_headers(c->stream, h.v, h.n, H2_MORE);
    vec_fini(&h);
}

static void
send_status(struct grpc_call *c, enum grpc_code code, struct str message)
{
    AUTO(buf_fini) struct buf text = BUF_INIT;
    char digits[3];
    struct headers h = VEC_INIT;
    if (c->head_sent) {
        add_status(&h, code, message, digits, &text);
        h2_stream_end(c->stream, h.v, h.n);
    } else {
        add_head(&h, "200");
        if (code == GRPC_UNIMPLEMENTED)
            add(&h, "grpc-accept-encoding", STR(GRPC_ENCODINGS_ACCEPTED));
        add_status(&h, code, message, digits, &text);
        add_reply_metadata(&h, c);
        h2_stream_headers(c->stream, h.v, h.n, H2_END);
        c->head_sent = true;
    }
    vec_fini(&h);
}

void
grpc_refuse(struct h2_stream *s, const char *http_status, enum grpc_code code, struct str message)
{
    AUTO(buf_fini) struct buf text = BUF_INIT;
    char digits[3];
    struct headers h = VEC_INIT;
    add_head(&h, http_status);
    add_status(&h, code, message, digits, &text);
    h2_stream_headers(s, h.v, h.n, H2_END);
    vec_fini(&h);
}

/* --- on the loop ------------------------------------------------------------------------------ */

void
grpc_call_free(struct grpc_call *c)
{
    {
        LOCKED(&c->lock);
        if (c->state != GRPC_CALL_FINISHED || c->stream || c->posted)
            return;
    }
    struct grpc_part *p = c->part;
    if (c->conn) {
        c->conn->call_count--;
        if (c->older)
            c->older->newer = c->newer;
        *(c->newer ? &c->newer->older : &c->conn->calls) = c->older;
    }
    ASSERT(c->pending.n == 0 && c->unsent_bytes == 0);
    vec_fini(&c->pending);
    vec_fini(&c->reply_metadata);
    grpc_reader_fini(&c->reader);
    grpc_payload_fini(&c->payload);
    arena_fini(&c->arena);
    buf_fini(&c->held);
    buf_fini(&c->text);
    budget_give_back(grpc_budget(p->server), c->charged_bytes);
    cond_fini(&c->moved_cond);
    lock_fini(&c->lock);
    mem_free(c);
    p->calls--;
    grpc_part_check_done(p);
}

static void
send_messages(struct grpc_call *c, struct grpc_messages *m)
{
    for (size_t i = 0; i < m->n; i++) {
        if (c->stream) {
            send_head(c);
            h2_stream_data(c->stream, m->v[i]);
            metric_inc(c->route->metrics.sent);
        }
        shared_unref(m->v[i]);
    }
    vec_clear(m);
}

/* The handler has let go, or there was none. */
static void
conclude(struct grpc_call *c, enum grpc_code code, struct str text)
{
    ASSERT(c->state != GRPC_CALL_FINISHED);
    c->state = GRPC_CALL_FINISHED;
    metric_inc(c->route->metrics.handled[code]);
    metric_observe(c->route->metrics.seconds,
                   (double)(grpc_now_ns(c->part->server) - c->start_ns) / 1e9);
    if (c->stream)
        send_status(c, code, text);
    grpc_reader_fini(&c->reader);
    grpc_payload_fini(&c->payload);
    if (c->stream && c->held.n > 0)
        h2_stream_consume(c->stream, c->held.n);
    buf_fini(&c->held);
}

/* What is pending, into `to`; false: the handler has finished, and its own post is to come. */
static bool
take_pending(struct grpc_call *c, struct grpc_messages *to)
{
    LOCKED(&c->lock);
    *to = c->pending;
    c->pending = (struct grpc_messages)VEC_INIT;
    return !c->finished;
}

void
grpc_call_end(struct grpc_call *c, enum grpc_code code, struct str text)
{
    struct grpc_messages moved = VEC_INIT;
    bool ours = take_pending(c, &moved);
    send_messages(c, &moved);
    vec_fini(&moved);
    if (!ours)
        return;
    conclude(c, code, text);
    grpc_call_free(c);
}

void
grpc_call_end_err(struct grpc_call *c, struct err e)
{
    grpc_call_end(c, grpc_code_of_err(e.code), str_of_cstr(err_text(&e)));
    err_drop(e);
}

static void
grpc_call_on_moved(void *arg)
{
    struct grpc_call *c = arg;
    struct grpc_messages moved = VEC_INIT;
    AUTO(buf_fini) struct buf text = BUF_INIT;
    bool finished;
    enum grpc_code code;
    {
        LOCKED(&c->lock);
        ASSERT(c->posted);
        c->posted = false;
        moved = c->pending;
        c->pending = (struct grpc_messages)VEC_INIT;
        finished = c->finished;
        code = c->code;
        text = c->text;
        c->text = (struct buf)BUF_INIT;
    }
    send_messages(c, &moved);
    vec_fini(&moved);
    if (finished && c->state != GRPC_CALL_FINISHED)
        conclude(c, code, buf_str(&text));
    grpc_call_free(c);
}

/* --- on the handler's thread ------------------------------------------------------------------ */

/* The last statement under the lock of every caller: the loop may free `c` right after it. */
static void
post_once(struct grpc_call *c)
{
    ASSERT(lock_is_held(&c->lock));
    if (c->posted)
        return;
    c->posted = true;
    loop_post(c->part->loop, grpc_call_on_moved, c);
}

/* Takes the reference. */
static void
append(struct grpc_call *c, struct shared *message)
{
    ASSERT(lock_is_held(&c->lock));
    size_t bytes = shared_bytes(message).n;
    budget_charge(grpc_budget(c->part->server), bytes);
    c->unsent_bytes += bytes;
    vec_push(&c->pending, message);
}

void
grpc_call_reply_metadata(struct grpc_call *c, const char *name, struct str value)
{
    vec_push(&c->reply_metadata, ((struct h2_header){arena_str(&c->arena, str_of_cstr(name)),
                                                     arena_str(&c->arena, value)}));
}

void
grpc_call_queue(struct grpc_call *c, struct str message)
{
    ASSERT(c->route->method.kind != GRPC_UNARY && message.n <= GRPC_MESSAGE_BYTES_MAX);
    AUTO(shared_unref) struct shared *framed = grpc_message_new(c->reply_encoding, message);
    LOCKED(&c->lock);
    ASSERT(!c->finished);
    if (c->gone)
        return;
    append(c, TAKE(framed));
    post_once(c);
}

/* The stream's stall_ms bounds the wait: a client that takes nothing for so long loses it. */
struct err
grpc_send(struct grpc_call *c, struct str message)
{
    if (message.n > GRPC_MESSAGE_BYTES_MAX)
        return ERR(ERR_TOO_LARGE, "a message of %zu bytes", message.n);
    if (grpc_call_is_canceled(c))
        return ERR_CODE(ERR_CANCELED);
    grpc_call_queue(c, message);
    bool waits = !loop_is_current(c->part->loop);
    LOCKED(&c->lock);
    while (waits && !c->gone && c->unsent_bytes > GRPC_SEND_BYTES_MAX) {
        if (!cond_wait_until(&c->moved_cond, &c->lock, c->deadline_ns) && grpc_call_is_canceled(c))
            return ERR_CODE(ERR_CANCELED);
    }
    return c->gone ? ERR_CODE(ERR_CANCELED) : OK;
}

void
grpc_finish(struct grpc_call *c, enum grpc_code code, struct str message_or_text)
{
    struct shared *reply = NULL;
    struct buf text = BUF_INIT;
    if (code == GRPC_OK && c->route->method.kind == GRPC_UNARY) {
        if (message_or_text.n <= GRPC_MESSAGE_BYTES_MAX) {
            reply = grpc_message_new(c->reply_encoding, message_or_text);
        } else {
            code = GRPC_RESOURCE_EXHAUSTED;
            message_or_text = STR("the answer is larger than a message can be");
        }
    }
    if (!reply)
        buf_append(&text, message_or_text);
    if (c->route->method.kind != GRPC_BIDI_STREAM)
        grpc_payload_fini(&c->payload); /* here rather than on the loop */
    LOCKED(&c->lock);
    ASSERT(!c->finished);
    if (reply && !c->gone)
        append(c, TAKE(reply));
    shared_unref(reply);
    c->finished = true;
    c->code = code;
    c->text = text;
    post_once(c);
}

void
grpc_finish_err(struct grpc_call *c, struct err e)
{
    ASSERT(e.code != ERR_NONE);
    grpc_finish(c, grpc_code_of_err(e.code), str_of_cstr(err_text(&e)));
    err_drop(e);
}
