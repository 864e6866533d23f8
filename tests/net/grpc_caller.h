/* grpc_caller.h - a channel on a loop of its own, and calls over it that a test waits for; and a
 * peer made by hand, which sends what it is told to whatever it is asked.
 * Threads: the test's own. */
#pragma once
#include "net/grpc/grpc_client.h"

struct grpc_caller {
    struct loops *loops;
    struct metrics *metrics;
    struct grpc_channel *ch;
    struct budget memory;
};

/* To 127.0.0.1:port, or to opts.address where it says one. Zero fields get what every test needs.
 */
void grpc_caller_open(struct grpc_caller *c, unsigned port, struct grpc_channel_opts opts);
/* Asserts that all memory was given back. */
void grpc_caller_close(struct grpc_caller *c);

/* A call under way, and how it ended. */
struct grpc_asked {
    struct lock *lock;
    struct cond *moved;
    struct shared *message;
    uint64_t number;
    unsigned outcomes; /* under `lock` */
    enum grpc_code code;
    struct buf text, reply, tag; /* tag: "x-tag" of the metadata */
};
/* `q` without its message, which is made of `plain`; timeout 0: 10 s. */
struct grpc_asked *grpc_caller_start(struct grpc_caller *c, struct grpc_unary q, struct str plain);
/* Waits, at most 20 s. */
void grpc_asked_wait(struct grpc_asked *a);
void grpc_asked_free(struct grpc_asked *a); /* that has ended */
/* Both. */
struct grpc_asked *grpc_caller_ask(struct grpc_caller *c, struct grpc_unary q, struct str plain);
/* The exposition's value of "name{labels}"; 0: none. */
double grpc_caller_metric(struct grpc_caller *c, const char *series);

/* --- bad peers -------------------------------------------------------------------------------- */

enum bad_end { BAD_HOLD, BAD_CLOSE, BAD_RESET };

/* What one connection does: greets, then at the end of each request says its part. */
struct bad_script {
    struct str greeting;   /* {NULL, 0}: empty SETTINGS */
    struct str answers[2]; /* to the first and to the second request */
    enum bad_end end;      /* behind the last answer, or the greeting when there is none */
};
struct bad_peer;
/* Connection i follows scripts[i], those behind them the last one. Borrowed. */
struct bad_peer *bad_peer_start(const struct bad_script *scripts, size_t count);
unsigned bad_peer_port(const struct bad_peer *p);
unsigned bad_peer_accepted(struct bad_peer *p);
void bad_peer_stop(struct bad_peer *p);

/* Frames, appended. `fields` is "name: value\n" lines. */
enum { BAD_END_STREAM = 1, BAD_END_HEADERS = 4 };
void bad_headers(struct buf *to, uint32_t stream, unsigned flags, const char *fields);
void bad_data(struct buf *to, uint32_t stream, unsigned flags, struct str bytes);
void bad_reset(struct buf *to, uint32_t stream, uint32_t code);
void bad_goaway(struct buf *to, uint32_t last_stream, uint32_t code);
/* Head, a message "ok", trailers of OK. */
void bad_good_answer(struct buf *to, uint32_t stream);
