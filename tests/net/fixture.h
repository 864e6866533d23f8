/* fixture.h - a running server with a few routes that misbehave on request:
 *
 *   GET  /hello        on the loop: "hello"
 *   POST /echo         on a worker: the body, type application/octet-stream; 1 MiB
 *   POST /keep         as /echo, but for ROUTE_KEEPS_BODY
 *   POST /small        on a worker: as /echo, at most 16 bytes
 *   GET  /big          on a worker: BIG_BYTES of text
 *   GET  /gate         on a worker: answers "through" once fixture_open_gate() was called, or
 *                      "canceled" when the client is gone
 *   GET  /stream       on a worker: ?pieces= pieces of ?bytes= bytes each, ?end=abort
 *   GET  /item/:name/x on the loop: the name
 *   POST /form         on the loop: its parameters as name=value lines
 *   GET  /who          on a worker: the subject of the client's certificate as "O|OU|CN"
 *   GET  /identity     on the loop: http_identity()
 *   GET  /fail         on the loop: http_reply_err(ERR_UNAVAILABLE)
 *   GET  /tagged       on the loop, with CORS: 409 and a header X-Tag of two lines */
#pragma once
#include "base/lock.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "net/http_server.h"

enum { BIG_BYTES = 1 << 20 };

struct fixture {
    struct loops *loops;
    struct pool *pool;
    struct metrics *metrics;
    struct router *router;
    struct http_server *server;
    unsigned port;
    struct lock lock;
    struct cond moved;
    bool gate_open;        /* under `lock` */
    unsigned at_gate;      /* handlers that wait */
    unsigned canceled;     /* handlers that saw http_canceled() */
    struct err stream_end; /* what the last stream's writes ended with; code only */
    unsigned streams_ended;
};

/* Zero fields of *opts get what every test needs; `loops` is made here. */
void fixture_start(struct fixture *f, struct http_server_opts opts, unsigned loop_count,
                   size_t threads, size_t queued_limit);
/* Graceful stop with `grace_ms`, then everything else. */
void fixture_stop(struct fixture *f, uint64_t grace_ms);
void fixture_open_gate(struct fixture *f);
/* Wait, at most 5 s, for that many. */
void fixture_wait_at_gate(struct fixture *f, unsigned count);
void fixture_wait_canceled(struct fixture *f, unsigned count);
void fixture_wait_streams_ended(struct fixture *f, unsigned count);
/* Waits, at most 5 s, until the exposition holds this line: a request is counted after its
 * answer was sent. */
void fixture_wait_metric(struct fixture *f, const char *line);
/* Waits, at most 5 s, until this series, "name{...}", is above zero. */
void fixture_wait_counted(struct fixture *f, const char *series);
