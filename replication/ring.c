/* ring.c - the hashring file built: nodes with dense indexes, a placement for each hashring.
 *
 * Invariants: R1 nothing of a ring changes once ring_open() returns it, but for its caches, which
 * have locks. R2 owners are told as indexes below ring_node_count(). */
#include "replication/ring.h"

#include "base/assert.h"
#include "replication/ring_int.h"

/* --- nodes --------------------------------------------------------------------------------- */

static struct str
node_key(struct arena *a, const struct ring_node *n)
{
    struct str key = {arena_alloc(a, n->address.n + 1 + n->zone.n), 0};
    char *at = (char *)key.p;
    (void)str_copy_to(&at, n->address);
    *at++ = '\0';
    (void)str_copy_to(&at, n->zone);
    return str_of(key.p, (size_t)(at - key.p));
}

/* The index of the node, which is added when it is new. */
static uint16_t
node_add(struct ring *r, const struct ring_node *n)
{
    struct str key = node_key(&r->arena, n);
    struct ring_node *known = map_get(&r->node_index, key);
    if (!known) {
        known = &r->nodes[r->node_count++];
        *known = *n;
        (void)map_put(&r->node_index, key, known);
    }
    return (uint16_t)(known - r->nodes);
}

static struct err
add_nodes(struct ring *r, const struct ring_config *c)
{
    size_t all = 0;
    for (size_t i = 0; i < c->n; i++)
        all += c->v[i].endpoint_count;
    if (all > RING_NODES_MAX)
        return ERR(ERR_INVALID, "hashrings: %zu endpoints, at most %d", all, RING_NODES_MAX);
    r->nodes = ARENA_ARRAY(&r->arena, struct ring_node, all + 1);
    for (size_t i = 0; i < c->n; i++) {
        struct ring_hashring *h = &r->v[i].view;
        uint16_t *nodes = ARENA_ARRAY(&r->arena, uint16_t, c->v[i].endpoint_count + 1);
        for (size_t e = 0; e < c->v[i].endpoint_count; e++)
            nodes[e] = node_add(r, &c->v[i].endpoints[e]);
        h->nodes = nodes;
        h->node_count = c->v[i].endpoint_count;
    }
    return OK;
}

/* --- ketama -------------------------------------------------------------------------------- */

/* Numbers for the zones of a hashring's endpoints; all in the arena. */
static void
number_zones(struct ring *r, const struct ring_hashring *h, struct ketama_opts *o)
{
    uint16_t *zones = ARENA_ARRAY(&r->arena, uint16_t, h->node_count + 1);
    struct str *names = ARENA_ARRAY(&r->arena, struct str, h->node_count + 1);
    uint32_t *sizes = ARENA_ARRAY(&r->arena, uint32_t, h->node_count + 1);
    for (size_t e = 0; e < h->node_count; e++) {
        struct str zone = r->nodes[h->nodes[e]].zone;
        size_t z = 0;
        while (z < o->zone_count && !str_eq(names[z], zone))
            z++;
        if (z == o->zone_count)
            names[o->zone_count++] = zone;
        zones[e] = (uint16_t)z;
        sizes[z]++;
    }
    o->zones = zones;
    o->zone_names = names;
    o->zone_sizes = sizes;
}

static struct ketama_section *
make_sections(const struct ring *r, const struct ring_hashring *h)
{
    AUTO(mem_free) struct str *addresses = mem_array_zero(h->node_count + 1, sizeof *addresses);
    for (size_t e = 0; e < h->node_count; e++)
        addresses[e] = r->nodes[h->nodes[e]].address;
    return ketama_sections_new(addresses, h->node_count);
}

static struct err
open_shards(struct hashring *h, const struct ketama_opts *o)
{
    const struct shard_config *c = &h->config->shards;
    if (c->shard_size > (int64_t)h->view.node_count)
        return ERR(ERR_INVALID, "shard size %jd is larger than the number of endpoints, %zu",
                   (intmax_t)c->shard_size, h->view.node_count);
    TRY(ketama_check(o)); /* as for a ring of all endpoints, which Thanos builds first */
    h->shards.ketama = *o;
    h->shards.shuffle =
        shuffle_new(&(struct shuffle_opts){.sections = o->sections,
                                           .section_count = o->section_count,
                                           .zones = o->zones,
                                           .nodes = o->nodes,
                                           .endpoint_count = o->endpoint_count,
                                           .zone_names = o->zone_names,
                                           .zone_count = o->zone_count,
                                           .zone_awareness_disabled = c->zone_awareness_disabled});
    h->shards.parts =
        tenant_cache_new(&(struct tenant_cache_opts){.tenants_max = c->cache_size,
                                                     .ref = ring_part_ref_cached,
                                                     .unref = ring_part_unref_cached});
    return OK;
}

static struct err
open_ketama(struct ring *r, struct hashring *h)
{
    h->shards.sections = make_sections(r, &h->view);
    struct ketama_opts o = {.sections = h->shards.sections,
                            .section_count = h->view.node_count * KETAMA_SECTIONS,
                            .nodes = h->view.nodes,
                            .endpoint_count = h->view.node_count,
                            .replication_factor = r->replication_factor};
    number_zones(r, &h->view, &o);
    if (h->config->shards.shard_size > 0)
        return open_shards(h, &o);
    TRY(ring_part_new_ketama(&h->view, &o, &h->whole));
    mem_free(TAKE(h->shards.sections));
    return OK;
}

