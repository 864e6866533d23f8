/* Two ends of one HTTP/2 connection, for tests. */
#include "tests/net/h2_pair.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "tests/harness.h"

enum { WAIT_MS = 10 * 1000 };

/* --- callbacks -------------------------------------------------------------------------------- */

static void
answer(struct h2_stream *s, struct str body)
{
    static const struct h2_header head[] = {{STR_INIT(":status"), STR_INIT("200")}};
    static const struct h2_header trailers[] = {{STR_INIT("grpc-status"), STR_INIT("0")}};
    h2_stream_headers(s, head, 1, H2_MORE);
    AUTO(shared_unref) struct shared *bytes = shared_new(body);
    h2_stream_data(s, bytes);
    h2_stream_end(s, trailers, 1);
}

static void
on_headers(void *arg, struct h2_stream *s, const struct h2_header *v, size_t n)
{
    struct h2_side *side = arg;
    side->heads++;
    side->stream = s;
    for (size_t i = 0; i < n; i++)
        buf_printf(&side->head, "%.*s: %.*s\n", STR_FMT(v[i].name), STR_FMT(v[i].value));
    if (side == &side->pair->server && side->pair->mode == H2_SERVER_EARLY)
        answer(s, STR(""));
}

static void
on_data(void *arg, struct h2_stream *s, struct str bytes)
{
    struct h2_side *side = arg;
    buf_append(&side->body, bytes);
    if (!side->keep_credit)
        h2_stream_consume(s, bytes.n);
}

static void
on_end(void *arg, struct h2_stream *s)
{
    struct h2_side *side = arg;
    side->ends++;
    if (side == &side->pair->server && side->pair->mode == H2_SERVER_ECHO)
        answer(s, buf_str(&side->body));
}

static void
on_sent(void *arg, struct h2_stream *s, size_t bytes)
{
    (void)s;
    struct h2_side *side = arg;
    side->sent_bytes += bytes;
}

static void
on_stream_close(void *arg, struct h2_stream *s, uint32_t code)
{
    struct h2_side *side = arg;
    side->closes++;
    side->close_code = code;
    if (side->stream == s)
        side->stream = NULL;
}

static void
on_ready(void *arg)
{
    ((struct h2_side *)arg)->readies++;
}

static bool
on_ping(void *arg)
{
    struct h2_side *side = arg;
    side->pings++;
    return !side->refuse_pings;
}

static void
on_goaway(void *arg, uint32_t code, struct str text)
{
    struct h2_side *side = arg;
    side->goaways++;
    side->goaway_code = code;
    buf_append(&side->goaway_text, text);
}

static void
on_close(void *arg, struct err why)
{
    struct h2_side *side = arg;
    ck_assert(!side->is_closed);
    side->is_closed = true;
    side->why = why.code;
    err_drop(why);
    h2_conn_close(TAKE(side->conn));
}

static const struct h2_ops ops = {
    .on_headers = on_headers,
    .on_data = on_data,
    .on_end = on_end,
    .on_sent = on_sent,
    .on_stream_close = on_stream_close,
    .on_ready = on_ready,
    .on_ping = on_ping,
    .on_goaway = on_goaway,
    .on_close = on_close,
};

/* --- life cycle ------------------------------------------------------------------------------- */

struct opening {
    struct h2_pair *pair;
    struct h2_conn_opts server, client;
    int fds[2];
    bool raw;
};

static void
open_side(struct h2_side *side, struct h2_pair *p, enum h2_role role, struct h2_conn_opts o, int fd)
{
    side->pair = p;
    o.role = role;
    o.ops = &ops;
    o.arg = side;
    if (!o.clock)
        o.clock = clock_system();
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    side->conn = h2_conn_open(&o, p->loop, fd, NULL);
}

static void
open_on_loop(void *arg)
{
    struct opening *o = arg;
    open_side(&o->pair->server, o->pair, H2_SERVER, o->server, o->fds[0]);
    if (o->raw)
        o->pair->raw = o->fds[1];
    else
        open_side(&o->pair->client, o->pair, H2_CLIENT, o->client, o->fds[1]);
}

