/* sim.c - time, and the course of a story: chaos, healing, the end. */
#include "replication/ring.h"
#include "replication/ring_hash.h"
#include "tests/sim/sim.h"
#include "tsdb/model/label_key.h"

enum {
    CHAOS_MS = 40000,
    HEALING_MS = 300000, /* at most until all is quiet */
    QUIET_MS = 500,
    KETAMA_PER_MILLE = 30, /* its rings take milliseconds to build */
};

/* --- events ------------------------------------------------------------------------------------
 */

static bool
is_before(const struct sim_event *a, const struct sim_event *b)
{
    return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->number < b->number;
}

void
sim_later(struct sim *s, uint64_t ns, struct sim_event e)
{
    e.at_ns = s->now_ns + ns;
    e.number = s->event_count++;
    vec_push(&s->events, e);
    size_t at = s->events.n - 1;
    for (; at > 0 && is_before(&e, &s->events.v[(at - 1) / 2]); at = (at - 1) / 2)
        s->events.v[at] = s->events.v[(at - 1) / 2];
    s->events.v[at] = e;
}

static struct sim_event
next_event(struct sim *s)
{
    struct sim_event first = s->events.v[0], last = vec_pop(&s->events);
    size_t at = 0, n = s->events.n;
    while (n > 0) {
        size_t child = 2 * at + 1;
        if (child + 1 < n && is_before(&s->events.v[child + 1], &s->events.v[child]))
            child++;
        if (child >= n || is_before(&last, &s->events.v[child]))
            break;
        s->events.v[at] = s->events.v[child];
        at = child;
    }
    if (n > 0)
        s->events.v[at] = last;
    return first;
}

static void
run_until(struct sim *s, uint64_t end_ns)
{
    while (s->events.n > 0 && s->events.v[0].at_ns <= end_ns) {
        struct sim_event e = next_event(s);
        s->now_ns = e.at_ns;
        e.happen(s, &e);
        s->sums.events++;
    }
    s->now_ns = end_ns;
}

/* --- the story ---------------------------------------------------------------------------------
 */

unsigned
sim_owner(const struct sim *s, unsigned ring, unsigned series, unsigned place)
{
    return s->rings[ring].owners[series][place];
}

/* A hashring file of these nodes, whose addresses are their numbers, and what it says. */
static void
place_series(struct sim *s, struct sim_ring *r, enum ring_algorithm algorithm)
{
    AUTO(buf_fini) struct buf json = BUF_INIT, key = BUF_INIT;
    buf_append(&json, STR("[{\"endpoints\":["));
    for (unsigned i = 0; i < r->count; i++)
        buf_printf(&json, "%s\"%u\"", i > 0 ? "," : "", r->nodes[i]);
    buf_append(&json, STR("]}]"));
    struct ring_opts opts = {
        .json = buf_str(&json), .algorithm = algorithm, .replication_factor = s->owner_count};
    AUTO(ring_unref) struct ring *ring = NULL;
    CK_OK(ring_open(&opts, &ring));
    AUTO(ring_part_unref) const struct ring_part *part = NULL;
    CK_OK(ring_part(ring, STR("tenant"), &part));
    for (unsigned series = 0; series < SERIES_MAX; series++) {
        char value = (char)('a' + series);
        struct label label = {STR("series"), str_of(&value, 1)};
        buf_clear(&key);
        label_key_encode((struct labels){&label, 1}, &key);
        uint64_t hash;
        CK_OK(ring_hash(STR("tenant"), buf_str(&key), &hash));
        const uint16_t *owners;
        CK_OK(ring_owners(part, hash, &owners));
        for (unsigned i = 0; i < s->owner_count; i++)
            r->owners[series][i] = (uint16_t)(ring_node(ring, owners[i])->address.p[0] - '0');
    }
}

/* All nodes in a random order: a ring is the first few of them. */
static void
make_rings(struct sim *s)
{
    uint16_t order[NODES_MAX];
    for (uint16_t i = 0; i < s->node_count; i++) {
        size_t at = rand_below(&s->g, i + 1u);
        order[i] = order[at];
        order[at] = i;
    }
    unsigned small = (unsigned)sim_between(s, 3, s->node_count);
    for (size_t r = 0; r < ARRAY_LEN(s->rings); r++) {
        s->rings[r].count = r == 1 ? s->node_count : small;
        memcpy(s->rings[r].nodes, order, sizeof order);
    }
    s->owner_count = (unsigned)sim_between(s, 1, OWNERS_MAX < small ? OWNERS_MAX : small);
    if (sim_chance(s, 400))
        s->owner_count = 3;
    bool ketama = sim_chance(s, KETAMA_PER_MILLE);
    for (size_t r = 0; r < ARRAY_LEN(s->rings); r++)
        place_series(s, &s->rings[r], ketama ? RING_KETAMA : RING_HASHMOD);
}

