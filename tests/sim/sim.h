/* sim.h - a cluster in one thread: real vote boxes and pipes over a virtual clock, network, disks
 * and stores; senders; faults; and an oracle that sees everything.
 *
 * All of a story follows from its seed. Nodes that crash lose their memory and keep their disks. A
 * row is one sample of a series, whose time is its number: 1, 2, 3 ... Series belong to one sender
 * each, which sends a write until it is answered and retries what is not answered or 5xx.
 * Threads: one. */
#pragma once
#include <stdio.h>

#include "base/rand.h"
#include "base/vec.h"
#include "replication/peer.h"
#include "tests/harness.h"

enum {
    NODES_MAX = 7,
    OWNERS_MAX = 5,
    SENDERS_MAX = 3,
    SERIES_OF_SENDER = 4,
    SERIES_MAX = SENDERS_MAX * SERIES_OF_SENDER,
    TIMES_MAX = 512, /* of one series in a story */
    MESSAGE_PARTS_MAX = 64,
    LINK_DELAY_MS = 3,
    PART_BYTES = 100, /* of payload; pipes count more */
    FORWARD_TIMEOUT_MS = 5000,
};
#define MS UINT64_C(1000000)

struct sim;

/* --- what travels ------------------------------------------------------------------------------
 */

struct sim_row {
    uint16_t series, time;
    uint8_t refused_by; /* a bit a node */
};

/* A part of a write, as the oracle follows it. */
struct sim_part {
    uint32_t write;
    uint16_t from, to;
    struct sim_row rows[SERIES_OF_SENDER];
    size_t row_count;
    bool poison;                               /* its receiver fails on it, always */
    bool unordered;                            /* handed on: from another pipe */
    bool durable;                              /* in the hand-off of `from` */
    bool delivered;                            /* judged by `to` */
    bool dropped;                              /* its pipe or its hand-off has told so */
    bool lost;                                 /* it was in memory only when `from` crashed */
    uint32_t handed_on_first, handed_on_count; /* the parts that stand for it now */
};

struct sim_write {
    uint16_t sender, node, ring;
    uint32_t life; /* of the node */
    uint64_t begin_ns;
    struct sim_row rows[SERIES_OF_SENDER];
    size_t row_count;
    struct votes *votes;                /* a reference until it is answered */
    uint32_t classes[SERIES_OF_SENDER]; /* by row */
    uint32_t local_ballot;              /* UINT32_MAX: the node owns nothing of it */
    bool answered;                      /* or its node crashed */
};

/* A request between two nodes. */
struct sim_call {
    uint16_t from, to;
    uint32_t from_life, to_life;
    uint32_t parts[MESSAGE_PARTS_MAX];
    size_t part_count;
    bool ended; /* the client waits no more */
    bool again; /* a second delivery */
    struct peer_reply reply;
    uint8_t outcomes[MESSAGE_PARTS_MAX];
};

/* --- who there is ------------------------------------------------------------------------------
 */

struct sim_record {
    uint64_t position;
    uint32_t part, ring;
    uint16_t replica;
};

/* What lies on disk for one peer. */
struct sim_hand_off {
    VEC(struct sim_record) records; /* the durable ones */
    uint64_t last, acked;
};

/* One node's pipe to another. */
struct sim_pipe {
    struct sim *sim;
    uint16_t from, to;
    struct peer *peer; /* NULL: its node is down, or never talked to the other */
    struct sim_hand_off disk;
    VEC(struct sim_record) appending;
    uint64_t read_after, read_upto; /* what the read under way sees */
    uint32_t call;                  /* under way */
    VEC(uint32_t) handing_on;       /* parts under way */
    uint64_t tick_ns;
    uint64_t bad_ns; /* when it was last not simply direct */
    bool leaves;     /* told so */
};

struct sim_link { /* one way */
    bool cut, flaky;
    uint64_t delay_ms_max;
    uint64_t bad_ns; /* when it was last not well */
};

struct sim_node {
    bool up, stopping;
    uint32_t life; /* counts starts */
    bool thanos;   /* judges messages as a whole */
    bool full;     /* disk */
    bool faulty;   /* some calls fail */
    uint64_t slow_ms;
    uint16_t ring; /* which it knows of */
    uint64_t bad_ns;
    struct sim_pipe pipes[NODES_MAX];
    uint8_t stored[SERIES_MAX][TIMES_MAX];
    /* By sending node: newest time, and which were there. For the oracle of order. */
    uint16_t newest_from[NODES_MAX][SERIES_MAX];
    uint8_t seen_from[NODES_MAX][SERIES_MAX][TIMES_MAX / 8];
};

struct sim_ring {
    uint16_t nodes[NODES_MAX];
    unsigned count;
    uint16_t owners[SERIES_MAX][OWNERS_MAX]; /* in replica order, as replication/ring says */
};

struct sim_sender {
    struct sim_row rows[SERIES_OF_SENDER]; /* of the write that it tries */
    size_t row_count;
    bool waits; /* for `write` */
    uint32_t write;
    uint16_t next_time[SERIES_OF_SENDER];
    uint64_t pause_ms_max;
};

