/* grpc_fixture.c - the server under test, its handlers, and a client of bare HTTP/2. */
#include "tests/net/grpc_fixture.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/lock.h"
#include "base/pool.h"
#include "base/vec.h"
#include "tests/harness.h"

enum { WAIT_MS = 20 * 1000, TURN_NS = 1000 * 1000 };

/* --- handlers --------------------------------------------------------------------------------- */

static void
serve_echo(void *arg, struct grpc_call *c)
{
    (void)arg;
    grpc_call_reply_metadata(c, "x-tag", STR("yes"));
    grpc_finish(c, GRPC_OK, grpc_call_message(c));
}

static void
serve_fail(void *arg, struct grpc_call *c)
{
    (void)arg;
    struct str text = grpc_call_message(c), number = str_split(&text, ' ');
    uint64_t code = 0;
    CK_OK(str_parse_u64(number, &code));
    grpc_finish(c, (enum grpc_code)code, text);
}

static void
serve_gate(void *arg, struct grpc_call *c)
{
    struct grpc_fixture *f = arg;
    bool canceled;
    {
        LOCKED(f->lock);
        f->at_gate++;
        while (!f->gate_open && !grpc_call_is_canceled(c))
            cond_wait_until(f->moved, f->lock, clock_mono_ns(clock_system()) + TURN_NS);
        f->at_gate--;
        canceled = grpc_call_is_canceled(c);
        f->canceled += canceled;
    }
    grpc_finish(c, canceled ? GRPC_CANCELED : GRPC_OK, canceled ? STR("gone") : STR("through"));
}

static void
serve_deaf(void *arg, struct grpc_call *c)
{
    struct grpc_fixture *f = arg;
    {
        LOCKED(f->lock);
        f->at_gate++;
        while (!f->gate_open)
            cond_wait(f->moved, f->lock);
        f->at_gate--;
    }
    grpc_finish(c, GRPC_OK, STR("late"));
}

static void
serve_stream(void *arg, struct grpc_call *c)
{
    struct grpc_fixture *f = arg;
    struct str text = grpc_call_message(c), first = str_split(&text, ' ');
    uint64_t count = 0, bytes = 0;
    CK_OK(str_parse_u64(first, &count));
    CK_OK(str_parse_u64(text, &bytes));
    AUTO(buf_fini) struct buf piece = BUF_INIT;
    while (piece.n < bytes)
        buf_put_u8(&piece, (uint8_t)piece.n);
    struct err e = OK;
    for (uint64_t i = 0; i < count && e.code == ERR_NONE; i++)
        e = grpc_send(c, buf_str(&piece));
    {
        LOCKED(f->lock);
        f->stream_end = e.code;
        f->streams_ended++;
    }
    if (e.code == ERR_NONE)
        grpc_finish(c, GRPC_OK, STR(""));
    else
        grpc_finish(c, GRPC_ABORTED, str_of_cstr(err_text(&e)));
    err_drop(e);
}

/* --- the server ------------------------------------------------------------------------------- */

