/* grpc_server_int.h - the objects of the server, shared by its files.
 *
 *   grpc_server --< grpc_part (one a loop) --< grpc_conn --< grpc_call
 *
 * A part and its connections belong to the part's loop. A call belongs to the loop while its
 * request is read, then to its handler until grpc_finish(), and to the loop again until its stream
 * is closed; the fields say which of them may touch it. */
#pragma once
#include <stdatomic.h>

#include "base/lock.h"
#include "base/map.h"
#include "base/vec.h"
#include "net/grpc/grpc_descriptors.h"
#include "net/grpc/grpc_message.h"
#include "net/grpc/grpc_server.h"
#include "net/grpc/grpc_server_metrics.h"
#include "net/h2/h2_conn.h"

struct acceptor;

enum {
    GRPC_SEND_BYTES_MAX = 1 << 20,          /* queued answers of a call: then its handler waits */
    GRPC_RATE_BYTES_MIN = 16 << 10,         /* a second: slower requests run into the timeout */
    GRPC_CONN_BYTES = 20 << 10,             /* what an idle connection costs that had a call, and */
    GRPC_CONN_TLS_BYTES = 16 << 10,         /* what OpenSSL keeps for one; both measured */
    GRPC_CALL_BYTES = 6 << 10,              /* a call without its headers and message */
    GRPC_LOOP_MESSAGE_BYTES_MAX = 64 << 10, /* of methods that run on the loop */
};

VEC_TYPE(grpc_messages, struct shared *);

/* A method and what is counted about it. */
struct grpc_route {
    struct grpc_method method;
    struct grpc_route_metrics metrics;
};

enum grpc_call_state {
    GRPC_CALL_READING,
    GRPC_CALL_HANDLING, /* its handler has it; of a bidi stream: between messages, too */
    GRPC_CALL_FINISHED,
};

struct grpc_call {
    /* identity; immutable once the handler has it */
    struct grpc_part *part;
    const struct grpc_route *route;
    struct arena arena; /* of whoever has the call */
    struct h2_header *metadata;
    size_t metadata_count;
    char peer[64];
    enum grpc_encoding request_encoding, reply_encoding;
    uint64_t start_ns, deadline_ns; /* monotonic; UINT64_MAX: none */
    struct grpc_payload payload;    /* of whoever has the call */
    /* of the handler until the head is sent */
    VEC(struct h2_header) reply_metadata; /* texts in the arena */
    /* of the loop */
    struct grpc_conn *conn;          /* NULL once it is gone */
    struct grpc_call *older, *newer; /* in conn->calls */
    struct h2_stream *stream;        /* NULL once it is closed */
    enum grpc_call_state state;
    struct grpc_reader reader;
    bool whole;           /* the message is in `payload` */
    bool client_done;     /* sends no more */
    struct buf held;      /* of a bidi stream: input that waits until answers were read */
    size_t charged_bytes; /* of the budget, for itself */
    size_t read_bytes;
    bool head_sent;
    void (*on_cancel)(void *arg, struct grpc_call *c); /* NULL: nobody asks */
    void *on_cancel_arg;
    _Atomic(bool) canceled; /* written by the loop, read by handlers; relaxed */
    /* from the handler to the loop */
    struct lock lock;
    struct cond moved_cond;                        /* bytes were sent, or nobody listens any more */
    struct grpc_messages pending GUARDED_BY(lock); /* not yet taken by the loop */
    size_t unsent_bytes GUARDED_BY(lock); /* pending, and taken but not yet sent; charged */
    bool posted GUARDED_BY(lock);         /* grpc_call_on_moved() is on its way */
    bool gone GUARDED_BY(lock);           /* the stream is closed */
    bool finished GUARDED_BY(lock);       /* the handler has let go */
    enum grpc_code code GUARDED_BY(lock);
    struct buf text GUARDED_BY(lock);
};