static void
open_pair(struct h2_pair *p, struct opening *o)
{
    *p = (struct h2_pair){.raw = -1};
    CK_OK(loops_start(1, &p->loops));
    p->loop = loops_at(p->loops, 0);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, o->fds), 0);
    o->pair = p;
    loop_call(p->loop, open_on_loop, o);
}

void
h2_pair_open(struct h2_pair *p, struct h2_conn_opts server, struct h2_conn_opts client)
{
    struct opening o = {.server = server, .client = client};
    open_pair(p, &o);
}

void
h2_pair_open_raw(struct h2_pair *p, struct h2_conn_opts server)
{
    struct opening o = {.server = server, .raw = true};
    open_pair(p, &o);
}

static void
close_side(struct h2_side *side)
{
    h2_conn_close(TAKE(side->conn));
    buf_fini(&side->head);
    buf_fini(&side->body);
    buf_fini(&side->goaway_text);
}

static void
close_on_loop(void *arg)
{
    struct h2_pair *p = arg;
    close_side(&p->client);
    close_side(&p->server);
}

void
h2_pair_close(struct h2_pair *p)
{
    loop_call(p->loop, close_on_loop, p);
    loops_stop(p->loops);
    if (p->raw >= 0)
        close(p->raw);
}

/* --- on the loop ------------------------------------------------------------------------------ */

struct run {
    struct h2_pair *pair;
    void (*fn)(struct h2_pair *p);
    bool (*is_so)(struct h2_pair *p);
    bool so;
    uint64_t now_ns;
};

static void
run_on_loop(void *arg)
{
    struct run *r = arg;
    if (r->fn)
        r->fn(r->pair);
    if (r->is_so)
        r->so = r->is_so(r->pair);
}

void
h2_pair_run(struct h2_pair *p, void (*fn)(struct h2_pair *p))
{
    struct run r = {.pair = p, .fn = fn};
    loop_call(p->loop, run_on_loop, &r);
}

void
h2_pair_wait(struct h2_pair *p, const char *what, bool (*is_so)(struct h2_pair *p))
{
    struct run r = {.pair = p, .is_so = is_so};
    for (int i = 0; i < WAIT_MS && !r.so; i++) {
        loop_call(p->loop, run_on_loop, &r);
        if (!r.so)
            nanosleep(&(struct timespec){0, 1000 * 1000}, NULL);
    }
    ck_assert_msg(r.so, "still not: %s", what);
}

static void
tick_on_loop(void *arg)
{
    struct run *r = arg;
    if (r->pair->server.conn)
        h2_conn_tick(r->pair->server.conn, r->now_ns);
    if (r->pair->client.conn)
        h2_conn_tick(r->pair->client.conn, r->now_ns);
}

void
h2_pair_tick(struct h2_pair *p, const struct clock *clock)
{
    struct run r = {.pair = p, .now_ns = clock_mono_ns(clock)};
    loop_call(p->loop, tick_on_loop, &r);
}

struct h2_stream *
h2_pair_post(struct h2_pair *p)
{
    static const struct h2_header head[] = {
        {STR_INIT(":method"), STR_INIT("POST")},  {STR_INIT(":scheme"), STR_INIT("http")},
        {STR_INIT(":authority"), STR_INIT("me")}, {STR_INIT(":path"), STR_INIT("/x")},
        {STR_INIT("te"), STR_INIT("trailers")},
    };
    ck_assert(h2_conn_room(p->client.conn) > 0);
    p->client.stream = h2_conn_request(p->client.conn, head, ARRAY_LEN(head), H2_MORE, NULL);
    return p->client.stream;
}

void
h2_pair_send(struct h2_stream *s, size_t n)
{
    AUTO(buf_fini) struct buf b = BUF_INIT;
    buf_reserve(&b, n);
    for (size_t i = 0; i < n; i++)
        b.p[b.n++] = (char)(i % 251);
    AUTO(shared_unref) struct shared *bytes = shared_take(&b);
    h2_stream_data(s, bytes);
}

