/* replicator.c - a write to its owners, and the writes that wait. */
#include "replication/replicator.h"

#include "base/assert.h"
#include "base/lock.h"
#include "base/vec.h"
#include "net/loop.h"
#include "replication/peer_wire.h"

enum { NS_PER_MS = 1000000, TICK_MS = 50 };

/* A write that is to be answered by then at the latest. Timeouts are all the same, so the queue is
 * in order of time. */
struct deadline {
    struct votes *votes; /* a reference */
    uint64_t at_ns;
};

struct replicator {
    struct replicator_opts opts; /* immutable */
    char *local_endpoint, *local_zone;
    struct loop_timer *timer;
    struct peer_packers packers;
    struct numbers_of_node *numbers;
    struct lock ring_lock;
    struct membership *now GUARDED_BY(ring_lock); /* NULL: no ring yet */
    uint32_t rings; /* so many were set; of whoever sets them */
    struct lock wait_lock;
    VEC(struct deadline) waiting GUARDED_BY(wait_lock);
    size_t first_waiting GUARDED_BY(wait_lock);
};

/* --- deadlines -------------------------------------------------------------------------------- */

/* Decided ones in front go, too: so the queue is as long as the longest wait. */
static bool
pop_due(struct replicator *r, uint64_t now_ns, struct votes **ret_votes)
{
    LOCKED(&r->wait_lock);
    if (r->first_waiting == r->waiting.n)
        return false;
    struct deadline *d = &r->waiting.v[r->first_waiting];
    if (d->at_ns > now_ns && !votes_is_decided(d->votes))
        return false;
    *ret_votes = d->votes;
    if (++r->first_waiting == r->waiting.n) {
        r->first_waiting = 0;
        vec_clear(&r->waiting);
    }
    return true;
}

static void
tick(void *arg)
{
    struct replicator *r = arg;
    struct votes *v;
    uint64_t now_ns = clock_mono_ns(r->opts.clock);
    while (pop_due(r, now_ns, &v)) {
        if (votes_expire(v, STR("not enough copies were made in time")))
            votes_tell(v);
        votes_unref(v);
    }
}

static void
wait_for(struct replicator *r, struct votes *v)
{
    LOCKED(&r->wait_lock);
    if (r->first_waiting > 1024 && r->first_waiting > r->waiting.n / 2) {
        size_t left = r->waiting.n - r->first_waiting;
        memmove(r->waiting.v, r->waiting.v + r->first_waiting, left * sizeof *r->waiting.v);
        r->waiting.n = left;
        r->first_waiting = 0;
    }
    vec_push(&r->waiting,
             ((struct deadline){votes_ref(v), clock_mono_ns(r->opts.clock) +
                                                  r->opts.forward_timeout_ms * NS_PER_MS}));
}

/* --- life ------------------------------------------------------------------------------------- */

static void
start_timer(void *arg)
{
    struct replicator *r = arg;
    r->timer = loop_timer_new(r->opts.loop, TICK_MS, tick, r);
}

static void
stop_timer(void *arg)
{
    struct replicator *r = arg;
    loop_timer_free(r->timer);
}

struct replicator *
replicator_open(const struct replicator_opts *opts)
{
    struct replicator *r = mem_alloc_zero(sizeof *r);
    r->opts = *opts;
    r->local_endpoint = mem_dup_text(opts->local_endpoint.p, opts->local_endpoint.n);
    r->local_zone = mem_dup_text(opts->local_zone.p, opts->local_zone.n);
    r->opts.local_endpoint = str_of_cstr(r->local_endpoint);
    r->opts.local_zone = str_of_cstr(r->local_zone);
    peer_packers_init(&r->packers);
    if (opts->hash_seed != 0)
        r->numbers = numbers_open(opts->clock, opts->hash_seed, opts->numbers_max);
    lock_init(&r->ring_lock, LOCK_RANK_LEAF);
    lock_init(&r->wait_lock, LOCK_RANK_LEAF);
    loop_call(opts->loop, start_timer, r);
    return r;
}

void
replicator_close(struct replicator *r)
{
    if (!r)
        return;
    loop_call(r->opts.loop, stop_timer, r);
    for (; r->first_waiting < r->waiting.n; r->first_waiting++)
        votes_unref(r->waiting.v[r->first_waiting].votes);
    vec_fini(&r->waiting);
    membership_unref(r->now);
    peer_packers_fini(&r->packers);
    numbers_close(r->numbers);
    lock_fini(&r->wait_lock);
    lock_fini(&r->ring_lock);
    mem_free(r->local_endpoint);
    mem_free(r->local_zone);
    mem_free(r);
}

static struct membership *
swap(struct replicator *r, struct membership *next)
{
    LOCKED(&r->ring_lock);
    struct membership *before = r->now;
    r->now = next;
    return before;
}

