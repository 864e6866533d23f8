/* sim_node.c - a receiver: writes become parts and votes; it crashes, stops and starts. */
#include "tests/sim/sim.h"

enum { STOP_MS_MAX = 3000, STOP_POLL_MS = 10 };

/* --- a write -----------------------------------------------------------------------------------
 */

void
sim_write_decided(struct sim *s, uint32_t write)
{
    struct sim_write *w = vec_at(&s->writes, write);
    if (w->answered)
        return;
    w->answered = true;
    struct votes_answer answer = votes_answer(w->votes);
    SIM_TELL(s, "%u      write %u: %s (%.*s)", w->node, write, vote_outcome_name(answer.outcome),
             STR_FMT(answer.text));
    oracle_answer(s, w, answer.outcome);
    sim_answered(s, w->sender, answer.outcome);
}

/* The write, or NULL when its node crashed meanwhile. */
static struct sim_write *
write_of(struct sim *s, const struct sim_event *e)
{
    struct sim_write *w = vec_at(&s->writes, e->a);
    struct sim_node *n = &s->nodes[w->node];
    return n->up && n->life == w->life ? w : NULL;
}

static void
on_deadline(struct sim *s, const struct sim_event *e)
{
    struct sim_write *w = write_of(s, e);
    if (!w)
        return;
    if (votes_expire(w->votes, STR("deadline")))
        sim_write_decided(s, e->a);
    w = vec_at(&s->writes, e->a);
    SIM_ASSERT(s, w->answered, "no answer at the deadline");
    votes_unref(TAKE(w->votes));
}

static bool
owns(const struct sim *s, const struct sim_write *w, unsigned node, size_t row)
{
    for (unsigned i = 0; i < s->owner_count; i++) {
        if (sim_owner(s, w->ring, w->rows[row].series, i) == node)
            return true;
    }
    return false;
}

/* The local store tells classes apart. */
static void
on_local(struct sim *s, const struct sim_event *e)
{
    struct sim_write *w = write_of(s, e);
    if (!w || !w->votes)
        return;
    bool decides;
    if (s->nodes[w->node].full) {
        decides = votes_cast(w->votes, w->local_ballot, VOTE_UNAVAILABLE, STR("disk full"));
    } else {
        uint8_t outcomes[SERIES_OF_SENDER] = {0};
        for (size_t i = 0; i < w->row_count; i++) {
            if (!owns(s, w, w->node, i))
                continue;
            uint8_t o = (uint8_t)sim_store(s, w->node, &w->rows[i]);
            uint8_t *of_class = &outcomes[w->classes[i]];
            *of_class = o > *of_class ? o : *of_class;
        }
        decides = votes_cast_classes(w->votes, w->local_ballot, outcomes, STR("refused here"));
    }
    if (decides)
        sim_write_decided(s, e->a);
}

static struct votes_plan *
plan_write(struct sim *s, struct sim_write *w)
{
    arena_reset(&s->arena);
    uint8_t *traits = ARENA_ARRAY(&s->arena, uint8_t, s->node_count); /* as long as the plan */
    for (unsigned i = 0; i < s->node_count; i++)
        traits[i] = i == w->node || !s->nodes[i].thanos ? VOTES_NODE_WHOLE : 0;
    struct votes_opts opts = {.owner_count = s->owner_count,
                              .quorum = s->quorum,
                              .node_count = s->node_count,
                              .node_traits = traits};
    struct votes_plan *plan = votes_plan_new(&s->arena, &opts);
    for (size_t i = 0; i < w->row_count; i++) {
        uint16_t owners[OWNERS_MAX];
        for (unsigned k = 0; k < s->owner_count; k++)
            owners[k] = (uint16_t)sim_owner(s, w->ring, w->rows[i].series, k);
        w->classes[i] = votes_plan_class(plan, owners);
    }
    return plan;
}

static bool
has_ballot(const struct sim *s, const struct votes_plan *plan, uint32_t class_index,
           uint32_t ballot)
{
    const uint32_t *ballots = votes_plan_class_ballots(plan, class_index);
    for (unsigned k = 0; k < s->owner_count; k++) {
        if (ballots[k] == ballot)
            return true;
    }
    return false;
}

static uint32_t
make_part_of(struct sim *s, uint32_t write, const struct votes_plan *plan, uint32_t ballot)
{
    const struct sim_write *w = vec_at(&s->writes, write);
    struct sim_part p = {.write = write,
                         .from = w->node,
                         .to = votes_plan_ballot(plan, ballot).node,
                         .poison = !s->healed && sim_chance(s, 3)};
    for (size_t i = 0; i < w->row_count; i++) {
        if (has_ballot(s, plan, w->classes[i], ballot))
            p.rows[p.row_count++] = w->rows[i];
    }
    vec_push(&s->parts, p);
    return (uint32_t)s->parts.n - 1;
}

