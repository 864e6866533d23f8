/* grpc_server_metrics.h - the grpc_server_* families, as go-grpc-middleware names them, and what
 * was turned away. Threads: any. */
#pragma once
#include "base/metrics.h"
#include "net/grpc/grpc_status.h"

enum grpc_refusal {
#define GRPC_REFUSALS(X)                                                                           \
    X(CONNECTIONS, "connections") /* closed on accept: connections_max */                          \
    X(CALLS, "calls")             /* of one connection, with those that are canceled */            \
    X(MESSAGE, "message_size")    /* message_bytes_max */                                          \
    X(BUDGET, "inflight_bytes")   /* memory->requests */                                           \
    X(MEMORY, "memory")           /* memory is full, and the message would be kept */              \
    X(QUEUE, "queue")             /* the workers' queue is full */                                 \
    X(PROTOCOL, "protocol")       /* a connection that broke HTTP/2, or sent too many PINGs */     \
    X(TIMEOUT, "timeout")         /* the client was too slow */                                    \
    X(TLS, "tls_handshake")       /* no TLS that suits both, or no good client certificate */
#define X(name, label) GRPC_REFUSED_##name,
    GRPC_REFUSALS(X)
#undef X
        GRPC_REFUSAL_COUNT
};

struct grpc_server_metrics;
struct grpc_server_metrics *grpc_server_metrics_open(struct metrics *m);
void grpc_server_metrics_close(struct grpc_server_metrics *g);
void grpc_server_metrics_refused(struct grpc_server_metrics *g, enum grpc_refusal why);
void grpc_server_metrics_conns_add(struct grpc_server_metrics *g, double amount);

/* The children of one method, there at 0 from the start. */
struct grpc_route_metrics {
    struct metric *started, *received, *sent, *seconds;
    struct metric *handled[GRPC_CODE_COUNT];
};
/* `type`: "unary", "server_stream", "bidi_stream". */
void grpc_server_metrics_route(struct grpc_server_metrics *g, const char *type, const char *service,
                               const char *method, struct grpc_route_metrics *ret_metrics);
