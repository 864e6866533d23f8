/* http_metrics.h - the http_* families of every server in the process, and a small cache of
 * their children, so that a request costs no look-up in the registry.
 * Threads: any; a cache belongs to one loop. */
#pragma once
#include "base/metrics.h"
#include "net/router.h"

enum http_refusal {
#define HTTP_REFUSALS(X)                                                                           \
    X(CONNECTIONS, "connections")   /* closed on accept: connections_max */                        \
    X(MALFORMED, "malformed")       /* a head or a chunk that cannot be read */                    \
    X(HEADER, "header_size")        /* header_bytes_max, HTTP_HEADERS_MAX */                       \
    X(BODY, "body_size")            /* body_bytes_max of the route */                              \
    X(BUDGET, "inflight_bytes")     /* memory->requests */                                         \
    X(MEMORY, "memory")             /* memory is full, and the body would be kept */               \
    X(QUEUE, "queue")               /* the workers' queue is full */                               \
    X(RATE, "rate_limit")           /* rate_limit of the web file */                               \
    X(UNAUTHORIZED, "unauthorized") /* no good password or token */                                \
    X(PASSWORDS, "password_checks") /* too many passwords are being checked */                     \
    X(TIMEOUT, "timeout")           /* the client was too slow */                                  \
    X(TLS, "tls_handshake")         /* no TLS that suits both, or no good client certificate */
#define X(name, label) HTTP_REFUSAL_##name,
    HTTP_REFUSALS(X)
#undef X
        HTTP_REFUSAL_COUNT
};

struct http_metrics;
struct http_metrics *http_metrics_open(struct metrics *m);
void http_metrics_close(struct http_metrics *h);
void http_metrics_refused(struct http_metrics *h, enum http_refusal why);
void http_metrics_conns_add(struct http_metrics *h, double amount);

enum {
    HTTP_METRICS_CACHE_SLOTS = 64,
    HTTP_METRICS_TENANT_BYTES_MAX = 150,
    HTTP_METRICS_TENANTS_MAX = 1000, /* label values of clients; later ones are "other" */
};

/* The children for one combination; `total` NULL: the slot is free. */
struct http_metrics_slot {
    const struct route *route;
    int status; /* 0: only `inflight` is used */
    enum http_method method;
    size_t tenant_bytes;
    char tenant[HTTP_METRICS_TENANT_BYTES_MAX];
    struct metric *total, *seconds, *request_bytes, *response_bytes, *inflight;
};
struct http_metrics_cache {
    struct http_metrics_slot slots[HTTP_METRICS_CACHE_SLOTS];
};

struct http_metrics_key {
    const struct route *route;
    enum http_method method;
    int status;
    struct str tenant; /* at most HTTP_METRICS_TENANT_BYTES_MAX */
};
/* Increments and returns the gauge of requests in flight; the caller decrements it. */
struct metric *http_metrics_begin(struct http_metrics *h, struct http_metrics_cache *cache,
                                  const struct http_metrics_key *key);
struct http_metrics_sample {
    double seconds;
    size_t request_bytes, response_bytes;
};
void http_metrics_end(struct http_metrics *h, struct http_metrics_cache *cache,
                      const struct http_metrics_key *key, const struct http_metrics_sample *sample);