void
grpc_fixture_start(struct grpc_fixture *f, struct grpc_server_opts opts, size_t threads,
                   size_t queued_limit)
{
    *f = (struct grpc_fixture){0};
    f->lock = mem_alloc_zero(sizeof *f->lock);
    f->moved = mem_alloc_zero(sizeof *f->moved);
    lock_init(f->lock, LOCK_RANK_LEAF);
    cond_init(f->moved);
    f->metrics = metrics_open();
    CK_OK(loops_start(2, &f->loops));
    CK_OK(pool_start(
        &(struct pool_opts){.name = "grpc", .threads = threads, .queued_limit = queued_limit},
        &f->pool));
    struct grpc_method methods[] = {
        {"test.Echo", "Echo", GRPC_UNARY, serve_echo, f, f->pool, 0, GRPC_KEEPS_NOTHING},
        {"test.Echo", "Loop", GRPC_UNARY, serve_echo, f, NULL, 0, GRPC_KEEPS_NOTHING},
        {"test.Echo", "Small", GRPC_UNARY, serve_echo, f, f->pool, 16, GRPC_KEEPS_NOTHING},
        {"test.Echo", "Keep", GRPC_UNARY, serve_echo, f, f->pool, 0, GRPC_KEEPS_MESSAGE},
        {"test.Echo", "Fail", GRPC_UNARY, serve_fail, f, f->pool, 0, GRPC_KEEPS_NOTHING},
        {"test.Echo", "Gate", GRPC_UNARY, serve_gate, f, f->pool, 0, GRPC_KEEPS_NOTHING},
        {"test.Echo", "Deaf", GRPC_UNARY, serve_deaf, f, f->pool, 0, GRPC_KEEPS_NOTHING},
        {"test.Echo", "Stream", GRPC_SERVER_STREAM, serve_stream, f, f->pool, 0,
         GRPC_KEEPS_NOTHING},
    };
    opts.address = STR("127.0.0.1:0");
    opts.loops = f->loops;
    opts.metrics = f->metrics;
    opts.clock = opts.clock ? opts.clock : clock_system();
    opts.methods = methods;
    opts.method_count = ARRAY_LEN(methods);
    CK_OK(grpc_server_start(&opts, &f->server));
    f->port = grpc_server_port(f->server);
}

void
grpc_fixture_stop_server(struct grpc_fixture *f, uint64_t grace_ms)
{
    grpc_server_stop(TAKE(f->server), grace_ms);
}

void
grpc_fixture_stop(struct grpc_fixture *f, uint64_t grace_ms)
{
    grpc_fixture_stop_server(f, grace_ms);
    pool_stop(f->pool);
    loops_stop(f->loops);
    metrics_close(f->metrics);
    cond_fini(f->moved);
    lock_fini(f->lock);
    mem_free(f->moved);
    mem_free(f->lock);
}

void
grpc_fixture_open_gate(struct grpc_fixture *f)
{
    LOCKED(f->lock);
    f->gate_open = true;
    cond_broadcast(f->moved);
}

static void
wait_for_count(struct grpc_fixture *f, const unsigned *figure, unsigned count)
{
    for (int i = 0; i < WAIT_MS; i++) {
        {
            LOCKED(f->lock);
            if (*figure >= count)
                return;
        }
        nanosleep(&(struct timespec){0, TURN_NS}, NULL);
    }
    ck_abort_msg("handlers did not come so far");
}

void
grpc_fixture_wait_at_gate(struct grpc_fixture *f, unsigned count)
{
    wait_for_count(f, &f->at_gate, count);
}
void
grpc_fixture_wait_canceled(struct grpc_fixture *f, unsigned count)
{
    wait_for_count(f, &f->canceled, count);
}
void
grpc_fixture_wait_streams_ended(struct grpc_fixture *f, unsigned count)
{
    wait_for_count(f, &f->streams_ended, count);
}

void
grpc_fixture_wait_metric(struct grpc_fixture *f, const char *line)
{
    AUTO(buf_fini) struct buf text = BUF_INIT;
    AUTO(buf_fini) struct buf wanted = BUF_INIT;
    buf_printf(&wanted, "\n%s\n", line);
    for (int i = 0; i < WAIT_MS; i++) {
        buf_clear(&text);
        metrics_write(f->metrics, METRICS_TEXT, &text);
        if (strstr(buf_cstr(&text), buf_cstr(&wanted)))
            return;
        nanosleep(&(struct timespec){0, TURN_NS}, NULL);
    }
    ck_abort_msg("no such line: %s in\n%s", line, buf_cstr(&text));
}

/* --- the client ------------------------------------------------------------------------------- */

struct grpc_peer {
    struct loops *loops;
    struct loop *loop;
    struct h2_conn *conn;
    VEC(struct grpc_peer_call *) calls;
    bool closed, ready;
    uint32_t goaway_code;
    struct buf goaway_text;
};

