/* peer_reply.c - what a reply means for the parts of its message, and when to try again. */
#include "replication/peer_int.h"

enum {
    BACKOFF_SHIFT_MAX = 20,
    PART_UNAVAILABLE_ATTEMPT = 2, /* while the peer takes other parts */
};

static const uint64_t NS_PER_MS = 1000000;

void
peer_pause(struct peer *p, uint64_t now_ns, unsigned attempt)
{
    unsigned shift = attempt < BACKOFF_SHIFT_MAX ? attempt : BACKOFF_SHIFT_MAX;
    uint64_t min_ns = p->opts.backoff_min_ms * NS_PER_MS;
    uint64_t spread_ns = (min_ns << shift) - min_ns;
    uint64_t wait_ns = min_ns + (uint64_t)(rand_f64(&p->gen) * (double)spread_ns);
    p->send_at_ns = now_ns + u64_min(wait_ns, p->opts.backoff_max_ms * NS_PER_MS);
}

void
peer_back_off(struct peer *p, uint64_t now_ns, struct str text)
{
    peer_pause(p, now_ns, p->attempt++);
    p->kind = PEER_KIND_THANOS; /* who answers next may be another program */
    items_vote_unavailable(p, text);
    peer_fall_behind(p);
}

/* What the parts of one message told. */
struct tally {
    bool answered;     /* some part was judged: the peer is well */
    bool unavailable;  /* some part was not taken now */
    unsigned failures; /* of the part that failed most often */
};

static void
settle_refusal(struct peer *p, struct item *it, enum vote_outcome outcome, struct str text)
{
    item_vote(p, it, outcome, text);
    item_dropped(p, it, PEER_DROP_REFUSED, text);
}

static void
settle_failure(struct peer *p, struct item *it, struct tally *t, struct str text)
{
    item_vote(p, it, VOTE_FAILED, text);
    it->failures++;
    t->failures = it->failures > t->failures ? it->failures : t->failures;
    if (it->failures >= p->opts.failed_tries_max)
        item_dropped(p, it, PEER_DROP_FAILED, text);
}

static void
settle_item(struct peer *p, struct item *it, enum vote_outcome outcome, struct tally *t,
            struct str text)
{
    switch (outcome) {
    case VOTE_OK:
        t->answered = true;
        item_vote(p, it, VOTE_OK, text);
        it->done = true;
        p->status.stored++;
        return;
    case VOTE_CONFLICT:
    case VOTE_INVALID:
        t->answered = true;
        settle_refusal(p, it, outcome, text);
        return;
    case VOTE_UNAVAILABLE:
        t->unavailable = true;
        item_vote(p, it, VOTE_UNAVAILABLE, text);
        return;
    case VOTE_FAILED:
        settle_failure(p, it, t, text);
        return;
    case VOTE_OUTCOME_COUNT:
        UNREACHABLE("no outcome");
    }
}

/* The message as a whole was refused or failed, and does not tell which part is to blame. */
static bool
is_undecided(const struct peer *p, const struct peer_reply *r)
{
    return p->message.n > 1 && !r->part_outcomes && r->outcome != VOTE_OK &&
           r->outcome != VOTE_UNAVAILABLE;
}

/* Items go where they belong now that they are not under way. */
static void
put_back(struct peer *p)
{
    struct item *near = NULL;
    for (size_t i = 0; i < p->message.n; i++) {
        struct item *it = p->message.v[i];
        it->sent = false;
        switch (it->place) {
        case ITEM_LOOSE:
            if (it->done) {
                item_free(p, it);
                break;
            }
            item_put_back(&p->queue, it, near);
            near = it;
            break;
        case ITEM_ON_DISK:
            item_drop_part(p, it);
            if (!item_is_needed_on_disk(it))
                item_remove(p, it);
            break;
        case ITEM_WINDOW:
            if (it->done)
                item_drop_part(p, it);
            break;
        case ITEM_APPENDING:
            break;
        case ITEM_QUEUE:
            UNREACHABLE("what is sent is not in the queue");
        }
    }
    vec_clear(&p->message);
    vec_clear(&p->parts);
}

void
peer_settle(struct peer *p, uint64_t now_ns, const struct peer_reply *r)
{
    ASSERT(p->message.n > 0); /* P1 */
    ASSERT(!r->part_outcomes || r->outcome == VOTE_OK);
    struct tally t = {0};
    if (r->outcome != VOTE_UNAVAILABLE)
        p->kind = r->kind;
    bool undecided = is_undecided(p, r);
    t.answered = undecided && r->outcome != VOTE_FAILED;
    for (size_t i = 0; i < p->message.n; i++) {
        struct item *it = p->message.v[i];
        if (undecided)
            it->alone = true;
        else if (r->part_outcomes)
            settle_item(p, it, (enum vote_outcome)r->part_outcomes[i], &t, r->text);
        else
            settle_item(p, it, r->outcome, &t, r->text);
    }
    put_back(p);

    if (t.answered) {
        p->attempt = 0;
        p->send_at_ns = 0;
    }
    if (t.unavailable && !t.answered) {
        peer_back_off(p, now_ns, r->text);
    } else if (t.unavailable || t.failures > 0) {
        peer_pause(p, now_ns, t.failures > 0 ? t.failures - 1 : PART_UNAVAILABLE_ATTEMPT);
        peer_fall_behind(p);
    }
}
