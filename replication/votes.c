/* votes.c - counting the votes of one write.
 *
 * A box is one block: its head, the classes, where the slots of each ballot begin, the slots, and
 * which ballots were cast. Invariants V1 to V3 stand in README.md. All under one lock; `decided` is
 * a copy for glances. */
#include "replication/votes.h"

#include <stdatomic.h>

#include "base/assert.h"
#include "base/lock.h"
#include "replication/votes_int.h"

struct votes {
    _Atomic(uint32_t) refs;
    _Atomic(bool) decided; /* release, pairs with the acquire of votes_is_decided() */
    size_t ballot_count;   /* immutable, as is what the next two point to */
    const uint32_t *ballot_first, *slots;
    struct votes_waiter waiter; /* set before the box is shared */
    struct lock lock;
    struct votes_class *classes;    /* GUARDED_BY(lock), as all below; after the decision nothing */
    size_t class_count, open_count; /* of classes; decided once none is open */
    uint8_t *cast;                  /* by ballot */
    bool any_unavailable;           /* class */
    enum vote_outcome worst_refusal; /* of the classes that are refused */
    char *texts[VOTE_OUTCOME_COUNT]; /* the first of each kind; owned, or NULL */
    size_t text_bytes[VOTE_OUTCOME_COUNT];
};

const char *
vote_outcome_name(enum vote_outcome o)
{
    static const char *const names[VOTE_OUTCOME_COUNT] = {
        [VOTE_OK] = "ok",           [VOTE_CONFLICT] = "conflict",
        [VOTE_INVALID] = "invalid", [VOTE_UNAVAILABLE] = "unavailable",
        [VOTE_FAILED] = "failed",
    };
    ASSERT(o < VOTE_OUTCOME_COUNT);
    return names[o];
}

struct votes *
votes_open(const struct votes_plan *p)
{
    struct votes_layout l = votes_plan_layout(p);
    ASSERT(l.class_count > 0); /* a write of nothing has its answer already */
    size_t first_count = l.ballot_count + 1;
    size_t class_bytes = l.class_count * sizeof *l.classes;
    size_t number_bytes = (first_count + l.slot_count) * sizeof(uint32_t);
    struct votes *v = mem_alloc_zero(sizeof *v + number_bytes + class_bytes + l.ballot_count);
    uint32_t *numbers = (uint32_t *)(v + 1);
    memcpy(numbers, l.ballot_first, first_count * sizeof(uint32_t));
    if (l.slot_count > 0)
        memcpy(numbers + first_count, l.slots, l.slot_count * sizeof(uint32_t));
    v->ballot_first = numbers;
    v->slots = numbers + first_count;
    v->classes = (struct votes_class *)((char *)numbers + number_bytes);
    memcpy(v->classes, l.classes, class_bytes);
    v->cast = (uint8_t *)(v->classes + l.class_count);
    v->class_count = v->open_count = l.class_count;
    v->ballot_count = l.ballot_count;
    atomic_init(&v->refs, 1);
    lock_init(&v->lock, LOCK_RANK_VOTES);
    return v;
}

void
votes_await(struct votes *v, struct votes_waiter waiter)
{
    v->waiter = waiter;
}

void
votes_tell(const struct votes *v)
{
    ASSERT(votes_is_decided(v)); /* V3 */
    v->waiter.answer(v->waiter.arg);
}

struct votes *
votes_ref(struct votes *v)
{
    atomic_fetch_add_explicit(&v->refs, 1, memory_order_relaxed);
    return v;
}

void
votes_unref(struct votes *v)
{
    if (!v || atomic_fetch_sub_explicit(&v->refs, 1, memory_order_acq_rel) > 1)
        return;
    lock_fini(&v->lock);
    for (size_t i = 0; i < VOTE_OUTCOME_COUNT; i++)
        mem_free(v->texts[i]);
    mem_free(v);
}

static void
keep_text(struct votes *v, enum vote_outcome outcome, struct str text) REQUIRES(&v->lock)
{
    if (outcome == VOTE_OK || v->texts[outcome] || text.n == 0)
        return;
    v->text_bytes[outcome] = size_min(text.n, VOTES_TEXT_BYTES_MAX);
    v->texts[outcome] = mem_dup_text(text.p, v->text_bytes[outcome]);
}

