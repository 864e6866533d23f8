/* grpc_server.h - gRPC over HTTP/2: listeners, a table of methods, their calls.
 *
 * One listening socket (SO_REUSEPORT) a loop; h2c by prior knowledge, or TLS with ALPN "h2". A call
 * is looked up before its message is read, so that the method's limit and the budget hold from the
 * prefix on. The services grpc.health.v1.Health and server reflection are there without being asked
 * for. Source: grpc/grpc doc/PROTOCOL-HTTP2.md, doc/health-checking.md, grpc-go.
 * Threads: starting and stopping by the owner, not on a loop; calls as each function says. */
#pragma once
#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory_limit.h"
#include "base/metrics.h"
#include "net/grpc/grpc_status.h"
#include "net/loop.h"

struct grpc_call;
struct grpc_server;
struct pool;
struct tls_server; /* tls.h; its options say TLS_ALPN_H2 */

/* Owns `c` from here to grpc_finish(), on any thread. */
typedef void (*grpc_handler)(void *arg, struct grpc_call *c);

enum grpc_kind {
    GRPC_UNARY,
    GRPC_SERVER_STREAM,
    /* On the loop only (no pool): the handler is called for each message that comes, one after the
     * other, and answers with grpc_send(); the call ends when the client ends it, or by
     * grpc_finish(). For reflection. */
    GRPC_BIDI_STREAM,
};
enum { GRPC_KIND_COUNT = GRPC_BIDI_STREAM + 1 };
enum grpc_keeps {
    GRPC_KEEPS_NOTHING,
    GRPC_KEEPS_MESSAGE, /* what comes stays in memory: refused while memory is full */
};

struct grpc_method {
    const char *service, *name; /* "thanos.WriteableStore", "RemoteWrite"; static */
    enum grpc_kind kind;
    grpc_handler handler;
    void *arg;
    struct pool *pool;        /* whose workers run it; NULL: the loop, so it must not block */
    size_t message_bytes_max; /* of a request, plain and compressed; 0: GRPC_MESSAGE_BYTES_MAX */
    enum grpc_keeps keeps;
};

struct grpc_server_opts {
    struct str address;     /* "0.0.0.0:10901", "[::1]:0", ":80"; port 0 picks one; not kept */
    struct loops *loops;    /* borrowed for life, as everything below */
    struct tls_server *tls; /* may be NULL */
    struct metrics *metrics;
    struct log *log; /* may be NULL */
    const struct clock *clock;
    struct memory_limit *memory; /* its `requests`: messages and queued answers;
                                  * NULL: MEMORY_REQUESTS_BYTES_DEFAULT */
    const struct grpc_method *methods;
    size_t method_count;
    struct str descriptors;           /* a FileDescriptorSet that has the methods, for reflection */
    size_t connections_max;           /* 0: 10000; above it new ones are closed at once */
    uint32_t streams_max;             /* calls at once of a connection; 0: 1024 */
    uint64_t connection_age_ms;       /* 0: 60 min, varied by a tenth; then it is drained, */
    uint64_t connection_age_grace_ms; /* 0: 10 min; and then cut */
    uint64_t keepalive_min_ms;        /* 0: 10 s; PINGs that come more often are too many */
    uint64_t read_timeout_ms;         /* of a request beyond 16 KiB/s; 0: 30 s */
    uint64_t stall_ms;                /* of answers that nobody reads; 0: 60 s */
};

struct err grpc_server_start(const struct grpc_server_opts *opts, struct grpc_server **ret_server);
unsigned grpc_server_port(const struct grpc_server *s);
/* Of the health service, for "" and each service. At first: not serving. Threads: any. */
void grpc_server_set_serving(struct grpc_server *s, bool serving);
/* Graceful: no new connections and calls; calls in flight are finished. After `grace_ms` what is
 * left is cut and its calls are canceled; returns, and frees, when their handlers have finished.
 * NULL is allowed. */
void grpc_server_stop(struct grpc_server *s, uint64_t grace_ms);

/* --- calls: for whoever has them -------------------------------------------------------------- */

struct str grpc_call_message(struct grpc_call *c); /* plain; of a bidi stream the present one */
/* Of a header field in lower case; the first, where there are several. {NULL, 0}: not there. */
struct str grpc_call_metadata(struct grpc_call *c, const char *name);
struct arena *grpc_call_arena(struct grpc_call *c); /* lives until grpc_finish() */
struct str grpc_call_peer(struct grpc_call *c);     /* "addr:port" */
/* The client has gone or taken the call back, or its deadline has passed: nobody waits for it. */
bool grpc_call_is_canceled(struct grpc_call *c);
uint64_t grpc_call_deadline_ns(struct grpc_call *c); /* monotonic; UINT64_MAX: none */
/* Before the first message; copied. */
void grpc_call_reply_metadata(struct grpc_call *c, const char *name, struct str value);
/* Streams: queues a message, and waits while the client reads slowly (not on a loop). ERR_CANCELED:
 * nobody listens any more. */
struct err grpc_send(struct grpc_call *c, struct str message);
/* Ends the call, which is gone then. GRPC_OK: `message` is a unary call's reply, for streams
 * nothing; else the text of the status. */
void grpc_finish(struct grpc_call *c, enum grpc_code code, struct str message_or_text);
/* With the code and text of a failure; consumes it. */
void grpc_finish_err(struct grpc_call *c, struct err e);
