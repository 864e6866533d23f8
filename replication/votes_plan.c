/* votes_plan.c - rows become classes and ballots, in the arena of their write.
 *
 * Classes are found by a hash of their owners in a table of open addressing; most rows have the
 * owners of the row before them or of the same section of the ring, so that the comparison is
 * short. Threads: one at a time. */
#include "base/assert.h"
#include "base/hash.h"
#include "replication/votes_int.h"

enum { TABLE_SLOTS_MIN = 16 };

struct votes_plan {
    struct arena *arena;     /* borrowed */
    struct votes_opts opts;  /* immutable */
    uint16_t *owners;        /* owner_count a class */
    uint32_t *class_ballots; /* likewise */
    size_t class_count, owners_cap, ballots_cap;
    uint32_t *table; /* class + 1, or 0; table_size is a power of two, at least twice the classes */
    size_t table_size;
    uint32_t *ballot_of; /* by node and place in the row's owners: ballot + 1, or 0 */
    struct votes_ballot *ballots;
    size_t ballot_count, ballot_cap;
};

unsigned
votes_needed(enum votes_quorum quorum, unsigned owner_count)
{
    switch (quorum) {
    case VOTES_QUORUM_ONE:
        return 1;
    case VOTES_QUORUM_ALL:
        return owner_count;
    case VOTES_QUORUM_MAJORITY:
        return owner_count == 2 ? 1 : owner_count / 2 + 1;
    }
    UNREACHABLE("a kind of quorum");
}

struct votes_plan *
votes_plan_new(struct arena *a, const struct votes_opts *opts)
{
    ASSERT(opts->owner_count > 0 && opts->owner_count <= VOTES_OWNERS_MAX);
    ASSERT(opts->replica_first + opts->owner_count <= VOTES_REPLICA_ANY);
    struct votes_plan *p = ARENA_NEW(a, struct votes_plan);
    p->arena = a;
    p->opts = *opts;
    p->table_size = TABLE_SLOTS_MIN;
    p->table = ARENA_ARRAY(a, uint32_t, p->table_size);
    p->ballot_of = ARENA_ARRAY(a, uint32_t, opts->node_count * opts->owner_count);
    return p;
}

static uint8_t
traits_of(const struct votes_plan *p, uint16_t node)
{
    return p->opts.node_traits ? p->opts.node_traits[node] : 0;
}

static uint32_t
ballot_for(struct votes_plan *p, uint16_t node, unsigned place)
{
    ASSERT(node < p->opts.node_count);
    bool whole = traits_of(p, node) & VOTES_NODE_WHOLE;
    uint32_t *known = &p->ballot_of[(size_t)node * p->opts.owner_count + (whole ? 0 : place)];
    if (*known == 0) {
        p->ballots =
            arena_more(p->arena, p->ballots, sizeof *p->ballots, p->ballot_count, &p->ballot_cap);
        p->ballots[p->ballot_count++] = (struct votes_ballot){
            .node = node,
            .replica = whole ? VOTES_REPLICA_ANY : (uint16_t)(p->opts.replica_first + place),
        };
        *known = u32_of_size(p->ballot_count);
    }
    return *known - 1;
}

static const uint16_t *
owners_of(const struct votes_plan *p, size_t class_index)
{
    return p->owners + class_index * p->opts.owner_count;
}

static size_t
owners_bytes(const struct votes_plan *p)
{
    return p->opts.owner_count * sizeof(uint16_t);
}

/* A few owners, as there mostly are, are one number: this is done for each row. */
enum { PACKED_OWNERS_MAX = sizeof(uint64_t) / sizeof(uint16_t) };
static inline uint64_t
pack(const uint16_t *owners, unsigned n)
{
    uint64_t packed = 0;
    for (unsigned i = 0; i < n; i++)
        packed = packed << 16 | owners[i];
    return packed;
}

static inline bool
is_same(const struct votes_plan *p, const uint16_t *a, const uint16_t *b)
{
    unsigned n = p->opts.owner_count;
    return n <= PACKED_OWNERS_MAX ? pack(a, n) == pack(b, n) : memcmp(a, b, owners_bytes(p)) == 0;
}

static inline uint64_t
hash_of(const struct votes_plan *p, const uint16_t *owners)
{
    unsigned n = p->opts.owner_count;
    if (n <= PACKED_OWNERS_MAX)
        return pack(owners, n) * UINT64_C(0x9e3779b97f4a7c15) >> 32;
    return hash64((struct str){(const char *)owners, owners_bytes(p)});
}

/* Where the class stands in the table, or the free place where it should. */
static uint32_t *
find_in_table(const struct votes_plan *p, const uint16_t *owners)
{
    size_t mask = p->table_size - 1;
    for (size_t at = hash_of(p, owners) & mask;; at = (at + 1) & mask) {
        uint32_t *slot = &p->table[at];
        if (*slot == 0 || is_same(p, owners_of(p, *slot - 1), owners))
            return slot;
    }
}

