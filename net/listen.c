/* listen.c - sockets that share a port, so that each loop accepts its own connections. */
#include "net/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/mem.h"

enum { HOST_BYTES_MAX = 255, PORT_MAX = 65535 };

struct err
listen_split_address(struct str address, struct str *ret_host, struct str *ret_port)
{
    const char *colon = address.n ? memrchr(address.p, ':', address.n) : NULL;
    if (!colon)
        return ERR(ERR_INVALID, "address \"%.*s\": no port", STR_FMT(address));
    struct str host = str_of(address.p, (size_t)(colon - address.p));
    struct str port = str_skip(address, host.n + 1);
    bool bracketed = host.n >= 2 && host.p[0] == '[' && host.p[host.n - 1] == ']';
    if (bracketed)
        host = str_of(host.p + 1, host.n - 2);
    else if (str_find_byte(host, ':') < host.n)
        return ERR(ERR_INVALID, "address \"%.*s\": too many colons", STR_FMT(address));
    uint64_t number = 0;
    TRY_IN(str_parse_u64(port, &number), "address \"%.*s\"", STR_FMT(address));
    if (number > PORT_MAX || host.n > HOST_BYTES_MAX)
        return ERR(ERR_INVALID, "address \"%.*s\": port or host too long", STR_FMT(address));
    *ret_host = host;
    *ret_port = port;
    return OK;
}

static struct err
resolve(struct str address, struct addrinfo **ret_info)
{
    struct str host = {0}, port = {0};
    TRY(listen_split_address(address, &host, &port));
    char host_text[HOST_BYTES_MAX + 1], port_text[8];
    snprintf(host_text, sizeof host_text, "%.*s", STR_FMT(host));
    snprintf(port_text, sizeof port_text, "%.*s", STR_FMT(port));
    struct addrinfo hints = {.ai_flags = AI_PASSIVE | AI_NUMERICSERV,
                             .ai_family = host.n ? AF_UNSPEC : AF_INET6,
                             .ai_socktype = SOCK_STREAM};
    int failed = getaddrinfo(host.n ? host_text : NULL, port_text, &hints, ret_info);
    if (failed && host.n == 0) { /* no IPv6 here */
        hints.ai_family = AF_INET;
        failed = getaddrinfo(NULL, port_text, &hints, ret_info);
    }
    if (failed)
        return ERR(ERR_INVALID, "address \"%.*s\": %s", STR_FMT(address), gai_strerror(failed));
    return OK;
}

static int
bind_and_listen(int fd, const struct sockaddr *at, socklen_t bytes, unsigned count)
{
    int on = 1, off = 0;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0)
        return -1;
    if (count > 1 && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0)
        return -1;
    if (at->sa_family == AF_INET6) /* "[::]" takes IPv4 as well, as in Go */
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    return bind(fd, at, bytes) != 0 || listen(fd, LISTEN_BACKLOG) != 0 ? -1 : 0;
}

static struct err
listen_one(const struct sockaddr *at, socklen_t bytes, unsigned count, int *ret_fd)
{
    int fd = socket(at->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return err_errno(errno, "socket");
    if (bind_and_listen(fd, at, bytes, count) != 0) {
        struct err e = err_errno(errno, "listen");
        close(fd);
        return e;
    }
    *ret_fd = fd;
    return OK;
}

/* Sockets that share a port share it with other processes of the same user as well: a second
 * server would take half of the connections unnoticed. So the port is first asked for alone. */
static struct err
check_port_is_free(const struct sockaddr *at, socklen_t bytes)
{
    int fd = -1;
    TRY(listen_one(at, bytes, 1, &fd));
    close(fd);
    return OK;
}

static in_port_t *
port_of(struct sockaddr_storage *a)
{
    return a->ss_family == AF_INET6 ? &((struct sockaddr_in6 *)a)->sin6_port
                                    : &((struct sockaddr_in *)a)->sin_port;
}

/* Socket i binds to the port that the first one got. */
static struct err
listen_all(struct sockaddr_storage *at, socklen_t bytes, int *fds, unsigned count)
{
    unsigned open = 0;
    struct err e = count > 1 ? check_port_is_free((struct sockaddr *)at, bytes) : OK;
    for (; open < count && e.code == ERR_NONE; open += e.code == ERR_NONE) {
        e = listen_one((struct sockaddr *)at, bytes, count, &fds[open]);
        struct sockaddr_storage bound;
        socklen_t bound_bytes = sizeof bound;
        if (e.code == ERR_NONE && open == 0) {
            int failed = getsockname(fds[0], (struct sockaddr *)&bound, &bound_bytes);
            ASSERT(failed == 0); /* our own, bound socket */
            *port_of(at) = *port_of(&bound);
        }
    }
    while (e.code != ERR_NONE && open > 0)
        close(fds[--open]);
    return e;
}

struct err
listen_open(struct str address, int *fds, unsigned count, unsigned *ret_port)
{
    ASSERT(count > 0);
    struct addrinfo *info = NULL;
    TRY(resolve(address, &info));
    struct sockaddr_storage at = {0};
    socklen_t bytes = info->ai_addrlen;
    ASSERT(bytes <= sizeof at);
    memcpy(&at, info->ai_addr, bytes);
    freeaddrinfo(info);
    TRY_IN(listen_all(&at, bytes, fds, count), "address \"%.*s\"", STR_FMT(address));
    *ret_port = ntohs(*port_of(&at));
    return OK;
}

void
listen_format_peer(const struct sockaddr *peer, char *to, size_t bytes)
{
    char host[INET6_ADDRSTRLEN] = "";
    if (peer->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)peer;
        inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof host);
        snprintf(to, bytes, "[%s]:%u", host, (unsigned)ntohs(in6->sin6_port));
    } else if (peer->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)peer;
        inet_ntop(AF_INET, &in->sin_addr, host, sizeof host);
        snprintf(to, bytes, "%s:%u", host, (unsigned)ntohs(in->sin_port));
    } else {
        snprintf(to, bytes, "unknown");
    }
}
