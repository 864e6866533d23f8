/* h2_conn.h - one HTTP/2 connection, of a server or a client, over a transport on a loop.
 *
 * What is called here is collected and sent in the loop's next turn, all of it in one write if it
 * fits: no callback runs inside a call of this header, but for h2_conn_close().
 *
 *   server: on_headers (a request) -> on_data ... on_end, meanwhile h2_stream_headers() ->
 *           h2_stream_data() ... h2_stream_end() -> on_stream_close
 *   client: h2_conn_request() -> h2_stream_data() ... h2_stream_end(), meanwhile on_headers ->
 *           on_data ... -> (on_headers, the trailers ->) on_end -> on_stream_close
 *
 * Flow control is the consumer's: bytes of on_data come out of windows that only
 * h2_stream_consume() opens again. Source: RFC 9113.
 * Threads: loop (the one of the transport). */
#pragma once
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/shared.h"
#include "base/str.h"
#include "net/loop.h"

struct h2_conn;
struct h2_stream;
struct tls_session; /* tls_int.h */
struct transport;

enum h2_role { H2_SERVER, H2_CLIENT };

/* Error codes: RFC 9113 section 7. */
enum h2_code {
    H2_NO_ERROR = 0x0,
    H2_PROTOCOL_ERROR = 0x1,
    H2_INTERNAL_ERROR = 0x2,
    H2_FLOW_CONTROL_ERROR = 0x3,
    H2_STREAM_CLOSED = 0x5,
    H2_REFUSED_STREAM = 0x7, /* not looked at: may be sent again, elsewhere */
    H2_CANCEL = 0x8,
    H2_ENHANCE_YOUR_CALM = 0xb,
    H2_INADEQUATE_SECURITY = 0xc,
    H2_LOST = 0x100, /* never on the wire: the connection ended under the stream */
};

struct h2_header {
    struct str name, value; /* names in lower case; pseudo-fields (":path") first */
};
enum h2_more { H2_MORE, H2_END }; /* H2_END: nothing follows in this direction */

/* All callbacks run on the loop. `conn_arg` is that of the options; what they are given is valid
 * during the call. Those that may be NULL say so. */
struct h2_ops {
    /* Server: a new request. Client: the head of the answer (":status"; 1xx are shown, too), or
     * trailers (without ":status"). on_end() follows when nothing follows. */
    void (*on_headers)(void *conn_arg, struct h2_stream *s, const struct h2_header *v, size_t n);
    void (*on_data)(void *conn_arg, struct h2_stream *s, struct str bytes);
    /* The other side has sent all. */
    void (*on_end)(void *conn_arg, struct h2_stream *s);
    /* So many of the queued bytes are on their way. May be NULL. */
    void (*on_sent)(void *conn_arg, struct h2_stream *s, size_t bytes);
    /* The last of a stream that was shown or requested, exactly once; the stream is freed behind
     * it. `code` is an h2_code, or another number that the other side sent. */
    void (*on_stream_close)(void *conn_arg, struct h2_stream *s, uint32_t code);
    /* The other side's SETTINGS are here: it does speak HTTP/2. May be NULL. */
    void (*on_ready)(void *conn_arg);
    /* Whether a PING of the other side is all right; else it is sent away (ENHANCE_YOUR_CALM,
     * "too_many_pings"). May be NULL. */
    bool (*on_ping)(void *conn_arg);
    /* No further request will be taken by it. May be NULL. */
    void (*on_goaway)(void *conn_arg, uint32_t code, struct str text);
    /* The end, behind every on_stream_close(): the owner calls h2_conn_close(), now or later.
     * Code ERR_NONE: as agreed; ERR_IO: the connection broke; ERR_TIMEOUT; ERR_INVALID: one side
     * broke the protocol. Owned by the callback. */
    void (*on_close)(void *conn_arg, struct err why);
};

