/* fingerprints.c - open addressing with linear probing, sharded by the top bits of the hash.
 *
 * An entry is 16 bytes: the low half of the hash, and 32 bits of the high half beside id + 1.
 * The writer stores `lo` first and then `rest` with release; a reader that loads a non-zero
 * `rest` with acquire therefore sees its `lo`, which never changes. Zero means free, and ends a
 * probe; an entry that was swept keeps its place, but its number is id_gone. */
#include "tsdb/head/fingerprints.h"

#include "base/assert.h"
#include "base/mem.h"

enum { SHARD_ENTRIES_MIN = 8 };
static const uint32_t id_gone = FP_ID_MAX + 1;

struct fp_entry {
    _Atomic(uint64_t) lo;
    _Atomic(uint64_t) rest; /* hash bits << 32 | (id + 1); pairs with the acquire in fp_find */
};

struct fp_shard {
    uint32_t mask; /* entries - 1; entries is a power of two */
    uint32_t used, gone; /* entries that are not free, swept ones of them; by the writer only */
    struct fp_entry entries[];
};

void
fp_init(struct fp_table *t, struct epoch *epoch)
{
    *t = (struct fp_table){.epoch = epoch};
}

void
fp_fini(struct fp_table *t)
{
    for (size_t i = 0; i < ARRAY_LEN(t->shards); i++)
        mem_free(atomic_load_explicit(&t->shards[i], memory_order_relaxed));
}

static unsigned
shard_of(struct hash128 key)
{
    return (unsigned)(key.hi >> (64 - FP_SHARDS_LOG2));
}

void
fp_prefetch(const struct fp_table *t, struct hash128 key)
{
    struct fp_shard *s = atomic_load_explicit(&t->shards[shard_of(key)], memory_order_acquire);
    if (s)
        __builtin_prefetch(&s->entries[key.lo & s->mask]);
}

static uint32_t
id_of(uint64_t rest)
{
    return (uint32_t)rest - 1;
}

/* The entry of a key with its `rest`, or NULL. */
static struct fp_entry *
find_entry(struct fp_shard *s, struct hash128 key, uint64_t *ret_rest)
{
    for (uint64_t i = key.lo;; i++) { /* ends: a shard always has free entries */
        struct fp_entry *e = &s->entries[i & s->mask];
        uint64_t rest = atomic_load_explicit(&e->rest, memory_order_acquire);
        if (rest == 0)
            return NULL;
        if (rest >> 32 == (key.hi & UINT32_MAX) &&
            atomic_load_explicit(&e->lo, memory_order_relaxed) == key.lo) {
            *ret_rest = rest;
            return e;
        }
    }
}

bool
fp_find(const struct fp_table *t, struct hash128 key, uint32_t *ret_id)
{
    struct fp_shard *s = atomic_load_explicit(&t->shards[shard_of(key)], memory_order_acquire);
    uint64_t rest;
    if (!s || !find_entry(s, key, &rest) || id_of(rest) == id_gone)
        return false;
    *ret_id = id_of(rest);
    return true;
}

static void
shard_put(struct fp_shard *s, uint64_t lo, uint64_t rest)
{
    uint64_t i = lo;
    while (atomic_load_explicit(&s->entries[i & s->mask].rest, memory_order_relaxed) != 0)
        i++;
    struct fp_entry *e = &s->entries[i & s->mask];
    atomic_store_explicit(&e->lo, lo, memory_order_relaxed);
    atomic_store_explicit(&e->rest, rest, memory_order_release);
    s->used++;
}

/* A copy without the swept entries and with room for as many again as are left. */
static struct fp_shard *
shard_renewed(const struct fp_shard *old)
{
    size_t left = old ? old->used - old->gone : 0, entries = SHARD_ENTRIES_MIN;
    while (entries / 8 * 3 < left)
        entries *= 2;
    ASSERT(entries <= UINT32_MAX);
    struct fp_shard *s = mem_alloc_zero(sizeof *s + entries * sizeof s->entries[0]);
    s->mask = (uint32_t)(entries - 1);
    for (size_t i = 0; old && i <= old->mask; i++) {
        uint64_t rest = atomic_load_explicit(&old->entries[i].rest, memory_order_relaxed);
        if (rest != 0 && id_of(rest) != id_gone)
            shard_put(s, atomic_load_explicit(&old->entries[i].lo, memory_order_relaxed), rest);
    }
    return s;
}

void
fp_insert(struct fp_table *t, struct hash128 key, uint32_t id)
{
    ASSERT(id <= FP_ID_MAX);
    _Atomic(struct fp_shard *) *home = &t->shards[shard_of(key)];
    struct fp_shard *s = atomic_load_explicit(home, memory_order_relaxed);
    if (!s || s->used >= (s->mask + 1) / 4 * 3) {
        struct fp_shard *renewed = shard_renewed(s);
        atomic_store_explicit(home, renewed, memory_order_release);
        if (s)
            epoch_retire(t->epoch, s);
        s = renewed;
    }
    shard_put(s, key.lo, key.hi << 32 | ((uint64_t)id + 1));
    t->count++;
}

/* The number of an entry, in one store: a reader sees the old one or the new one. */
static void
entry_set_id(struct fp_table *t, struct fp_shard *s, struct fp_entry *e, uint64_t rest,
             uint32_t id)
{
    bool was_gone = id_of(rest) == id_gone, is_gone = id == id_gone;
    s->gone += is_gone;
    s->gone -= was_gone;
    t->count += was_gone;
    t->count -= is_gone;
    atomic_store_explicit(&e->rest, rest >> 32 << 32 | ((uint64_t)id + 1), memory_order_release);
}

void
fp_put(struct fp_table *t, struct hash128 key, uint32_t id)
{
    ASSERT(id <= FP_ID_MAX);
    struct fp_shard *s = atomic_load_explicit(&t->shards[shard_of(key)], memory_order_relaxed);
    uint64_t rest;
    struct fp_entry *e = s ? find_entry(s, key, &rest) : NULL;
    if (e)
        entry_set_id(t, s, e, rest, id);
    else
        fp_insert(t, key, id);
}

void
fp_sweep(struct fp_table *t, unsigned shard, fp_is_gone gone, const void *arg)
{
    struct fp_shard *s = atomic_load_explicit(&t->shards[shard], memory_order_relaxed);
    for (size_t i = 0; s && i <= s->mask; i++) {
        uint64_t rest = atomic_load_explicit(&s->entries[i].rest, memory_order_relaxed);
        if (rest != 0 && id_of(rest) != id_gone && gone(arg, id_of(rest)))
            entry_set_id(t, s, &s->entries[i], rest, id_gone);
    }
}

size_t
fp_bytes(const struct fp_table *t)
{
    size_t bytes = sizeof *t;
    for (size_t i = 0; i < ARRAY_LEN(t->shards); i++) {
        struct fp_shard *s = atomic_load_explicit(&t->shards[i], memory_order_relaxed);
        bytes += s ? sizeof *s + ((size_t)s->mask + 1) * sizeof s->entries[0] : 0;
    }
    return bytes;
}
