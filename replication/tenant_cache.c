/* tenant_cache.c - a map, and a list in the order of last use. */
#include "replication/tenant_cache.h"

#include "base/lock.h"
#include "base/map.h"
#include "base/mem.h"

struct entry {
    struct entry *newer, *older;
    const void *value;
    struct str tenant; /* behind the entry */
};

struct tenant_cache {
    struct tenant_cache_opts opts;
    struct lock lock; /* guards all below */
    struct map map;   /* tenant -> struct entry */
    struct entry *newest, *oldest;
    struct tenant_cache_stats stats;
};

struct tenant_cache *
tenant_cache_new(const struct tenant_cache_opts *opts)
{
    struct tenant_cache *c = mem_alloc_zero(sizeof *c);
    c->opts = *opts;
    lock_init(&c->lock, LOCK_RANK_LEAF);
    map_init(&c->map, MAP_KEYS_BORROWED);
    c->stats.items_max = opts->tenants_max;
    return c;
}

static void
entry_free(struct tenant_cache *c, struct entry *e)
{
    if (!e)
        return;
    if (c->opts.unref)
        c->opts.unref(e->value);
    mem_free(e);
}

void
tenant_cache_free(struct tenant_cache *c)
{
    if (!c)
        return;
    for (struct entry *e = c->newest, *next; e; e = next) {
        next = e->older;
        entry_free(c, e);
    }
    map_fini(&c->map);
    lock_fini(&c->lock);
    mem_free(c);
}

/* --- the list ------------------------------------------------------------------------------ */

static void
unlink_entry(struct tenant_cache *c, struct entry *e)
{
    *(e->newer ? &e->newer->older : &c->newest) = e->older;
    *(e->older ? &e->older->newer : &c->oldest) = e->newer;
}

static void
link_newest(struct tenant_cache *c, struct entry *e)
{
    e->newer = NULL;
    e->older = c->newest;
    *(c->newest ? &c->newest->newer : &c->oldest) = e;
    c->newest = e;
}

/* --- calls --------------------------------------------------------------------------------- */

const void *
tenant_cache_get(struct tenant_cache *c, struct str tenant)
{
    LOCKED(&c->lock);
    c->stats.requests++;
    struct entry *e = map_get(&c->map, tenant);
    if (!e)
        return NULL;
    c->stats.hits++;
    if (e != c->newest) {
        unlink_entry(c, e);
        link_newest(c, e);
    }
    if (c->opts.ref)
        c->opts.ref(e->value);
    return e->value;
}

/* Takes the entry in, or leaves it to the caller who frees it; returns what has to be freed. */
static struct entry *
insert(struct tenant_cache *c, struct entry *e)
{
    LOCKED(&c->lock);
    if (map_get(&c->map, e->tenant))
        return e;
    struct entry *out = NULL;
    if (c->map.count >= c->opts.tenants_max) {
        out = c->oldest;
        unlink_entry(c, out);
        (void)map_remove(&c->map, out->tenant);
        c->stats.evicted++;
    }
    (void)map_put(&c->map, e->tenant, e);
    link_newest(c, e);
    return out;
}

void
tenant_cache_put(struct tenant_cache *c, struct str tenant, const void *value)
{
    struct entry *e = mem_alloc_zero(sizeof *e + tenant.n);
    char *at = (char *)(e + 1);
    e->tenant = str_copy_to(&at, tenant);
    e->value = value;
    if (c->opts.ref)
        c->opts.ref(value);
    entry_free(c, insert(c, e)); /* not under the lock */
}

struct tenant_cache_stats
tenant_cache_stats(struct tenant_cache *c)
{
    LOCKED(&c->lock);
    struct tenant_cache_stats s = c->stats;
    s.items = c->map.count;
    return s;
}