static struct err
open_hashmod(struct ring *r, struct hashring *h)
{
    for (size_t e = 0; e < h->view.node_count; e++) {
        const struct ring_node *n = &r->nodes[h->view.nodes[e]];
        if (n->zone.n > 0)
            return ERR(ERR_INVALID,
                       "endpoint %zu (%.*s) has an az, which hashmod does not know: use ketama or "
                       "leave it out",
                       e + 1, STR_FMT(n->address));
    }
    if (h->config->shards.shard_size > 0)
        return ERR(ERR_INVALID, "hashmod knows no shuffle sharding: use ketama or leave it out");
    h->whole = ring_part_new_hashmod(&h->view, r->nodes, r->replication_factor);
    return OK;
}

/* --- the ring ------------------------------------------------------------------------------ */

static void
view_hashring(struct hashring *h, enum ring_algorithm dflt)
{
    const struct hashring_config *c = h->config;
    h->view.name = c->name;
    h->view.algorithm = c->has_algorithm ? c->algorithm : dflt;
    h->view.tenants =
        (struct ring_tenants){c->tenants.v, c->tenants.n, c->tenants.type == TENANT_MATCH_GLOB};
    h->view.external_labels = c->external_labels;
    h->view.external_label_count = c->external_label_count;
}

static struct ring *
ring_new(unsigned replication_factor)
{
    struct ring *r = mem_alloc_zero(sizeof *r);
    atomic_init(&r->refs, 1);
    r->replication_factor = replication_factor;
    arena_init(&r->arena, 0);
    map_init(&r->node_index, MAP_KEYS_BORROWED);
    return r;
}

/* `c` lies in the ring's arena. */
static struct err
ring_build(struct ring *r, const struct ring_config *c, enum ring_algorithm algorithm)
{
    unsigned rf = r->replication_factor;
    if (rf == 0 || rf > RING_REPLICAS_MAX)
        return ERR(ERR_INVALID, "replication factor %u, want 1 to %d", rf, RING_REPLICAS_MAX);
    r->v = ARENA_ARRAY(&r->arena, struct hashring, c->n + 1);
    r->n = c->n;
    TRY(add_nodes(r, c));
    for (size_t i = 0; i < c->n; i++) {
        struct hashring *h = &r->v[i];
        h->config = &c->v[i];
        view_hashring(h, algorithm);
        TRY_IN(h->view.algorithm == RING_KETAMA ? open_ketama(r, h) : open_hashmod(r, h),
               "hashring %s", hashring_title(&r->arena, h->config, i));
    }
    ring_match_init(r);
    return OK;
}

struct err
ring_open(const struct ring_opts *opts, struct ring **ret_ring)
{
    AUTO(ring_unref) struct ring *r = ring_new(opts->replication_factor);
    struct ring_config *c = ARENA_NEW(&r->arena, struct ring_config);
    TRY(ring_config_parse(&r->arena, opts->json, c));
    TRY(ring_build(r, c, opts->algorithm));
    *ret_ring = TAKE(r);
    return OK;
}

struct err
ring_open_single(struct str address, unsigned replication_factor, struct ring **ret_ring)
{
    AUTO(ring_unref) struct ring *r = ring_new(replication_factor);
    struct ring_node *node = ARENA_NEW(&r->arena, struct ring_node);
    node->address = node->capnproto_address = arena_str(&r->arena, address);
    node->zone = STR("");
    struct hashring_config *h = ARENA_NEW(&r->arena, struct hashring_config);
    *h = (struct hashring_config){.name = STR(""), .endpoints = node, .endpoint_count = 1};
    TRY(ring_build(r, &(struct ring_config){h, 1}, RING_HASHMOD));
    *ret_ring = TAKE(r);
    return OK;
}

struct ring *
ring_ref(struct ring *r)
{
    ASSERT(atomic_fetch_add_explicit(&r->refs, 1, memory_order_relaxed) > 0);
    return r;
}

void
ring_unref(struct ring *r)
{
    /* Release: what this thread read was read before another one frees it (acquire). */
    if (!r || atomic_fetch_sub_explicit(&r->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < r->n; i++) {
        tenant_cache_free(r->v[i].shards.parts);
        shuffle_free(r->v[i].shards.shuffle);
        mem_free(r->v[i].shards.sections);
        ring_part_free(r->v[i].whole);
    }
    tenant_cache_free(r->globs);
    map_fini(&r->exact);
    map_fini(&r->node_index);
    arena_fini(&r->arena);
    mem_free(r);
}

unsigned
ring_replication_factor(const struct ring *r)
{
    return r->replication_factor;
}

size_t
ring_node_count(const struct ring *r)
{
    return r->node_count;
}

const struct ring_node *
ring_node(const struct ring *r, size_t index)
{
    ASSERT(index < r->node_count);
    return &r->nodes[index];
}

size_t
ring_hashring_count(const struct ring *r)
{
    return r->n;
}

const struct ring_hashring *
ring_hashring(const struct ring *r, size_t index)
{
    ASSERT(index < r->n);
    return &r->v[index].view;
}
