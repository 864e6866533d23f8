/* grpc_caller.c - calls that are waited for, and a scripted peer on a thread. */
#include "tests/net/grpc_caller.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/lock.h"
#include "base/metrics.h"
#include "net/listen.h"
#include "tests/harness.h"
#include "tests/net/h2_pair.h"

enum { WAIT_MS = 20 * 1000 };

/* --- calls ------------------------------------------------------------------------------------ */

void
grpc_caller_open(struct grpc_caller *c, unsigned port, struct grpc_channel_opts opts)
{
    *c = (struct grpc_caller){.memory = {.limit_bytes = (size_t)1 << 30}};
    char address[64];
    snprintf(address, sizeof address, "127.0.0.1:%u", port);
    CK_OK(loops_start(1, &c->loops));
    c->metrics = metrics_open();
    if (opts.address.n == 0)
        opts.address = str_of_cstr(address);
    opts.loop = loops_at(c->loops, 0);
    opts.metrics = c->metrics;
    opts.clock = clock_system();
    opts.memory = opts.memory ? opts.memory : &c->memory;
    CK_OK(grpc_channel_open(&opts, &c->ch));
}

void
grpc_caller_close(struct grpc_caller *c)
{
    grpc_channel_close(c->ch);
    loops_stop(c->loops);
    ck_assert_uint_eq(budget_used(&c->memory), 0);
    metrics_close(c->metrics);
}

static void
on_done(void *arg, const struct grpc_outcome *o)
{
    struct grpc_asked *a = arg;
    LOCKED(a->lock);
    a->code = o->code;
    buf_append(&a->text, o->text);
    buf_append(&a->reply, o->reply);
    buf_append(&a->tag, grpc_answer_metadata(o->answer, STR("x-tag")));
    a->outcomes++;
    cond_signal(a->moved);
}

struct grpc_asked *
grpc_caller_start(struct grpc_caller *c, struct grpc_unary q, struct str plain)
{
    struct grpc_asked *a = mem_alloc_zero(sizeof *a);
    a->lock = mem_alloc_zero(sizeof *a->lock);
    a->moved = mem_alloc_zero(sizeof *a->moved);
    lock_init(a->lock, LOCK_RANK_LEAF);
    cond_init(a->moved);
    a->message = grpc_message_new(q.encoding, plain);
    q.message = a->message;
    q.timeout_ms = q.timeout_ms ? q.timeout_ms : 10 * 1000;
    a->number = grpc_unary(c->ch, &q, on_done, a);
    return a;
}

void
grpc_asked_wait(struct grpc_asked *a)
{
    uint64_t until_ns = clock_mono_ns(clock_system()) + WAIT_MS * 1000000ull;
    LOCKED(a->lock);
    while (a->outcomes == 0)
        ck_assert_msg(cond_wait_until(a->moved, a->lock, until_ns), "the call does not end");
}

void
grpc_asked_free(struct grpc_asked *a)
{
    lock_acquire(a->lock);
    ck_assert_uint_eq(a->outcomes, 1);
    lock_release(a->lock);
    shared_unref(a->message);
    buf_fini(&a->text);
    buf_fini(&a->reply);
    buf_fini(&a->tag);
    cond_fini(a->moved);
    lock_fini(a->lock);
    mem_free(a->moved);
    mem_free(a->lock);
    mem_free(a);
}

struct grpc_asked *
grpc_caller_ask(struct grpc_caller *c, struct grpc_unary q, struct str plain)
{
    struct grpc_asked *a = grpc_caller_start(c, q, plain);
    grpc_asked_wait(a);
    return a;
}

double
grpc_caller_metric(struct grpc_caller *c, const char *series)
{
    AUTO(buf_fini) struct buf text = BUF_INIT;
    metrics_write(c->metrics, METRICS_TEXT, &text);
    const char *at = strstr(buf_cstr(&text), series);
    return at ? strtod(at + strlen(series), NULL) : 0;
}

/* --- frames ----------------------------------------------------------------------------------- */

enum { DATA = 0, HEADERS = 1, RST_STREAM = 3, SETTINGS = 4, GOAWAY = 7 };

/* Literals without indexing, of less than 127 bytes (RFC 7541 section 6.2.2). */
void
bad_headers(struct buf *to, uint32_t stream, unsigned flags, const char *fields)
{
    AUTO(buf_fini) struct buf block = BUF_INIT;
    struct str rest = str_of_cstr(fields);
    while (rest.n > 0) {
        struct str line = str_split(&rest, '\n');
        size_t colon = str_find_byte(str_skip(line, 1), ':') + 1; /* one may lead */
        struct str name = str_of(line.p, colon), value = str_skip(line, colon + 2);
        ck_assert(name.n < 127 && value.n < 127);
        buf_put_u8(&block, 0);
        buf_put_u8(&block, (uint8_t)name.n);
        buf_append(&block, name);
        buf_put_u8(&block, (uint8_t)value.n);
        buf_append(&block, value);
    }
    h2_raw_frame(to, HEADERS, flags | BAD_END_HEADERS, stream, buf_str(&block));
}

