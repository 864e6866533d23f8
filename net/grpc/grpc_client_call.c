/* grpc_client_call.c - one call: its request, its deadline, what comes back, its end.
 *
 * A call is in its channel's `waiting` until it has a stream, then in `open`. It ends once, by
 * client_call_finish(), whoever is first: trailers, a reset, the deadline, a cancel, the channel. A
 * stream that is still there then belongs to nobody (its argument is NULL). */
#include "base/assert.h"
#include "net/grpc/grpc_client_int.h"

static const struct str deadline_text = STR_INIT("context deadline exceeded");
enum { FIELDS_MAX = 64 }; /* of a request; metadata beyond them is a bug of the caller */

/* --- lists ------------------------------------------------------------------------------------ */

static void
calls_insert(struct client_calls *list, struct client_call *c, struct client_call *before)
{
    ASSERT(!c->list);
    c->list = list;
    c->next = before;
    c->prev = before ? before->prev : list->last;
    *(c->prev ? &c->prev->next : &list->first) = c;
    *(before ? &before->prev : &list->last) = c;
}

void
client_calls_push(struct client_calls *list, struct client_call *c)
{
    calls_insert(list, c, NULL);
}

void
client_calls_push_first(struct client_calls *list, struct client_call *c)
{
    calls_insert(list, c, list->first);
}

void
client_calls_remove(struct client_call *c)
{
    struct client_calls *list = c->list;
    ASSERT(list);
    *(c->prev ? &c->prev->next : &list->first) = c->next;
    *(c->next ? &c->next->prev : &list->last) = c->prev;
    c->list = NULL;
    c->prev = c->next = NULL;
}

/* --- beginning -------------------------------------------------------------------------------- */

static void
copy_request(struct client_call *c, const struct grpc_unary *q)
{
    ASSERT(q->metadata_count <= FIELDS_MAX / 2);
    struct arena *a = &c->arena;
    struct grpc_metadata *metadata = ARENA_ARRAY(a, struct grpc_metadata, q->metadata_count);
    for (size_t i = 0; i < q->metadata_count; i++)
        metadata[i] = (struct grpc_metadata){arena_str(a, q->metadata[i].name),
                                             arena_str(a, q->metadata[i].value)};
    c->request = *q;
    c->request.method = arena_str(a, str_of_cstr(q->method)).p;
    c->request.metadata = metadata;
    c->request.message = shared_ref(q->message);
}

static void
on_deadline(void *arg)
{
    struct client_call *c = arg;
    const struct err *why = &c->ch->why;
    struct str text = deadline_text;
    if (!c->stream && c->ch->failures > 0)
        text = arena_printf(&c->arena,
                            "context deadline exceeded while waiting for connections to become "
                            "ready; last error: %s",
                            err_text(why));
    client_call_finish(c, GRPC_DEADLINE_EXCEEDED, text);
}

static void
on_begin(void *arg)
{
    struct client_call *c = arg;
    struct grpc_channel *ch = c->ch;
    c->counts = grpc_client_metrics_method(ch->metrics, c->kind, str_of_cstr(c->request.method));
    grpc_client_count_started(c->counts);
    if (c->too_many) {
        client_call_finish(c, GRPC_RESOURCE_EXHAUSTED, STR("too many calls are open"));
        return;
    }
    if (c->deadline_ns != UINT64_MAX) {
        uint64_t now_ns = clock_mono_ns(ch->opts.clock);
        uint64_t left_ns = c->deadline_ns > now_ns ? c->deadline_ns - now_ns : 0;
        c->alarm = loop_alarm_new(ch->opts.loop, on_deadline, c);
        loop_alarm_set(c->alarm, left_ns / 1000000 + 1);
    }
    channel_take(ch, c);
}

uint64_t
client_call_begin(struct grpc_channel *ch, enum grpc_client_kind kind, const struct grpc_unary *q,
                  const struct client_call_ops *ops, void *arg, struct client_call **ret_call)
{
    struct client_call *c = mem_alloc_zero(sizeof *c);
    c->ch = ch;
    c->kind = kind;
    c->ops = ops;
    c->arg = arg;
    arena_init(&c->arena, 0);
    copy_request(c, q);
    atomic_fetch_add_explicit(&ch->refs, 1, memory_order_relaxed);
    uint64_t number = atomic_fetch_add_explicit(&ch->numbers, 1, memory_order_relaxed) + 1;
    c->number = number;
    c->too_many =
        atomic_fetch_add_explicit(&ch->calls, 1, memory_order_relaxed) >= ch->opts.calls_max;
    c->start_ns = clock_mono_ns(ch->opts.clock);
    c->deadline_ns = UINT64_MAX;
    if (q->timeout_ms > 0 && q->timeout_ms < (UINT64_MAX - c->start_ns) / 1000000)
        c->deadline_ns = c->start_ns + q->timeout_ms * 1000000;
    grpc_answer_init(&c->answer, &c->arena);
    grpc_reader_init(&c->reader, ch->opts.message_bytes_max, ch->opts.memory);
    if (ret_call)
        *ret_call = c; /* before the loop may see it */
    loop_post(ch->opts.loop, on_begin, c);
    return number;
}

