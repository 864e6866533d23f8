/* lock.c - ranked mutexes, their conditions, and the slow path of spin locks.
 *
 * Debug builds keep an array of the locks that the thread holds; taking one whose rank is not
 * above the last one's is a bug at once, whether or not another thread is in the way. That
 * array is the only thread-local state of the tree. */
#include "base/lock.h"

#include <errno.h>
#include <sched.h>
#include <stddef.h>
#include <time.h>

#include "base/assert.h"

enum {
    LOCKS_HELD_MAX = LOCK_RANK_COUNT, /* ranks ascend strictly: one lock a rank */
    SPIN_TURNS_BEFORE_YIELD = 64,     /* about a microsecond; the holder is then off its CPU */
};

#ifdef MNEME_DEBUG
static _Thread_local struct {
    const struct lock *locks[LOCKS_HELD_MAX];
    unsigned count;
} held;

static void
held_check_rank(const struct lock *l)
{
    if (held.count > 0)
        ASSERT(l->rank > held.locks[held.count - 1]->rank); /* lock_ranks.h: ascending only */
}

static void
held_push(const struct lock *l)
{
    ASSERT(held.count < LOCKS_HELD_MAX);
    held.locks[held.count++] = l;
}

/* Locks may be released in any order, so the entry need not be the last. */
static void
held_remove(const struct lock *l)
{
    unsigned i = held.count;
    while (i > 0 && held.locks[i - 1] != l)
        i--;
    ASSERT(i > 0); /* released by a thread that does not hold it */
    for (; i < held.count; i++)
        held.locks[i - 1] = held.locks[i];
    held.count--;
}

bool
lock_is_held(const struct lock *l)
{
    for (unsigned i = 0; i < held.count; i++) {
        if (held.locks[i] == l)
            return true;
    }
    return false;
}
#else
static void
held_check_rank(const struct lock *l)
{
    (void)l;
}

static void
held_push(const struct lock *l)
{
    (void)l;
}

static void
held_remove(const struct lock *l)
{
    (void)l;
}

bool
lock_is_held(const struct lock *l)
{
    (void)l;
    return true;
}
#endif

void
lock_init(struct lock *l, enum lock_rank rank)
{
    ASSERT(rank < LOCK_RANK_COUNT);
    int failed = pthread_mutex_init(&l->mutex, NULL);
    ASSERT(!failed);
    l->rank = rank;
}

void
lock_fini(struct lock *l)
{
    int failed = pthread_mutex_destroy(&l->mutex);
    ASSERT(!failed); /* EBUSY: somebody still holds it */
}

void
lock_acquire(struct lock *l)
{
    held_check_rank(l); /* before waiting: a dead lock must not hide behind itself */
    int failed = pthread_mutex_lock(&l->mutex);
    ASSERT(!failed);
    held_push(l);
}

void
lock_release(struct lock *l)
{
    held_remove(l);
    int failed = pthread_mutex_unlock(&l->mutex);
    ASSERT(!failed);
}

struct lock *
lock_scope_enter(struct lock *l)
{
    lock_acquire(l);
    return l;
}

void
lock_scope_leave(struct lock **l)
{
    lock_release(*l);
}

/* --- conditions --------------------------------------------------------------------------- */

void
cond_init(struct cond *c)
{
    pthread_condattr_t attr;
    int failed = pthread_condattr_init(&attr);
    ASSERT(!failed);
    failed = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    ASSERT(!failed);
    failed = pthread_cond_init(&c->cond, &attr);
    ASSERT(!failed);
    pthread_condattr_destroy(&attr);
}

void
cond_fini(struct cond *c)
{
    int failed = pthread_cond_destroy(&c->cond);
    ASSERT(!failed);
}

/* The lock stays in the list of held ones during a wait: the thread takes none meanwhile and
 * has it again when it goes on. */
void
cond_wait(struct cond *c, struct lock *l)
{
    ASSERT(lock_is_held(l));
    int failed = pthread_cond_wait(&c->cond, &l->mutex);
    ASSERT(!failed);
}

bool
cond_wait_until(struct cond *c, struct lock *l, uint64_t deadline_mono_ns)
{
    ASSERT(lock_is_held(l));
    struct timespec deadline = {
        .tv_sec = (time_t)(deadline_mono_ns / 1000000000u),
        .tv_nsec = (long)(deadline_mono_ns % 1000000000u),
    };
    int failed = pthread_cond_timedwait(&c->cond, &l->mutex, &deadline);
    ASSERT(failed == 0 || failed == ETIMEDOUT);
    return failed == 0;
}

void
cond_signal(struct cond *c)
{
    int failed = pthread_cond_signal(&c->cond);
    ASSERT(!failed);
}

void
cond_broadcast(struct cond *c)
{
    int failed = pthread_cond_broadcast(&c->cond);
    ASSERT(!failed);
}

/* --- spin locks --------------------------------------------------------------------------- */

static void
cpu_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

void
spin_wait(struct spin *s)
{
    for (unsigned turn = 1;; turn++) {
        /* Reading only keeps the cache line shared until the lock looks free. */
        if (atomic_load_explicit(&s->held, memory_order_relaxed) == 0 &&
            atomic_exchange_explicit(&s->held, 1, memory_order_acquire) == 0)
            return;
        if (turn % SPIN_TURNS_BEFORE_YIELD == 0)
            sched_yield();
        else
            cpu_relax();
    }
}
