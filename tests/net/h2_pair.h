/* h2_pair.h - two HTTP/2 connections, of a server and a client, that talk over a socket pair on one
 * loop; or a server against raw bytes. What their callbacks are told is kept here.
 * Threads: the test's own, but for what is said to run on the loop. */
#pragma once
#include "base/mem.h"
#include "net/h2/h2_conn.h"

enum h2_server_mode {
    H2_SERVER_ECHO,   /* at the end of a request: its body, and trailers */
    H2_SERVER_SILENT, /* nothing by itself */
    H2_SERVER_EARLY,  /* at once, without waiting for the body: an answer without one */
};

struct h2_side {
    struct h2_pair *pair;
    struct h2_conn *conn;
    struct h2_stream *stream; /* the last one that was shown or requested; NULL once it is closed */
    bool keep_credit;         /* does not give it back */
    bool refuse_pings;
    struct buf head; /* "name: value\n" of all header blocks */
    struct buf body;
    struct buf goaway_text;
    size_t sent_bytes;
    unsigned heads, ends, closes, readies, pings, goaways;
    uint32_t close_code, goaway_code;
    bool is_closed;
    enum err_code why;
};

struct h2_pair {
    struct loops *loops;
    struct loop *loop;
    enum h2_server_mode mode;
    struct h2_side server, client;
    int raw; /* instead of a client; -1: none */
};

/* With what the options leave open filled in. */
void h2_pair_open(struct h2_pair *p, struct h2_conn_opts server, struct h2_conn_opts client);
/* No client: `raw` is the blocking other end of the server's socket. */
void h2_pair_open_raw(struct h2_pair *p, struct h2_conn_opts server);
void h2_pair_close(struct h2_pair *p);

/* Runs fn(p) on the loop. */
void h2_pair_run(struct h2_pair *p, void (*fn)(struct h2_pair *p));
/* Waits, at most 10 s, until is_so(p), which is asked on the loop. */
void h2_pair_wait(struct h2_pair *p, const char *what, bool (*is_so)(struct h2_pair *p));
#define H2_WAIT(p, is_so) h2_pair_wait((p), #is_so, is_so)
void h2_pair_tick(struct h2_pair *p, const struct clock *clock);

/* On the loop: a POST to /x without its end. */
struct h2_stream *h2_pair_post(struct h2_pair *p);
/* On the loop: `n` bytes that count up. */
void h2_pair_send(struct h2_stream *s, size_t n);
bool h2_pair_counts_up(struct str bytes);

/* --- raw -------------------------------------------------------------------------------------- */

void h2_raw_send(struct h2_pair *p, struct str bytes);
/* The client's magic and empty SETTINGS. */
void h2_raw_begin(struct buf *to);
void h2_raw_frame(struct buf *to, unsigned type, unsigned flags, uint32_t stream,
                  struct str payload);
/* HEADERS of a POST to /x, as HPACK literals; `flags` with END_HEADERS. */
void h2_raw_post(struct buf *to, uint32_t stream, unsigned flags);
/* Reads until the server has closed; true when a GOAWAY came, the last one's code in *ret_code. */
bool h2_raw_read_goaway(struct h2_pair *p, uint32_t *ret_code, struct buf *ret_text);
/* Reads frames until one of this type (and stream, unless that is 0); false at the end. The
 * payload is put into `to`. */
bool h2_raw_read_frame(struct h2_pair *p, unsigned type, uint32_t stream, struct buf *to);