struct sim_event {
    uint64_t at_ns, number; /* earlier first; of one time, in the order of their making */
    void (*happen)(struct sim *s, const struct sim_event *e);
    uint32_t a, b, life;
};

struct sim {
    uint64_t seed;
    struct rand_gen g;
    uint64_t now_ns, event_count;
    VEC(struct sim_event) events; /* a heap */
    bool aloud, healed;

    unsigned node_count, owner_count;
    enum votes_quorum quorum;
    uint64_t replay_bytes_per_s;
    size_t hand_off_records_max;
    struct sim_node nodes[NODES_MAX];
    struct sim_link links[NODES_MAX][NODES_MAX]; /* [from][to] */
    struct sim_ring rings[3];
    uint16_t ring; /* the newest that any node may know */

    struct sim_sender senders[SENDERS_MAX];
    unsigned sender_count;
    VEC(struct sim_write) writes;
    VEC(struct sim_part) parts;
    VEC(struct sim_call) calls;
    struct arena arena; /* of one write */

    /* What happened, for SIM_TELL and the sums of all stories. */
    struct sim_sums {
        uint64_t stored, refused, unavailable, crashes, spilled, replayed, lost, dropped, parts,
            events;
    } sums;
};

#define SIM_REPLAY "SIM_SEED=%ju SIM_SEEDS=1 SIM_TELL=1 CK_RUN_SUITE=sim tests/sim/test_sim"
#define SIM_ASSERT(s, cond, ...)                                                                   \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            fprintf(stderr, "%ju ms; replay: " SIM_REPLAY "\n", (uintmax_t)((s)->now_ns / MS),     \
                    (uintmax_t)(s)->seed);                                                         \
            ck_abort_msg(__VA_ARGS__);                                                             \
        }                                                                                          \
    } while (0)
#define SIM_TELL(s, ...)                                                                           \
    do {                                                                                           \
        if ((s)->aloud) {                                                                          \
            fprintf(stderr, "%8.3f  ", (double)((s)->now_ns / (MS / 1000)) / 1e6);                 \
            fprintf(stderr, __VA_ARGS__);                                                          \
            fputc('\n', stderr);                                                                   \
        }                                                                                          \
    } while (0)

static inline bool
sim_chance(struct sim *s, uint64_t per_mille)
{
    return rand_below(&s->g, 1000) < per_mille;
}

static inline uint64_t
sim_between(struct sim *s, uint64_t low, uint64_t high)
{
    return low + rand_below(&s->g, high - low + 1);
}

/* --- sim.c -------------------------------------------------------------------------------------
 */

/* Adds what happened to *sums. Fails the running test when the oracle finds anything. */
void sim_tell_story(uint64_t seed, bool aloud, struct sim_sums *sums);
/* In so many nanoseconds from now. */
void sim_later(struct sim *s, uint64_t ns, struct sim_event e);
unsigned sim_owner(const struct sim *s, unsigned ring, unsigned series, unsigned place);

/* --- sim_net.c ---------------------------------------------------------------------------------
 */

void sim_call_begin(struct sim_pipe *pipe, const struct peer_message *m);
/* The store of a node: stored, or refused. */
enum vote_outcome sim_store(struct sim *s, unsigned node, const struct sim_row *row);

/* --- sim_pipe.c --------------------------------------------------------------------------------
 */

/* The node's pipe to another; opened at its first use. */
struct sim_pipe *sim_pipe(struct sim *s, unsigned from, unsigned to);
void sim_push(struct sim *s, uint32_t part, uint32_t ring, uint16_t replica, struct votes *v,
              uint32_t ballot);
/* After every input. */
void sim_after_input(struct sim_pipe *pipe);
/* All that waits on disk there is too old. */
void sim_hand_off_forget(struct sim *s, unsigned node);
void sim_pipes_crash(struct sim *s, unsigned node);

/* --- sim_node.c --------------------------------------------------------------------------------
 */

void sim_write_begin(struct sim *s, unsigned sender, unsigned node);
void sim_write_decided(struct sim *s, uint32_t write);
void sim_node_crash(struct sim *s, unsigned node);
void sim_node_stop(struct sim *s, unsigned node);
void sim_node_start(struct sim *s, unsigned node);

/* --- sim_chaos.c -------------------------------------------------------------------------------
 */

void sim_chaos_begin(struct sim *s);
void sim_heal(struct sim *s);
/* An answer: 200 (VOTE_OK), 4xx, 5xx (VOTE_UNAVAILABLE, or none at all). */
void sim_answered(struct sim *s, unsigned sender, enum vote_outcome outcome);

/* --- sim_oracle.c ------------------------------------------------------------------------------
 */

void oracle_answer(struct sim *s, const struct sim_write *w, enum vote_outcome outcome);
void oracle_delivery(struct sim *s, const struct sim_call *c, const struct sim_part *p);
void oracle_pipe(struct sim *s, const struct sim_pipe *pipe);
void oracle_end(struct sim *s);
