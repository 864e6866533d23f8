/* sim_oracle.c - what must hold, seen by one who sees all nodes at once.
 *
 * - an answer of success: enough owners have every row; of refusal: too many refuse one
 * - an answer in time; not "unavailable" while enough owners of each row were well
 * - a pipe's parts come in order; its memory is bounded
 * - at the end every part was judged by its receiver, told to be dropped, or in the memory of a
 * node that crashed; and so all owners of a row have the same. */
#include "tests/sim/sim.h"

enum { QUEUE_SLACK_PARTS = 12 }; /* read from disk: two messages and a part */

/* --- answers -----------------------------------------------------------------------------------
 */

static unsigned
needed(const struct sim *s)
{
    return votes_needed(s->quorum, s->owner_count);
}

static bool
node_was_well(const struct sim_node *n, uint64_t since_ns)
{
    return n->up && !n->stopping && !n->full && !n->faulty && n->slow_ms == 0 &&
           n->bad_ns < since_ns;
}

static bool
link_was_well(const struct sim_link *l, uint64_t since_ns)
{
    return !l->cut && !l->flaky && l->delay_ms_max <= LINK_DELAY_MS && l->bad_ns < since_ns;
}

/* All the time since the write began, and so long before it that nothing of a fault is left. */
static bool
was_well(const struct sim *s, const struct sim_write *w, unsigned owner)
{
    uint64_t timeout_ns = FORWARD_TIMEOUT_MS * MS;
    uint64_t since_ns = w->begin_ns > timeout_ns ? w->begin_ns - timeout_ns : 0;
    const struct sim_node *from = &s->nodes[w->node];
    if (!node_was_well(from, since_ns) || !node_was_well(&s->nodes[owner], since_ns))
        return false;
    return owner == w->node || (link_was_well(&s->links[w->node][owner], since_ns) &&
                                link_was_well(&s->links[owner][w->node], since_ns) &&
                                from->pipes[owner].bad_ns < since_ns);
}

static bool
has_poison(const struct sim *s, uint32_t write)
{
    for (size_t i = s->parts.n; i-- > 0;) {
        if (s->parts.v[i].poison && s->parts.v[i].write == write)
            return true;
    }
    return false;
}

/* Every row had enough owners that were well, and take it. */
static bool
could_succeed(const struct sim *s, const struct sim_write *w)
{
    uint8_t refused_by = 0;
    for (size_t i = 0; i < w->row_count; i++)
        refused_by |= w->rows[i].refused_by;
    for (size_t i = 0; i < w->row_count; i++) {
        unsigned well = 0;
        for (unsigned k = 0; k < s->owner_count; k++) {
            unsigned owner = sim_owner(s, w->ring, w->rows[i].series, k);
            well += was_well(s, w, owner) && !(refused_by >> owner & 1);
        }
        if (well < needed(s))
            return false;
    }
    return true;
}

static unsigned
owners_with(const struct sim *s, unsigned ring, const struct sim_row *row)
{
    unsigned n = 0;
    for (unsigned k = 0; k < s->owner_count; k++)
        n += s->nodes[sim_owner(s, ring, row->series, k)].stored[row->series][row->time];
    return n;
}

static bool
owns(const struct sim *s, const struct sim_write *w, const struct sim_row *row, unsigned node)
{
    for (unsigned k = 0; k < s->owner_count; k++) {
        if (sim_owner(s, w->ring, row->series, k) == node)
            return true;
    }
    return false;
}

/* The node refuses something of the write; a part is refused as a whole. */
static bool
refuses_some(const struct sim *s, const struct sim_write *w, unsigned node)
{
    for (size_t i = 0; i < w->row_count; i++) {
        if ((w->rows[i].refused_by >> node & 1) && owns(s, w, &w->rows[i], node))
            return true;
    }
    return false;
}

/* Of some row so many owners refuse something that it may be refused for good. */
static bool
may_be_refused(const struct sim *s, const struct sim_write *w)
{
    for (size_t i = 0; i < w->row_count; i++) {
        unsigned refuse = 0;
        for (unsigned k = 0; k < s->owner_count; k++)
            refuse += refuses_some(s, w, sim_owner(s, w->ring, w->rows[i].series, k));
        if (refuse > s->owner_count - needed(s))
            return true;
    }
    return false;
}