void
sim_write_begin(struct sim *s, unsigned sender, unsigned node)
{
    struct sim_sender *from = &s->senders[sender];
    struct sim_write w = {.sender = (uint16_t)sender,
                          .node = (uint16_t)node,
                          .ring = s->nodes[node].ring,
                          .life = s->nodes[node].life,
                          .begin_ns = s->now_ns,
                          .row_count = from->row_count,
                          .local_ballot = UINT32_MAX};
    memcpy(w.rows, from->rows, sizeof w.rows);
    uint32_t number = (uint32_t)s->writes.n;
    from->waits = true;
    from->write = number;
    struct votes_plan *plan = plan_write(s, &w);
    w.votes = votes_open(plan);
    vec_push(&s->writes, w);
    SIM_TELL(s, "%u      write %u of sender %u: %zu rows, series %u time %u, ring %u", node, number,
             sender, w.row_count, w.rows[0].series, w.rows[0].time, w.ring);

    sim_later(s, FORWARD_TIMEOUT_MS * MS, (struct sim_event){.happen = on_deadline, .a = number});
    for (uint32_t b = 0; b < votes_plan_ballot_count(plan); b++) {
        struct votes_ballot ballot = votes_plan_ballot(plan, b);
        if (ballot.node == node) {
            vec_at(&s->writes, number)->local_ballot = b;
            uint64_t work_ns = sim_between(s, 50, 2000) * (MS / 1000);
            if (s->nodes[node].slow_ms > 0)
                work_ns += sim_between(s, 0, s->nodes[node].slow_ms) * MS;
            sim_later(s, work_ns, (struct sim_event){.happen = on_local, .a = number});
            continue;
        }
        uint16_t replica = ballot.replica == VOTES_REPLICA_ANY ? 0 : ballot.replica + 1;
        sim_push(s, make_part_of(s, number, plan, b), w.ring, replica, w.votes, b);
    }
}

/* --- a node ------------------------------------------------------------------------------------
 */

void
sim_node_crash(struct sim *s, unsigned node)
{
    struct sim_node *n = &s->nodes[node];
    if (!n->up)
        return;
    SIM_TELL(s, "%u      crashes", node);
    n->up = n->stopping = false;
    n->bad_ns = s->now_ns;
    for (size_t i = 0; i < s->writes.n; i++) {
        struct sim_write *w = &s->writes.v[i];
        if (w->node != node || w->life != n->life || !w->votes)
            continue;
        votes_expire(w->votes, STR("crash"));
        bool asks = !w->answered;
        w->answered = true;
        votes_unref(TAKE(w->votes));
        if (asks)
            sim_answered(s, w->sender, VOTE_UNAVAILABLE);
    }
    sim_pipes_crash(s, node);
    vec_each (&s->parts, p) {
        if (p->from == node && !p->durable && !p->delivered && !p->dropped && !p->lost) {
            p->lost = true;
            s->sums.lost++;
        }
    }
}

static void
on_stopping(struct sim *s, const struct sim_event *e)
{
    struct sim_node *n = &s->nodes[e->a];
    if (!n->up || n->life != e->life)
        return;
    bool flushed = true;
    for (unsigned k = 0; k < s->node_count; k++)
        flushed &= !n->pipes[k].peer || peer_is_flushed(n->pipes[k].peer);
    if (flushed || s->now_ns >= (uint64_t)e->b * MS)
        sim_node_crash(s, e->a);
    else
        sim_later(s, STOP_POLL_MS * MS, *e);
}

void
sim_node_stop(struct sim *s, unsigned node)
{
    struct sim_node *n = &s->nodes[node];
    if (!n->up || n->stopping)
        return;
    SIM_TELL(s, "%u      stops", node);
    n->stopping = true;
    n->bad_ns = s->now_ns;
    for (unsigned k = 0; k < s->node_count; k++) {
        if (n->pipes[k].peer) {
            peer_flush(n->pipes[k].peer, s->now_ns);
            sim_after_input(&n->pipes[k]);
        }
    }
    sim_later(s, 0,
              (struct sim_event){.happen = on_stopping,
                                 .a = node,
                                 .b = (uint32_t)(s->now_ns / MS) + STOP_MS_MAX,
                                 .life = n->life});
}

void
sim_node_start(struct sim *s, unsigned node)
{
    struct sim_node *n = &s->nodes[node];
    if (n->up)
        return;
    SIM_TELL(s, "%u      starts", node);
    n->up = true;
    n->life++;
    n->ring = s->ring;
    n->bad_ns = s->now_ns;
    for (unsigned k = 0; k < s->node_count; k++) {
        if (n->pipes[k].disk.acked < n->pipes[k].disk.last)
            sim_pipe(s, node, k);
    }
}
