/* Hashring files: what is read is complete; a ring that is built gives every copy of a series to
 * another endpoint, one that it has; patterns match or not. */
#include "base/assert.h"
#include "base/glob.h"
#include "replication/ring_config.h"
#include "tests/fuzz/fuzz.h"

enum { ENDPOINTS_MAX = 8 /* to build: a thousand sections each */ };

static size_t
check_config(const struct ring_config *c)
{
    size_t endpoints = 0;
    for (size_t i = 0; i < c->n; i++) {
        const struct hashring_config *h = &c->v[i];
        ASSERT(h->shards.cache_size > 0 && h->endpoint_count <= RING_NODES_MAX);
        ASSERT((h->tenants.type == TENANT_MATCH_ALL) == (h->tenants.n == 0));
        for (size_t e = 0; e < h->endpoint_count; e++)
            ASSERT(h->endpoints[e].address.n > 0 && h->endpoints[e].capnproto_address.n > 0);
        for (size_t t = 0; t < h->tenants.n; t++)
            (void)glob_match(h->tenants.v[t], h->name);
        endpoints += h->endpoint_count;
    }
    return endpoints;
}

static void
check_ring(struct ring *r, struct str tenant)
{
    AUTO(ring_part_unref) const struct ring_part *part = NULL;
    struct err e = ring_part(r, tenant, &part);
    ASSERT((part != NULL) == (e.code == ERR_NONE));
    err_drop(e);
    const uint16_t *owners;
    for (uint64_t hash = 0; part && hash < 4; hash++) {
        e = ring_owners(part, (hash - 2) * 0x2000000000000001, &owners);
        ASSERT(e.code == ERR_NONE);
        for (unsigned n = 0; n < ring_replication_factor(r); n++)
            ASSERT(owners[n] < ring_node_count(r));
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(arena_fini) struct arena a = {0};
    AUTO(ring_unref) struct ring *r = NULL;
    struct ring_opts opts = {.json = str_of((const char *)data, size),
                             .algorithm = size % 2 ? RING_KETAMA : RING_HASHMOD,
                             .replication_factor = 1 + (unsigned)(size / 2 % 3)};
    struct ring_config c = {.n = 0};
    struct err e = ring_config_parse(&a, opts.json, &c);
    if (e.code == ERR_NONE && check_config(&c) <= ENDPOINTS_MAX)
        e = ring_open(&opts, &r);
    ASSERT(e.code == ERR_NONE || (e.code == ERR_INVALID && e.msg && !r));
    err_drop(e);
    if (!r)
        return 0;
    check_ring(r, STR("tenant"));
    for (size_t i = 0; i < c.n; i++)
        check_ring(r, c.v[i].tenants.n > 0 ? c.v[i].tenants.v[0] : STR(""));
    return 0;
}