void
oracle_answer(struct sim *s, const struct sim_write *w, enum vote_outcome outcome)
{
    SIM_ASSERT(s, s->now_ns - w->begin_ns <= FORWARD_TIMEOUT_MS * MS, "an answer too late");
    for (size_t i = 0; i < w->row_count; i++) {
        const struct sim_row *row = &w->rows[i];
        SIM_ASSERT(s, outcome != VOTE_OK || owners_with(s, w->ring, row) >= needed(s),
                   "series %u time %u: acknowledged, and %u owners have it", row->series, row->time,
                   owners_with(s, w->ring, row));
    }
    if (outcome == VOTE_CONFLICT || outcome == VOTE_INVALID)
        SIM_ASSERT(s, may_be_refused(s, w), "a write that some take is refused for good");
    if (outcome == VOTE_UNAVAILABLE)
        SIM_ASSERT(s, !could_succeed(s, w) || has_poison(s, (uint32_t)(w - s->writes.v)),
                   "unavailable while a quorum was well");
}

/* --- pipes -------------------------------------------------------------------------------------
 */

void
oracle_pipe(struct sim *s, const struct sim_pipe *pipe)
{
    struct peer_status status = peer_status(pipe->peer);
    if (status.state != PEER_DIRECT || status.backing_off || pipe->leaves)
        ((struct sim_pipe *)pipe)->bad_ns = s->now_ns;
    size_t bytes = status.memory_bytes;
    SIM_ASSERT(s, bytes <= (40 + QUEUE_SLACK_PARTS) * (PART_BYTES + 256), "%zu bytes in memory",
               bytes);
}

static bool
was_seen(const struct sim_node *to, unsigned from, const struct sim_row *row)
{
    return to->seen_from[from][row->series][row->time / 8] >> row->time % 8 & 1;
}

void
oracle_delivery(struct sim *s, const struct sim_call *c, const struct sim_part *p)
{
    struct sim_node *to = &s->nodes[c->to];
    SIM_ASSERT(s, p->to == c->to, "a part for %u came to %u", p->to, c->to);
    for (size_t i = 0; i < p->row_count; i++) {
        const struct sim_row *row = &p->rows[i];
        uint16_t *newest = &to->newest_from[c->from][row->series];
        /* What the client has given up, or comes twice, may come at any time; so may a part that
         * was dropped, when the acknowledgement of its record was forgotten in a crash. */
        bool late = p->dropped || c->ended || c->again || s->nodes[c->from].life != c->from_life;
        SIM_ASSERT(s, row->time >= *newest || was_seen(to, c->from, row) || late || p->unordered,
                   "%u->%u: series %u: time %u after %u", c->from, c->to, row->series, row->time,
                   *newest);
        to->seen_from[c->from][row->series][row->time / 8] |= (uint8_t)(1u << row->time % 8);
        if (!p->unordered && row->time > *newest)
            *newest = row->time;
    }
}

/* --- the end -----------------------------------------------------------------------------------
 */

static bool
is_excused(const struct sim *s, uint32_t number)
{
    const struct sim_part *p = &s->parts.v[number];
    if (p->dropped || p->lost)
        return true;
    for (uint32_t i = 0; i < p->handed_on_count; i++) {
        if (is_excused(s, p->handed_on_first + i))
            return true;
    }
    return false;
}

static bool
is_taken_care_of(const struct sim *s, uint32_t number)
{
    const struct sim_part *p = &s->parts.v[number];
    if (p->delivered)
        return true;
    if (p->handed_on_first == 0)
        return false;
    for (uint32_t i = 0; i < p->handed_on_count; i++) {
        if (!is_taken_care_of(s, p->handed_on_first + i) && !is_excused(s, p->handed_on_first + i))
            return false;
    }
    return true;
}

/* All owners have the rows of a write whose parts all came. */
static void
check_equal(struct sim *s, const struct sim_part *p)
{
    for (size_t i = 0; i < p->row_count; i++) {
        const struct sim_row *row = &p->rows[i];
        bool refuses = row->refused_by >> p->to & 1;
        SIM_ASSERT(s, refuses || s->nodes[p->to].stored[row->series][row->time],
                   "node %u has not series %u time %u", p->to, row->series, row->time);
    }
}

void
oracle_end(struct sim *s)
{
    for (uint32_t i = 0; i < s->parts.n; i++) {
        const struct sim_part *p = &s->parts.v[i];
        SIM_ASSERT(s, is_taken_care_of(s, i) || is_excused(s, i),
                   "part %u of write %u, %u->%u: gone without a word", i, p->write, p->from, p->to);
        if (p->delivered)
            check_equal(s, p);
    }
    for (unsigned i = 0; i < s->node_count; i++) {
        for (unsigned k = 0; k < s->node_count; k++) {
            const struct peer *peer = s->nodes[i].pipes[k].peer;
            if (!peer)
                continue;
            struct peer_status status = peer_status(peer);
            SIM_ASSERT(s, status.memory_bytes == 0, "an empty pipe holds %zu bytes",
                       status.memory_bytes);
            SIM_ASSERT(s, status.state == PEER_DIRECT || status.backing_off,
                       "an empty pipe is not direct");
            s->sums.spilled += status.spilled;
            s->sums.replayed += status.replayed;
        }
    }
}
