/* h2_int.h - connection and stream, as the files of this folder see them. */
#pragma once
#include <nghttp2/nghttp2.h>

#include "base/vec.h"
#include "net/h2/h2_conn.h"
#include "net/transport.h"

enum h2_state {
    H2_STATE_OPEN,
    H2_STATE_LEAVING, /* a GOAWAY with an error was submitted: it goes out, then LINGER */
    H2_STATE_LINGER,  /* input is thrown away, so that the close does not reset our last words */
    H2_STATE_OVER,    /* on_close was called */
};
enum h2_drain {
    H2_DRAIN_NONE,
    H2_DRAIN_NOTICE, /* the other side was told; what it sent before it knew is still taken */
    H2_DRAIN_FINAL,
};
enum h2_output {
    H2_OUTPUT_NONE,  /* a server that has not answered */
    H2_OUTPUT_OPEN,  /* more may be queued */
    H2_OUTPUT_ENDED, /* what is queued is all, with the trailers */
};

struct h2_piece {
    struct shared *bytes; /* one reference */
    size_t sent_bytes;
};

struct h2_stream {
    struct h2_conn *conn;
    struct h2_stream *older, *newer; /* in conn->streams */
    int32_t id;
    void *arg;      /* the owner's */
    bool shown;     /* on_headers() was called, or the owner requested it */
    bool reset;     /* by us: the owner hears nothing more but the end */
    bool peer_done; /* its END_STREAM has come */
    bool deferred;  /* nghttp2 waits for nghttp2_session_resume_data() */
    enum h2_output output;
    VEC(struct h2_piece) pieces;
    size_t first;         /* of `pieces` that is not sent */
    size_t queued_bytes;  /* in them */
    uint64_t moved_ns;    /* when the queue last moved, or began */
    nghttp2_nv *trailers; /* owned, in one piece with their texts */
    size_t trailer_count;
    size_t unconsumed_bytes; /* shown to the owner, and not given back */
};

/* A field of the block that is being read: offsets, for the text moves when it grows. */
struct h2_field {
    size_t name_bytes, value_bytes;
};

struct h2_conn {
    /* configuration (immutable) */
    struct h2_conn_opts opts;
    struct loop *loop;
    struct transport *transport; /* owned */
    nghttp2_session *session;    /* owned */
    /* state */
    enum h2_state state;
    enum h2_drain drain;
    bool stepping;             /* inside a callback of nghttp2, or about to be */
    bool ready;                /* the other side's SETTINGS came */
    bool went_away;            /* the other side sent GOAWAY */
    bool last_words;           /* a GOAWAY with an error is in `out`: nothing follows */
    bool stirred;              /* the next step is our own wish, not the socket's */
    bool must_read;            /* the last step left off reading */
    bool output_blocked;       /* the transport takes nothing now */
    struct err why;            /* of the end, once it is known; owned */
    struct h2_stream *streams; /* newest first */
    size_t stream_count;
    struct buf out;        /* framed, not yet taken by the transport */
    size_t out_sent_bytes; /* of it */
    /* the header block that is being read */
    struct h2_stream *header_stream; /* NULL: none, or of a stream that is gone */
    struct buf header_text;
    VEC(struct h2_field) fields;
    size_t header_bytes;
    uint64_t resets, resets_ns; /* a bucket that drains: RESETS_A_SECOND */
    /* clocks, ns */
    uint64_t opened_ns, read_ns, written_ns, idle_ns;
    uint64_t ping_ns;  /* the last one of ours */
    bool ping_waits;   /* nothing was read since */
    uint64_t drain_ns; /* when the notice went out */
    uint64_t linger_ns;
};

uint64_t h2_now_ns(const struct h2_conn *c);
/* Has the connection's next step run in the loop's next turn. */
void h2_conn_stir(struct h2_conn *c);
/* The first reason counts. Consumes `why`. */
void h2_conn_note(struct h2_conn *c, struct err why);
void h2_conn_on_drain_pong(struct h2_conn *c);

/* h2_session.c */
nghttp2_session *h2_session_new(struct h2_conn *c);
/* PINGs that tell when the other side knows of the drain carry these 8 bytes. */
extern const uint8_t h2_drain_ping[8];

/* h2_stream.c */
struct h2_stream *h2_stream_new(struct h2_conn *c, int32_t id);
/* Tells the owner and frees. */
void h2_stream_finish(struct h2_stream *s, uint32_t code);
ssize_t h2_stream_read(nghttp2_session *session, int32_t id, uint8_t *to, size_t room,
                       uint32_t *flags, nghttp2_data_source *source, void *arg);
