/* peer.h - the ordered pipe to one peer: a state machine without threads, clocks, disk or network.
 *
 * A *driver* owns all of those. It calls the inputs below with the monotonic time; the pipe calls
 * the driver's ops from inside these calls and never otherwise.
 *
 *     peer_push() --> queue --message--> the peer                         DIRECT
 *                       |
 *                       `--append--> hand-off --read--> window --message--> the peer     BEHIND
 *
 * DIRECT       Nothing is on disk. Parts that come while a message is under way make up the next.
 * BEHIND       The peer was unavailable, or the queue got too long or too old: parts go to the end
 *              of the hand-off, which is sent in order.
 * CATCHING_UP  All of the hand-off was read: parts wait in memory again until its last message is
 *              answered, then DIRECT. Without this a busy pipe would never leave the disk.
 *
 * P1 One message is under way at most. P2 Parts reach the peer in the order of pushes (of one
 * replica number, for a peer that is not mneme); only a message that is repeated comes again.
 * P3 A part is let go once the peer stored or refused it, or once it is counted as dropped.
 * P4 What the pipe holds in memory is bounded (peer_opts). P5 A part votes at most once, and does
 * so before its votes' reference goes; a vote of VOTE_OK means that the peer has it.
 *
 * Backing off: after VOTE_UNAVAILABLE or peer_connection_failed() no message is sent for a while,
 * and until one succeeds every part votes VOTE_UNAVAILABLE at once, although it goes to disk. Only
 * when the wait is over and nothing is left to try with, the next part is sent and its vote waits.
 *
 * Threads: one driver at a time; the caller serialises the calls of one pipe with a lock or a
 * thread. Ops run inside the calls: they only note or start what they are told, and must not call
 * the same pipe before it returned. Results come as later inputs, from whatever thread.
 * Ownership: a pipe holds its own references to parts and vote boxes. Arrays that ops get are the
 * pipe's: `parts` of send() and hand_on() live until peer_replied(), those of append() until
 * peer_appended() or peer_append_failed(); who needs a part longer takes a reference. */
#pragma once
#include "replication/peer_part.h"
#include "replication/votes.h"

struct peer;

/* As learned from its replies (the header mneme-peer). */
enum peer_kind { PEER_KIND_THANOS, PEER_KIND_MNEME };

struct peer_message {
    struct peer_part *const *parts; /* count > 0 */
    size_t count;
    size_t bytes;        /* peer_part_bytes() of all */
    enum peer_kind kind; /* whom to encode for */
    uint16_t replica;    /* of all parts, unless the kind is mneme */
};

enum peer_drop {
    PEER_DROP_REFUSED, /* conflict or invalid: the peer has told, and will not change its mind */
    PEER_DROP_FAILED,  /* a fault of the peer's, so many times (failed_tries_max) */
    PEER_DROP_MEMORY,  /* peer_push() above memory_bytes_max: hand-off too slow, or failing */
    PEER_DROP_CLOSED,  /* peer_close() with parts that were in memory only */
    PEER_DROP_COUNT
};

struct peer_ops {
    /* Exactly one peer_replied() answers it, whatever happens to it: a deadline of its own, a
     * connection that breaks, the driver that gives up. No other send() before. */
    void (*send)(void *driver, const struct peer_message *m);
    /* As send(), after peer_leave(PEER_LEAVE_HAND_ON): whoever owns the rows now shall get them.
     * Its reply says VOTE_OK when they have them, or their hand-offs do. */
    void (*hand_on)(void *driver, const struct peer_message *m);
    /* Behind all that was appended before. Answered by peer_appended() once all of them are
     * durable, or by peer_append_failed() when none is; no other append() before. */
    void (*append)(void *driver, struct peer_part *const *parts, size_t count);
    /* The records behind position `after`, in order, about so many bytes. Answered by peer_read()
     * or peer_read_failed(); no other read() before. */
    void (*read)(void *driver, uint64_t after, size_t bytes);
    /* All records up to this position are done with: they may go. Nothing answers. */
    void (*ack)(void *driver, uint64_t through);
    /* votes_cast(v, ballot, outcome, text); answer the write if that decides. The reference is the
     * pipe's and lasts for the call, as does `text`. */
    void (*vote)(void *driver, struct votes *v, uint32_t ballot, enum vote_outcome outcome,
                 struct str text);
    /* A part that the peer never gets (from us): to be counted and told. */
    void (*dropped)(void *driver, const struct peer_part *part, enum peer_drop why,
                    struct str text);
};

struct peer_opts {              /* 0: the default in brackets */
    const struct peer_ops *ops; /* borrowed as long as the pipe */
    void *driver;               /* what they get */
    uint64_t seed;              /* of the jitter */