static void
grow_table(struct votes_plan *p)
{
    p->table_size *= 2;
    p->table = ARENA_ARRAY(p->arena, uint32_t, p->table_size);
    for (size_t c = 0; c < p->class_count; c++)
        *find_in_table(p, owners_of(p, c)) = u32_of_size(c + 1);
}

/* Room for one more class in an array with owner_count items a class. */
static void *
more_owners(struct votes_plan *p, void *items, size_t item_bytes, size_t *cap)
{
    return arena_more(p->arena, items, item_bytes * p->opts.owner_count, p->class_count, cap);
}

uint32_t
votes_plan_class(struct votes_plan *p, const uint16_t *owners)
{
    if (p->class_count > 0 && is_same(p, owners_of(p, p->class_count - 1), owners))
        return u32_of_size(p->class_count - 1);
    uint32_t *slot = find_in_table(p, owners);
    if (*slot > 0)
        return *slot - 1;

    p->owners = more_owners(p, p->owners, sizeof *p->owners, &p->owners_cap);
    p->class_ballots = more_owners(p, p->class_ballots, sizeof *p->class_ballots, &p->ballots_cap);
    size_t at = p->class_count * p->opts.owner_count;
    memcpy(p->owners + at, owners, owners_bytes(p));
    for (unsigned i = 0; i < p->opts.owner_count; i++)
        p->class_ballots[at + i] = ballot_for(p, owners[i], i);
    *slot = u32_of_size(++p->class_count);
    if (2 * p->class_count > p->table_size)
        grow_table(p);
    return u32_of_size(p->class_count - 1);
}

size_t
votes_plan_class_count(const struct votes_plan *p)
{
    return p->class_count;
}

const uint32_t *
votes_plan_class_ballots(const struct votes_plan *p, uint32_t class_index)
{
    ASSERT(class_index < p->class_count);
    return p->class_ballots + (size_t)class_index * p->opts.owner_count;
}

size_t
votes_plan_ballot_count(const struct votes_plan *p)
{
    return p->ballot_count;
}

struct votes_ballot
votes_plan_ballot(const struct votes_plan *p, uint32_t ballot)
{
    ASSERT(ballot < p->ballot_count);
    return p->ballots[ballot];
}

/* --- the layout of the box -------------------------------------------------------------------- */

static bool
is_remote(const struct votes_plan *p, uint16_t node)
{
    return traits_of(p, node) & VOTES_NODE_REMOTE;
}

static bool
all_are_remote(const struct votes_plan *p, size_t class_index)
{
    for (unsigned i = 0; i < p->opts.owner_count; i++) {
        if (!is_remote(p, owners_of(p, class_index)[i]))
            return false;
    }
    return true;
}

/* A walk over the owners that count: by class, in replica order. */
struct owner_walk {
    const struct votes_plan *plan;
    size_t class_index;
    unsigned place;
    bool all_count; /* of this class */
};

static bool
next_counted(struct owner_walk *w, size_t *ret_class, uint32_t *ret_ballot)
{
    const struct votes_plan *p = w->plan;
    for (; w->class_index < p->class_count; w->class_index++, w->place = 0) {
        if (w->place == 0)
            w->all_count = all_are_remote(p, w->class_index);
        while (w->place < p->opts.owner_count) {
            size_t at = w->class_index * p->opts.owner_count + w->place++;
            if (w->all_count || !is_remote(p, p->owners[at])) {
                *ret_class = w->class_index;
                *ret_ballot = p->class_ballots[at];
                return true;
            }
        }
    }
    return false;
}

struct votes_layout
votes_plan_layout(const struct votes_plan *p)
{
    struct votes_class *classes = ARENA_ARRAY(p->arena, struct votes_class, p->class_count);
    uint32_t *first = ARENA_ARRAY(p->arena, uint32_t, p->ballot_count + 1);
    size_t class_index, slot_count = 0;
    uint32_t ballot;
    for (struct owner_walk w = {.plan = p}; next_counted(&w, &class_index, &ballot); slot_count++) {
        classes[class_index].owner_count++;
        first[ballot + 1]++;
    }
    for (size_t c = 0; c < p->class_count; c++)
        classes[c].needed = (uint8_t)votes_needed(p->opts.quorum, classes[c].owner_count);
    for (size_t b = 0; b < p->ballot_count; b++)
        first[b + 1] += first[b];

    uint32_t *slots = ARENA_ARRAY(p->arena, uint32_t, slot_count);
    uint32_t *next = ARENA_ARRAY(p->arena, uint32_t, p->ballot_count);
    for (struct owner_walk w = {.plan = p}; next_counted(&w, &class_index, &ballot);)
        slots[first[ballot] + next[ballot]++] = u32_of_size(class_index);
    return (struct votes_layout){
        .classes = classes,
        .class_count = p->class_count,
        .ballot_first = first,
        .ballot_count = p->ballot_count,
        .slots = slots,
        .slot_count = slot_count,
    };
}
