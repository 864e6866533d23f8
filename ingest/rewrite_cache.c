/* rewrite_cache.c - shards by hash, each an open table of pointers under a lock of its own. */
#include "ingest/rewrite_cache.h"

#include <stdatomic.h>

#include "base/hash.h"
#include "base/lock.h"

enum {
    SHARD_BYTES_MAX = REWRITE_CACHE_BYTES_MAX / REWRITE_CACHE_SHARDS,
    SLOTS_FIRST = 16,
    MISSES_A_KEPT_ENTRY = 4, /* of a full shard: then it is stale */
};

struct slot {
    struct hash128 key;
    const struct rewrite_entry *entry; /* NULL: free; in the arena */
};

struct shard {
    struct lock lock;
    struct arena arena; /* GUARDED_BY(lock), but for what is in it */
    struct slot *slots; /* GUARDED_BY(lock): cap of them, a power of two; owned */
    size_t cap, count;  /* GUARDED_BY(lock) */
    size_t turned_away; /* GUARDED_BY(lock): entries that found it full */
};

struct rewrite_cache {
    struct hash_secret secret;
    _Atomic(bool) stale; /* relaxed: a hint */
    struct shard shards[REWRITE_CACHE_SHARDS];
};

struct rewrite_cache *
rewrite_cache_open(void)
{
    struct rewrite_cache *c = mem_alloc_zero(sizeof *c);
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
        mem_free(c->shards[i].slots);
        arena_fini(&c->shards[i].arena);
        lock_fini(&c->shards[i].lock);
    }
    mem_free(c);
}

static struct shard *
shard_of(struct rewrite_cache *c, struct hash128 key)
{
    return &c->shards[key.hi % REWRITE_CACHE_SHARDS];
}

/* The slot of a key, or the free one where it would stand. */
static struct slot *
place_of(struct slot *slots, size_t cap, struct hash128 key)
{
    for (size_t i = key.lo & (cap - 1);; i = (i + 1) & (cap - 1)) {
        struct slot *s = &slots[i];
        if (!s->entry || (s->key.lo == key.lo && s->key.hi == key.hi))
            return s;
    }
}

const struct rewrite_entry *
rewrite_cache_find(struct rewrite_cache *c, struct str label_key)
{
    struct hash128 key = hash128_secret(label_key, &c->secret);
    struct shard *s = shard_of(c, key);
    LOCKED(&s->lock);
    return s->cap > 0 ? place_of(s->slots, s->cap, key)->entry : NULL;
}

static void
grow(struct shard *s) REQUIRES(s->lock)
{
    size_t cap = s->cap > 0 ? 2 * s->cap : SLOTS_FIRST;
    struct slot *slots = mem_array_zero(cap, sizeof *slots);
    for (size_t i = 0; i < s->cap; i++) {
        if (s->slots[i].entry)
            *place_of(slots, cap, s->slots[i].key) = s->slots[i];
    }
    mem_free(s->slots);
    s->slots = slots;
    s->cap = cap;
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

void
rewrite_cache_add(struct rewrite_cache *c, struct str label_key, const struct rewrite_entry *entry)
{
    struct hash128 key = hash128_secret(label_key, &c->secret);
    struct shard *s = shard_of(c, key);
    size_t more = sizeof *entry + entry->label_key.n + entry->tenant.n;
    LOCKED(&s->lock);
    if (s->arena.used_bytes + 2 * s->cap * sizeof(struct slot) + more > SHARD_BYTES_MAX) {
        if (++s->turned_away > MISSES_A_KEPT_ENTRY * s->count)
            atomic_store_explicit(&c->stale, true, memory_order_relaxed);
        return;
    }
    if (4 * (s->count + 1) > 3 * s->cap)
        grow(s);
    struct slot *place = place_of(s->slots, s->cap, key);
    if (place->entry)
        return;
    *place = (struct slot){key, copy_entry(&s->arena, entry)};
    s->count++;
}

bool
rewrite_cache_is_stale(const struct rewrite_cache *c)
{
    return atomic_load_explicit(&c->stale, memory_order_relaxed);
}