/* --- ending ----------------------------------------------------------------------------------- */

static void
call_free(struct client_call *c)
{
    struct grpc_channel *ch = c->ch;
    atomic_fetch_sub_explicit(&ch->calls, 1, memory_order_relaxed);
    loop_timer_free(c->alarm);
    grpc_reader_fini(&c->reader);
    grpc_answer_fini(&c->answer);
    shared_unref(c->request.message);
    arena_fini(&c->arena);
    mem_free(c);
    channel_unref(ch);
}

/* The stream goes on without an owner until both sides have ended it. */
static void
leave_stream(struct client_call *c, bool peer_done)
{
    struct h2_stream *s = TAKE(c->stream);
    if (!s)
        return;
    h2_stream_set_arg(s, NULL);
    if (!peer_done || h2_stream_queued(s) > 0)
        h2_stream_reset(s, H2_CANCEL);
}

static void
finish(struct client_call *c, enum grpc_code code, struct str text, bool peer_done)
{
    if (c->list)
        client_calls_remove(c);
    leave_stream(c, peer_done);
    uint64_t took_ns = clock_mono_ns(c->ch->opts.clock) - c->start_ns;
    grpc_client_count_handled(c->counts, code, took_ns);
    c->ops->on_end(c, code, text);
    call_free(c);
}

void
client_call_finish(struct client_call *c, enum grpc_code code, struct str text)
{
    finish(c, code, text, false);
}

/* Of a failure of our own; consumes `e`. */
static void
finish_err(struct client_call *c, struct err e)
{
    struct str text = arena_str(&c->arena, str_of_cstr(err_text(&e)));
    enum grpc_code code = grpc_code_of_err(e.code);
    err_drop(e);
    client_call_finish(c, code, text);
}

/* --- the request ------------------------------------------------------------------------------ */

struct fields {
    struct h2_header v[FIELDS_MAX];
    size_t n;
};

static void
add(struct fields *f, struct str name, struct str value)
{
    ASSERT(f->n < FIELDS_MAX);
    f->v[f->n++] = (struct h2_header){name, value};
}

static void
make_fields(const struct client_call *c, char timeout[GRPC_TIMEOUT_BYTES_MAX], struct fields *f)
{
    const struct grpc_channel *ch = c->ch;
    add(f, STR(":method"), STR("POST"));
    add(f, STR(":scheme"), ch->opts.tls ? STR("https") : STR("http"));
    add(f, STR(":path"), str_of_cstr(c->request.method));
    add(f, STR(":authority"), ch->authority);
    add(f, STR("content-type"), STR("application/grpc"));
    add(f, STR("user-agent"), str_of_cstr(ch->opts.user_agent));
    add(f, STR("te"), STR("trailers"));
    if (timeout[0])
        add(f, STR("grpc-timeout"), str_of_cstr(timeout));
    if (c->request.encoding != GRPC_IDENTITY)
        add(f, STR("grpc-encoding"), grpc_encoding_name(c->request.encoding));
    add(f, STR("grpc-accept-encoding"), STR(GRPC_ENCODINGS_ACCEPTED));
    for (size_t i = 0; i < c->request.metadata_count; i++)
        add(f, c->request.metadata[i].name, c->request.metadata[i].value);
}

void
client_call_send(struct client_call *c, struct client_conn *conn)
{
    char timeout[GRPC_TIMEOUT_BYTES_MAX] = "";
    if (c->deadline_ns != UINT64_MAX) {
        uint64_t now_ns = clock_mono_ns(c->ch->opts.clock);
        grpc_timeout_format(c->deadline_ns > now_ns ? c->deadline_ns - now_ns : 0, timeout);
    }
    struct fields f = {.n = 0};
    make_fields(c, timeout, &f);
    client_calls_remove(c);
    client_calls_push(&c->ch->open, c);
    c->stream = h2_conn_request(conn->h2, f.v, f.n, H2_MORE, c);
    h2_stream_data(c->stream, c->request.message);
    h2_stream_end(c->stream, NULL, 0);
    if (!c->retried)
        grpc_client_count_sent(c->counts);
}

