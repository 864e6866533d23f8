/* sim_chaos.c - what happens to a cluster: senders, faults and their end, other rings. */
#include "tests/sim/sim.h"

enum {
    CHAOS_PAUSE_MS = 1500, /* between two faults, about */
    FAULT_MS_MAX = 9000,
    RETRY_MS_MAX = 400,
};

/* --- senders -----------------------------------------------------------------------------------
 */

static void
try_write(struct sim *s, unsigned sender)
{
    const struct sim_ring *ring = &s->rings[s->ring];
    for (unsigned tries = 0; tries < NODES_MAX; tries++) {
        unsigned node = ring->nodes[rand_below(&s->g, ring->count)];
        if (s->nodes[node].up && !s->nodes[node].stopping) {
            sim_write_begin(s, sender, node);
            return;
        }
    }
    sim_answered(s, sender, VOTE_UNAVAILABLE); /* nobody listens */
}

/* Of some of its series, the next sample. */
static void
make_rows(struct sim *s, unsigned sender)
{
    struct sim_sender *from = &s->senders[sender];
    from->row_count = 0;
    for (unsigned i = 0; i < SERIES_OF_SENDER; i++) {
        if (from->row_count > 0 && sim_chance(s, 500))
            continue;
        struct sim_row row = {.series = (uint16_t)(sender * SERIES_OF_SENDER + i),
                              .time = ++from->next_time[i]};
        SIM_ASSERT(s, row.time < TIMES_MAX, "too many samples for the simulation");
        if (sim_chance(s, 10))
            row.refused_by = UINT8_MAX;
        else if (sim_chance(s, 10))
            row.refused_by = (uint8_t)(1u << rand_below(&s->g, s->node_count));
        from->rows[from->row_count++] = row;
    }
}

static void
on_sender(struct sim *s, const struct sim_event *e)
{
    struct sim_sender *from = &s->senders[e->a];
    if (from->row_count == 0) {
        if (s->healed)
            return;
        make_rows(s, e->a);
    }
    try_write(s, e->a);
}

void
sim_answered(struct sim *s, unsigned sender, enum vote_outcome outcome)
{
    struct sim_sender *from = &s->senders[sender];
    from->waits = false;
    uint64_t pause_ms = sim_between(s, 0, from->pause_ms_max);
    switch (outcome) {
    case VOTE_OK:
        s->sums.stored++;
        from->row_count = 0;
        break;
    case VOTE_CONFLICT:
    case VOTE_INVALID:
        s->sums.refused++;
        from->row_count = 0;
        break;
    case VOTE_UNAVAILABLE:
    case VOTE_FAILED:
    case VOTE_OUTCOME_COUNT:
        s->sums.unavailable++;
        pause_ms = sim_between(s, 50, RETRY_MS_MAX);
    }
    sim_later(s, pause_ms * MS, (struct sim_event){.happen = on_sender, .a = sender});
}

/* --- faults ------------------------------------------------------------------------------------
 */

static unsigned
any_node(struct sim *s)
{
    return (unsigned)rand_below(&s->g, s->node_count);
}

static void
on_start(struct sim *s, const struct sim_event *e)
{
    sim_node_start(s, e->a);
}

static void
fault_crash(struct sim *s)
{
    unsigned node = any_node(s);
    s->sums.crashes += s->nodes[node].up;
    sim_node_crash(s, node);
    sim_later(s, sim_between(s, 10, FAULT_MS_MAX) * MS,
              (struct sim_event){.happen = on_start, .a = node});
}

static void
fault_stop(struct sim *s)
{
    unsigned node = any_node(s);
    sim_node_stop(s, node);
    sim_later(s, sim_between(s, 3100, FAULT_MS_MAX) * MS,
              (struct sim_event){.happen = on_start, .a = node});
}

static void
heal_link(struct sim *s, unsigned from, unsigned to)
{
    struct sim_link *l = &s->links[from][to];
    l->cut = l->flaky = false;
    l->delay_ms_max = LINK_DELAY_MS;
    l->bad_ns = s->now_ns;
}

static void
on_link(struct sim *s, const struct sim_event *e)
{
    heal_link(s, e->a, e->b);
}

enum link_fault { LINK_CUT, LINK_FLAKY, LINK_DELAYED, LINK_FAULT_COUNT };

static void
break_link(struct sim *s, unsigned from, unsigned to, enum link_fault fault, uint64_t ms)
{
    struct sim_link *l = &s->links[from][to];
    l->cut |= fault == LINK_CUT;
    l->flaky |= fault == LINK_FLAKY;
    if (fault == LINK_DELAYED)
        l->delay_ms_max = sim_between(s, 10, 3000);
    sim_later(s, ms * MS, (struct sim_event){.happen = on_link, .a = from, .b = to});
}

