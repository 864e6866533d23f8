/* h2_conn.c - a connection's steps: reading, writing, leaving; and its deadlines.
 *
 *   OPEN --abort, protocol error, all done--> LEAVING --GOAWAY is out--> LINGER --> OVER
 *     `--the transport broke, a deadline passed--> OVER
 *
 * A step runs when the socket is ready or something was called: it reads what is there, lets
 * nghttp2 call the owner, and writes what has come of it. Only so much is framed ahead as one write
 * may take, so what waits for a slow reader waits in the streams' queues, where their owners see
 * it. */
#include "base/assert.h"
#include "net/h2/h2_int.h"

enum {
    H2_READ_BYTES = 32 << 10, /* at once; on the loop's stack */
    H2_TURN_READS = 8,        /* then other connections have their turn */
    H2_TURN_WRITES = 16,
    H2_OUT_BYTES = 64 << 10, /* framed ahead */
    H2_REPLIES_MAX = 2000,   /* acknowledgements and the like that wait for a blocked output: no
                              * more is read that could cause some */
    H2_LINGER_MS = 1000,
    H2_NOTICE_MS = 5000, /* a drain goes on without the answer to its PING */
    STREAMS_MAX_DEFAULT = 1024,
    STREAM_WINDOW_DEFAULT = 4 << 20,
    CONN_WINDOW_DEFAULT = 16 << 20,
    HEADER_BYTES_DEFAULT = 64 << 10,
    SETUP_MS_DEFAULT = 20 * 1000,
    STALL_MS_DEFAULT = 60 * 1000,
    KEEPALIVE_TIMEOUT_MS_DEFAULT = 20 * 1000,
};

enum h2_step {
    H2_STEP_WAIT,  /* for the socket, or for the owner */
    H2_STEP_YIELD, /* there is more to do, in the loop's next turn */
    H2_STEP_OVER,  /* `why` says it */
};

static void h2_conn_step(void *arg);

/* --- life cycle ------------------------------------------------------------------------------- */

static void
set_defaults(struct h2_conn_opts *o)
{
#define DEFAULT(field, value) o->field = o->field ? o->field : (value)
    DEFAULT(streams_max, STREAMS_MAX_DEFAULT);
    DEFAULT(stream_window_bytes, STREAM_WINDOW_DEFAULT);
    DEFAULT(conn_window_bytes, CONN_WINDOW_DEFAULT);
    DEFAULT(header_bytes_max, HEADER_BYTES_DEFAULT);
    DEFAULT(setup_ms, SETUP_MS_DEFAULT);
    DEFAULT(stall_ms, STALL_MS_DEFAULT);
    DEFAULT(keepalive_timeout_ms, KEEPALIVE_TIMEOUT_MS_DEFAULT);
#undef DEFAULT
    ASSERT(o->stream_window_bytes <= INT32_MAX && o->conn_window_bytes <= INT32_MAX);
}

struct h2_conn *
h2_conn_open(const struct h2_conn_opts *opts, struct loop *l, int fd, struct tls_session *tls)
{
    struct h2_conn *c = mem_alloc_zero(sizeof *c);
    c->opts = *opts;
    set_defaults(&c->opts);
    c->loop = l;
    c->opened_ns = c->read_ns = c->written_ns = c->idle_ns = h2_now_ns(c);
    c->session = h2_session_new(c);
    c->transport = transport_open(l, fd, tls, h2_conn_step, c);
    transport_want(c->transport, TRANSPORT_INPUT_ON);
    transport_wake(c->transport); /* our SETTINGS; and what TLS may have read already */
    return c;
}

static void
finish_streams(struct h2_conn *c)
{
    while (c->streams)
        h2_stream_finish(c->streams, H2_LOST);
}

void
h2_conn_close(struct h2_conn *c)
{
    if (!c)
        return;
    ASSERT(!c->stepping);
    c->state = H2_STATE_OVER;
    finish_streams(c);
    nghttp2_session_del(c->session);
    transport_close(c->transport);
    err_drop(c->why);
    buf_fini(&c->out);
    buf_fini(&c->header_text);
    vec_fini(&c->fields);
    mem_free(c);
}

uint64_t
h2_now_ns(const struct h2_conn *c)
{
    return clock_mono_ns(c->opts.clock);
}

