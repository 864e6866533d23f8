/* ring_tenants.c - which hashring takes a tenant: the first of the file that does.
 *
 * Names that stand in the file are found by a map, and so is the answer unless there are patterns:
 * what those say is remembered by tenant. */
#include "base/glob.h"
#include "replication/ring_int.h"

enum { GLOB_TENANTS_MAX = 16384 /* answers that are remembered */ };

void
ring_match_init(struct ring *r)
{
    map_init(&r->exact, MAP_KEYS_BORROWED);
    r->first_all = r->n;
    bool has_globs = false;
    for (size_t i = r->n; i-- > 0;) { /* backwards: the first of several that name a tenant stays */
        const struct tenant_matcher *m = &r->v[i].config->tenants;
        for (size_t t = 0; m->type == TENANT_MATCH_EXACT && t < m->n; t++)
            (void)map_put(&r->exact, m->v[t], &r->v[i]);
        if (m->type == TENANT_MATCH_ALL)
            r->first_all = i;
        has_globs |= m->type == TENANT_MATCH_GLOB;
    }
    if (has_globs)
        r->globs = tenant_cache_new(&(struct tenant_cache_opts){.tenants_max = GLOB_TENANTS_MAX});
}

static struct err
match_patterns(const struct tenant_matcher *m, struct str tenant, bool *ret_matches)
{
    *ret_matches = false;
    for (size_t i = 0; i < m->n && !*ret_matches; i++) {
        enum glob_result result = glob_match(m->v[i], tenant);
        if (result == GLOB_BAD)
            return ERR(ERR_INTERNAL, "tenant pattern \"%.*s\": syntax error in pattern",
                       STR_FMT(m->v[i]));
        *ret_matches = result == GLOB_YES;
    }
    return OK;
}

/* The first hashring before `end` with a pattern for the tenant, or `end`. */
static struct err
match_globs(const struct ring *r, struct str tenant, size_t end, size_t *ret_index)
{
    size_t i = 0;
    for (bool matches = false; i < end; i++) {
        const struct hashring_config *h = r->v[i].config;
        if (h->tenants.type == TENANT_MATCH_GLOB)
            TRY_IN(match_patterns(&h->tenants, tenant, &matches), "hashring \"%.*s\"",
                   STR_FMT(h->name));
        if (matches)
            break;
    }
    *ret_index = i;
    return OK;
}

struct err
ring_match(const struct ring *r, struct str tenant, const struct hashring **ret_ring)
{
    const struct hashring *known = r->globs ? tenant_cache_get(r->globs, tenant) : NULL;
    if (known) {
        *ret_ring = known;
        return OK;
    }
    const struct hashring *exact = map_get(&r->exact, tenant);
    size_t index = size_min(exact ? (size_t)(exact - r->v) : r->n, r->first_all);
    if (r->globs)
        TRY(match_globs(r, tenant, index, &index));
    if (index == r->n)
        return ERR(ERR_INTERNAL, "no hashring takes tenant \"%.*s\"", STR_FMT(tenant));
    if (r->globs)
        tenant_cache_put(r->globs, tenant, &r->v[index]);
    *ret_ring = &r->v[index];
    return OK;
}
