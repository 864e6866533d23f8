/* http_server.h - HTTP/1.1 over libevent: a listener, its loops, its limits.
 *
 * One evhttp and one listening socket (SO_REUSEPORT) a loop. Bodies are read whole, bounded by
 * the route; a full worker queue answers 503 with Retry-After at once.
 * Threads: start and stop by the owner. */
#pragma once
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "net/loop.h"
#include "net/router.h"

struct http_server;
struct tls_server; /* tls.h; NULL for plain text */

struct http_server_opts {
    struct str address;     /* "0.0.0.0:10902", "[::1]:0"; port 0 picks one */
    struct loops *loops;    /* borrowed for life, as everything below */
    struct router *router;
    struct tls_server *tls; /* may be NULL */
    struct metrics *metrics;
    struct log *log;        /* may be NULL */
    const struct clock *clock;
    size_t connections_max;        /* 0: 10000; above it new ones are closed at once */
    size_t header_bytes_max;       /* 0: 64 KiB */
    uint64_t read_timeout_ms;      /* of headers and body; 0: 30 s */
    uint64_t request_timeout_ms;   /* deadline of a handler; 0: 2 min */
    uint64_t inflight_bytes_max;   /* bodies and queued answers; 0: 512 MiB; above it 503 */
};

struct err http_server_start(const struct http_server_opts *opts, struct http_server **ret_server);
unsigned http_server_port(const struct http_server *s);
/* Graceful: no new connections; requests in flight are finished, at most `grace_ms`; idle
 * keep-alive connections are closed. Then frees. NULL is allowed. */
void http_server_stop(struct http_server *s, uint64_t grace_ms);
