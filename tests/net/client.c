/* client.c - the test's end of a connection. */
#include "tests/net/client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "tests/harness.h"

enum { WAIT_SECONDS = 5 };

struct client {
    int fd;
    bool ended;    /* the server closed or reset */
    struct buf in; /* read, not yet used */
};

struct client *
client_open(unsigned port)
{
    struct client *c = mem_alloc_zero(sizeof *c);
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(c->fd, 0);
    struct timeval wait = {WAIT_SECONDS, 0};
    setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
    int on = 1;
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    ck_assert_int_eq(connect(c->fd, (struct sockaddr *)&at, sizeof at), 0);
    return c;
}

void
client_close(struct client *c)
{
    close(c->fd);
    buf_fini(&c->in);
    mem_free(c);
}

void
client_send(struct client *c, struct str bytes)
{
    while (bytes.n > 0) {
        ssize_t n = send(c->fd, bytes.p, bytes.n, MSG_NOSIGNAL);
        if (n <= 0)
            return; /* the server may close in the middle: the answer tells */
        bytes = str_skip(bytes, (size_t)n);
    }
}

void
client_end(struct client *c)
{
    shutdown(c->fd, SHUT_WR);
}

/* One read; false at the end. A wait that runs out fails the test. */
static bool
fill(struct client *c)
{
    buf_reserve(&c->in, 64 << 10);
    ssize_t n = recv(c->fd, c->in.p + c->in.n, 64 << 10, 0);
    ck_assert_msg(n >= 0 || errno != EAGAIN, "no answer within %d s", WAIT_SECONDS);
    if (n <= 0) {
        c->ended = true;
        return false;
    }
    c->in.n += (size_t)n;
    return true;
}

static void
eat(struct client *c, size_t n)
{
    memmove(c->in.p, c->in.p + n, c->in.n - n);
    c->in.n -= n;
}

/* Moves n bytes to *to; false when the connection ends first. */
static bool
take(struct client *c, size_t n, struct buf *to)
{
    while (c->in.n < n && fill(c))
        ;
    size_t got = size_min(n, c->in.n);
    buf_append(to, str_of(c->in.p, got));
    eat(c, got);
    return got == n;
}

/* Moves everything up to `mark` to *to and drops the mark. */
static bool
take_until(struct client *c, struct str mark, struct buf *to)
{
    for (;;) {
        char *at = c->in.n ? memmem(c->in.p, c->in.n, mark.p, mark.n) : NULL;
        if (at) {
            size_t n = (size_t)(at - c->in.p);
            buf_append(to, str_of(c->in.p, n));
            eat(c, n + mark.n);
            return true;
        }
        if (!fill(c))
            return false;
    }
}

struct str
reply_header(const struct reply *r, const char *name)
{
    struct str lines = buf_str(&r->head);
    while (lines.n > 0) {
        struct str value = str_split(&lines, '\n');
        if (str_eq_nocase(str_split(&value, ':'), str_of_cstr(name)))
            return str_trim(value);
    }
    return (struct str){NULL, 0};
}

static bool
take_chunks(struct client *c, struct buf *to)
{
    for (;;) {
        AUTO(buf_fini) struct buf line = BUF_INIT, end = BUF_INIT;
        if (!take_until(c, STR("\r\n"), &line))
            return false;
        size_t n = strtoul(buf_cstr(&line), NULL, 16);
        if (!take(c, n, to) || !take(c, 2, &end))
            return false;
        ck_assert_msg(str_eq(buf_str(&end), STR("\r\n")), "chunk without its line end");
        if (n == 0)
            return true;
    }
}

struct reply
client_read(struct client *c, enum client_body body)
{
    struct reply r = {0};
    if (!take_until(c, STR("\r\n\r\n"), &r.head))
        return r;
    ck_assert(str_starts_with(buf_str(&r.head), STR("HTTP/1.1 ")));
    r.status = (int)strtoul(buf_cstr(&r.head) + 9, NULL, 10);
    struct str length = reply_header(&r, "Content-Length");
    struct str coding = reply_header(&r, "Transfer-Encoding");
    ck_assert_msg(!length.p || !coding.p, "both a length and chunks");
    if (body == CLIENT_HEAD_ONLY || r.status == 204 || r.status == 304 || r.status < 200) {
        r.complete = true;
    } else if (str_eq(coding, STR("chunked"))) {
        r.complete = take_chunks(c, &r.body);
    } else if (length.p) {
        r.complete = take(c, strtoul(length.p, NULL, 10), &r.body);
    } else {
        take(c, SIZE_MAX / 2, &r.body);
        r.complete = true;
    }
    return r;
}

struct buf
client_read_raw(struct client *c, size_t n)
{
    struct buf got = BUF_INIT;
    take(c, n, &got);
    return got;
}

bool
client_is_closed(struct client *c)
{
    while (fill(c))
        ;
    return c->ended;
}

void
reply_fini(struct reply *r)
{
    buf_fini(&r->head);
    buf_fini(&r->body);
}

struct reply
client_ask(unsigned port, struct str bytes)
{
    struct client *c = client_open(port);
    client_send(c, bytes);
    struct reply r = client_read(c, CLIENT_BODY);
    client_close(c);
    return r;
}