void
h2_conn_stir(struct h2_conn *c)
{
    if (c->stepping || c->stirred)
        return;
    c->stirred = true;
    transport_wake(c->transport);
}

void
h2_conn_note(struct h2_conn *c, struct err why)
{
    if (c->why.code == ERR_NONE)
        c->why = why;
    else
        err_drop(why);
}

/* Behind it `c` may be gone. */
static void
be_over(struct h2_conn *c)
{
    if (c->state == H2_STATE_OVER)
        return;
    c->state = H2_STATE_OVER;
    transport_want(c->transport, TRANSPORT_INPUT_OFF);
    c->stepping = true; /* the owner's calls meanwhile stir nothing */
    finish_streams(c);
    c->stepping = false;
    struct err why = c->why;
    c->why = OK;
    c->opts.ops->on_close(c->opts.arg, why);
}

static void
linger(struct h2_conn *c)
{
    c->state = H2_STATE_LINGER;
    c->linger_ns = h2_now_ns(c);
    finish_streams(c);
    transport_shut_output(c->transport);
    transport_want(c->transport, TRANSPORT_INPUT_ON);
}

/* --- steps ------------------------------------------------------------------------------------ */

static enum h2_step
input_ended(struct h2_conn *c, enum io io)
{
    const char *handshake = transport_handshake_failure(c->transport);
    if (handshake)
        h2_conn_note(c, ERR(ERR_IO, "TLS handshake: %s", handshake));
    else if (io == IO_FAILED && transport_failure(c->transport))
        h2_conn_note(c, ERR(ERR_IO, "%s", transport_failure(c->transport)));
    else if (!c->ready || c->stream_count > 0)
        h2_conn_note(c, ERR(ERR_IO, "the other side closed the connection"));
    return H2_STEP_OVER;
}

/* What the other side makes us say must not pile up here while it does not listen. */
static bool
replies_pile_up(struct h2_conn *c)
{
    return c->output_blocked &&
           nghttp2_session_get_outbound_queue_size(c->session) > H2_REPLIES_MAX;
}

static enum h2_step
step_input(struct h2_conn *c)
{
    char bytes[H2_READ_BYTES];
    for (int i = 0; i < H2_TURN_READS; i++) {
        if (c->state != H2_STATE_OPEN)
            return H2_STEP_WAIT;
        if (replies_pile_up(c)) {
            transport_want(c->transport, TRANSPORT_INPUT_OFF);
            c->must_read = true; /* once output goes on */
            return H2_STEP_WAIT;
        }
        size_t n;
        enum io io = transport_read(c->transport, bytes, sizeof bytes, &n);
        if (io == IO_AGAIN)
            return H2_STEP_WAIT;
        if (io != IO_OK)
            return input_ended(c, io);
        c->read_ns = h2_now_ns(c);
        c->ping_waits = false;
        ssize_t done = nghttp2_session_mem_recv(c->session, (const uint8_t *)bytes, n);
        if (done < 0) {
            h2_conn_note(c, ERR(ERR_INVALID, "HTTP/2: %s", nghttp2_strerror((int)done)));
            return H2_STEP_OVER;
        }
    }
    return H2_STEP_YIELD;
}

/* Frames what is to be sent, up to what one write may take. */
static void
fill_output(struct h2_conn *c)
{
    while (!c->last_words && c->out.n < H2_OUT_BYTES) {
        const uint8_t *frame;
        ssize_t n = nghttp2_session_mem_send(c->session, &frame);
        ASSERT(n >= 0); /* fails for want of memory, and when a callback says so: none does */
        if (n == 0)
            return;
        buf_append(&c->out, str_of((const char *)frame, (size_t)n));
    }
}

static enum h2_step
step_output(struct h2_conn *c)
{
    for (int i = 0; i < H2_TURN_WRITES; i++) {
        if (c->out_sent_bytes == c->out.n) {
            buf_clear(&c->out);
            c->out_sent_bytes = 0;
            fill_output(c);
        }
        if (c->out.n == 0) {
            buf_fini(&c->out); /* an idle connection holds no buffer */
            return H2_STEP_WAIT;
        }
        struct str rest = str_skip(buf_str(&c->out), c->out_sent_bytes);
        size_t n;
        enum io io = transport_write(c->transport, rest, (struct str){NULL, 0}, &n);
        if (io == IO_AGAIN) {
            if (!c->output_blocked)
                c->written_ns = h2_now_ns(c); /* its clock starts */
            c->output_blocked = true;
            return H2_STEP_WAIT;
        }
        if (io != IO_OK)
            return input_ended(c, io);
        c->written_ns = h2_now_ns(c);
        c->out_sent_bytes += n;
        if (c->output_blocked) {
            c->output_blocked = false;
            if (c->state == H2_STATE_OPEN)
                transport_want(c->transport, TRANSPORT_INPUT_ON);
        }
    }
    return H2_STEP_YIELD;
}

