/* fingerprints.c - open addressing with linear probing, sharded by the top bits of the hash.
 *
 * An entry is 16 bytes: the low half of the hash, and 32 bits of the high half beside id + 1.
 * The writer stores `lo` first and then `rest` with release; a reader that loads a non-zero
 * `rest` with acquire therefore sees its `lo`. Zero means free, and ends a probe. */
#include "tsdb/head/fingerprints.h"

#include "base/assert.h"
#include "base/mem.h"

enum { SHARD_ENTRIES_MIN = 8 };

struct fp_entry {
    _Atomic(uint64_t) lo;
    _Atomic(uint64_t) rest; /* hash bits << 32 | (id + 1); pairs with the acquire in fp_find */
};

struct fp_shard {
    uint32_t mask; /* entries - 1; entries is a power of two */
    uint32_t used; /* by the writer only */
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

bool
fp_find(const struct fp_table *t, struct hash128 key, uint32_t *ret_id)
{
    struct fp_shard *s = atomic_load_explicit(&t->shards[shard_of(key)], memory_order_acquire);
    if (!s)
        return false;
    for (uint64_t i = key.lo;; i++) { /* ends: a shard always has free entries */
        struct fp_entry *e = &s->entries[i & s->mask];
        uint64_t rest = atomic_load_explicit(&e->rest, memory_order_acquire);
        if (rest == 0)
            return false;
        if (rest >> 32 == (key.hi & UINT32_MAX) &&
            atomic_load_explicit(&e->lo, memory_order_relaxed) == key.lo) {
            *ret_id = (uint32_t)rest - 1;
            return true;
        }
    }
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

static struct fp_shard *
shard_grown(const struct fp_shard *old)
{
    size_t entries = old ? ((size_t)old->mask + 1) * 2 : SHARD_ENTRIES_MIN;
    ASSERT(entries <= UINT32_MAX);
    struct fp_shard *s = mem_alloc_zero(sizeof *s + entries * sizeof s->entries[0]);
    s->mask = (uint32_t)(entries - 1);
    for (size_t i = 0; old && i <= old->mask; i++) {
        uint64_t rest = atomic_load_explicit(&old->entries[i].rest, memory_order_relaxed);
        if (rest != 0)
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
        struct fp_shard *grown = shard_grown(s);
        atomic_store_explicit(home, grown, memory_order_release);
        if (s)
            epoch_retire(t->epoch, s);
        s = grown;
    }
    shard_put(s, key.lo, key.hi << 32 | ((uint64_t)id + 1));
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