static void
peer_on_headers(void *arg, struct h2_stream *s, const struct h2_header *v, size_t n)
{
    (void)arg;
    struct grpc_peer_call *c = h2_stream_arg(s);
    c->heads++;
    for (size_t i = 0; i < n; i++)
        buf_printf(&c->head, "%.*s: %.*s\n", STR_FMT(v[i].name), STR_FMT(v[i].value));
}

static void
peer_on_data(void *arg, struct h2_stream *s, struct str bytes)
{
    (void)arg;
    struct grpc_peer_call *c = h2_stream_arg(s);
    buf_append(&c->wire, bytes);
    if (!c->hold)
        h2_stream_consume(s, bytes.n);
}

static void
peer_on_end(void *arg, struct h2_stream *s)
{
    (void)arg;
    ((struct grpc_peer_call *)h2_stream_arg(s))->ended = true;
}

static void
peer_on_stream_close(void *arg, struct h2_stream *s, uint32_t code)
{
    (void)arg;
    struct grpc_peer_call *c = h2_stream_arg(s);
    c->stream = NULL;
    c->closed = true;
    c->close_code = code;
}

static void
peer_on_ready(void *arg)
{
    ((struct grpc_peer *)arg)->ready = true;
}

static void
peer_on_goaway(void *arg, uint32_t code, struct str text)
{
    struct grpc_peer *p = arg;
    p->goaway_code = code;
    buf_clear(&p->goaway_text);
    buf_append(&p->goaway_text, text);
}

static void
peer_on_close(void *arg, struct err why)
{
    struct grpc_peer *p = arg;
    err_drop(why);
    h2_conn_close(TAKE(p->conn));
    p->closed = true;
}

static const struct h2_ops peer_ops = {
    .on_headers = peer_on_headers,
    .on_data = peer_on_data,
    .on_end = peer_on_end,
    .on_stream_close = peer_on_stream_close,
    .on_ready = peer_on_ready,
    .on_goaway = peer_on_goaway,
    .on_close = peer_on_close,
};

struct on_loop {
    struct grpc_peer *peer;
    struct grpc_peer_call *call;
    const struct grpc_peer_request *request;
    struct h2_conn_opts opts;
    int fd;
    void (*fn)(struct h2_conn *c);
    struct str wire;
    bool (*is_so)(struct on_loop *o);
    size_t wanted;
    bool so;
};

static void
run_is_so(void *arg)
{
    struct on_loop *o = arg;
    o->so = o->is_so(o);
}

static void
wait_for(struct on_loop *o, const char *what)
{
    for (int i = 0; i < WAIT_MS && !o->so; i++) {
        loop_call(o->peer->loop, run_is_so, o);
        if (!o->so)
            nanosleep(&(struct timespec){0, TURN_NS}, NULL);
    }
    ck_assert_msg(o->so, "still not: %s", what);
}

static void
open_on_loop(void *arg)
{
    struct on_loop *o = arg;
    o->peer->conn = h2_conn_open(&o->opts, o->peer->loop, o->fd, NULL);
}

static bool
is_ready(struct on_loop *o)
{
    return o->peer->ready || o->peer->closed;
}

struct grpc_peer *
grpc_peer_open(unsigned port, const struct h2_conn_opts *h2)
{
    struct grpc_peer *p = mem_alloc_zero(sizeof *p);
    p->goaway_code = UINT32_MAX;
    CK_OK(loops_start(1, &p->loops));
    p->loop = loops_at(p->loops, 0);
    struct on_loop o = {.peer = p, .is_so = is_ready};
    o.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_eq(connect(o.fd, (struct sockaddr *)&to, sizeof to), 0);
    fcntl(o.fd, F_SETFL, fcntl(o.fd, F_GETFL) | O_NONBLOCK);
    if (h2)
        o.opts = *h2;
    o.opts.role = H2_CLIENT;
    o.opts.ops = &peer_ops;
    o.opts.arg = p;
    o.opts.clock = clock_system();
    if (!o.opts.streams_max)
        o.opts.streams_max = 100000;
    loop_call(p->loop, open_on_loop, &o);
    wait_for(&o, "SETTINGS of the server");
    return p;
}

