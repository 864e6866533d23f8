/* numberings.c - a list of numberings, those used last in front, each an array of keys in blocks.
 */
#include "ingest/numberings.h"

#include <stdatomic.h>

#include "base/assert.h"
#include "base/lock.h"
#include "base/vec.h"

enum { BLOCK_KEYS = 4096 };

struct numbering {
    uint64_t id; /* immutable */
    /* Of the list, whose lock guards them. */
    struct numbering *prev, *next;
    uint64_t used_ns;
    _Atomic(uint32_t) refs;

    struct lock lock;
    VEC(struct hash128 *) blocks GUARDED_BY(lock); /* NULL: nothing of it is known */
    _Atomic(size_t) block_count;                   /* of those that are there */
};

struct numberings {
    struct hash_secret secret;
    const struct clock *clock;
    size_t blocks_max;
    struct lock lock;
    struct numbering *first, *last GUARDED_BY(lock);
};

/* --- the list --------------------------------------------------------------------------------- */

struct numberings *
numberings_open(const struct numberings_opts *opts)
{
    size_t max = opts->numbers_max > 0 ? opts->numbers_max : NUMBERINGS_NUMBERS_MAX;
    struct numberings *n = mem_alloc_zero(sizeof *n);
    hash_secret_init(&n->secret, opts->hash_seed);
    n->clock = opts->clock;
    n->blocks_max = size_max(max / BLOCK_KEYS, 1);
    lock_init(&n->lock, LOCK_RANK_LEAF);
    return n;
}

static void
unref(struct numbering *g)
{
    if (!g || atomic_fetch_sub_explicit(&g->refs, 1, memory_order_acq_rel) > 1)
        return;
    vec_each (&g->blocks, block)
        mem_free(*block);
    vec_fini(&g->blocks);
    lock_fini(&g->lock);
    mem_free(g);
}
DEFINE_AUTO(struct numbering *, unref)

static void
unlink_numbering(struct numberings *n, struct numbering *g) REQUIRES(n->lock)
{
    *(g->prev ? &g->prev->next : &n->first) = g->next;
    *(g->next ? &g->next->prev : &n->last) = g->prev;
    g->prev = g->next = NULL;
}

static void
put_in_front(struct numberings *n, struct numbering *g) REQUIRES(n->lock)
{
    g->next = n->first;
    *(n->first ? &n->first->prev : &n->last) = g;
    n->first = g;
}

static struct numbering *
find(struct numberings *n, uint64_t id) REQUIRES(n->lock)
{
    struct numbering *g = n->first; /* as many as there are receivers, mostly the first of them */
    while (g && g->id != id)
        g = g->next;
    return g;
}

static struct numbering *
begin(struct numberings *n, uint64_t id) REQUIRES(n->lock)
{
    struct numbering *g = mem_alloc_zero(sizeof *g);
    g->id = id;
    atomic_init(&g->refs, 1);
    lock_init(&g->lock, LOCK_RANK_LEAF);
    put_in_front(n, g);
    return g;
}

/* The one used least lately, if it has to go. */
static struct numbering *
take_old(struct numberings *n, uint64_t now_ns) REQUIRES(n->lock)
{
    size_t blocks = 0;
    struct numbering *last = n->last;
    for (struct numbering *g = n->first; g; g = g->next)
        blocks += atomic_load_explicit(&g->block_count, memory_order_relaxed);
    bool idle = last && now_ns - last->used_ns > (uint64_t)NUMBERINGS_IDLE_MS * 1000000;
    if (!idle && (blocks <= n->blocks_max || last == n->first))
        return NULL;
    unlink_numbering(n, last);
    return last;
}

/* With a reference; it is the one used last from now on. */
static struct numbering *
acquire(struct numberings *n, uint64_t id)
{
    AUTO(unref) struct numbering *old = NULL; /* freed without the lock */
    uint64_t now_ns = clock_mono_ns(n->clock);
    LOCKED(&n->lock);
    struct numbering *g = find(n, id);
    if (!g) {
        g = begin(n, id);
    } else if (g != n->first) {
        unlink_numbering(n, g);
        put_in_front(n, g);
    }
    g->used_ns = now_ns;
    old = take_old(n, now_ns);
    ASSERT(old != g);
    atomic_fetch_add_explicit(&g->refs, 1, memory_order_relaxed);
    return g;
}

void
numberings_close(struct numberings *n)
{
    if (!n)
        return;
    while (n->first) {
        struct numbering *g = n->first;
        unlink_numbering(n, g);
        unref(g);
    }
    lock_fini(&n->lock);
    mem_free(n);
}

/* --- one numbering ---------------------------------------------------------------------------- */

static bool
is_told(struct hash128 key)
{
    return key.lo != 0 || key.hi != 0; /* no key is both, but once in 2^128 */
}

static struct hash128
key_of(const struct numbering *g, uint32_t number) REQUIRES(g->lock)
{
    size_t block = number / BLOCK_KEYS;
    if (block >= g->blocks.n || !g->blocks.v[block])
        return (struct hash128){0, 0};
    return g->blocks.v[block][number % BLOCK_KEYS];
}

static void
remember(struct numbering *g, uint32_t number, struct hash128 key) REQUIRES(g->lock)
{
    size_t block = number / BLOCK_KEYS;
    if (number >= NUMBERING_NUMBERS_MAX) /* WRITEABLE_NO_NUMBER, too */
        return;
    while (g->blocks.n <= block)
        vec_push(&g->blocks, NULL);
    if (!g->blocks.v[block]) {
        g->blocks.v[block] = mem_array_zero(BLOCK_KEYS, sizeof key);
        atomic_fetch_add_explicit(&g->block_count, 1, memory_order_relaxed);
    }
    g->blocks.v[block][number % BLOCK_KEYS] = key;
}

/* --- a message -------------------------------------------------------------------------------- */

/* False: a number is not known. */
static bool
name_row(struct numberings *n, struct numbering *g, const struct writeable_message *m, size_t row,
         struct hash128 *key)
{
    bool has_labels = append_row_has_labels(&m->all.rows[row]);
    if (has_labels)
        *key = hash128_secret(m->all.rows[row].label_key, &n->secret);
    if (!g)
        return has_labels;
    if (has_labels)
        remember(g, m->row_numbers[row], *key);
    else
        *key = key_of(g, m->row_numbers[row]);
    return is_told(*key);
}

static bool
name_tuple(struct numberings *n, const struct writeable_message *m,
           const struct writeable_tuple *tuple, struct hash128 *keys)
{
    bool numbered = tuple->numbering != 0 && m->row_numbers;
    AUTO(unref) struct numbering *g = numbered ? acquire(n, tuple->numbering) : NULL;
    bool known = true;
    if (g)
        lock_acquire(&g->lock);
    for (size_t i = tuple->first_row; i < tuple->first_row + tuple->row_count; i++)
        known &= name_row(n, g, m, i, &keys[i]);
    if (g)
        lock_release(&g->lock);
    return known;
}

struct err
numberings_keys(struct numberings *n, struct arena *a, const struct writeable_message *m,
                const struct hash128 **ret_keys)
{
    bool known = true;
    TRY(arena_admit(a, m->all.row_count * sizeof(struct hash128)));
    struct hash128 *keys = arena_alloc(a, m->all.row_count * sizeof *keys);
    for (size_t i = 0; i < m->tuple_count; i++)
        known &= name_tuple(n, m, &m->tuples[i], keys);
    *ret_keys = known ? keys : NULL;
    return OK;
}
