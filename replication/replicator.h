/* replicator.h - the stage behind rewrite: one write to all owners of its rows.
 *
 *   place rows -> parts into the peers' pipes -> rows of this machine into its databases -> votes
 *
 * Nobody waits: the deciding vote (this machine's, a peer's, or the deadline's) calls done(), which
 * may come before replicate() returns.
 * Threads: any; replicator_set_ring() one at a time. */
#pragma once
#include "replication/membership.h"
#include "replication/place.h"
#include "replication/votes.h"

struct replicator;

struct replicator_opts {
    struct peers *peers;       /* borrowed for life, as the others */
    struct str local_endpoint; /* copied; empty: this machine is in no ring */
    struct str local_zone;     /* copied */
    enum votes_quorum quorum;
    uint64_t forward_timeout_ms; /* then the write is answered, whoever is missing */
    struct loop *loop;           /* of the deadlines */
    struct metrics *metrics;
    const struct clock *clock;
    size_t numbers_max; /* of series that are numbered at once (numbers.h) */
    uint64_t hash_seed; /* of the heads of this machine (db_opts); 0: they have their own, and
                         * series are not numbered */
};
struct replicator *replicator_open(const struct replicator_opts *opts);
/* No write may be under way. NULL is allowed. */
void replicator_close(struct replicator *r);

/* Writes from now on go by this ring; those under way go on by the one before. On failure nothing
 * changes. */
struct err replicator_set_ring(struct replicator *r, struct ring *ring);
bool replicator_has_ring(struct replicator *r);

/* One write. */
struct replication {
    /* In: all of it lives until done() was called. */
    const struct rewritten *rewritten;
    unsigned replica; /* 0: not replicated yet; n: it is the n-th copy */
    struct arena *arena;
    /* Stores what this machine owns, on the caller's thread: the vote for all of it, or VOTE_OK and
     * in refusals[b] which rows of batch b were refused (append.h; NULL: none). */
    enum vote_outcome (*append)(void *arg, const struct rewritten *local,
                                const uint8_t **refusals, struct str *ret_text);
    void *append_arg;
    struct place_keeper keeper; /* of `rewritten` and the arena; zeros: they cannot be kept */
    void (*done)(void *arg); /* once, unless replicate() fails */
    void *done_arg;
    /* Out. */
    struct placed placed;
    size_t class_count;
    struct votes *votes; /* a reference; NULL: there was nothing to vote on, and all went well */
    struct membership *membership;
};

/* ERR_UNAVAILABLE: there is no ring yet; ERR_INVALID: the replica number is above the ring's;
 * errors of place_rows(). */
struct err replicate(struct replicator *r, struct replication *p);
/* VOTE_OK, or what failed and why; after done(). The text lives until replication_fini(). */
struct votes_answer replication_answer(const struct replication *p);
void replication_fini(struct replication *p); /* allowed on a zeroed one */