    size_t message_bytes_max;    /* [4 MiB] of a message, unless one part alone is longer */
    size_t queue_bytes_max;      /* [32 MiB] that wait in memory; more: to disk with them */
    size_t memory_bytes_max;     /* [64 MiB] of parts in memory; above it pushes are refused. What
                                  * is read from the hand-off comes on top: a message's bytes and
                                  * one part */
    uint64_t forward_timeout_ms; /* [5000] that a part waits in memory before it goes to disk */
    uint64_t backoff_min_ms;     /* [100] */
    uint64_t backoff_max_ms;     /* [5000] */
    uint64_t replay_bytes_per_s; /* [no limit] from the hand-off */
    unsigned failed_tries_max;   /* [5] of a part that fails */
    unsigned waiting_max;        /* [65536] parts on disk that still have a vote; above it they
                                  * vote unavailable when they are appended */
    enum {
        PEER_DIRECT_FIRST,
        PEER_DURABLE_FIRST
    } order; /* durable: all through the hand-off, for
              * peers in other regions */
    /* What the hand-off holds at the start: positions of the last record that is acknowledged and
     * of the last one. Equal: nothing. */
    uint64_t handoff_acked, handoff_last;
};

/* The caller owns it. It starts to read the hand-off in the first peer_tick(). */
struct peer *peer_open(const struct peer_opts *opts);
/* No op's answer may come any more. Parts that are in memory only are dropped, those that wait vote
 * VOTE_UNAVAILABLE: peer_flush() before. NULL is allowed. */
void peer_close(struct peer *p);
DEFINE_AUTO(struct peer *, peer_close)

/* Takes the reference to `part`. `v` may be NULL: nobody waits for it. The pipe takes a reference
 * of its own to it. */
void peer_push(struct peer *p, uint64_t now_ns, struct peer_part *part, struct votes *v,
               uint32_t ballot);

struct peer_reply {
    enum vote_outcome outcome; /* of the call */
    /* One enum vote_outcome a part of the message, from peers that judge parts apart; NULL: all of
     * them have the outcome of the call, and a refusal or fault of several may be one of theirs:
     * they are sent again one by one. Not NULL only with VOTE_OK. */
    const uint8_t *part_outcomes;
    enum peer_kind kind; /* looked at with any outcome but VOTE_UNAVAILABLE */
    struct str text;     /* the cause; borrowed for the call */
};
void peer_replied(struct peer *p, uint64_t now_ns, const struct peer_reply *r);

/* The position of each appended part, ascending, above all that were there before; 0 is none. */
void peer_appended(struct peer *p, uint64_t now_ns, const uint64_t *positions, size_t count);
/* Nothing is on disk. The parts stay in memory, and are tried again later. */
void peer_append_failed(struct peer *p, uint64_t now_ns);

struct peer_record {
    uint64_t position;
    struct peer_part *part; /* its reference is taken */
};
/* Positions ascend; gaps are records that fell off the hand-off by its bounds. No records: nothing
 * is left up to the last position that was told before the read. Records of the append under way
 * may be among them: they are kept until it is reported. */
void peer_read(struct peer *p, uint64_t now_ns, const struct peer_record *records, size_t count);
/* It is tried again later. */
void peer_read_failed(struct peer *p, uint64_t now_ns);

/* The connection could not be made, or broke. With a message under way its reply tells enough:
 * then it does nothing. */
void peer_connection_failed(struct peer *p, uint64_t now_ns, struct str text);

/* To be called when it is time, and after peer_open(); calls in between do no harm. */
void peer_tick(struct peer *p, uint64_t now_ns);
/* When that is; UINT64_MAX: only after another input. Changes with every input. */
uint64_t peer_next_tick_ns(const struct peer *p);

enum peer_leave {
    PEER_LEAVE_KEEP, /* go on until all is sent: it left the ring, and may still be there */
    /* All goes to hand_on() in the place of send(), at once. Who waits for it gets
     * VOTE_UNAVAILABLE: it comes to others than those that the write counts on. */
    PEER_LEAVE_HAND_ON,
};
/* The peer is in the ring no more. Pushes of writes that still hold the old ring are taken. */
void peer_leave(struct peer *p, uint64_t now_ns, enum peer_leave how);

/* Before the end: sends nothing any more, takes to disk what is in memory only. Pushes are taken,
 * and go there too. */
void peer_flush(struct peer *p, uint64_t now_ns);
/* Nothing is in memory only. */
bool peer_is_flushed(const struct peer *p);
/* Nothing is anywhere, nothing is under way. */
bool peer_is_empty(const struct peer *p);

enum peer_state { PEER_DIRECT, PEER_BEHIND, PEER_CATCHING_UP };

struct peer_status {
    enum peer_state state;
    bool backing_off;
    uint64_t backoff_until_ns; /* no message before */
    enum peer_kind kind;
    size_t memory_bytes, queue_bytes; /* the second is part of the first */
    size_t waiting;                   /* parts on disk that still have a vote */
    /* Counters, of parts but for the first. */
    uint64_t messages, sent, stored, spilled, replayed, dropped[PEER_DROP_COUNT];
};
struct peer_status peer_status(const struct peer *p);