struct grpc_conn {
    struct grpc_part *part;
    struct grpc_conn *older, *newer; /* in part->conns */
    struct h2_conn *h2;              /* owned */
    char peer[64];                   /* "addr:port" */
    struct grpc_call *calls;         /* newest first; with those whose stream is closed */
    size_t call_count;
    size_t charged_bytes;
    /* PINGs */
    uint64_t ping_ns; /* the last one */
    bool spoke;       /* something of ours went out since */
    unsigned ping_strikes;
};

/* The share of one loop. Everything here belongs to that loop, unless it says otherwise. */
struct grpc_part {
    struct grpc_server *server;
    struct loop *loop;
    struct acceptor *acceptor; /* NULL once it drains */
    struct loop_timer *tick;
    struct grpc_conn *conns; /* newest first */
    size_t calls;            /* not yet freed; may outlive their connections */
    bool draining;
    bool done GUARDED_BY(server->lock); /* draining, and nothing is left */
};

struct grpc_server {
    struct grpc_server_opts opts; /* zeros replaced by the defaults */
    unsigned port;
    struct grpc_server_metrics *metrics;
    struct map routes;   /* "/service/name" -> struct grpc_route; immutable */
    struct map services; /* name -> non-NULL; immutable */
    struct grpc_health *health;
    struct grpc_descriptors *descriptors;
    _Atomic(size_t) conns;          /* of all parts; relaxed */
    struct memory_limit own_memory; /* where the options bring none */
    struct lock lock;
    struct cond done_cond;
    unsigned part_count;
    struct grpc_part *parts;
};

static inline uint64_t
grpc_now_ns(const struct grpc_server *s)
{
    return clock_mono_ns(s->opts.clock);
}

static inline struct budget *
grpc_budget(const struct grpc_server *s)
{
    return &s->opts.memory->requests;
}

/* grpc_server.c. Tells whoever stops the server, if that was the last of a draining part. */
void grpc_part_check_done(struct grpc_part *p);

/* grpc_server_conn.c. Takes the socket and `tls`. */
struct tls_session;
void grpc_conn_open(struct grpc_part *p, int fd, struct tls_session *tls, const char *peer);
void grpc_conn_close(struct grpc_conn *c);
void grpc_conn_tick(struct grpc_conn *c, uint64_t now_ns);

/* grpc_call.c: on the loop */
void grpc_call_on_request(struct grpc_conn *c, struct h2_stream *s, const struct h2_header *v,
                          size_t n);
void grpc_call_on_data(struct grpc_call *c, struct str bytes);
void grpc_call_on_end(struct grpc_call *c);
void grpc_call_on_sent(struct grpc_call *c, size_t bytes);
/* The stream is closed; the call is freed now, or when its handler has finished. */
void grpc_call_on_close(struct grpc_call *c);
void grpc_call_check_deadline(struct grpc_call *c, uint64_t now_ns);
/* `fn` is called once on the loop when the client has gone, unless the call has ended before. For
 * handlers on the loop. */
void grpc_call_on_cancel(struct grpc_call *c, void (*fn)(void *arg, struct grpc_call *c),
                         void *arg);

/* grpc_call_reply.c: on the loop */
/* An answer without a call: the HTTP status, and a status of gRPC. */
void grpc_refuse(struct h2_stream *s, const char *http_status, enum grpc_code code,
                 struct str text);
/* grpc_send() without waiting: for messages that are few or small. */
void grpc_call_queue(struct grpc_call *c, struct str message);
/* Ends a call that is still being read, or a bidi stream. */
void grpc_call_end(struct grpc_call *c, enum grpc_code code, struct str text);
void grpc_call_end_err(struct grpc_call *c, struct err e);
void grpc_call_free(struct grpc_call *c);

/* grpc_health.c, grpc_reflection.c: the services that are always there */
struct grpc_health;
struct grpc_health *grpc_health_open(struct grpc_server *s);
void grpc_health_close(struct grpc_health *h);
void grpc_health_set(struct grpc_health *h, bool serving);
/* Ends the watches: the server stops. */
void grpc_health_shut(struct grpc_health *h);
extern const struct grpc_method grpc_health_methods[];
extern const size_t grpc_health_method_count;
extern const struct grpc_method grpc_reflection_methods[];
extern const size_t grpc_reflection_method_count;
