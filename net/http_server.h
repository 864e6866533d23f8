/* http_server.h - HTTP/1.1 over libevent's loops: a listener, its connections, its limits.
 *
 * One listening socket (SO_REUSEPORT) a loop. Bodies are read whole; a request is routed before
 * its body is read, so that the route's limit holds from the first byte. A full worker queue
 * or byte budget answers 503 with Retry-After at once.
 * Threads: start and stop by the owner, not on a loop. */
#pragma once
#include "base/clock.h"
#include "base/log.h"
#include "base/memory_limit.h"
#include "base/metrics.h"
#include "net/loop.h"
#include "net/router.h"

struct http_guard; /* http_guard.h; NULL: everybody may come in */
struct http_server;
struct tls_server;  /* tls.h; NULL for plain text */
struct request_log; /* request_log.h */
struct tracer;      /* trace/tracer.h */

struct http_server_opts {
    struct str address;  /* "0.0.0.0:10902", "[::1]:0", ":80"; port 0 picks one; not kept */
    struct loops *loops; /* borrowed for life, as everything below */
    struct router *router;
    struct tls_server *tls; /* may be NULL */
    struct http_guard *guard;
    struct metrics *metrics;
    struct log *log;                 /* may be NULL */
    struct request_log *request_log; /* may be NULL: requests are not logged */
    struct tracer *tracer;           /* may be NULL: requests are not traced */
    const struct clock *clock;
    size_t connections_max;      /* 0: 10000; above it new ones are closed at once */
    size_t header_bytes_max;     /* 0: 64 KiB */
    uint64_t read_timeout_ms;    /* of headers, and of a body beyond 16 KiB/s; 0: 30 s */
    uint64_t idle_timeout_ms;    /* of a connection between two requests; 0: 3 min */
    uint64_t write_timeout_ms;   /* of an answer beyond 16 KiB/s; 0: 30 s */
    uint64_t request_timeout_ms; /* deadline of a handler; 0: 2 min */
    struct memory_limit *memory; /* its `requests`: bodies and queued answers; above them 503;
                                  * NULL: MEMORY_REQUESTS_BYTES_DEFAULT */
    const char *tenant_header;   /* label "tenant" of http_*; NULL: "THANOS-TENANT"; static */
    const char *default_tenant;  /* without that header; NULL: "default-tenant"; static */
};

struct err http_server_start(const struct http_server_opts *opts, struct http_server **ret_server);
unsigned http_server_port(const struct http_server *s);
/* Graceful: no new connections; idle ones are closed; requests in flight are finished. After
 * `grace_ms` what is left is cut and its requests are canceled; returns, and frees, when their
 * handlers have answered. NULL is allowed. */
void http_server_stop(struct http_server *s, uint64_t grace_ms);
