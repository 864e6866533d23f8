/* ring_shard.c - the part of a ring that is a tenant's: the whole hashring, or its shard of it. */
#include "base/glob.h"
#include "replication/ring_int.h"

static int64_t
shard_size_of(const struct shard_config *c, struct str tenant)
{
    for (size_t i = 0; i < c->override_count; i++) {
        const struct tenant_matcher *m = &c->overrides[i].tenants;
        for (size_t t = 0; t < m->n; t++) {
            if ((m->type == TENANT_MATCH_EXACT && str_eq(m->v[t], tenant)) ||
                (m->type == TENANT_MATCH_GLOB && glob_match(m->v[t], tenant) == GLOB_YES))
                return c->overrides[i].shard_size;
        }
    }
    return c->shard_size;
}

/* The sections of the chosen endpoints, and how many of them each zone has. */
static size_t
filter(const struct ketama_opts *all, const bool *chosen, struct ketama_section *to,
       uint32_t *zone_sizes)
{
    size_t n = 0;
    for (size_t i = 0; i < all->section_count; i++) {
        to[n] = all->sections[i];
        n += chosen[all->sections[i].endpoint];
    }
    for (size_t e = 0; e < all->endpoint_count; e++)
        zone_sizes[all->zones[e]] += chosen[e];
    return n;
}

static struct err
shard_new(const struct hashring *h, struct str tenant, struct ring_part **ret_part)
{
    const struct ketama_opts *all = &h->shards.ketama;
    AUTO(mem_free) bool *chosen = mem_array_zero(all->endpoint_count, sizeof *chosen);
    TRY(shuffle_choose(h->shards.shuffle, tenant, shard_size_of(&h->config->shards, tenant),
                       chosen));
    AUTO(mem_free)
    struct ketama_section *sections = mem_array_zero(all->section_count + 1, sizeof *sections);
    AUTO(mem_free) uint32_t *zone_sizes = mem_array_zero(all->zone_count, sizeof *zone_sizes);
    struct ketama_opts o = *all;
    o.section_count = filter(all, chosen, sections, zone_sizes);
    o.sections = sections;
    o.zone_sizes = zone_sizes;
    TRY(ring_part_new_ketama(&h->view, &o, ret_part));
    atomic_store_explicit(&(*ret_part)->refs, 1, memory_order_relaxed);
    return OK;
}

static struct err
shard_part(const struct hashring *h, struct str tenant, const struct ring_part **ret_part)
{
    const struct ring_part *known = tenant_cache_get(h->shards.parts, tenant);
    if (!known) {
        struct ring_part *made;
        struct err e = shard_new(h, tenant, &made);
        if (e.code == ERR_INVALID)
            e.code = ERR_INTERNAL; /* the file's fault, not the request's */
        TRY_IN(e, "hashring \"%.*s\": tenant \"%.*s\"", STR_FMT(h->view.name), STR_FMT(tenant));
        tenant_cache_put(h->shards.parts, tenant, made);
        known = made;
    }
    *ret_part = known;
    return OK;
}

struct err
ring_part(struct ring *r, struct str tenant, const struct ring_part **ret_part)
{
    const struct hashring *h;
    TRY(ring_match(r, tenant, &h));
    if (!h->whole)
        return shard_part(h, tenant, ret_part);
    if (h->view.node_count < r->replication_factor)
        return ERR(ERR_INTERNAL, "hashring \"%.*s\": insufficient nodes; have %zu, want %u",
                   STR_FMT(h->view.name), h->view.node_count, r->replication_factor);
    *ret_part = h->whole;
    return OK;
}
