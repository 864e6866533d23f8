/* match_cache.c - a map of entries, in a list from the one used last to the one used first.
 *
 * A list of numbers is immutable and counted: the cache has one reference while it is in an entry,
 * every arena that it was given to another. */
#include "tsdb/index/match_cache.h"

#include <stdatomic.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/lock.h"
#include "base/map.h"
#include "base/mem.h"

struct numbers {
    _Atomic(uint32_t) refs; /* acq_rel: who frees sees what all have read */
    uint32_t v[];
};

struct entry {
    struct entry *newer, *older; /* NULL at the ends */
    struct numbers *numbers;
    size_t count, bytes; /* of numbers; of memory in all */
    struct str key;
    char key_bytes[];
};

struct match_cache {
    size_t bytes_max; /* immutable */
    _Atomic(uint64_t) generation;
    struct lock lock;
    struct map entries GUARDED_BY(lock);            /* keys are the entries' own */
    struct entry *newest, *oldest GUARDED_BY(lock); /* by use */
    struct match_cache_stats stats GUARDED_BY(lock);
};

static void
numbers_unref(void *numbers)
{
    struct numbers *n = numbers;
    if (atomic_fetch_sub_explicit(&n->refs, 1, memory_order_acq_rel) == 1)
        mem_free(n);
}

static void
entry_free(struct entry *e)
{
    numbers_unref(e->numbers);
    mem_free(e);
}

struct match_cache *
match_cache_open(size_t bytes_max)
{
    struct match_cache *c = mem_alloc_zero(sizeof *c);
    c->bytes_max = bytes_max;
    lock_init(&c->lock, LOCK_RANK_LEAF);
    map_init(&c->entries, MAP_KEYS_BORROWED);
    return c;
}

void
match_cache_close(struct match_cache *c)
{
    if (!c)
        return;
    map_fini(&c->entries);
    for (struct entry *e = c->newest; e;) {
        struct entry *older = e->older;
        entry_free(e);
        e = older;
    }
    lock_fini(&c->lock);
    mem_free(c);
}

uint64_t
match_cache_generation(struct match_cache *c)
{
    return atomic_fetch_add_explicit(&c->generation, 1, memory_order_relaxed);
}

static void
put_key(struct buf *to, uint64_t generation, const struct matcher *m, enum matcher_side side)
{
    buf_put_be64(to, generation);
    buf_put_u8(to, (uint8_t)side);
    buf_put_u8(to, (uint8_t)m->type);
    buf_put_ustr(to, m->name);
    buf_append(to, m->value);
}

/* --- the list; under the lock ----------------------------------------------------------------- */

static void
unlink_entry(struct match_cache *c, struct entry *e)
{
    *(e->newer ? &e->newer->older : &c->newest) = e->older;
    *(e->older ? &e->older->newer : &c->oldest) = e->newer;
}

static void
link_newest(struct match_cache *c, struct entry *e)
{
    e->newer = NULL;
    e->older = c->newest;
    *(c->newest ? &c->newest->newer : &c->oldest) = e;
    c->newest = e;
}

static void
evict_oldest(struct match_cache *c)
{
    struct entry *e = c->oldest;
    ASSERT(e); /* nothing takes more room than there is */
    unlink_entry(c, e);
    (void)map_remove(&c->entries, e->key);
    c->stats.bytes -= e->bytes;
    c->stats.entries--;
    c->stats.evicted++;
    entry_free(e);
}

/* ---------------------------------------------------------------------------------------------- */

/* The numbers under a key, with a reference for the caller; NULL when there are none. */
static struct numbers *
take_numbers(struct match_cache *c, struct str key, size_t *ret_count)
{
    LOCKED(&c->lock);
    struct entry *e = map_get(&c->entries, key);
    if (!e) {
        c->stats.misses++;
        return NULL;
    }
    c->stats.hits++;
    unlink_entry(c, e);
    link_newest(c, e);
    atomic_fetch_add_explicit(&e->numbers->refs, 1, memory_order_relaxed);
    *ret_count = e->count;
    return e->numbers;
}

bool
match_cache_find(struct match_cache *c, uint64_t generation, const struct matcher *m,
                 enum matcher_side side, struct arena *a, struct postings *ret_found)
{
    AUTO(buf_fini) struct buf key = BUF_INIT;
    put_key(&key, generation, m, side);
    size_t count;
    struct numbers *numbers = take_numbers(c, buf_str(&key), &count);
    if (!numbers)
        return false;
    arena_defer(a, numbers_unref, numbers);
    *ret_found = (struct postings){numbers->v, count};
    return true;
}

static size_t
entry_bytes(size_t key_bytes, size_t count)
{
    return sizeof(struct entry) + key_bytes + sizeof(struct numbers) + count * sizeof(uint32_t);
}

static struct entry *
make_entry(struct str key, struct postings found)
{
    struct entry *e = mem_alloc_zero(sizeof *e + key.n);
    e->numbers = mem_alloc(sizeof *e->numbers + found.n * sizeof *found.v);
    atomic_init(&e->numbers->refs, 1);
    if (found.n > 0)
        memcpy(e->numbers->v, found.v, found.n * sizeof *found.v);
    e->count = found.n;
    e->bytes = entry_bytes(key.n, found.n);
    memcpy(e->key_bytes, key.p, key.n);
    e->key = str_of(e->key_bytes, key.n);
    return e;
}

/* False when the key is known: another thread was faster. */
static bool
add_entry(struct match_cache *c, struct entry *e)
{
    LOCKED(&c->lock);
    if (map_get(&c->entries, e->key))
        return false;
    while (c->stats.bytes + e->bytes > c->bytes_max)
        evict_oldest(c);
    (void)map_put(&c->entries, e->key, e);
    link_newest(c, e);
    c->stats.bytes += e->bytes;
    c->stats.entries++;
    return true;
}

void
match_cache_put(struct match_cache *c, uint64_t generation, const struct matcher *m,
                enum matcher_side side, struct postings found)
{
    AUTO(buf_fini) struct buf key = BUF_INIT;
    put_key(&key, generation, m, side);
    if (entry_bytes(key.n, found.n) > c->bytes_max / MATCH_CACHE_ENTRY_PART)
        return;
    struct entry *e = make_entry(buf_str(&key), found);
    if (!add_entry(c, e))
        entry_free(e);
}

void
match_cache_stats(struct match_cache *c, struct match_cache_stats *ret_stats)
{
    LOCKED(&c->lock);
    *ret_stats = c->stats;
}