/* Decides a class if no vote that is to come can change what it becomes. */
static void
judge_class(struct votes *v, struct votes_class *c) REQUIRES(&v->lock)
{
    unsigned spare = c->owner_count - c->needed; /* so many may miss it */
    unsigned missing = c->refused + c->failed;
    ASSERT(c->stored + missing <= c->owner_count);
    unsigned to_come = c->owner_count - c->stored - missing;
    if (c->stored >= c->needed) {
        c->decided = true;
    } else if (c->refused > spare) {
        c->decided = true;
        if (v->worst_refusal < c->worst_refusal)
            v->worst_refusal = c->worst_refusal;
    } else if (missing > spare && c->refused + to_come <= spare) {
        c->decided = v->any_unavailable = true;
    }
    v->open_count -= c->decided;
}

static void
count_vote(struct votes *v, struct votes_class *c, enum vote_outcome outcome) REQUIRES(&v->lock)
{
    if (c->decided)
        return; /* V2 */
    switch (outcome) {
    case VOTE_OK:
        c->stored++;
        break;
    case VOTE_CONFLICT:
    case VOTE_INVALID:
        c->refused++;
        if (c->worst_refusal < outcome)
            c->worst_refusal = (uint8_t)outcome;
        break;
    case VOTE_UNAVAILABLE:
    case VOTE_FAILED:
        c->failed++;
        break;
    case VOTE_OUTCOME_COUNT:
        UNREACHABLE("no outcome");
    }
    judge_class(v, c);
}

/* V3: true once, for the call that closed the last class. */
static bool
is_last(struct votes *v) REQUIRES(&v->lock)
{
    if (v->open_count > 0 || atomic_load_explicit(&v->decided, memory_order_relaxed))
        return false;
    atomic_store_explicit(&v->decided, true, memory_order_release);
    return true;
}

/* One outcome for all classes, or one a class. */
static bool
cast(struct votes *v, uint32_t ballot, enum vote_outcome outcome, const uint8_t *by_class,
     struct str text)
{
    ASSERT(ballot < v->ballot_count && outcome < VOTE_OUTCOME_COUNT);
    LOCKED(&v->lock);
    if (v->cast[ballot] || v->open_count == 0)
        return false; /* V1, or late */
    v->cast[ballot] = true;
    keep_text(v, outcome, text);
    for (uint32_t i = v->ballot_first[ballot]; i < v->ballot_first[ballot + 1]; i++) {
        uint32_t class_index = v->slots[i];
        enum vote_outcome o = by_class ? (enum vote_outcome)by_class[class_index] : outcome;
        keep_text(v, o, text);
        count_vote(v, &v->classes[class_index], o);
    }
    return is_last(v);
}

bool
votes_cast(struct votes *v, uint32_t ballot, enum vote_outcome outcome, struct str text)
{
    return cast(v, ballot, outcome, NULL, text);
}

bool
votes_cast_classes(struct votes *v, uint32_t ballot, const uint8_t *outcomes, struct str text)
{
    return cast(v, ballot, VOTE_OK, outcomes, text);
}

bool
votes_expire(struct votes *v, struct str text)
{
    LOCKED(&v->lock);
    if (v->open_count == 0)
        return false;
    keep_text(v, VOTE_UNAVAILABLE, text);
    for (size_t c = 0; c < v->class_count; c++)
        v->classes[c].decided = true;
    v->open_count = 0;
    v->any_unavailable = true;
    return is_last(v);
}

bool
votes_is_decided(const struct votes *v)
{
    return atomic_load_explicit(&v->decided, memory_order_acquire);
}

/* Nothing that this reads changes after the decision. */
struct votes_answer
votes_answer(const struct votes *v)
{
    ASSERT(votes_is_decided(v));
    enum vote_outcome outcome = v->any_unavailable ? VOTE_UNAVAILABLE : v->worst_refusal;
    size_t cause = outcome;
    if (outcome == VOTE_UNAVAILABLE && !v->texts[cause])
        cause = VOTE_FAILED;
    struct str text = {v->texts[cause], v->text_bytes[cause]};
    return (struct votes_answer){.outcome = outcome, .text = text};
}