void
bad_data(struct buf *to, uint32_t stream, unsigned flags, struct str bytes)
{
    h2_raw_frame(to, DATA, flags, stream, bytes);
}

void
bad_reset(struct buf *to, uint32_t stream, uint32_t code)
{
    char payload[4];
    store_be32(payload, code);
    h2_raw_frame(to, RST_STREAM, 0, stream, str_of(payload, sizeof payload));
}

void
bad_goaway(struct buf *to, uint32_t last_stream, uint32_t code)
{
    char payload[8];
    store_be32(payload, last_stream);
    store_be32(payload + 4, code);
    h2_raw_frame(to, GOAWAY, 0, 0, str_of(payload, sizeof payload));
}

void
bad_good_answer(struct buf *to, uint32_t stream)
{
    bad_headers(to, stream, 0, ":status: 200\ncontent-type: application/grpc\n");
    bad_data(to, stream, 0, STR("\0\0\0\0\2ok"));
    bad_headers(to, stream, BAD_END_STREAM, "grpc-status: 0\n");
}

/* --- the peer --------------------------------------------------------------------------------- */

struct bad_peer {
    const struct bad_script *scripts; /* borrowed */
    size_t count;
    int listener;
    unsigned port;
    pthread_t thread;
    _Atomic(bool) stop;
    _Atomic(unsigned) accepted;
};

static bool
wait_readable(struct bad_peer *p, int fd)
{
    while (!p->stop) {
        struct pollfd f = {fd, POLLIN, 0};
        if (poll(&f, 1, 10) > 0)
            return true;
    }
    return false;
}

static bool
read_exactly(struct bad_peer *p, int fd, char *to, size_t n)
{
    while (n > 0) {
        if (!wait_readable(p, fd))
            return false;
        ssize_t got = recv(fd, to, n, 0);
        if (got <= 0)
            return false;
        to += got;
        n -= (size_t)got;
    }
    return true;
}

/* Reads frames until a request has ended. */
static bool
await_request(struct bad_peer *p, int fd)
{
    for (;;) {
        char head[9], payload[16384];
        if (!read_exactly(p, fd, head, sizeof head))
            return false;
        size_t n = load_be32(head) >> 8;
        ck_assert(n <= sizeof payload);
        if (!read_exactly(p, fd, payload, n))
            return false;
        if (head[3] == DATA && head[4] & BAD_END_STREAM)
            return true;
    }
}

static void
say(int fd, struct str bytes)
{
    while (bytes.n > 0) {
        ssize_t n = send(fd, bytes.p, bytes.n, MSG_NOSIGNAL);
        if (n <= 0)
            return; /* the client has gone: it may */
        bytes = str_skip(bytes, (size_t)n);
    }
}

/* Until the client has closed. */
static void
hold(struct bad_peer *p, int fd)
{
    char byte;
    while (read_exactly(p, fd, &byte, 1))
        continue;
}

static void
serve(struct bad_peer *p, int fd, const struct bad_script *s)
{
    char preface[24];
    AUTO(buf_fini) struct buf settings = BUF_INIT;
    h2_raw_frame(&settings, SETTINGS, 0, 0, STR(""));
    if (!read_exactly(p, fd, preface, sizeof preface))
        return;
    say(fd, s->greeting.p ? s->greeting : buf_str(&settings));
    for (size_t i = 0; i < ARRAY_LEN(s->answers) && s->answers[i].p; i++) {
        if (!await_request(p, fd))
            return;
        say(fd, s->answers[i]);
    }
    struct linger now = {.l_onoff = 1};
    if (s->end == BAD_HOLD)
        hold(p, fd);
    else if (s->end == BAD_RESET)
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

static void *
peer_main(void *arg)
{
    struct bad_peer *p = arg;
    while (wait_readable(p, p->listener)) {
        int fd = accept(p->listener, NULL, NULL);
        if (fd < 0)
            continue;
        unsigned i = p->accepted++;
        serve(p, fd, &p->scripts[i < p->count ? i : p->count - 1]);
        close(fd);
    }
    return NULL;
}

struct bad_peer *
bad_peer_start(const struct bad_script *scripts, size_t count)
{
    struct bad_peer *p = mem_alloc_zero(sizeof *p);
    p->scripts = scripts;
    p->count = count;
    CK_OK(listen_open(STR("127.0.0.1:0"), &p->listener, 1, &p->port));
    ck_assert_int_eq(pthread_create(&p->thread, NULL, peer_main, p), 0);
    return p;
}

unsigned
bad_peer_port(const struct bad_peer *p)
{
    return p->port;
}

unsigned
bad_peer_accepted(struct bad_peer *p)
{
    return p->accepted;
}

void
bad_peer_stop(struct bad_peer *p)
{
    p->stop = true;
    pthread_join(p->thread, NULL);
    close(p->listener);
    mem_free(p);
}
