/* grpc_client_int.h - channel, connection and call, as the files of the client see them. */
#pragma once
#include <stdatomic.h>

#include "base/rand.h"
#include "net/dial.h"
#include "net/grpc/grpc_client.h"
#include "net/grpc/grpc_client_metrics.h"
#include "net/h2/h2_conn.h"

enum channel_state {
    CHANNEL_IDLE,
    CHANNEL_CONNECTING,
    CHANNEL_READY,
    CHANNEL_BACKOFF,
    CHANNEL_CLOSED,
};

struct client_call;

/* Calls in order; a call is in one list, or in none. */
struct client_calls {
    struct client_call *first, *last;
};

/* A connection; `current` of its channel, or leaving with its last calls. */
struct client_conn {
    struct grpc_channel *ch;
    struct client_conn *next; /* in ch->conns */
    struct h2_conn *h2;       /* owned */
    bool ready;
};

struct grpc_channel {
    /* configuration (immutable) */
    struct grpc_channel_opts opts; /* its texts are in `arena` */
    struct dial_target target;
    struct arena arena;
    struct str authority;
    /* shared by threads */
    _Atomic(unsigned) refs;    /* the owner's and the calls'; relaxed up, acq_rel down */
    _Atomic(uint64_t) numbers; /* of calls; relaxed */
    _Atomic(size_t) calls;     /* that have not ended; relaxed: a limit */
    /* of the loop */
    enum channel_state state;
    struct client_calls waiting, open;
    struct dial *dial;           /* CONNECTING, at first */
    struct client_conn *conns;   /* every one; owned */
    struct client_conn *current; /* CONNECTING, then READY */
    struct loop_timer *alarm;    /* the end of CONNECTING or of BACKOFF; NULL before the first */
    struct loop_timer *tick;     /* while there are connections */
    unsigned failures;           /* attempts in a row */
    uint64_t used_ns;            /* when a call last came or ended */
    uint64_t keepalive_ms;       /* twice as long each time the server complains */
    struct err why;              /* of the last attempt; owned */
    struct rand_gen rand;
    struct grpc_client_metrics *metrics; /* owned; NULL: none */
};

/* What a call does with what comes; on the loop. */
struct client_call_ops {
    void (*on_headers)(struct client_call *c); /* c->answer has more; may be NULL */
    /* Takes the payload. A failure ends the call. */
    struct err (*on_message)(struct client_call *c, struct grpc_payload *p);
    /* Bytes that came: true when they may be given back to the server now. */
    bool (*may_consume)(struct client_call *c);
    /* The last: frees what c->arg is. */
    void (*on_end)(struct client_call *c, enum grpc_code code, struct str text);
};

struct client_call {
    /* configuration (immutable) */
    struct grpc_channel *ch; /* one reference */
    enum grpc_client_kind kind;
    const struct client_call_ops *ops;
    void *arg; /* of `ops` */
    uint64_t number;
    struct grpc_unary request;      /* its texts are in `arena` */
    bool too_many;                  /* refused by the channel's limit */
    uint64_t start_ns, deadline_ns; /* UINT64_MAX: none */
    struct arena arena;
    /* of the loop */
    struct client_calls *list; /* it is in */
    struct client_call *prev, *next;
    struct loop_timer *alarm; /* NULL: no deadline, or not begun */
    struct h2_stream *stream; /* NULL: waiting */
    bool retried;
    size_t held_bytes; /* that came and were not given back */
    struct grpc_answer answer;
    struct grpc_reader reader;
    struct grpc_client_method *counts;
};

/* grpc_client_call.c */
/* Posts the call's start; it frees itself behind on_end(). `arg` must be set in `ops`' way. */
uint64_t client_call_begin(struct grpc_channel *ch, enum grpc_client_kind kind,
                           const struct grpc_unary *q, const struct client_call_ops *ops, void *arg,
                           struct client_call **ret_call);
/* Ends it. `text` may be in its arena. */
void client_call_finish(struct client_call *c, enum grpc_code code, struct str text);
/* On a connection that has room. */
void client_call_send(struct client_call *c, struct client_conn *conn);
/* Gives back what is held. */
void client_call_resume(struct client_call *c);
extern const struct h2_ops client_conn_ops;

void client_calls_push(struct client_calls *list, struct client_call *c);
void client_calls_push_first(struct client_calls *list, struct client_call *c);
void client_calls_remove(struct client_call *c);

/* grpc_channel.c */
void channel_unref(struct grpc_channel *ch);
/* A call has come: it is sent, waits, or ends. */
void channel_take(struct grpc_channel *ch, struct client_call *c);
/* A call that was refused unseen goes back to the front. */
void channel_take_again(struct grpc_channel *ch, struct client_call *c);
/* A stream has ended, or a connection has changed. */
void channel_pump(struct grpc_channel *ch);
void channel_on_ready(struct client_conn *conn);
void channel_on_goaway(struct client_conn *conn, uint32_t code, struct str text);
void channel_on_close(struct client_conn *conn, struct err why);
