/* isolation.c - who stores, who looks, and what is kept for those who look.
 *
 * Why a snapshot is right. An append first says ACTIVE_SOON, then takes its number, then says
 * which. A query reads `last` first and then all places. Let an append's number be at most that
 * `last`: the query's load of `last` acquires what the append released before, so it finds
 * ACTIVE_SOON (and waits for the number), the number, or that the append has ended, and then all
 * that it stored. Any other number is above `last` and hidden.
 * Why enough is kept. An append A asks keep_from once: the least of its own number, of those that
 * it finds active, and of what lookers have hidden that it finds after that. Let a looker L hide
 * an entry e that A overwrites, and let A not have found L. Then L read `last` after A had its
 * number (both are sequentially consistent: one of the two sees the other), so e is hidden for
 * being active at L's scan. If e is above A's number, it is kept. If not, it was active from
 * before A until L's scan; A scanned before that, or else A would have found L. */
#include "tsdb/head/isolation.h"

#include <sched.h>

#include "base/assert.h"
#include "base/mem.h"

enum { SWEEP_LEAST = 64 }; /* entries: fewer are not worth it */

static const uint64_t active_soon = 1;
static const uint64_t active_bit = UINT64_C(1) << 32;
static const uint32_t scrub_after = UINT32_C(1) << 29;

void
isolation_init(struct isolation *i)
{
    *i = (struct isolation){.looking = VEC_INIT, .overwritten = VEC_INIT};
    atomic_init(&i->last, 0);
    atomic_init(&i->newest, 0);
    lock_init(&i->lock, LOCK_RANK_HEAD_ISOLATION);
}

void
isolation_fini(struct isolation *i)
{
    ASSERT(i->looking.n == 0);
    vec_fini(&i->looking);
    vec_fini(&i->overwritten);
    mem_free(i->buckets);
    lock_fini(&i->lock);
}

/* The number at a place, once it is known; false when nobody is there. */
static bool
active_at(struct isolation *i, unsigned place, append_seq *ret_seq)
{
    for (;;) {
        uint64_t at = atomic_load_explicit(&i->active[place], memory_order_acquire);
        if (at == 0)
            return false;
        if (at != active_soon) {
            *ret_seq = (append_seq)at;
            return true;
        }
        sched_yield(); /* between two instructions of another thread */
    }
}

/* --- storing ---------------------------------------------------------------------------------- */

static append_seq
oldest_of(append_seq oldest, append_seq seq)
{
    return seq_before(seq, oldest) ? seq : oldest;
}

static append_seq
oldest_looked_for(struct isolation *i, append_seq oldest)
{
    if (atomic_load_explicit(&i->lookers, memory_order_seq_cst) == 0)
        return oldest;
    LOCKED(&i->lock);
    for (size_t k = 0; k < i->looking.n; k++)
        oldest = oldest_of(oldest, i->looking.v[k]);
    return oldest;
}

struct append_stamp
isolation_begin(struct isolation *i, struct epoch_guard guard)
{
    _Atomic(uint64_t) *place = &i->active[guard.slot];
    atomic_store_explicit(place, active_soon, memory_order_release);
    append_seq seq = atomic_fetch_add_explicit(&i->last, 1, memory_order_seq_cst) + 1;
    if (seq == 0) /* means "none" in a series */
        seq = atomic_fetch_add_explicit(&i->last, 1, memory_order_seq_cst) + 1;
    atomic_store_explicit(place, active_bit | seq, memory_order_release);
    append_seq oldest = seq, other;
    for (unsigned k = 0; k < EPOCH_READERS_MAX; k++) {
        if (k != guard.slot && active_at(i, k, &other))
            oldest = oldest_of(oldest, other);
    }
    return (struct append_stamp){seq, oldest_looked_for(i, oldest)};
}

void
isolation_end(struct isolation *i, struct epoch_guard guard)
{
    atomic_store_explicit(&i->active[guard.slot], 0, memory_order_release);
}

static uint32_t *
bucket_of(struct isolation *i, uint32_t slot) REQUIRES(i->lock)
{
    return &i->buckets[slot & (i->bucket_count - 1)];
}

static void
link_at(struct isolation *i, size_t k) REQUIRES(i->lock)
{
    uint32_t *bucket = bucket_of(i, i->overwritten.v[k].slot);
    i->overwritten.v[k].next = *bucket;
    *bucket = u32_of_size(k + 1);
}