struct err
replicator_set_ring(struct replicator *r, struct ring *ring)
{
    struct membership_opts opts = {.peers = r->opts.peers,
                                   .local_endpoint = r->opts.local_endpoint,
                                   .local_zone = r->opts.local_zone,
                                   .number = ++r->rings};
    struct membership *next = NULL;
    peers_begin_ring(r->opts.peers);
    TRY(membership_open(&opts, ring, &next));
    membership_unref(swap(r, next));
    peers_end_ring(r->opts.peers);
    return OK;
}

static struct membership *
acquire(struct replicator *r)
{
    LOCKED(&r->ring_lock);
    return r->now ? membership_ref(r->now) : NULL;
}

bool
replicator_has_ring(struct replicator *r)
{
    LOCKED(&r->ring_lock);
    return r->now != NULL;
}

/* --- one write -------------------------------------------------------------------------------- */

/* What the nodes are, as the votes have to know it. */
static const uint8_t *
traits_of_now(const struct membership *m, struct arena *a)
{
    uint8_t *traits = ARENA_ARRAY(a, uint8_t, m->node_count);
    for (size_t i = 0; i < m->node_count; i++) {
        bool mneme = m->links[i] && peer_link_is_mneme(m->links[i]);
        traits[i] = (uint8_t)(m->traits[i] | (mneme ? VOTES_NODE_WHOLE : 0));
    }
    return traits;
}

static bool
some_take_numbers(const struct membership *m)
{
    for (size_t i = 0; i < m->node_count; i++) {
        if (m->links[i] && peer_link_takes_numbers(m->links[i]))
            return true;
    }
    return false;
}

static struct err
place(struct replicator *r, struct replication *p)
{
    struct membership *m = p->membership;
    unsigned factor = ring_replication_factor(m->ring);
    if (p->replica > factor)
        return ERR(ERR_INVALID, "request replica exceeds receiver replication factor: %u of %u",
                   p->replica, factor);
    struct votes_opts votes = {.owner_count = p->replica > 0 ? 1 : factor,
                               .replica_first = p->replica > 0 ? p->replica - 1 : 0,
                               .quorum = r->opts.quorum,
                               .node_count = m->node_count,
                               .node_traits = traits_of_now(m, p->arena)};
    AUTO(numbers_release)
    struct numbers *numbers =
        r->numbers && some_take_numbers(m) ? numbers_acquire(r->numbers) : NULL;
    struct place_opts opts = {.ring = m->ring,
                              .local = m->local,
                              .replica = p->replica,
                              .node_traits = votes.node_traits,
                              .numbers = numbers,
                              .secret = numbers ? numbers_secret(r->numbers) : NULL,
                              .packers = &r->packers,
                              .keeper = p->keeper,
                              .plan = votes_plan_new(p->arena, &votes)};
    TRY(place_rows(p->arena, &opts, p->rewritten, &p->placed));
    p->class_count = votes_plan_class_count(opts.plan);
    if (p->class_count > 0)
        p->votes = votes_open(opts.plan);
    return OK;
}

static void
send_parts(struct replication *p)
{
    const struct membership *m = p->membership;
    for (size_t i = 0; i < p->placed.part_count; i++) {
        struct placed_part *part = &p->placed.parts[i];
        bool votes = part->ballot != PLACED_NOWHERE;
        peer_link_push(m->links[part->node],
                       peer_part_of_rows(peer_rows_ref(part->rows), m->number, part->replica),
                       votes ? p->votes : NULL, part->ballot);
    }
}

static void
store_local(struct replication *p)
{
    struct str text = STR("");
    const uint8_t **refusals = ARENA_ARRAY(p->arena, const uint8_t *, p->placed.local.count);
    for (size_t i = 0; i < p->placed.local.count; i++)
        refusals[i] = NULL;
    enum vote_outcome outcome = p->append(p->append_arg, &p->placed.local, refusals, &text);
    if (p->placed.local_ballot == PLACED_NOWHERE)
        return;
    uint8_t *outcomes = ARENA_ARRAY(p->arena, uint8_t, p->class_count);
    memset(outcomes, (int)outcome, p->class_count);
    if (outcome == VOTE_OK)
        placed_judge_local(&p->placed, refusals, outcomes);
    if (votes_cast_classes(p->votes, p->placed.local_ballot, outcomes, text))
        votes_tell(p->votes);
}

struct err
replicate(struct replicator *r, struct replication *p)
{
    p->membership = acquire(r);
    if (!p->membership)
        return ERR(ERR_UNAVAILABLE, "not ready: there is no hashring yet");
    TRY(place(r, p));
    if (p->votes) {
        votes_await(p->votes, (struct votes_waiter){p->done, p->done_arg});
        wait_for(r, p->votes);
    }
    bool voted = p->votes != NULL;
    send_parts(p);
    store_local(p);
    if (!voted)
        p->done(p->done_arg);
    return OK;
}

struct votes_answer
replication_answer(const struct replication *p)
{
    return p->votes ? votes_answer(p->votes) : (struct votes_answer){VOTE_OK, STR("")};
}

void
replication_fini(struct replication *p)
{
    placed_fini(&p->placed);
    votes_unref(p->votes);
    membership_unref(p->membership);
    *p = (struct replication){.replica = 0};
}
