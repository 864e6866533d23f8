/* http_int.h - the objects of the HTTP server, shared by its files.
 *
 *   http_server --< http_part (one a loop) --< http_conn --- http_request
 *
 * A part and its connections belong to the part's loop. A request belongs to its connection
 * while it is read, to its handler until it is answered, and to the loop again after that; the
 * fields say which of them may touch it. */
#pragma once
#include <stdatomic.h>

#include "base/codec.h"
#include "base/lock.h"
#include "base/vec.h"
#include "net/http_chunked.h"
#include "net/http_guard_int.h"
#include "net/http_head.h"
#include "net/http_metrics.h"
#include "net/http_server.h"
#include "net/request_log.h"
#include "net/router_match.h"
#include "net/transport.h"

struct acceptor;
struct http_conn;
struct http_part;

enum {
    HTTP_SCRATCH_BYTES = 16 << 10,      /* one read of a head; a part has one such buffer */
    HTTP_PIPELINE_BYTES_MAX = 64 << 10, /* read ahead while a request is being handled */
    HTTP_BODY_BYTES_FIRST = 128 << 10,  /* room made for a body before more than it has come */
    HTTP_RATE_BYTES_MIN = 16 << 10,     /* a second: slower clients run into the timeouts */
    HTTP_CONN_BYTES = 1 << 10,          /* what an idle connection costs, and */
    HTTP_CONN_TLS_BYTES = 16 << 10,     /* what OpenSSL keeps for one; both measured */
    HTTP_INPUT_BYTES_FREE = 4 << 10,    /* of a head, taken even when the budget is spent */
    HTTP_LINGER_MS = 1000,              /* input is thrown away so long before a close */
    HTTP_COMPRESS_BYTES_MIN = 1024,     /* smaller answers are sent as they are */
};

enum http_answer {
    HTTP_ANSWER_NONE,
    HTTP_ANSWER_WHOLE,  /* out_head and out_body hold all of it */
    HTTP_ANSWER_STREAM, /* out_head, then what `stream` brings */
};

enum http_stream_rest {
    HTTP_STREAM_OPEN,    /* more may come                                */
    HTTP_STREAM_ENDED,   /* what is there is all                         */
    HTTP_STREAM_ABORTED, /* the client must see that the answer is cut   */
};

/* The pieces of a streamed answer on their way from a worker to the loop. */
struct http_stream {
    struct codec_stream *codec; /* owned; of the worker */
    bool chunked;               /* immutable: else the end of the connection ends the body */
    struct lock lock;
    struct cond moved_cond;               /* bytes were sent, or the connection is gone */
    struct buf pending GUARDED_BY(lock);  /* framed, not yet taken by the loop */
    size_t unsent_bytes GUARDED_BY(lock); /* pending, and taken but not yet sent */
    bool posted GUARDED_BY(lock);         /* http_conn_on_stream() is on its way */
    bool gone GUARDED_BY(lock);           /* the connection was closed */
    enum http_stream_rest rest GUARDED_BY(lock);
};

/* A request's bearer token, while and after it is verified. */
struct http_token {
    struct jwt_ask ask;
    struct http_request *request;
};

