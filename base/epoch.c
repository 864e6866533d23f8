/* epoch.c - readers publish the epoch they entered in; the retired is freed once all have moved
 * on.
 *
 * Why it is safe. Let p be unlinked, then retired with tag E (the epoch at that time).
 *  E1 p is freed only after a scan found no slot with an epoch <= E.
 *  E2 A reader with a later epoch read the counter's increment past E. Tags are taken and the
 *     counter is moved under the lock, so the unlinking happens before that increment (release),
 *     and that before the reader's load of the counter (acquire): it cannot find p.
 *  E3 The scan reads each slot by an atomic read-modify-write. Every reader's claim of the slot
 *     is one too, so in the slot's order the claim is before the scan, which then sees it (E1),
 *     or after it, and then the claim (acquire) follows the scan (release), or the leave
 *     (release) of a reader of whom E2 or this holds, and with it the unlinking: that reader
 *     cannot find p either.
 *  E4 Leaving is a release that the scan acquires: a reader's last access comes before the free.
 * Read-modify-writes are used in place of fences because ThreadSanitizer understands them. */
#include "base/epoch.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/assert.h"
#include "base/lock.h"
#include "base/mem.h"
#include "base/vec.h"

enum {
    CACHE_LINE_BYTES = 64,
    EPOCH_RETIRES_PER_COLLECT = 64, /* a scan of all slots is paid for by that many */
    SLOT_FREE = 0,                  /* epochs start at 1 */
};

struct slot {
    /* SLOT_FREE, or the epoch in which its reader entered. Claim: acq_rel exchange by the
     * reader; leave: release store by it; scan: acq_rel read-modify-write by the collector. */
    _Alignas(CACHE_LINE_BYTES) _Atomic(uint64_t) epoch;
};
_Static_assert(sizeof(struct slot) == CACHE_LINE_BYTES, "a slot has its cache line to itself");

struct retired {
    void *p; /* owned */
    uint64_t epoch;
};

struct epoch {
    struct slot slots[EPOCH_READERS_MAX];
    /* Moved under the lock (release), read by entering readers (acquire). */
    _Alignas(CACHE_LINE_BYTES) _Atomic(uint64_t) current;

    _Alignas(CACHE_LINE_BYTES) struct lock lock;
    VEC(struct retired) retired GUARDED_BY(lock); /* epochs ascend */
    size_t collect_at GUARDED_BY(lock);           /* length of `retired` that starts a scan */
};

struct epoch *
epoch_open(void)
{
    struct epoch *e = mem_alloc_aligned(_Alignof(struct epoch), sizeof *e);
    for (unsigned i = 0; i < EPOCH_READERS_MAX; i++)
        atomic_init(&e->slots[i].epoch, SLOT_FREE);
    atomic_init(&e->current, 1);
    lock_init(&e->lock, LOCK_RANK_EPOCH);
    e->retired.v = NULL;
    e->retired.n = e->retired.cap = 0;
    e->collect_at = EPOCH_RETIRES_PER_COLLECT;
    return e;
}

void
epoch_close(struct epoch *e)
{
    if (!e)
        return;
    epoch_collect(e);
    ASSERT(epoch_pending(e) == 0); /* otherwise a reader is still inside */
    vec_fini(&e->retired);
    lock_fini(&e->lock);
    mem_free(e);
}

/* Where a thread starts to look: mostly its own slot, still in its cache. */
static unsigned
first_slot(void)
{
    uint64_t mixed = (uint64_t)pthread_self() * UINT64_C(0x9E3779B97F4A7C15);
    return (unsigned)(mixed >> 32) % EPOCH_READERS_MAX;
}

static bool
claim_slot(struct slot *slot, uint64_t epoch)
{
    uint64_t is_free = SLOT_FREE;
    return atomic_load_explicit(&slot->epoch, memory_order_relaxed) == SLOT_FREE &&
           atomic_compare_exchange_strong_explicit(&slot->epoch, &is_free, epoch,
                                                   memory_order_acq_rel, memory_order_relaxed);
}

struct epoch_guard
epoch_enter(struct epoch *e)
{
    unsigned first = first_slot();
    for (;;) {
        uint64_t now = atomic_load_explicit(&e->current, memory_order_acquire);
        for (unsigned i = 0; i < EPOCH_READERS_MAX; i++) {
            unsigned slot = (first + i) % EPOCH_READERS_MAX;
            if (claim_slot(&e->slots[slot], now))
                return (struct epoch_guard){slot};
        }
        sched_yield(); /* all taken: some reader leaves soon */
    }
}

void
epoch_leave(struct epoch *e, struct epoch_guard g)
{
    ASSERT(g.slot < EPOCH_READERS_MAX);
    struct slot *slot = &e->slots[g.slot];
    ASSERT_SLOW(atomic_load_explicit(&slot->epoch, memory_order_relaxed) != SLOT_FREE);
    atomic_store_explicit(&slot->epoch, SLOT_FREE, memory_order_release);
}

/* The oldest epoch that a reader inside entered in; UINT64_MAX when nobody is inside. */
static uint64_t
oldest_inside(struct epoch *e)
{
    uint64_t oldest = UINT64_MAX;
    for (unsigned i = 0; i < EPOCH_READERS_MAX; i++) {
        /* Adds nothing; a read-modify-write for E3. */
        uint64_t at = atomic_fetch_add_explicit(&e->slots[i].epoch, 0, memory_order_acq_rel);
        if (at != SLOT_FREE)
            oldest = u64_min(oldest, at);
    }
    return oldest;
}

static void
collect_locked(struct epoch *e) REQUIRES(&e->lock)
{
    if (e->retired.n == 0)
        return;
    /* From here on entering readers differ from those who may know what is retired. */
    atomic_fetch_add_explicit(&e->current, 1, memory_order_release);
    uint64_t oldest = oldest_inside(e);
    size_t freed = 0;
    while (freed < e->retired.n && e->retired.v[freed].epoch < oldest)
        mem_free(e->retired.v[freed++].p);
    for (size_t i = freed; freed > 0 && i < e->retired.n; i++)
        e->retired.v[i - freed] = e->retired.v[i];
    e->retired.n -= freed;
    e->collect_at = e->retired.n + EPOCH_RETIRES_PER_COLLECT;
}

void
epoch_retire(struct epoch *e, void *p)
{
    LOCKED(&e->lock);
    uint64_t now = atomic_load_explicit(&e->current, memory_order_relaxed); /* ours to move */
    vec_push(&e->retired, ((struct retired){p, now}));
    if (e->retired.n >= e->collect_at)
        collect_locked(e);
}

/* As retiring: the tag is taken and the counter moved under the lock (E2). */
uint64_t
epoch_mark(struct epoch *e)
{
    LOCKED(&e->lock);
    return atomic_fetch_add_explicit(&e->current, 1, memory_order_release);
}

bool
epoch_passed(struct epoch *e, uint64_t mark)
{
    LOCKED(&e->lock);
    return oldest_inside(e) > mark;
}

void
epoch_collect(struct epoch *e)
{
    LOCKED(&e->lock);
    collect_locked(e);
}

size_t
epoch_pending(struct epoch *e)
{
    LOCKED(&e->lock);
    return e->retired.n;
}
