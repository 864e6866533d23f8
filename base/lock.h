/* lock.h - mutexes with a rank and a guarded scope.
 *
 *   LOCKED(&w->lock);      locked from here to the end of the scope
 *
 * Locks must be taken in ascending rank (lock_ranks.h); debug builds keep the list of locks
 * that a thread holds and assert it, so a dead lock is found without having to happen.
 * `struct spin` is one byte for state of a few cache lines, held for nanoseconds, unranked:
 * nothing may be called under it. Threads: any. */
#pragma once
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Words for readers: C compilers before clang 20 cannot resolve a sibling field in
 * guarded_by(), so nothing checks them; the debug builds' lock_is_held() assertions do. */
#define GUARDED_BY(l)
#define REQUIRES(l)

enum lock_rank {
#define X(rank, what) rank,
#include "base/lock_ranks.h"
#undef X
    LOCK_RANK_COUNT
};

struct lock {
    pthread_mutex_t mutex;
    enum lock_rank rank;
};

void lock_init(struct lock *l, enum lock_rank rank);
void lock_fini(struct lock *l);
void lock_acquire(struct lock *l);
void lock_release(struct lock *l);
/* The calling thread holds it. Exact in debug builds, always true elsewhere: for assertions. */
bool lock_is_held(const struct lock *l);

struct lock *lock_scope_enter(struct lock *l);
void lock_scope_leave(struct lock **l);
#define LOCKED_PASTE_(a, b) a##b
#define LOCKED_NAME_(line) LOCKED_PASTE_(lock_scope_, line)
#define LOCKED(l)                                                                                  \
    struct lock *LOCKED_NAME_(__LINE__)                                                            \
        __attribute__((cleanup(lock_scope_leave), unused)) = lock_scope_enter(l)

/* A condition variable that belongs to one lock; waits use the monotonic clock. */
struct cond {
    pthread_cond_t cond;
};
void cond_init(struct cond *c);
void cond_fini(struct cond *c);
/* Spurious wake-ups happen: call in a loop over the condition. */
void cond_wait(struct cond *c, struct lock *l) REQUIRES(l);
/* False once `deadline_mono_ns` (clock_mono_ns) has passed. */
bool cond_wait_until(struct cond *c, struct lock *l, uint64_t deadline_mono_ns) REQUIRES(l);
void cond_signal(struct cond *c);
void cond_broadcast(struct cond *c);

struct spin {
    _Atomic(uint8_t) held;  /* 0 or 1; acquire on taking pairs with release on leaving */
};
void spin_wait(struct spin *s);
static inline void
spin_acquire(struct spin *s)
{
    if (__builtin_expect(atomic_exchange_explicit(&s->held, 1, memory_order_acquire) != 0, 0))
        spin_wait(s);
}
static inline void
spin_release(struct spin *s)
{
    atomic_store_explicit(&s->held, 0, memory_order_release);
}