struct http_request {
    /* identity; immutable once the handler has it */
    struct http_part *part;
    struct arena arena; /* of whoever has the request */
    struct http_head head;
    struct router_match match; /* match.route NULL: refused before a route was known */
    struct str path;           /* unescaped */
    struct str peer;
    struct str peer_subject[TLS_SUBJECT_FIELD_COUNT];
    enum router_verdict routed;
    struct http_rules *rules; /* one reference; NULL: no guard, or no whole head */
    bool admitted;            /* past the guard */
    struct buf body;
    uint64_t start_ns, deadline_ns; /* monotonic */
    size_t request_bytes;           /* of head and body */
    struct metric *inflight;        /* incremented gauge, NULL before dispatch */
    struct str id;                  /* of log line and trace; empty: neither is wanted */
    struct str trace_id;            /* empty: not traced */
    enum request_log_decision logged;
    struct trace *trace; /* owned; NULL: not traced; of whoever has the request */
    /* of the checker of passwords or tokens until `judged`, then of the loop */
    struct password_wait password_wait;
    enum password_verdict verdict;
    struct http_token *token; /* in the arena; NULL: none was asked for, or none came */
    _Atomic(bool) canceled;   /* written by the loop, read by workers; relaxed */
    /* of the loop */
    struct http_conn *conn; /* NULL once the connection is gone */
    bool judged;            /* `verdict` has come */
    bool ready;             /* answered by a handler that ran on the loop, inside a step */
    /* of the answering thread, then of the loop */
    enum http_answer answer;
    int status;
    struct buf extra; /* header lines set by the handler */
    struct buf out_head, out_body;
    struct http_stream *stream; /* owned */
    size_t charged_bytes;       /* counted in memory->requests */
};

/* What a connection is doing; the drawing is in http_conn.c. */
enum http_conn_state {
    HTTP_CONN_HEAD,
    HTTP_CONN_AUTHORIZING,
    HTTP_CONN_BODY,
    HTTP_CONN_CHUNKS,
    HTTP_CONN_HANDLING,
    HTTP_CONN_WRITING,
    HTTP_CONN_STREAMING,
    HTTP_CONN_LINGER,
};

struct http_conn {
    struct http_part *part;
    struct http_conn *older, *newer; /* in part->conns */
    struct transport *transport;     /* owned */
    char peer[64];                   /* "addr:port" */
    enum http_conn_state state;
    bool stepping;                /* inside http_conn_step(): answers need no post */
    bool stirred;                 /* the socket may have news since the last look */
    bool saw_end;                 /* the client sends no more */
    bool close_after;             /* no further request after this one */
    uint64_t since_ns;            /* when the state, or its last burst of output, began */
    uint64_t deadline_ns;         /* of the state; 0: none */
    struct buf in;                /* read, not yet used */
    size_t base_bytes;            /* of the connection itself */
    size_t charged_bytes;         /* base_bytes and room of `in`, counted in memory->requests */
    size_t in_scanned;            /* bytes of `in` that hold no end of a head */
    size_t requests;              /* heads read so far */
    struct http_request *request; /* being read, handled or answered */
    struct chunk_reader chunks;
    struct str early;   /* rest of an interim answer (100 Continue) */
    struct str out[2];  /* rest of the answer: views into the request or `taken` */
    struct buf taken;   /* of a streamed answer, being sent */
    size_t sent_bytes;  /* of the answer */
    size_t burst_bytes; /* sent since since_ns */
};

/* The share of one loop. Everything here belongs to that loop, unless it says otherwise. */
struct http_part {
    struct http_server *server;
    struct loop *loop;
    struct acceptor *acceptor; /* NULL once it drains */
    struct loop_timer *tick;
    struct http_conn *conns; /* newest first */
    size_t requests;         /* not yet freed; may outlive their connections */
    bool draining;
    bool done GUARDED_BY(server->lock); /* draining, and nothing is left */
    struct http_metrics_cache metrics;
    char scratch[HTTP_SCRATCH_BYTES];
};

struct http_server {
    struct http_server_opts opts; /* zeros replaced by the defaults */
    unsigned port;
    struct http_metrics *metrics;
    _Atomic(size_t) conns;          /* of all parts; relaxed */
    struct memory_limit own_memory; /* where the options bring none */
    struct lock lock;
    struct cond done_cond;
    unsigned part_count;
    struct http_part *parts;
};

static inline uint64_t
http_server_now_ns(const struct http_server *s)
{
    return clock_mono_ns(s->opts.clock);
}

