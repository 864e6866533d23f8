/* loadgen_http.c - sockets of the load generator. */
#include "bench/loadgen_http.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/mem.h"

enum { ANSWER_BYTES_MAX = 1 << 20, RECEIVE_BYTES = 4096 };

static struct err
copy_part(struct str part, const char *what, char *to, size_t room)
{
    if (part.n == 0 || part.n >= room)
        return ERR(ERR_INVALID, "bad %s \"%.*s\"", what, STR_FMT(part));
    memcpy(to, part.p, part.n);
    to[part.n] = '\0';
    return OK;
}

struct err
http_target_parse(struct str url, struct http_target *ret_target)
{
    if (!str_starts_with(url, STR("http://")))
        return ERR(ERR_INVALID, "\"%.*s\" does not start with http://", STR_FMT(url));
    struct str rest = str_skip(url, 7);
    size_t slash = str_find_byte(rest, '/');
    struct str path = slash < rest.n ? str_skip(rest, slash) : STR("/");
    struct str port = str_of(rest.p, slash);
    struct str host = str_split(&port, ':');
    TRY(copy_part(host, "host", ret_target->host, sizeof ret_target->host));
    TRY(copy_part(port.n ? port : STR("80"), "port", ret_target->port, sizeof ret_target->port));
    return copy_part(path, "path", ret_target->path, sizeof ret_target->path);
}

void
http_conn_init(struct http_conn *c, const struct http_target *target, uint64_t timeout_ms)
{
    *c = (struct http_conn){.target = target, .timeout_ms = timeout_ms, .fd = -1};
}

static void
disconnect(struct http_conn *c)
{
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
}

void
http_conn_fini(struct http_conn *c)
{
    disconnect(c);
    buf_fini(&c->answer);
}

static int
connect_one(const struct addrinfo *at, uint64_t timeout_ms)
{
    int fd = socket(at->ai_family, at->ai_socktype | SOCK_CLOEXEC, at->ai_protocol);
    if (fd < 0)
        return -1;
    struct timeval limit = {.tv_sec = (time_t)(timeout_ms / 1000),
                            .tv_usec = (suseconds_t)(timeout_ms % 1000 * 1000)};
    int on = 1;
    bool good = setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) == 0 &&
                setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) == 0 &&
                setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0 &&
                connect(fd, at->ai_addr, at->ai_addrlen) == 0;
    if (good)
        return fd;
    int errnum = errno;
    close(fd);
    errno = errnum;
    return -1;
}

static struct err
dial(struct http_conn *c)
{
    const struct http_target *t = c->target;
    struct addrinfo want = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM}, *found = NULL;
    int failed = getaddrinfo(t->host, t->port, &want, &found);
    if (failed)
        return ERR(ERR_UNAVAILABLE, "%s: %s", t->host, gai_strerror(failed));
    for (const struct addrinfo *at = found; at && c->fd < 0; at = at->ai_next)
        c->fd = connect_one(at, c->timeout_ms);
    int errnum = errno;
    freeaddrinfo(found);
    return c->fd >= 0 ? OK : err_errno(errnum, "connect to %s:%s", t->host, t->port);
}

static struct err
send_all(struct http_conn *c, struct str bytes)
{
    while (bytes.n > 0) {
        ssize_t n = send(c->fd, bytes.p, bytes.n, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_errno(errno, "send");
        bytes = str_skip(bytes, (size_t)n);
    }
    return OK;
}

static struct err
receive_more(struct http_conn *c)
{
    if (c->answer.n > ANSWER_BYTES_MAX)
        return ERR(ERR_TOO_LARGE, "answer above %d bytes", ANSWER_BYTES_MAX);
    buf_reserve(&c->answer, RECEIVE_BYTES);
    ssize_t n = recv(c->fd, c->answer.p + c->answer.n, RECEIVE_BYTES, 0);
    if (n < 0 && errno == EINTR)
        return OK;
    if (n < 0)
        return err_errno(errno, "receive");
    if (n == 0)
        return ERR(ERR_UNAVAILABLE, "connection closed by the server");
    c->answer.n += (size_t)n;
    return OK;
}

/* What matters of an answer's head. */
struct answer_head {
    uint64_t status, body_bytes;
    bool close, retry_after;
};

static struct err
parse_head(struct str head, struct answer_head *ret_head)
{
    struct answer_head h = {0};
    struct str line = str_split(&head, '\n');
    if (!str_starts_with(line, STR("HTTP/1.")) || line.n < 12)
        return ERR(ERR_INVALID, "not an HTTP/1 answer");
    TRY(str_parse_u64(str_of(line.p + 9, 3), &h.status));
    while (head.n > 0) {
        struct str value = str_trim(str_split(&head, '\n'));
        struct str name = str_split(&value, ':');
        if (str_eq_nocase(name, STR("content-length")))
            TRY(str_parse_u64(str_trim(value), &h.body_bytes));
        else if (str_eq_nocase(name, STR("transfer-encoding")))
            h.close = true; /* chunks are not read: the status is enough */
        else if (str_eq_nocase(name, STR("retry-after")))
            h.retry_after = true;
        else if (str_eq_nocase(name, STR("connection")))
            h.close |= str_eq_nocase(str_trim(value), STR("close"));
    }
    *ret_head = h;
    return OK;
}

static struct err
exchange(struct http_conn *c, struct str request, struct http_answer *ret_answer)
{
    if (c->fd < 0)
        TRY(dial(c));
    TRY(send_all(c, request));
    buf_clear(&c->answer);
    const char *end = NULL;
    while (!end) {
        TRY(receive_more(c));
        end = memmem(c->answer.p, c->answer.n, "\r\n\r\n", 4);
    }
    size_t head_bytes = (size_t)(end - c->answer.p) + 4;
    struct answer_head head = {0};
    TRY(parse_head(str_of(c->answer.p, head_bytes), &head));
    if (head.body_bytes > ANSWER_BYTES_MAX)
        return ERR(ERR_TOO_LARGE, "answer above %d bytes", ANSWER_BYTES_MAX);
    while (c->answer.n < head_bytes + head.body_bytes)
        TRY(receive_more(c));
    if (head.close)
        disconnect(c);
    *ret_answer = (struct http_answer){(int)head.status, head.retry_after,
                                       str_of(c->answer.p + head_bytes, head.body_bytes)};
    return OK;
}

struct err
http_conn_exchange(struct http_conn *c, struct str request, struct http_answer *ret_answer)
{
    struct err e = exchange(c, request, ret_answer);
    if (e.code != ERR_NONE)
        disconnect(c);
    return e;
}
