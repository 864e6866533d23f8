/* sim_net.c - calls between nodes: delayed, lost, repeated; what the receiver does with them. */
#include "tests/sim/sim.h"

static uint64_t
travel_ns(struct sim *s, unsigned from, unsigned to)
{
    return sim_between(s, 100, s->links[from][to].delay_ms_max * 1000) * (MS / 1000);
}

static bool
is_lost(struct sim *s, unsigned from, unsigned to)
{
    const struct sim_link *l = &s->links[from][to];
    return l->cut || (l->flaky && sim_chance(s, 150));
}

/* --- the client's end --------------------------------------------------------------------------
 */

static void
end_call(struct sim *s, uint32_t call, const struct peer_reply *reply)
{
    struct sim_call *c = vec_at(&s->calls, call);
    if (c->ended)
        return;
    c->ended = true;
    struct sim_node *from = &s->nodes[c->from];
    if (!from->up || from->life != c->from_life)
        return;
    SIM_TELL(s, "%u<-%u  call %u: %s%s", c->from, c->to, call, vote_outcome_name(reply->outcome),
             reply->part_outcomes ? ", by part" : "");
    struct sim_pipe *pipe = &from->pipes[c->to];
    peer_replied(pipe->peer, s->now_ns, reply);
    sim_after_input(pipe);
}

static void
on_timeout(struct sim *s, const struct sim_event *e)
{
    struct peer_reply reply = {.outcome = VOTE_UNAVAILABLE, .text = STR_INIT("deadline exceeded")};
    end_call(s, e->a, &reply);
}

static void
on_broken(struct sim *s, const struct sim_event *e)
{
    struct peer_reply reply = {.outcome = VOTE_UNAVAILABLE, .text = STR_INIT("connection failed")};
    end_call(s, e->a, &reply);
}

static void
on_reply(struct sim *s, const struct sim_event *e)
{
    struct sim_call *c = vec_at(&s->calls, e->a);
    struct peer_reply reply = c->reply;
    if (reply.part_outcomes)
        reply.part_outcomes = c->outcomes;
    end_call(s, e->a, &reply);
}

/* --- the receiver ------------------------------------------------------------------------------
 */

enum vote_outcome
sim_store(struct sim *s, unsigned node, const struct sim_row *row)
{
    if (row->refused_by & 1u << node)
        return VOTE_CONFLICT;
    s->nodes[node].stored[row->series][row->time] = 1;
    return VOTE_OK;
}

static enum vote_outcome
judge_part(struct sim *s, const struct sim_call *c, struct sim_part *p)
{
    if (s->nodes[c->to].full)
        return VOTE_UNAVAILABLE;
    if (p->poison)
        return VOTE_FAILED;
    oracle_delivery(s, c, p);
    enum vote_outcome worst = VOTE_OK;
    for (size_t i = 0; i < p->row_count; i++) {
        enum vote_outcome o = sim_store(s, c->to, &p->rows[i]);
        worst = o > worst ? o : worst;
    }
    p->delivered = true;
    return worst;
}

static void
judge(struct sim *s, struct sim_call *c)
{
    struct sim_node *to = &s->nodes[c->to];
    c->reply = (struct peer_reply){.kind = to->thanos ? PEER_KIND_THANOS : PEER_KIND_MNEME};
    if (to->faulty && sim_chance(s, 300)) {
        c->reply.outcome = VOTE_FAILED;
        return;
    }
    enum vote_outcome worst = VOTE_OK;
    for (size_t i = 0; i < c->part_count; i++) {
        enum vote_outcome o = judge_part(s, c, vec_at(&s->parts, c->parts[i]));
        worst = o > worst ? o : worst;
        c->outcomes[i] = (uint8_t)o;
    }
    if (to->thanos)
        c->reply.outcome = worst;
    else
        c->reply.part_outcomes = c->outcomes;
}

static void
on_judged(struct sim *s, const struct sim_event *e)
{
    struct sim_call *c = vec_at(&s->calls, e->a);
    struct sim_node *to = &s->nodes[c->to];
    if (!to->up || to->life != c->to_life) {
        sim_later(s, travel_ns(s, c->to, c->from),
                  (struct sim_event){.happen = on_broken, .a = e->a});
        return;
    }
    judge(s, c);
    c->again = true;
    if (!is_lost(s, c->to, c->from))
        sim_later(s, travel_ns(s, c->to, c->from),
                  (struct sim_event){.happen = on_reply, .a = e->a});
}

static void
on_arrival(struct sim *s, const struct sim_event *e)
{
    struct sim_call *c = vec_at(&s->calls, e->a);
    struct sim_node *to = &s->nodes[c->to];
    if (!to->up) {
        sim_later(s, travel_ns(s, c->to, c->from),
                  (struct sim_event){.happen = on_broken, .a = e->a});
        return;
    }
    c->to_life = to->life;
    uint64_t work_ns = sim_between(s, 50, 2000) * (MS / 1000);
    if (to->slow_ms > 0)
        work_ns += sim_between(s, 0, to->slow_ms) * MS;
    sim_later(s, work_ns, (struct sim_event){.happen = on_judged, .a = e->a});
}

void
sim_call_begin(struct sim_pipe *pipe, const struct peer_message *m)
{
    struct sim *s = pipe->sim;
    struct sim_call c = {
        .from = pipe->from,
        .to = pipe->to,
        .from_life = s->nodes[pipe->from].life,
        .part_count = m->count,
    };
    SIM_ASSERT(s, m->count > 0 && m->count <= MESSAGE_PARTS_MAX, "%zu parts", m->count);
    for (size_t i = 0; i < m->count; i++) {
        memcpy(&c.parts[i], shared_bytes(m->parts[i]->payload).p, sizeof c.parts[i]);
        SIM_ASSERT(s, m->kind == PEER_KIND_MNEME || m->parts[i]->replica == m->replica,
                   "replica numbers are mixed");
    }
    uint32_t call = (uint32_t)s->calls.n;
    vec_push(&s->calls, c);
    SIM_TELL(s, "%u->%u  call %u: %zu parts from %u", c.from, c.to, call, m->count, c.parts[0]);

    sim_later(s, FORWARD_TIMEOUT_MS * MS, (struct sim_event){.happen = on_timeout, .a = call});
    if (is_lost(s, c.from, c.to)) {
        if (sim_chance(s, 500))
            sim_later(s, travel_ns(s, c.from, c.to),
                      (struct sim_event){.happen = on_broken, .a = call});
        return;
    }
    sim_later(s, travel_ns(s, c.from, c.to), (struct sim_event){.happen = on_arrival, .a = call});
    if (sim_chance(s, 20))
        sim_later(s, travel_ns(s, c.from, c.to) + sim_between(s, 1, 8000) * MS,
                  (struct sim_event){.happen = on_arrival, .a = call});
}