static void
close_on_loop(void *arg)
{
    struct grpc_peer *p = arg;
    h2_conn_close(TAKE(p->conn));
}

void
grpc_peer_close(struct grpc_peer *p)
{
    loop_call(p->loop, close_on_loop, p);
    loops_stop(p->loops);
    vec_each (&p->calls, c) {
        buf_fini(&(*c)->head);
        buf_fini(&(*c)->wire);
        mem_free(*c);
    }
    vec_fini(&p->calls);
    buf_fini(&p->goaway_text);
    mem_free(p);
}

static bool
peer_is_closed(struct on_loop *o)
{
    return o->peer->closed;
}

uint32_t
grpc_peer_wait_end(struct grpc_peer *p, struct str *ret_text)
{
    struct on_loop o = {.peer = p, .is_so = peer_is_closed};
    wait_for(&o, "the end of the connection");
    if (ret_text)
        *ret_text = buf_str(&p->goaway_text);
    return p->goaway_code;
}

static void
run_fn(void *arg)
{
    struct on_loop *o = arg;
    if (o->peer->conn)
        o->fn(o->peer->conn);
}

void
grpc_peer_run(struct grpc_peer *p, void (*fn)(struct h2_conn *c))
{
    struct on_loop o = {.peer = p, .fn = fn};
    loop_call(p->loop, run_fn, &o);
}

void
grpc_peer_ping(struct grpc_peer *p)
{
    grpc_peer_run(p, h2_conn_ping);
}

static void
send_wire(struct h2_stream *s, struct str wire)
{
    if (!s || wire.n == 0)
        return;
    AUTO(shared_unref) struct shared *bytes = shared_new(wire);
    h2_stream_data(s, bytes);
}

static void
start_on_loop(void *arg)
{
    struct on_loop *o = arg;
    const struct grpc_peer_request *q = o->request;
    struct h2_header v[16] = {
        {STR(":method"), str_of_cstr(q->method ? q->method : "POST")},
        {STR(":scheme"), STR("http")},
        {STR(":authority"), STR("me")},
        {STR(":path"), str_of_cstr(q->path)},
        {STR("te"), STR("trailers")},
        {STR("content-type"), str_of_cstr(q->content_type ? q->content_type : "application/grpc")},
    };
    size_t n = 6;
    for (size_t i = 0; i < q->header_count; i++)
        v[n++] = q->headers[i];
    ck_assert_msg(o->peer->conn && h2_conn_room(o->peer->conn) > 0, "no room for a call");
    o->call->stream = h2_conn_request(o->peer->conn, v, n, H2_MORE, o->call);
    send_wire(o->call->stream, q->wire);
    if (!q->open)
        h2_stream_end(o->call->stream, NULL, 0);
}

struct grpc_peer_call *
grpc_peer_start(struct grpc_peer *p, const struct grpc_peer_request *q)
{
    struct grpc_peer_call *c = mem_alloc_zero(sizeof *c);
    c->peer = p;
    c->hold = q->hold;
    vec_push(&p->calls, c);
    struct on_loop o = {.peer = p, .call = c, .request = q};
    loop_call(p->loop, start_on_loop, &o);
    return c;
}

static void
send_on_loop(void *arg)
{
    struct on_loop *o = arg;
    send_wire(o->call->stream, o->wire);
}

void
grpc_peer_send(struct grpc_peer_call *c, struct str wire)
{
    struct on_loop o = {.peer = c->peer, .call = c, .wire = wire};
    loop_call(c->peer->loop, send_on_loop, &o);
}