/* Throws input away until the other side has closed, too. */
static enum h2_step
step_linger(struct h2_conn *c)
{
    char bytes[H2_READ_BYTES];
    size_t n;
    enum io io = transport_read(c->transport, bytes, sizeof bytes, &n);
    if (io == IO_OK)
        return H2_STEP_YIELD;
    return io == IO_AGAIN ? H2_STEP_WAIT : H2_STEP_OVER;
}

/* A client has no use for a connection that takes no requests; nghttp2 sees the rest. */
static void
check_drained(struct h2_conn *c)
{
    bool client_done = c->opts.role == H2_CLIENT && c->stream_count == 0 &&
                       (c->drain == H2_DRAIN_NOTICE || c->went_away);
    if (client_done && c->state == H2_STATE_OPEN && c->drain != H2_DRAIN_FINAL) {
        c->drain = H2_DRAIN_FINAL;
        nghttp2_session_terminate_session(c->session, NGHTTP2_NO_ERROR);
    }
}

static enum h2_step
step_once(struct h2_conn *c, bool read)
{
    if (c->state == H2_STATE_LINGER)
        return step_linger(c);
    enum h2_step in = H2_STEP_WAIT;
    if (read)
        in = step_input(c);
    if (in == H2_STEP_OVER)
        return in;
    check_drained(c);
    enum h2_step out = step_output(c);
    if (in == H2_STEP_YIELD)
        c->must_read = true;
    if (out != H2_STEP_WAIT)
        return out;
    bool done = c->last_words ||
                (!nghttp2_session_want_read(c->session) && !nghttp2_session_want_write(c->session));
    if (done && c->out.n == 0) {
        linger(c);
        return step_linger(c);
    }
    return c->must_read && !c->output_blocked ? H2_STEP_YIELD : H2_STEP_WAIT;
}

static void
h2_conn_step(void *arg)
{
    struct h2_conn *c = arg;
    ASSERT(loop_is_current(c->loop) && !c->stepping);
    bool read = !c->stirred || c->must_read;
    c->stirred = c->must_read = false;
    if (c->state == H2_STATE_OVER)
        return;
    c->stepping = true;
    enum h2_step step = step_once(c, read);
    c->stepping = false;
    if (step == H2_STEP_OVER)
        be_over(c);
    else if (step == H2_STEP_YIELD)
        transport_wake(c->transport);
}

/* --- leaving ---------------------------------------------------------------------------------- */

void
h2_conn_abort(struct h2_conn *c, enum h2_code code, const char *text)
{
    if (c->state != H2_STATE_OPEN)
        return;
    c->state = H2_STATE_LEAVING;
    transport_want(c->transport, TRANSPORT_INPUT_OFF);
    h2_conn_note(c, ERR(ERR_INVALID, "%s", text));
    int failed = nghttp2_submit_goaway(c->session, NGHTTP2_FLAG_NONE,
                                       nghttp2_session_get_last_proc_stream_id(c->session), code,
                                       (const uint8_t *)text, strlen(text));
    ASSERT(failed == 0);
    h2_conn_stir(c);
}

void
h2_conn_on_drain_pong(struct h2_conn *c)
{
    if (c->drain != H2_DRAIN_NOTICE || c->opts.role != H2_SERVER)
        return;
    c->drain = H2_DRAIN_FINAL;
    int failed = nghttp2_submit_goaway(c->session, NGHTTP2_FLAG_NONE,
                                       nghttp2_session_get_last_proc_stream_id(c->session),
                                       NGHTTP2_NO_ERROR, NULL, 0);
    ASSERT(failed == 0);
    h2_conn_stir(c);
}

/* Of a server in two phases: requests that were on their way when the client heard of it are still
 * taken. A client just stops asking. */