bool
h2_pair_counts_up(struct str bytes)
{
    for (size_t i = 0; i < bytes.n; i++) {
        if (bytes.p[i] != (char)(i % 251))
            return false;
    }
    return true;
}

/* --- raw -------------------------------------------------------------------------------------- */

/* A server that has had enough closes: what it does not take is not sent. */
void
h2_raw_send(struct h2_pair *p, struct str bytes)
{
    while (bytes.n > 0) {
        ssize_t n = send(p->raw, bytes.p, bytes.n, MSG_NOSIGNAL);
        if (n <= 0)
            return;
        bytes = str_skip(bytes, (size_t)n);
    }
}

void
h2_raw_frame(struct buf *to, unsigned type, unsigned flags, uint32_t stream, struct str payload)
{
    uint32_t n = (uint32_t)payload.n;
    char head[9] = {(char)(n >> 16), (char)(n >> 8), (char)n, (char)type, (char)flags};
    for (int i = 0; i < 4; i++)
        head[5 + i] = (char)(stream >> (24 - 8 * i));
    buf_append(to, str_of(head, sizeof head));
    buf_append(to, payload);
}

void
h2_raw_begin(struct buf *to)
{
    buf_append(to, STR("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
    h2_raw_frame(to, 4, 0, 0, STR(""));
}

void
h2_raw_post(struct buf *to, uint32_t stream, unsigned flags)
{
    /* :method POST, :scheme http, :path /x, :authority me; indexed, or literal with indexed name */
    h2_raw_frame(to, 1, flags, stream, STR("\x83\x86\x04\x02/x\x01\x02me"));
}

/* Reads exactly n bytes; false at the end. */
static bool
read_bytes(struct h2_pair *p, char *to, size_t n)
{
    while (n > 0) {
        struct pollfd ready = {.fd = p->raw, .events = POLLIN};
        ck_assert_msg(poll(&ready, 1, WAIT_MS) == 1, "nothing more comes");
        ssize_t got = recv(p->raw, to, n, 0);
        if (got <= 0)
            return false;
        to += got;
        n -= (size_t)got;
    }
    return true;
}

static bool
read_frame(struct h2_pair *p, unsigned *ret_type, uint32_t *ret_stream, struct buf *payload)
{
    unsigned char head[9];
    if (!read_bytes(p, (char *)head, sizeof head))
        return false;
    size_t n = (size_t)head[0] << 16 | (size_t)head[1] << 8 | head[2];
    *ret_type = head[3];
    *ret_stream =
        (uint32_t)head[5] << 24 | (uint32_t)head[6] << 16 | (uint32_t)head[7] << 8 | head[8];
    buf_clear(payload);
    buf_reserve(payload, n + 1);
    payload->n = n;
    return read_bytes(p, payload->p, n);
}

bool
h2_raw_read_frame(struct h2_pair *p, unsigned type, uint32_t stream, struct buf *to)
{
    unsigned got;
    uint32_t of;
    while (read_frame(p, &got, &of, to)) {
        if (got == type && (stream == 0 || stream == of))
            return true;
    }
    return false;
}

bool
h2_raw_read_goaway(struct h2_pair *p, uint32_t *ret_code, struct buf *ret_text)
{
    AUTO(buf_fini) struct buf frame = BUF_INIT;
    unsigned type;
    uint32_t of;
    bool found = false;
    while (read_frame(p, &type, &of, &frame)) {
        if (type != 7)
            continue;
        ck_assert_uint_ge(frame.n, 8);
        found = true;
        const unsigned char *b = (const unsigned char *)frame.p;
        *ret_code = (uint32_t)b[4] << 24 | (uint32_t)b[5] << 16 | (uint32_t)b[6] << 8 | b[7];
        buf_clear(ret_text);
        buf_append(ret_text, str_skip(buf_str(&frame), 8));
    }
    shutdown(p->raw, SHUT_WR); /* so the server need not linger */
    return found;
}