struct h2_conn_opts {
    enum h2_role role;
    const struct h2_ops *ops; /* borrowed for life, as `arg` and `clock` */
    void *arg;
    const struct clock *clock;
    uint32_t streams_max;          /* of the other side's, open at once; 0: 1024 */
    uint32_t stream_window_bytes;  /* 0: 4 MiB */
    uint32_t conn_window_bytes;    /* 0: 16 MiB: what all streams of a connection can hold */
    uint32_t header_bytes_max;     /* of one block, 32 bytes a field added; 0: 64 KiB */
    uint64_t setup_ms;             /* until its SETTINGS; 0: 20 s */
    uint64_t stall_ms;             /* output of a stream or of all that does not move; 0: 60 s */
    uint64_t idle_ms;              /* without a stream; 0: no limit */
    uint64_t age_ms;               /* then it is drained; 0: no limit */
    uint64_t age_grace_ms;         /* then it is cut; 0: no limit */
    uint64_t keepalive_ms;         /* nothing came for so long: a PING; 0: never. A client asks only
                                    * while it has streams. */
    uint64_t keepalive_timeout_ms; /* and nothing came after it: dead; 0: 20 s */
};

/* Takes the non-blocking socket, which may still be connecting, and `tls` (NULL: plain text). */
struct h2_conn *h2_conn_open(const struct h2_conn_opts *opts, struct loop *l, int fd,
                             struct tls_session *tls);
/* At once: on_stream_close(H2_LOST) for every stream, no on_close. Not from inside a callback other
 * than on_close. NULL is allowed. */
void h2_conn_close(struct h2_conn *c);
/* To be called every second or so: deadlines. May end the connection (on_close). */
void h2_conn_tick(struct h2_conn *c, uint64_t now_ns);

/* Graceful: nothing new, what is open is finished, then on_close. Again: no effect. */
void h2_conn_drain(struct h2_conn *c);
/* Ends it now, with GOAWAY and this code and text (static); on_close follows. */
void h2_conn_abort(struct h2_conn *c, enum h2_code code, const char *text);
void h2_conn_ping(struct h2_conn *c);
size_t h2_conn_stream_count(const struct h2_conn *c);
/* For what TLS says of the other side. */
struct transport *h2_conn_transport(struct h2_conn *c);

/* --- streams ---------------------------------------------------------------------------------- */

/* Client: how many more streams the server takes now; 0 when it is drained, or told us to go. */
size_t h2_conn_room(const struct h2_conn *c);
/* Client, while there is room. Headers are copied. H2_END: without data. */
struct h2_stream *h2_conn_request(struct h2_conn *c, const struct h2_header *v, size_t n,
                                  enum h2_more more, void *arg);

void h2_stream_set_arg(struct h2_stream *s, void *arg); /* of a server's stream NULL at first */
void *h2_stream_arg(const struct h2_stream *s);
struct h2_conn *h2_stream_conn(const struct h2_stream *s);

/* Server: the answer's head, once. H2_END: an answer without a body. */
void h2_stream_headers(struct h2_stream *s, const struct h2_header *v, size_t n, enum h2_more more);
/* Queues the bytes (a reference is taken); a server behind h2_stream_headers(). */
void h2_stream_data(struct h2_stream *s, struct shared *bytes);
/* Behind what is queued: trailers, which are copied; n 0: the end alone. Nothing is sent behind it.
 * A server that ends before its client has sets the client free (RST_STREAM, NO_ERROR). */
void h2_stream_end(struct h2_stream *s, const struct h2_header *v, size_t n);
/* What is queued is dropped; nothing but on_stream_close() follows. */
void h2_stream_reset(struct h2_stream *s, enum h2_code code);
/* Bytes of on_data() that are done with: the other side may send as many more. */
void h2_stream_consume(struct h2_stream *s, size_t bytes);
/* Queued, not yet on their way. */
size_t h2_stream_queued(const struct h2_stream *s);
