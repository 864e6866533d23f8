/* ring_part.c - from a hash to its owners, by table. */
#include <stdlib.h>

#include "base/assert.h"
#include "replication/ring_int.h"

/* --- hashmod ------------------------------------------------------------------------------- */

struct addressed {
    struct str address;
    uint16_t node;
    size_t index;
};

static int
addressed_cmp(const void *left, const void *right)
{
    const struct addressed *a = left, *b = right;
    int c = str_cmp(a->address, b->address);
    return c ? c : (a->index > b->index) - (a->index < b->index);
}

/* The owners of copy n of hash h are those at (h + n) mod 2^64 mod N. */
static void
fill_hashmod(struct ring_part *p, const struct addressed *sorted, size_t n)
{
    size_t rf = p->replication_factor;
    uint16_t *rows = mem_array_zero(n + rf, sizeof *rows);
    for (size_t i = 0; i < n + rf; i++)
        rows[i] = sorted[i % n].node;
    uint16_t *wrapped = mem_array_zero(rf * rf, sizeof *wrapped);
    for (size_t below = 0; below + 1 < rf; below++) { /* h = 2^64 - 1 - below */
        uint64_t h = UINT64_MAX - below;
        for (size_t copy = 0; copy < rf; copy++)
            wrapped[below * rf + copy] = sorted[(h + copy) % n].node;
    }
    p->hashmod = (struct hashmod){n, rows, wrapped};
}

static const uint16_t *
hashmod_owners(const struct hashmod *m, unsigned rf, uint64_t hash)
{
    if (__builtin_expect(hash > UINT64_MAX - (rf - 1), 0))
        return m->wrapped + (UINT64_MAX - hash) * rf;
    return m->rows + hash % m->endpoint_count;
}

/* --- parts --------------------------------------------------------------------------------- */

static int
u16_cmp(const void *left, const void *right)
{
    return (int)*(const uint16_t *)left - (int)*(const uint16_t *)right;
}

/* Takes `nodes` over: sorted, each once. */
static void
set_nodes(struct ring_part *p, uint16_t *nodes, size_t n)
{
    if (n > 0)
        qsort(nodes, n, sizeof *nodes, u16_cmp);
    p->nodes = nodes;
    for (size_t i = 0; i < n; i++) {
        if (p->node_count == 0 || nodes[p->node_count - 1] != nodes[i])
            nodes[p->node_count++] = nodes[i];
    }
}

static struct ring_part *
part_new(const struct ring_hashring *h, unsigned replication_factor)
{
    struct ring_part *p = mem_alloc_zero(sizeof *p);
    p->hashring = h;
    p->replication_factor = replication_factor;
    return p;
}

struct ring_part *
ring_part_new_hashmod(const struct ring_hashring *h, const struct ring_node *nodes,
                      unsigned replication_factor)
{
    size_t n = h->node_count;
    struct ring_part *p = part_new(h, replication_factor);
    AUTO(mem_free) struct addressed *sorted = mem_array_zero(n + 1, sizeof *sorted);
    uint16_t *distinct = mem_array_zero(n + 1, sizeof *distinct);
    for (size_t i = 0; i < n; i++) {
        distinct[i] = h->nodes[i];
        sorted[i] = (struct addressed){nodes[h->nodes[i]].address, h->nodes[i], i};
    }
    qsort(sorted, n, sizeof *sorted, addressed_cmp);
    set_nodes(p, distinct, n);
    if (n >= replication_factor)
        fill_hashmod(p, sorted, n);
    return p;
}

struct err
ring_part_new_ketama(const struct ring_hashring *h, const struct ketama_opts *opts,
                     struct ring_part **ret_part)
{
    AUTO(ring_part_free) struct ring_part *p = part_new(h, opts->replication_factor);
    TRY(ketama_new(opts, &p->ketama));
    AUTO(mem_free) bool *has = mem_array_zero(opts->endpoint_count, sizeof *has);
    uint16_t *nodes = mem_array_zero(opts->endpoint_count, sizeof *nodes);
    size_t n = 0;
    for (size_t i = 0; i < opts->section_count; i++) {
        uint16_t endpoint = opts->sections[i].endpoint;
        if (!has[endpoint])
            nodes[n++] = opts->nodes[endpoint];
        has[endpoint] = true;
    }
    set_nodes(p, nodes, n);
    *ret_part = TAKE(p);
    return OK;
}

void
ring_part_free(struct ring_part *p)
{
    if (!p)
        return;
    ketama_free(p->ketama);
    mem_free((void *)p->hashmod.rows);
    mem_free((void *)p->hashmod.wrapped);
    mem_free(p->nodes);
    mem_free(p);
}

/* --- references: of parts that are counted, which are those of one tenant ------------------ */

void
ring_part_ref_cached(const void *part)
{
    struct ring_part *p = (struct ring_part *)part;
    ASSERT(atomic_fetch_add_explicit(&p->refs, 1, memory_order_relaxed) > 0);
}

void
ring_part_unref_cached(const void *part)
{
    ring_part_unref(part);
}

void
ring_part_unref(const struct ring_part *part)
{
    struct ring_part *p = (struct ring_part *)part;
    if (!p || atomic_load_explicit(&p->refs, memory_order_relaxed) == 0)
        return; /* the ring's own */
    /* Release: what this thread read was read before another one frees it (acquire). */
    if (atomic_fetch_sub_explicit(&p->refs, 1, memory_order_acq_rel) == 1)
        ring_part_free(p);
}

/* --- looking ------------------------------------------------------------------------------- */

const struct ring_hashring *
ring_part_hashring(const struct ring_part *p)
{
    return p->hashring;
}

const uint16_t *
ring_part_nodes(const struct ring_part *p, size_t *ret_count)
{
    *ret_count = p->node_count;
    return p->nodes;
}

struct err
ring_owners(const struct ring_part *p, uint64_t hash, const uint16_t **ret_nodes)
{
    *ret_nodes = p->ketama ? ketama_owners(p->ketama, hash)
                           : hashmod_owners(&p->hashmod, p->replication_factor, hash);
    return OK;
}