void
h2_conn_drain(struct h2_conn *c)
{
    if (c->state != H2_STATE_OPEN || c->drain != H2_DRAIN_NONE)
        return;
    c->drain = H2_DRAIN_NOTICE;
    c->drain_ns = h2_now_ns(c);
    if (c->opts.role == H2_SERVER) {
        int failed = nghttp2_submit_shutdown_notice(c->session);
        ASSERT(failed == 0);
        failed = nghttp2_submit_ping(c->session, NGHTTP2_FLAG_NONE, h2_drain_ping);
        ASSERT(failed == 0);
    }
    h2_conn_stir(c);
}

void
h2_conn_ping(struct h2_conn *c)
{
    if (c->state != H2_STATE_OPEN)
        return;
    int failed = nghttp2_submit_ping(c->session, NGHTTP2_FLAG_NONE, NULL);
    ASSERT(failed == 0);
    c->ping_ns = h2_now_ns(c);
    c->ping_waits = true;
    h2_conn_stir(c);
}

/* --- deadlines -------------------------------------------------------------------------------- */

static bool
passed(uint64_t since_ns, uint64_t limit_ms, uint64_t now_ns)
{
    return limit_ms > 0 && now_ns > since_ns && now_ns - since_ns >= limit_ms * 1000000;
}

/* Streams whose reader gives no window back: what they hold is given up. */
static void
check_streams(struct h2_conn *c, uint64_t now_ns)
{
    for (struct h2_stream *s = c->streams, *older; s; s = older) {
        older = s->older;
        if (s->queued_bytes > 0 && passed(s->moved_ns, c->opts.stall_ms, now_ns))
            h2_stream_reset(s, H2_CANCEL);
    }
}

static void
check_keepalive(struct h2_conn *c, uint64_t now_ns)
{
    bool wanted = c->ready && (c->opts.role == H2_SERVER || c->stream_count > 0);
    uint64_t news_ns = u64_max(c->read_ns, c->ping_ns);
    if (wanted && !c->ping_waits && passed(news_ns, c->opts.keepalive_ms, now_ns))
        h2_conn_ping(c);
}

/* NULL: none. */
static const char *
passed_deadline(const struct h2_conn *c, uint64_t now_ns)
{
    if (!c->ready && passed(c->opened_ns, c->opts.setup_ms, now_ns))
        return "the connection was not set up in time";
    if (!c->ready && c->drain != H2_DRAIN_NONE && passed(c->drain_ns, H2_NOTICE_MS, now_ns))
        return "the connection was not set up before its end";
    if (c->output_blocked && passed(c->written_ns, c->opts.stall_ms, now_ns))
        return "the other side reads nothing";
    if (c->ping_waits && passed(c->ping_ns, c->opts.keepalive_timeout_ms, now_ns))
        return "a PING was not answered";
    if (c->opts.age_ms > 0 && c->opts.age_grace_ms > 0 &&
        passed(c->opened_ns, c->opts.age_ms + c->opts.age_grace_ms, now_ns))
        return "the connection is too old";
    return NULL;
}

void
h2_conn_tick(struct h2_conn *c, uint64_t now_ns)
{
    if (c->state == H2_STATE_OVER)
        return;
    if (c->state == H2_STATE_LINGER) {
        if (passed(c->linger_ns, H2_LINGER_MS, now_ns))
            be_over(c);
        return;
    }
    const char *late = passed_deadline(c, now_ns);
    if (late) {
        h2_conn_note(c, ERR(ERR_TIMEOUT, "%s", late));
        transport_reset_on_close(c->transport);
        be_over(c);
        return;
    }
    check_streams(c, now_ns);
    check_keepalive(c, now_ns);
    if (passed(c->opened_ns, c->opts.age_ms, now_ns) ||
        (c->stream_count == 0 && passed(c->idle_ns, c->opts.idle_ms, now_ns)))
        h2_conn_drain(c);
    if (c->drain == H2_DRAIN_NOTICE && passed(c->drain_ns, H2_NOTICE_MS, now_ns))
        h2_conn_on_drain_pong(c);
}

/* --- accessors -------------------------------------------------------------------------------- */

size_t
h2_conn_stream_count(const struct h2_conn *c)
{
    return c->stream_count;
}

struct transport *
h2_conn_transport(struct h2_conn *c)
{
    return c->transport;
}
