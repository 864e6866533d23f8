/* numbers.c - a table from keys to numbers, and an array of what is known by number. */
#include "replication/numbers.h"

#include <stdatomic.h>

#include "base/assert.h"
#include "base/lock.h"
#include "base/segarray.h"
#include "tsdb/head/fingerprints.h"

struct numbers {
    _Atomic(uint32_t) refs;
    uint64_t id;
    uint64_t begun_ns;
    uint32_t max;
    struct epoch *epoch;
    struct fp_table table;       /* found within the epoch; changed under the lock */
    struct segarray ring_hashes; /* uint64_t by number, written before the table leads to it */
    struct lock lock;
    uint32_t count GUARDED_BY(lock);
    _Atomic(bool) is_full;
};

struct numbers_of_node {
    const struct clock *clock;
    uint32_t max;
    struct hash_secret secret;
    struct lock lock;
    struct numbers *now GUARDED_BY(lock); /* a reference */
};

static struct numbers *
begin(const struct clock *clock, uint32_t max)
{
    struct numbers *n = mem_alloc_zero(sizeof *n);
    atomic_init(&n->refs, 1);
    do
        n->id = hash_random_seed();
    while (n->id == 0);
    n->begun_ns = clock_mono_ns(clock);
    n->max = max;
    n->epoch = epoch_open();
    fp_init(&n->table, n->epoch);
    segarray_init(&n->ring_hashes, sizeof(uint64_t), sizeof(uint64_t));
    lock_init(&n->lock, LOCK_RANK_NUMBERS);
    return n;
}

void
numbers_release(struct numbers *n)
{
    if (!n || atomic_fetch_sub_explicit(&n->refs, 1, memory_order_acq_rel) > 1)
        return;
    fp_fini(&n->table);
    segarray_fini(&n->ring_hashes);
    epoch_close(n->epoch);
    lock_fini(&n->lock);
    mem_free(n);
}

struct numbers_of_node *
numbers_open(const struct clock *clock, uint64_t seed, size_t max)
{
    struct numbers_of_node *n = mem_alloc_zero(sizeof *n);
    n->clock = clock;
    n->max = (uint32_t)size_min(size_max(max, 1), NUMBERS_MAX);
    hash_secret_init(&n->secret, seed);
    lock_init(&n->lock, LOCK_RANK_LEAF);
    n->now = begin(clock, n->max);
    return n;
}

void
numbers_close(struct numbers_of_node *n)
{
    if (!n)
        return;
    numbers_release(n->now);
    lock_fini(&n->lock);
    mem_free(n);
}

const struct hash_secret *
numbers_secret(const struct numbers_of_node *n)
{
    return &n->secret;
}

static bool
has_ended(const struct numbers *n, uint64_t now_ns)
{
    return atomic_load_explicit(&n->is_full, memory_order_relaxed) ||
           now_ns - n->begun_ns > (uint64_t)NUMBERS_AGE_MS * 1000000;
}

struct numbers *
numbers_acquire(struct numbers_of_node *n)
{
    AUTO(numbers_release) struct numbers *before = NULL; /* freed without the lock */
    uint64_t now_ns = clock_mono_ns(n->clock);
    LOCKED(&n->lock);
    if (has_ended(n->now, now_ns)) {
        before = n->now;
        n->now = begin(n->clock, n->max);
    }
    atomic_fetch_add_explicit(&n->now->refs, 1, memory_order_relaxed);
    return n->now;
}

uint64_t
numbers_id(const struct numbers *n)
{
    return n->id;
}

void
numbers_find(struct numbers *n, const struct hash128 *keys, size_t count, uint32_t *numbers,
             uint64_t *ring_hashes)
{
    enum { BATCH = 32 }; /* cache misses in flight */
    struct epoch_guard guard = epoch_enter(n->epoch);
    for (size_t from = 0; from < count; from += BATCH) {
        size_t to = size_min(from + BATCH, count);
        for (size_t i = from; i < to; i++)
            fp_prefetch(&n->table, keys[i]);
        for (size_t i = from; i < to; i++) {
            if (fp_find(&n->table, keys[i], &numbers[i]))
                __builtin_prefetch(segarray_at(&n->ring_hashes, numbers[i]));
            else
                numbers[i] = NUMBERS_NONE;
        }
        for (size_t i = from; i < to; i++) {
            if (numbers[i] != NUMBERS_NONE)
                ring_hashes[i] = *(const uint64_t *)segarray_at(&n->ring_hashes, numbers[i]);
        }
    }
    epoch_leave(n->epoch, guard);
}

uint32_t
numbers_add(struct numbers *n, struct hash128 key, uint64_t ring_hash)
{
    uint32_t number;
    LOCKED(&n->lock);
    if (fp_find(&n->table, key, &number)) /* another write was first; nothing else changes it */
        return number;
    if (n->count == n->max) {
        atomic_store_explicit(&n->is_full, true, memory_order_relaxed);
        return NUMBERS_NONE;
    }
    number = n->count++;
    segarray_ensure(&n->ring_hashes, number);
    *(uint64_t *)segarray_at(&n->ring_hashes, number) = ring_hash;
    fp_insert(&n->table, key, number);
    return number;
}
