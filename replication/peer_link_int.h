/* peer_link_int.h - a link as its files see it: the thread and what it does for the pipe. */
#pragma once
#include <stdatomic.h>

#include "base/lock.h"
#include "base/pool.h"
#include "base/codec.h"
#include "base/vec.h"
#include "net/grpc/grpc_client.h"
#include "replication/link_numbers.h"
#include "replication/peer_link.h"

struct link_push {
    struct peer_part *part; /* a reference */
    struct votes *votes;    /* a reference, or NULL */
    uint32_t ballot;
};
VEC_TYPE(link_pushes, struct link_push);

/* What a call came to. */
struct link_reply {
    bool there;
    enum vote_outcome outcome;
    enum peer_kind kind;
    bool takes_numbers;
    struct buf answer; /* of GRPC_OK */
    struct buf text;   /* of any other code */
};

/* The message under way, for peer_link_calls.c. */
struct link_message {
    struct peer_message of; /* as the pipe gave it */
    VEC(bool) terse;        /* of each part: it goes by numbers */
    VEC(uint8_t) outcomes;  /* of each part, once told */
    /* Places of the parts that have gone once more, in full; none: it is the first time. */
    VEC(size_t) again;
    VEC(struct peer_part *) again_parts;
};

struct peer_link {
    _Atomic(uint32_t) refs;

    /* configuration, immutable */
    struct peer_link_opts opts;
    char *address, *zone; /* owned */
    struct grpc_channel *channel;
    struct handoff *handoff;
    struct metric *stored, *spilled, *replayed, *dropped, *wire_bytes, *plain_bytes, *behind, *lag;
    struct pool *thread; /* one, with one job: serve() */

    /* the thread's own */
    struct peer *pipe;
    struct link_message sent;
    struct zstd_encoder *encoder;
    struct link_numbers numbers;
    bool takes_numbers; /* as it said last */
    struct {
        struct peer_part *const *parts;
        size_t count; /* 0: nothing is to be appended */
    } append;
    struct {
        bool wanted;
        uint64_t after;
        size_t bytes;
    } read;
    uint64_t read_through;   /* position that the hand-off has given out */
    struct peer_status told; /* counters that the metrics have already */
    struct arena arena;      /* of reads */
    struct log_throttle throttle;

    /* between threads */
    struct lock lock;
    struct cond come;
    struct link_pushes inbox GUARDED_BY(lock);
    size_t inbox_bytes GUARDED_BY(lock);
    struct link_reply reply GUARDED_BY(lock);
    bool leaving GUARDED_BY(lock);
    bool stopping GUARDED_BY(lock);
    uint64_t stop_at_ns GUARDED_BY(lock);
    struct peer_link_status status GUARDED_BY(lock);
    _Atomic(bool) is_mneme, is_numbered, is_empty;
};

/* peer_link_calls.c */
void peer_link_send(void *driver, const struct peer_message *m);
/* Hands a reply to the pipe, or sends again what the peer did not know the numbers of. */
void peer_link_settle(struct peer_link *l, struct link_reply *reply);
void peer_link_fini_calls(struct peer_link *l);

/* peer_link_ops.c */
extern const struct peer_ops peer_link_ops;
/* What the pipe has asked of the disk; until it asks for nothing more. */
void peer_link_serve_disk(struct peer_link *l);
