/* votes.h - the vote box of one write: who has to store what, and when the write has its answer.
 *
 * Rows with the same owners in the same replica order are a *class*. What one owner gets of a write
 * in one piece is a *ballot*: a node and a replica number, or all of a node whatever the number
 * (traits below). First a plan, in the arena of the request, while rows are placed:
 *
 *   struct votes_plan *plan = votes_plan_new(arena, &opts);
 *   row_class[i] = votes_plan_class(plan, owners);           each row
 *   struct votes *v = votes_open(plan);                      one reference
 *   const uint32_t *b = votes_plan_class_ballots(plan, c);   which parts the rows of c go into
 *
 * then each part votes once: stored, refused, or not now. A class needs W of its n owners:
 *   W = 1 of 2, else n / 2 + 1, or as opts.quorum says; 1 when n is 1.
 * It is decided as soon as no vote that is still to come can change its answer:
 *   stored       W owners have it
 *   refused      more than n - W refuse it: trying again is of no use
 *   unavailable  else: more than n - W failed, and those that refuse it cannot become so many
 * so that the order of votes does not matter: one conflict and one that is down of three wait for
 * the third, whose conflict makes it a refusal, and whose success makes it unavailable.
 * The write is decided once every class is: unavailable if any is, else the worst refusal, else
 * stored. Votes that come later are counted nowhere.
 *
 * The box is counted, since parts outlive the answer. Threads: a plan one at a time, a box any. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/mem.h"
#include "base/str.h"

/* From good to bad. Of one part, and of a whole write (never VOTE_FAILED there). */
enum vote_outcome {
    VOTE_OK,
    VOTE_CONFLICT,    /* well formed, cannot be stored; so it will always be */
    VOTE_INVALID,     /* malformed; likewise                                 */
    VOTE_UNAVAILABLE, /* not now                                             */
    VOTE_FAILED,      /* a fault of the peer's: counts as not now            */
    VOTE_OUTCOME_COUNT
};
const char *vote_outcome_name(enum vote_outcome o);

enum votes_quorum { VOTES_QUORUM_MAJORITY, VOTES_QUORUM_ONE, VOTES_QUORUM_ALL };

enum {
    VOTES_OWNERS_MAX = 64,       /* of a row */
    VOTES_TEXT_BYTES_MAX = 1024, /* of a cause; the rest is cut */
    VOTES_REPLICA_ANY = UINT16_MAX,
};

/* Of a node. */
enum votes_trait {
    /* In another region: its votes do not count, and n is without it. Where all owners of a row are
     * such they count, since nobody else could vouch for the row. */
    VOTES_NODE_REMOTE = 1,
    /* All of it in one ballot: the local store, mneme peers. */
    VOTES_NODE_WHOLE = 2,
};

struct votes_opts {
    unsigned owner_count;   /* of a row: the replication factor; 1 for rows replicated already */
    unsigned replica_first; /* number of the first owner: 0, or that of the one */
    enum votes_quorum quorum;
    size_t node_count;
    const uint8_t *node_traits; /* by node; NULL: none has any. Borrowed as long as the plan */
};

struct votes_ballot {
    uint16_t node;
    uint16_t replica; /* from 0; or VOTES_REPLICA_ANY */
};

struct votes_plan;

/* Lives in the arena. */
struct votes_plan *votes_plan_new(struct arena *a, const struct votes_opts *opts);
/* The class of a row with these owners (opts.owner_count of them); classes are dense, from 0. */
uint32_t votes_plan_class(struct votes_plan *p, const uint16_t *owners);
size_t votes_plan_class_count(const struct votes_plan *p);
/* opts.owner_count numbers of ballots, in replica order; one can be there twice. Valid until the
 * next votes_plan_class(). */
const uint32_t *votes_plan_class_ballots(const struct votes_plan *p, uint32_t class_index);
size_t votes_plan_ballot_count(const struct votes_plan *p);
struct votes_ballot votes_plan_ballot(const struct votes_plan *p, uint32_t ballot);

struct votes;

/* At least one class must be there. The caller owns one reference; the plan can go. */
struct votes *votes_open(const struct votes_plan *p);
struct votes *votes_ref(struct votes *v);
void votes_unref(struct votes *v); /* NULL is allowed */
DEFINE_AUTO(struct votes *, votes_unref)

/* Who wants the answer: told by votes_tell(), which the call does that decides. Before the box is
 * shared. */
struct votes_waiter {
    void (*answer)(void *arg);
    void *arg;
};
void votes_await(struct votes *v, struct votes_waiter waiter);
void votes_tell(const struct votes *v); /* of a decided box that is awaited, once */

/* All of these: true for exactly one call of all, the one that decides; whoever made it answers.
 * The first vote of a ballot counts, further ones do nothing. `text` is the cause (may be empty),
 * and is copied if it can become the answer's. */
bool votes_cast(struct votes *v, uint32_t ballot, enum vote_outcome outcome, struct str text);
/* A ballot that knows more: what became of its rows of each class, the worst of them (one
 * enum vote_outcome a class of the plan; those of classes that the ballot has no part in are not
 * looked at). For the local store, which tells rows apart: the outcome of a class is the worst of
 * its rows', all others are VOTE_OK. */
bool votes_cast_classes(struct votes *v, uint32_t ballot, const uint8_t *outcomes, struct str text);
/* The deadline: what is open is unavailable. */
bool votes_expire(struct votes *v, struct str text);

/* A glance: nobody waits for votes any more. */
bool votes_is_decided(const struct votes *v);

struct votes_answer {
    enum vote_outcome outcome;
    struct str text; /* the first cause of that kind; lives as long as the box */
};
/* Only of a decided box. */
struct votes_answer votes_answer(const struct votes *v);

/* W of n owners. */
unsigned votes_needed(enum votes_quorum quorum, unsigned owner_count);