/* http_conn.c. Threads: loop. */
void http_conn_open(struct http_part *p, int fd, struct tls_session *tls, const char *peer);
void http_conn_close(struct http_conn *c);
bool http_conn_is_idle(const struct http_conn *c); /* between two requests */
void http_conn_check_deadline(struct http_conn *c, uint64_t now_ns);
/* The request was answered elsewhere / its stream has moved: posted with the request. */
void http_conn_on_answer(void *request);
void http_conn_on_stream(void *request);
/* A password or token was checked: posted with the request. */
void http_conn_on_verdict(void *request);

/* http_input.c: one step of reading, for http_conn.c. Threads: loop. */
enum http_step {
    HTTP_STEP_MORE,  /* something changed: step again         */
    HTTP_STEP_WAIT,  /* nothing to do before the next event   */
    HTTP_STEP_YIELD, /* more to do, but other connections too */
    HTTP_STEP_CLOSE,
};
enum http_step http_input_head(struct http_conn *c);
enum http_step http_input_body(struct http_conn *c);
enum http_step http_input_chunks(struct http_conn *c);
/* Notices a client that leaves, and keeps what it pipelines. */
enum http_step http_input_watch(struct http_conn *c);
/* The request, whose head is complete, may come in: reads its body, or answers it. */
enum http_step http_input_admitted(struct http_conn *c);
/* Changes the state and starts its clock; limit_ms 0: no deadline. */
void http_conn_enter(struct http_conn *c, enum http_conn_state state, uint64_t limit_ms);
/* Counts what the connection holds now in the budget of requests. */
void http_conn_charge(struct http_conn *c);
/* Answers the request being read (made when there is none) with an error and closes after. */
enum http_step http_conn_refuse(struct http_conn *c, int status, const char *why);

/* http_admit.c: asks the guard about the request whose head is complete. Threads: loop. */
enum http_step http_admit(struct http_conn *c);
enum http_step http_admit_step(struct http_conn *c); /* AUTHORIZING */

/* http_server.c: something left the part. Threads: loop. */
void http_part_check_done(struct http_part *p);

/* http_request.c. Threads: loop. */
struct http_request *http_request_open(struct http_conn *c);
/* Frees; counts the request in the metrics when it was answered. */
void http_request_close(struct http_request *r);
/* Counts `bytes` more in the budget of queued bytes, until the request is freed. Also from the
 * answering thread. */
void http_request_charge(struct http_request *r, size_t bytes);
/* Gives the request to its route's handler, on a worker or right here. */
void http_request_dispatch(struct http_request *r);

/* http_observe.c: the request goes to its handler; it has been answered, with so many bytes. */
void http_observe_begin(struct http_request *r);
void http_observe_end(struct http_request *r, size_t answer_bytes);

/* http_stream.c */
void http_stream_close(struct http_stream *s); /* NULL is allowed */
/* The connection is gone: wakes a writer. Threads: loop. */
void http_stream_cut(struct http_stream *s);
/* Moves what is pending to *to (empty before) and tells what comes behind it; says OPEN as long
 * as a post is on its way, for that needs the request alive. Threads: loop. */
enum http_stream_rest http_stream_take(struct http_stream *s, struct buf *to);
/* A post has come in. Threads: loop. */
void http_stream_arrived(struct http_stream *s);
void http_stream_sent(struct http_stream *s, size_t bytes);

/* http_reply.c: the status line and all header lines but Connection and the empty one, into
 * r->out_head. `body_bytes` is SIZE_MAX when it is not known. */
void http_reply_write_head(struct http_request *r, int status, const char *content_type,
                           enum codec codec, size_t body_bytes);
/* The answer is complete, or its head is and `stream` follows: gives the request to its loop.
 * Threads: any; r must not be used after. */
void http_reply_send(struct http_request *r, enum http_answer answer);
/* The coding for an answer that is worth compressing; tells caches that it was a choice. */
enum codec http_reply_choose_codec(struct http_request *r);
/* The method or the status forbids a body. */
bool http_reply_is_bodiless(const struct http_request *r, int status);
