/* grpc_fixture.h - a running gRPC server with a few methods, and a client that is nothing but an
 * HTTP/2 connection, so that it can be as rude as it likes.
 *
 *   /test.Echo/Echo    on a worker: the message, with "x-tag: yes"
 *   /test.Echo/Loop    the same on the loop
 *   /test.Echo/Small   as Echo, at most 16 bytes
 *   /test.Echo/Keep    as Echo, GRPC_KEEPS_MESSAGE
 *   /test.Echo/Fail    on a worker: the message is "CODE TEXT"; that status
 *   /test.Echo/Gate    on a worker: answers "through" once the gate is open, or CANCELED
 *   /test.Echo/Deaf    on a worker: answers once the gate is open, canceled or not
 *   /test.Echo/Stream  stream, on a worker: the message is "COUNT BYTES"; then OK, or ABORTED with
 *                      what went wrong
 * Threads: the test's own. */
#pragma once
#include "net/grpc/grpc_message.h"
#include "net/grpc/grpc_server.h"
#include "net/h2/h2_conn.h"

struct grpc_fixture {
    struct loops *loops;
    struct pool *pool;
    struct metrics *metrics;
    struct grpc_server *server;
    unsigned port;
    struct lock *lock;
    struct cond *moved;
    bool gate_open;    /* under `lock` */
    unsigned at_gate;  /* handlers that wait */
    unsigned canceled; /* handlers that saw it */
    unsigned streams_ended;
    enum err_code stream_end; /* of the last one's sends */
};

/* Zero fields of *opts get what every test needs. */
void grpc_fixture_start(struct grpc_fixture *f, struct grpc_server_opts opts, size_t threads,
                        size_t queued_limit);
void grpc_fixture_stop(struct grpc_fixture *f, uint64_t grace_ms);
/* The server alone; the rest goes with grpc_fixture_stop(). */
void grpc_fixture_stop_server(struct grpc_fixture *f, uint64_t grace_ms);
void grpc_fixture_open_gate(struct grpc_fixture *f);
/* Wait, at most 10 s, for that many. */
void grpc_fixture_wait_at_gate(struct grpc_fixture *f, unsigned count);
void grpc_fixture_wait_canceled(struct grpc_fixture *f, unsigned count);
void grpc_fixture_wait_streams_ended(struct grpc_fixture *f, unsigned count);
/* Waits, at most 10 s, until the exposition holds this line. */
void grpc_fixture_wait_metric(struct grpc_fixture *f, const char *line);

/* --- the client ------------------------------------------------------------------------------- */

struct grpc_peer;

/* A connection to the port; `h2` NULL: as it comes. */
struct grpc_peer *grpc_peer_open(unsigned port, const struct h2_conn_opts *h2);
void grpc_peer_close(struct grpc_peer *p);
/* Waits until the server has ended the connection; the code of its last GOAWAY, UINT32_MAX: none.
 * *ret_text (may be NULL) is valid until the peer is closed. */
uint32_t grpc_peer_wait_end(struct grpc_peer *p, struct str *ret_text);
void grpc_peer_ping(struct grpc_peer *p);
/* On its loop, fn(conn). */
void grpc_peer_run(struct grpc_peer *p, void (*fn)(struct h2_conn *c));

/* What a call has brought so far; valid until the peer is closed. */
struct grpc_peer_call {
    struct grpc_peer *peer;
    struct h2_stream *stream; /* of the peer's loop; NULL once it is closed */
    bool hold;                /* gives no credit back */
    size_t heads;             /* header blocks */
    struct buf head;          /* "name: value\n" of all of them */
    struct buf wire;          /* bytes of DATA */
    bool ended, closed;
    uint32_t close_code;
};

struct grpc_peer_request {
    const char *path, *method, *content_type; /* NULL: POST, application/grpc */
    const struct h2_header *headers;          /* more of them */
    size_t header_count;
    struct str wire; /* of DATA, framed */
    bool open;       /* the stream is not ended */
    bool hold;
};
struct grpc_peer_call *grpc_peer_start(struct grpc_peer *p, const struct grpc_peer_request *q);
void grpc_peer_send(struct grpc_peer_call *c, struct str wire);
void grpc_peer_end(struct grpc_peer_call *c);
void grpc_peer_reset(struct grpc_peer_call *c);
/* Wait, at most 20 s. */
void grpc_peer_wait(struct grpc_peer_call *c);
void grpc_peer_wait_bytes(struct grpc_peer_call *c, size_t bytes);
/* grpc_peer_start() of one message and its wait. */
struct grpc_peer_call *grpc_peer_ask(struct grpc_peer *p, const char *path, struct str message);

/* A message behind its prefix, not compressed, appended. */
void grpc_wire_put(struct buf *to, struct str message);
/* Of a call that has ended: value of a field, {NULL, 0}: not there; the last where there are two.
 */
struct str grpc_peer_field(const struct grpc_peer_call *c, const char *name);
/* grpc-status; 99: none came. */
unsigned grpc_peer_status(const struct grpc_peer_call *c);
/* The only message of the answer, decompressed; the caller frees. */
struct buf grpc_peer_message(const struct grpc_peer_call *c);