/* --- what comes ------------------------------------------------------------------------------- */

static void
on_headers(void *conn_arg, struct h2_stream *s, const struct h2_header *v, size_t n)
{
    (void)conn_arg;
    struct client_call *c = h2_stream_arg(s);
    if (!c)
        return;
    if (!grpc_answer_headers(&c->answer, v, n))
        client_call_finish(c, c->answer.code, c->answer.text);
    else if (c->ops->on_headers)
        c->ops->on_headers(c);
}

/* Cuts messages out of `bytes`. */
static struct err
feed(struct client_call *c, struct str bytes)
{
    while (bytes.n > 0) {
        bool whole = false;
        TRY(grpc_reader_feed(&c->reader, &bytes, &whole));
        if (!whole)
            continue;
        struct grpc_payload p;
        grpc_reader_take(&c->reader, &p);
        grpc_client_count_received(c->counts);
        TRY(c->ops->on_message(c, &p));
    }
    return OK;
}

void
client_call_resume(struct client_call *c)
{
    if (!c->stream || c->held_bytes == 0)
        return;
    size_t bytes = c->held_bytes;
    c->held_bytes = 0;
    h2_stream_consume(c->stream, bytes);
}

static void
on_data(void *conn_arg, struct h2_stream *s, struct str bytes)
{
    (void)conn_arg;
    struct client_call *c = h2_stream_arg(s);
    if (!c) {
        h2_stream_consume(s, bytes.n);
        return;
    }
    c->held_bytes += bytes.n;
    struct err e = feed(c, bytes);
    if (e.code != ERR_NONE)
        finish_err(c, e);
    else if (c->ops->may_consume(c))
        client_call_resume(c);
}

/* What the server said, or its stream. A server whose own clock for the deadline was first calls it
 * a cancel. */
static void
finish_as_told(struct client_call *c, enum grpc_code code, struct str text, bool peer_done)
{
    if (code == GRPC_CANCELED && clock_mono_ns(c->ch->opts.clock) >= c->deadline_ns)
        finish(c, GRPC_DEADLINE_EXCEEDED, deadline_text, peer_done);
    else
        finish(c, code, text, peer_done);
}

static void
on_end(void *conn_arg, struct h2_stream *s)
{
    (void)conn_arg;
    struct client_call *c = h2_stream_arg(s);
    if (!c)
        return;
    grpc_answer_end(&c->answer);
    if (c->answer.code == GRPC_OK && !grpc_reader_is_idle(&c->reader))
        finish(c, GRPC_INTERNAL, STR("unexpected EOF inside a message"), true);
    else
        finish_as_told(c, c->answer.code, c->answer.text, true);
}

/* Not a byte of it was looked at: nobody needs to know. Only once: a server that refuses again
 * means it. */
static bool
send_again(struct client_call *c, uint32_t code)
{
    if (code != H2_REFUSED_STREAM || c->retried || c->answer.phase != GRPC_ANSWER_NOTHING)
        return false;
    c->retried = true;
    c->held_bytes = 0;
    client_calls_remove(c);
    channel_take_again(c->ch, c);
    return true;
}

static void
on_stream_close(void *conn_arg, struct h2_stream *s, uint32_t code)
{
    struct client_conn *conn = conn_arg;
    struct grpc_channel *ch = conn->ch;
    struct client_call *c = h2_stream_arg(s);
    if (c)
        c->stream = NULL;
    if (c && !send_again(c, code)) {
        struct str text = arena_printf(
            &c->arena, "stream terminated by RST_STREAM with error code: %u", (unsigned)code);
        if (code == H2_LOST)
            text = STR("error reading from server: the connection was lost");
        finish_as_told(c, grpc_code_of_h2(code), text, true);
    }
    channel_pump(ch);
}

static void
on_ready(void *conn_arg)
{
    channel_on_ready(conn_arg);
}

static void
on_goaway(void *conn_arg, uint32_t code, struct str text)
{
    channel_on_goaway(conn_arg, code, text);
}

static void
on_close(void *conn_arg, struct err why)
{
    channel_on_close(conn_arg, why);
}

const struct h2_ops client_conn_ops = {
    .on_headers = on_headers,
    .on_data = on_data,
    .on_end = on_end,
    .on_stream_close = on_stream_close,
    .on_ready = on_ready,
    .on_goaway = on_goaway,
    .on_close = on_close,
};