/* Some nodes from the others; at times one way only. */
static void
fault_links(struct sim *s)
{
    enum link_fault fault = (enum link_fault)rand_below(&s->g, LINK_FAULT_COUNT);
    uint64_t ms = sim_between(s, 10, FAULT_MS_MAX);
    unsigned side = 1 + (unsigned)rand_below(&s->g, (1u << s->node_count) - 2);
    if (sim_chance(s, 600))
        side = 1u << any_node(s);
    bool one_way = sim_chance(s, 300);
    SIM_TELL(s, "links: fault %d between %x and the others%s", (int)fault, side,
             one_way ? ", one way" : "");
    for (unsigned i = 0; i < s->node_count; i++) {
        for (unsigned k = 0; k < s->node_count; k++) {
            bool out = (side >> i & 1) && !(side >> k & 1),
                 in = (side >> k & 1) && !(side >> i & 1);
            if (out || (in && !one_way))
                break_link(s, i, k, fault, ms);
        }
    }
}

static void
heal_node(struct sim *s, unsigned node)
{
    struct sim_node *n = &s->nodes[node];
    n->full = n->faulty = false;
    n->slow_ms = 0;
    n->bad_ns = s->now_ns;
}

static void
on_node(struct sim *s, const struct sim_event *e)
{
    heal_node(s, e->a);
}

static void
fault_node(struct sim *s)
{
    unsigned node = any_node(s);
    struct sim_node *n = &s->nodes[node];
    uint64_t which = rand_below(&s->g, 3);
    n->full |= which == 0;
    n->faulty |= which == 1;
    n->slow_ms = which == 2 ? sim_between(s, 10, 9000) : n->slow_ms;
    SIM_TELL(s, "%u      %s", node, which == 0 ? "disk full" : which == 1 ? "faulty" : "slow");
    sim_later(s, sim_between(s, 10, FAULT_MS_MAX) * MS,
              (struct sim_event){.happen = on_node, .a = node});
}

static void
fault_age(struct sim *s)
{
    unsigned node = any_node(s);
    SIM_TELL(s, "%u      hand-offs too old", node);
    sim_hand_off_forget(s, node);
}

/* --- rings -------------------------------------------------------------------------------------
 */

static bool
is_in_ring(const struct sim *s, unsigned ring, unsigned node)
{
    for (unsigned i = 0; i < s->rings[ring].count; i++) {
        if (s->rings[ring].nodes[i] == node)
            return true;
    }
    return false;
}

/* One node learns of the ring. Pipes to those that left it go on, or hand on. */
static void
on_reload(struct sim *s, const struct sim_event *e)
{
    struct sim_node *n = &s->nodes[e->a];
    if (!n->up || n->ring >= e->b)
        return;
    n->ring = (uint16_t)e->b;
    SIM_TELL(s, "%u      ring %u", e->a, e->b);
    for (unsigned k = 0; k < s->node_count; k++) {
        struct sim_pipe *pipe = &n->pipes[k];
        if (!pipe->peer || pipe->leaves || is_in_ring(s, e->b, k))
            continue;
        pipe->leaves = true;
        peer_leave(pipe->peer, s->now_ns,
                   sim_chance(s, 300) ? PEER_LEAVE_HAND_ON : PEER_LEAVE_KEEP);
        sim_after_input(pipe);
    }
}

static void
change_ring(struct sim *s)
{
    if (s->ring + 1u >= ARRAY_LEN(s->rings))
        return;
    s->ring++;
    for (unsigned i = 0; i < s->node_count; i++)
        sim_later(s, sim_between(s, 0, 2000) * MS,
                  (struct sim_event){.happen = on_reload, .a = i, .b = s->ring});
}

/* --- the course of it --------------------------------------------------------------------------
 */

static const struct fault {
    void (*strike)(struct sim *s);
    unsigned weight;
} faults[] = {
    {fault_crash, 3}, {fault_stop, 2}, {fault_links, 5},
    {fault_node, 3},  {fault_age, 1},  {change_ring, 1},
};

static void
on_chaos(struct sim *s, const struct sim_event *e)
{
    (void)e;
    if (s->healed)
        return;
    unsigned sum = 0;
    for (size_t i = 0; i < ARRAY_LEN(faults); i++)
        sum += faults[i].weight;
    unsigned at = (unsigned)rand_below(&s->g, sum);
    const struct fault *f = faults;
    for (; at >= f->weight; f++)
        at -= f->weight;
    f->strike(s);
    sim_later(s, sim_between(s, 100, 2 * CHAOS_PAUSE_MS) * MS,
              (struct sim_event){.happen = on_chaos});
}

void
sim_chaos_begin(struct sim *s)
{
    for (unsigned i = 0; i < s->sender_count; i++) {
        s->senders[i].pause_ms_max = sim_chance(s, 200) ? 200 : sim_between(s, 400, 3000);
        sim_later(s, sim_between(s, 0, 1000) * MS, (struct sim_event){.happen = on_sender, .a = i});
    }
    if (sim_chance(s, 950))
        sim_later(s, sim_between(s, 0, 15000) * MS, (struct sim_event){.happen = on_chaos});
}

void
sim_heal(struct sim *s)
{
    s->healed = true;
    for (unsigned i = 0; i < s->node_count; i++) {
        heal_node(s, i);
        for (unsigned k = 0; k < s->node_count; k++)
            heal_link(s, i, k);
        if (s->nodes[i].stopping)
            sim_node_crash(s, i);
        sim_node_start(s, i);
    }
}