/* Buckets for `count` entries; all that are there are linked anew. */
static void
link_all(struct isolation *i, size_t count) REQUIRES(i->lock)
{
    i->bucket_count = size_max(i->bucket_count, SWEEP_LEAST);
    while (i->bucket_count < count)
        i->bucket_count *= 2;
    mem_free(i->buckets);
    i->buckets = mem_array_zero(i->bucket_count, sizeof *i->buckets);
    for (size_t k = 0; k < i->overwritten.n; k++)
        link_at(i, k);
}

/* Nobody looks: what is older than all that is active serves nobody. */
static void
sweep(struct isolation *i, append_seq keep_from) REQUIRES(i->lock)
{
    size_t kept = 0;
    for (size_t k = 0; k < i->overwritten.n; k++) {
        if (!seq_before(i->overwritten.v[k].seq, keep_from))
            i->overwritten.v[kept++] = i->overwritten.v[k];
    }
    i->overwritten.n = kept;
    i->bucket_count = 0; /* as many as are needed again */
    link_all(i, kept + 1);
    i->sweep_at = 2 * i->bucket_count;
}

void
isolation_keep(struct isolation *i, struct append_stamp stamp, struct overwritten o)
{
    LOCKED(&i->lock);
    if (i->looking.n == 0 && i->overwritten.n >= i->sweep_at)
        sweep(i, stamp.keep_from);
    vec_push(&i->overwritten, o);
    if (i->overwritten.n > i->bucket_count)
        link_all(i, i->overwritten.n);
    else
        link_at(i, i->overwritten.n - 1);
    append_seq newest = atomic_load_explicit(&i->newest, memory_order_relaxed);
    if (i->overwritten.n == 1 || seq_before(newest, o.seq))
        atomic_store_explicit(&i->newest, o.seq, memory_order_relaxed);
    atomic_store_explicit(&i->kept, u32_of_size(i->overwritten.n), memory_order_release);
}

/* --- looking ---------------------------------------------------------------------------------- */

void
isolation_look(struct isolation *i, struct look *ret_look)
{
    LOCKED(&i->lock);
    atomic_fetch_add_explicit(&i->lookers, 1, memory_order_seq_cst);
    ret_look->last = atomic_load_explicit(&i->last, memory_order_seq_cst);
    ret_look->oldest = ret_look->last + 1;
    ret_look->active_count = 0;
    for (unsigned k = 0; k < EPOCH_READERS_MAX; k++) {
        append_seq seq;
        if (!active_at(i, k, &seq))
            continue;
        ret_look->active[ret_look->active_count++] = seq;
        ret_look->oldest = oldest_of(ret_look->oldest, seq);
    }
    vec_push(&i->looking, ret_look->oldest);
}

void
isolation_look_end(struct isolation *i, const struct look *look)
{
    LOCKED(&i->lock);
    for (size_t k = 0; k < i->looking.n; k++) {
        if (i->looking.v[k] != look->oldest)
            continue;
        i->looking.v[k] = vec_pop(&i->looking);
        atomic_fetch_sub_explicit(&i->lookers, 1, memory_order_acq_rel);
        return;
    }
    UNREACHABLE("a look that was not begun");
}

bool
look_hides(const struct look *l, append_seq seq)
{
    if (seq == 0 || seq_before(seq, l->oldest))
        return false;
    if (seq_before(l->last, seq))
        return true;
    for (unsigned k = 0; k < l->active_count; k++) {
        if (l->active[k] == seq)
            return true;
    }
    return false;
}

void
isolation_look_back(struct isolation *i, const struct look *l, uint32_t slot, int64_t *end_ms)
{
    if (atomic_load_explicit(&i->kept, memory_order_acquire) == 0)
        return;
    /* The usual leftover of writers that are done: nothing of it is hidden from anybody. */
    if (seq_before(atomic_load_explicit(&i->newest, memory_order_relaxed), l->oldest))
        return;
    LOCKED(&i->lock);
    for (uint32_t at = i->overwritten.n ? *bucket_of(i, slot) : 0; at > 0;) {
        const struct overwritten *o = &i->overwritten.v[at - 1];
        at = o->next;
        if (o->slot == slot && o->before_ms < *end_ms && look_hides(l, o->seq))
            *end_ms = o->before_ms;
    }
}

/* --- upkeep ----------------------------------------------------------------------------------- */

bool
isolation_is_due(struct isolation *i)
{
    append_seq last = atomic_load_explicit(&i->last, memory_order_relaxed);
    if (last - i->scrubbed < scrub_after)
        return false;
    i->scrubbed = last;
    return true;
}

bool
isolation_is_old(const struct isolation *i, append_seq seq)
{
    return i->scrubbed - seq > scrub_after / 2 && seq_before(seq, i->scrubbed);
}
