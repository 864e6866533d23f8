/* rewrite_cache.c - shards by hash, each an open table of pointers.
 *
 * Readers take no lock: a table is only added to, and one that is outgrown stays until the cache is
 * closed. Writers of a shard take turns. */
#include "ingest/rewrite_cache.h"

#include <stdatomic.h>

#include "base/lock.h"

enum {
    SLOTS_FIRST = 16,
    MISSES_A_KEPT_ENTRY = 4, /* of a full shard: then it is stale */
};

/* A reader that sees an entry sees its key, too, and neither changes any more. */
struct slot {
    struct hash128 key;                          /* written before the entry */
    _Atomic(const struct rewrite_entry *) entry; /* NULL: free. Release; readers acquire */
};

struct table {
    struct table *older; /* outgrown; somebody may still read it */
    size_t cap;          /* a power of two */
    struct slot slots[];
};

struct shard {
    _Atomic(struct table *) table; /* NULL: empty. Release; readers acquire. Owned */
    struct lock lock;
    struct arena arena; /* GUARDED_BY(lock), but for what is in it */
    size_t count;       /* GUARDED_BY(lock) */
    size_t turned_away; /* GUARDED_BY(lock): entries that found it full */
};

struct rewrite_cache {
    struct hash_secret secret;
    size_t shard_bytes_max; /* immutable, as the secret */
    _Atomic(bool) stale;    /* relaxed: a hint */
    struct shard shards[REWRITE_CACHE_SHARDS];
};

struct rewrite_cache *
rewrite_cache_open(size_t bytes_max)
{
    struct rewrite_cache *c = mem_alloc_zero(sizeof *c);
    c->shard_bytes_max = (bytes_max ? bytes_max : REWRITE_CACHE_BYTES_MAX) / REWRITE_CACHE_SHARDS;
    hash_secret_init(&c->secret, hash_random_seed());
    for (size_t i = 0; i < REWRITE_CACHE_SHARDS; i++)
        lock_init(&c->shards[i].lock, LOCK_RANK_LEAF);
    return c;
}

void
rewrite_cache_close(struct rewrite_cache *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < REWRITE_CACHE_SHARDS; i++) {
        struct shard *s = &c->shards[i];
        for (struct table *t = atomic_load(&s->table), *older; t; t = older) {
            older = t->older;
            mem_free(t);
        }
        arena_fini(&s->arena);
        lock_fini(&s->lock);
    }
    mem_free(c);
}

struct hash128
rewrite_cache_hash(const struct rewrite_cache *c, struct str label_key)
{
    return hash128_secret(label_key, &c->secret);
}

static const struct table *
table_of(const struct rewrite_cache *c, struct hash128 key)
{
    const struct shard *s = &c->shards[key.hi % REWRITE_CACHE_SHARDS];
    return atomic_load_explicit(&s->table, memory_order_acquire);
}

void
rewrite_cache_prefetch(const struct rewrite_cache *c, struct hash128 key)
{
    const struct table *t = table_of(c, key);
    if (t)
        __builtin_prefetch(&t->slots[key.lo & (t->cap - 1)]);
}

const struct rewrite_entry *
rewrite_cache_find(const struct rewrite_cache *c, struct hash128 key)
{
    const struct table *t = table_of(c, key);
    for (size_t i = key.lo; t; i++) {
        const struct slot *s = &t->slots[i & (t->cap - 1)];
        const struct rewrite_entry *e = atomic_load_explicit(&s->entry, memory_order_acquire);
        if (!e || (s->key.lo == key.lo && s->key.hi == key.hi))
            return e;
    }
    return NULL;
}

/* --- adding ---------------------------------------------------------------------------------- */

/* Into a free slot; there is one. */
static void
put(struct table *t, struct hash128 key, const struct rewrite_entry *entry)
{
    size_t i = key.lo & (t->cap - 1);
    while (atomic_load_explicit(&t->slots[i].entry, memory_order_relaxed))
        i = (i + 1) & (t->cap - 1);
    t->slots[i].key = key;
    atomic_store_explicit(&t->slots[i].entry, entry, memory_order_release);
}

/* A table with room for one more; the one that is outgrown stays for its readers. */
static struct table *
table_with_room(struct shard *s) REQUIRES(s->lock)
{
    struct table *old = atomic_load_explicit(&s->table, memory_order_relaxed);
    if (old && 4 * (s->count + 1) <= 3 * old->cap)
        return old;
    size_t cap = old ? 2 * old->cap : SLOTS_FIRST;
    struct table *t = mem_alloc_zero(sizeof *t + cap * sizeof t->slots[0]);
    t->older = old;
    t->cap = cap;
    for (size_t i = 0; old && i < old->cap; i++) {
        const struct rewrite_entry *e =
            atomic_load_explicit(&old->slots[i].entry, memory_order_relaxed);
        if (e)
            put(t, old->slots[i].key, e);
    }
    atomic_store_explicit(&s->table, t, memory_order_release);
    return t;
}

static const struct rewrite_entry *
copy_entry(struct arena *a, const struct rewrite_entry *from)
{
    struct rewrite_entry *copy = ARENA_NEW(a, struct rewrite_entry);
    *copy = *from;
    copy->label_key = from->label_key.n > 0 ? arena_str(a, from->label_key) : STR("");
    copy->tenant = from->tenant.n > 0 ? arena_str(a, from->tenant) : STR("");
    return copy;
}

/* Tables: the next one, and all before it. */
static bool
has_room(const struct shard *s, size_t more, size_t bytes_max) REQUIRES(s->lock)
{
    const struct table *t = atomic_load_explicit(&s->table, memory_order_relaxed);
    size_t tables = t ? 4 * t->cap * sizeof t->slots[0] : 0;
    return s->arena.used_bytes + tables + more <= bytes_max;
}

const struct rewrite_entry *
rewrite_cache_add(struct rewrite_cache *c, struct hash128 key, const struct rewrite_entry *entry)
{
    struct shard *s = &c->shards[key.hi % REWRITE_CACHE_SHARDS];
    LOCKED(&s->lock);
    const struct rewrite_entry *known = rewrite_cache_find(c, key);
    if (known)
        return known;
    size_t more = sizeof *entry + entry->label_key.n + entry->tenant.n;
    if (!has_room(s, more, c->shard_bytes_max)) {
        if (++s->turned_away > MISSES_A_KEPT_ENTRY * s->count)
            atomic_store_explicit(&c->stale, true, memory_order_relaxed);
        return NULL;
    }
    const struct rewrite_entry *copy = copy_entry(&s->arena, entry);
    put(table_with_room(s), key, copy);
    s->count++;
    return copy;
}

bool
rewrite_cache_is_stale(const struct rewrite_cache *c)
{
    return atomic_load_explicit(&c->stale, memory_order_relaxed);
}
