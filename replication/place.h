/* place.h - the rows of a write, by tenant, to the nodes that own them.
 *
 * Each row is hashed once and looks its owners up once; what it becomes for each of them:
 *   this machine        the batches themselves, or copies of those that have other rows, too
 *   a Thanos peer       a part for each replica number, since a message has one
 *   a peer of our kind  one part, whatever the numbers
 * A part's payload are tuples (proto/writeable.h): one for each tenant that it has rows of. Parts
 * with the same rows share them; so in a ring with as many nodes as copies all peers of our
 * kind do.
 *
 * Metadata belongs to no row. That of a tenant goes to who would own a series of it without labels:
 * to this machine with its batch, to peers of our kind in parts of their own, for which nobody
 * waits.
 *
 * O(rows) and the copies of them that are sent. Memory is the arena's, but for payloads, which are
 * counted in the budget that the arena shares for as long as somebody holds them.
 * Threads: any; a write one at a time. */
#pragma once
#include "ingest/rewrite.h"
#include "replication/numbers.h"
#include "replication/peer_rows.h"
#include "replication/ring.h"
#include "replication/votes.h"

enum {
    PLACED_NOWHERE = UINT32_MAX, /* no class, no ballot */
};

/* What rows lie in, and how it is kept after the write has its answer: then rows are written in
 * full only when somebody asks. Both are called by any thread. */
struct place_keeper {
    void (*hold)(void *arg); /* NULL: it cannot be kept */
    void (*let_go)(void *arg);
    void *arg;
};

struct place_opts {
    struct ring *ring;
    uint16_t local;   /* RING_NODE_NONE: this machine is none of the ring's */
    unsigned replica; /* as on the wire. 0: not replicated yet; n: for the n-th owner alone */
    const uint8_t *node_traits; /* enum votes_trait, as the plan has them: this machine and peers of
                                 * our kind are VOTES_NODE_WHOLE */
    /* Series are numbered, and rows have a terse form beside the full one. NULL: no peer wants it.
     */
    struct numbers *numbers;
    const struct hash_secret *secret; /* of the heads, and of `numbers`, where there are any */
    struct peer_packers *packers;     /* likewise */
    struct place_keeper keeper;       /* of `in` and the arena; used with `numbers` alone */
    struct votes_plan *plan;    /* empty, of as many owners as rows go to. Gets classes, ballots */
};

struct placed_part {
    uint16_t node;
    uint16_t replica;      /* for the wire; 0: rows of any number, and the peer asks no ring */
    uint32_t ballot;       /* the part's vote; PLACED_NOWHERE: metadata, nobody waits for it */
    struct peer_rows *rows;         /* a reference */
    size_t row_count, sample_count; /* floats and histograms */
    int64_t newest_ms;              /* of its samples; INT64_MIN: there are none */
};

struct placed {
    struct rewritten local; /* as many batches as were placed, with the rows of this machine */
    uint32_t local_ballot;  /* PLACED_NOWHERE: no rows */
    struct placed_part *parts;
    size_t part_count;
    const struct rewritten *all; /* what was placed; borrowed */
    const uint32_t *row_class;   /* of each of its rows, one batch behind the other */
    const bool *class_is_local;  /* this machine is an owner */
    uint64_t malformed_rows;     /* their keys are none: PLACED_NOWHERE */
};

/* ERR_INVALID for a replica number above the ring's; errors of ring_part(), of arena_admit();
 * ERR_TOO_LARGE for a part above what a message can have. The caller ends with placed_fini(). */
struct err place_rows(struct arena *a, const struct place_opts *opts, const struct rewritten *in,
                      struct placed *ret_placed);
/* What became of this machine's rows, for votes_cast_classes(): raises the outcome (enum
 * vote_outcome) of each class of which a row was refused. `refusals` has row_refusals (append.h) of
 * each local batch; NULL: nothing of it was. */
void placed_judge_local(const struct placed *p, const uint8_t *const *refusals,
                        uint8_t *class_outcomes);
/* Gives back the payloads that nobody has taken out. Allowed on a zeroed one. */
void placed_fini(struct placed *p);
static inline void
auto_placed_fini(struct placed *p)
{
    placed_fini(p);
}