static void
end_on_loop(void *arg)
{
    struct on_loop *o = arg;
    if (o->call->stream)
        h2_stream_end(o->call->stream, NULL, 0);
}

void
grpc_peer_end(struct grpc_peer_call *c)
{
    struct on_loop o = {.peer = c->peer, .call = c};
    loop_call(c->peer->loop, end_on_loop, &o);
}

static void
reset_on_loop(void *arg)
{
    struct on_loop *o = arg;
    if (o->call->stream)
        h2_stream_reset(o->call->stream, H2_CANCEL);
}

void
grpc_peer_reset(struct grpc_peer_call *c)
{
    struct on_loop o = {.peer = c->peer, .call = c};
    loop_call(c->peer->loop, reset_on_loop, &o);
}

static bool
call_is_closed(struct on_loop *o)
{
    return o->call->closed;
}

void
grpc_peer_wait(struct grpc_peer_call *c)
{
    struct on_loop o = {.peer = c->peer, .call = c, .is_so = call_is_closed};
    wait_for(&o, "the end of the call");
}

static bool
has_bytes(struct on_loop *o)
{
    return o->call->wire.n >= o->wanted;
}

void
grpc_peer_wait_bytes(struct grpc_peer_call *c, size_t bytes)
{
    struct on_loop o = {.peer = c->peer, .call = c, .is_so = has_bytes, .wanted = bytes};
    wait_for(&o, "so many bytes");
}

struct grpc_peer_call *
grpc_peer_ask(struct grpc_peer *p, const char *path, struct str message)
{
    AUTO(buf_fini) struct buf wire = BUF_INIT;
    grpc_wire_put(&wire, message);
    struct grpc_peer_call *c =
        grpc_peer_start(p, &(struct grpc_peer_request){.path = path, .wire = buf_str(&wire)});
    grpc_peer_wait(c);
    return c;
}

void
grpc_wire_put(struct buf *to, struct str message)
{
    AUTO(shared_unref) struct shared *framed = grpc_message_new(GRPC_IDENTITY, message);
    buf_append(to, shared_bytes(framed));
}

struct str
grpc_peer_field(const struct grpc_peer_call *c, const char *name)
{
    struct str rest = buf_str(&c->head), found = {NULL, 0};
    while (rest.n > 0) {
        struct str line = str_split(&rest, '\n');
        if (line.n > strlen(name) + 1 && str_starts_with(line, str_of_cstr(name)) &&
            line.p[strlen(name)] == ':')
            found = str_skip(line, strlen(name) + 2);
    }
    return found;
}

unsigned
grpc_peer_status(const struct grpc_peer_call *c)
{
    uint64_t code = 99;
    struct str text = grpc_peer_field(c, "grpc-status");
    if (text.p)
        CK_OK(str_parse_u64(text, &code));
    return (unsigned)code;
}

struct buf
grpc_peer_message(const struct grpc_peer_call *c)
{
    struct grpc_reader r;
    struct grpc_payload payload;
    enum grpc_encoding encoding = GRPC_IDENTITY;
    struct str name = grpc_peer_field(c, "grpc-encoding"), rest = buf_str(&c->wire);
    if (name.p)
        ck_assert(grpc_encoding_parse(name, &encoding));
    bool whole = false;
    grpc_reader_init(&r, GRPC_MESSAGE_BYTES_MAX, NULL);
    CK_OK(grpc_reader_feed(&r, &rest, &whole));
    ck_assert(whole && rest.n == 0);
    grpc_reader_take(&r, &payload);
    CK_OK(grpc_payload_decode(&payload, encoding, GRPC_MESSAGE_BYTES_MAX));
    struct buf bytes = payload.bytes;
    payload.bytes = (struct buf)BUF_INIT;
    grpc_payload_fini(&payload);
    grpc_reader_fini(&r);
    return bytes;
}