static void
begin(struct sim *s, uint64_t seed, bool aloud)
{
    s->seed = seed;
    s->g = rand_gen_of(seed);
    s->aloud = aloud;
    s->now_ns = MS;
    s->node_count = (unsigned)sim_between(s, 3, NODES_MAX);
    make_rings(s);
    s->quorum = sim_chance(s, 800)   ? VOTES_QUORUM_MAJORITY
                : sim_chance(s, 500) ? VOTES_QUORUM_ONE
                                     : VOTES_QUORUM_ALL;
    s->replay_bytes_per_s = sim_chance(s, 500) ? 20000 : 0;
    s->hand_off_records_max = sim_chance(s, 200) ? 10 : 400;
    s->sender_count = (unsigned)sim_between(s, 1, SENDERS_MAX);
    arena_init(&s->arena, 0);
    for (unsigned i = 0; i < s->node_count; i++) {
        for (unsigned k = 0; k < s->node_count; k++) {
            struct sim_pipe *pipe = &s->nodes[i].pipes[k];
            pipe->sim = s, pipe->from = (uint16_t)i, pipe->to = (uint16_t)k;
            s->links[i][k].delay_ms_max = LINK_DELAY_MS;
        }
        s->nodes[i].thanos = sim_chance(s, 300);
        sim_node_start(s, i);
    }
    SIM_TELL(s, "%u nodes, %u in the ring, RF %u, quorum %d, %u senders", s->node_count,
             s->rings[0].count, s->owner_count, (int)s->quorum, s->sender_count);
    sim_chaos_begin(s);
}

static bool
is_quiet(const struct sim *s)
{
    for (unsigned i = 0; i < s->sender_count; i++) {
        if (s->senders[i].row_count > 0)
            return false;
    }
    for (unsigned i = 0; i < s->node_count; i++) {
        for (unsigned k = 0; k < s->node_count; k++) {
            const struct peer *p = s->nodes[i].pipes[k].peer;
            if (!s->nodes[i].up || (p && !peer_is_empty(p)))
                return false;
        }
    }
    return true;
}

static void
end(struct sim *s)
{
    oracle_end(s);
    for (unsigned i = 0; i < s->node_count; i++)
        sim_node_crash(s, i);
    for (unsigned i = 0; i < s->node_count; i++) {
        for (unsigned k = 0; k < s->node_count; k++) {
            vec_fini(&s->nodes[i].pipes[k].disk.records);
            vec_fini(&s->nodes[i].pipes[k].appending);
            vec_fini(&s->nodes[i].pipes[k].handing_on);
        }
    }
    vec_fini(&s->events);
    vec_fini(&s->writes);
    vec_fini(&s->parts);
    vec_fini(&s->calls);
    arena_fini(&s->arena);
}

static void
add_sums(struct sim_sums *to, const struct sim_sums *from)
{
    _Static_assert(sizeof *to % sizeof(uint64_t) == 0, "counters only");
    for (size_t i = 0; i < sizeof *to / sizeof(uint64_t); i++)
        ((uint64_t *)to)[i] += ((const uint64_t *)from)[i];
}

void
sim_tell_story(uint64_t seed, bool aloud, struct sim_sums *sums)
{
    struct sim *s = mem_alloc_zero(sizeof *s);
    begin(s, seed, aloud);
    run_until(s, CHAOS_MS * MS);
    SIM_TELL(s, "healed");
    sim_heal(s);
    uint64_t end_ns = s->now_ns + HEALING_MS * MS;
    while (!is_quiet(s)) {
        SIM_ASSERT(s, s->now_ns < end_ns, "healed, and not quiet");
        run_until(s, s->now_ns + QUIET_MS * MS);
    }
    s->sums.parts = s->parts.n;
    end(s);
    add_sums(sums, &s->sums);
    mem_free(s);
}
