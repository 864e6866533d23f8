/* pool.c - threads that take jobs from one ring; and a loop shared between threads.
 *
 * Of threads that wait, the one that came last is woken: it has its stack, its caches and what the
 * allocator keeps for it at hand, and those that are not needed sleep on and let go of theirs. No
 * job runs under the lock. The threads block every signal: those are for the main thread. */
#include "base/pool.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/resource.h>

#include "base/assert.h"
#include "base/lock.h"
#include "base/mem.h"

enum { THREAD_NAME_BYTES = 16 }; /* with the NUL; the kernel's limit */

struct job {
    void (*run)(void *arg);
    void *arg;
};

struct worker {
    struct pool *pool;      /* immutable */
    pthread_t thread;       /* of the one that starts and stops the pool */
    struct cond woken_cond; /* `woken` was set */
    struct worker *below;   /* under the pool's lock: the idle one that waits longer */
    bool woken;             /* the same: taken off the list of idle ones */
};

struct pool {
    size_t queued_limit;    /* immutable */
    int niceness;           /* immutable */
    size_t worker_count;    /* immutable */
    size_t thread_count;    /* started; immutable after pool_start() */
    struct worker *workers; /* owned; one a thread */

    struct lock lock;
    struct worker *idle GUARDED_BY(lock); /* the last one to wait first; NULL: all are at work */
    struct job *jobs GUARDED_BY(lock);    /* ring of queued_limit places */
    size_t first GUARDED_BY(lock);        /* place of the oldest job */
    _Atomic(size_t) queued;               /* written under the lock; read without it as a figure */
    bool stopping GUARDED_BY(lock);
};

static size_t
queued_of(const struct pool *p)
{
    return atomic_load_explicit(&p->queued, memory_order_relaxed);
}

/* Returns when a job may be there, or the pool stops. */
static void
wait_idle(struct pool *p, struct worker *w) REQUIRES(&p->lock)
{
    w->below = p->idle;
    w->woken = false;
    p->idle = w;
    while (!w->woken)
        cond_wait(&w->woken_cond, &p->lock);
}

/* One that is to be signalled, or NULL. That happens without the lock, which it wants at once. */
static struct worker *
take_idle(struct pool *p) REQUIRES(&p->lock)
{
    struct worker *w = p->idle;
    if (!w)
        return NULL;
    p->idle = w->below;
    w->woken = true;
    return w;
}

/* The oldest job; false once the pool stops and none is left. */
static bool
next_job(struct pool *p, struct worker *w, struct job *ret_job)
{
    LOCKED(&p->lock);
    while (queued_of(p) == 0 && !p->stopping)
        wait_idle(p, w);
    if (queued_of(p) == 0)
        return false;
    *ret_job = p->jobs[p->first];
    p->first = (p->first + 1) % p->queued_limit;
    atomic_store_explicit(&p->queued, queued_of(p) - 1, memory_order_relaxed);
    return true;
}

static void *
worker_main(void *arg)
{
    struct worker *w = arg;
    struct job job;
    if (w->pool->niceness > 0) /* of this thread alone, on Linux; best effort */
        setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + w->pool->niceness);
    while (next_job(w->pool, w, &job))
        job.run(job.arg);
    return NULL;
}

static struct err
start_thread(struct pool *p, const char *name)
{
    struct worker *w = &p->workers[p->thread_count];
    w->pool = p;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* the new thread inherits the mask */
    int errnum = pthread_create(&w->thread, NULL, worker_main, w);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (errnum)
        return err_errno(errnum, "start thread %zu of pool %s", p->thread_count, name);
    char text[THREAD_NAME_BYTES];
    (void)snprintf(text, sizeof text, "%.10s-%zu", name, p->thread_count);
    (void)pthread_setname_np(w->thread, text); /* only for those who look */
    p->thread_count++;
    return OK;
}

DEFINE_AUTO(struct pool *, pool_stop)

struct err
pool_start(const struct pool_opts *opts, struct pool **ret_pool)
{
    ASSERT(opts->threads > 0);
    ASSERT(opts->queued_limit > 0);
    AUTO(pool_stop) struct pool *p = mem_alloc_zero(sizeof *p);
    p->queued_limit = opts->queued_limit;
    p->niceness = opts->niceness;
    p->workers = mem_array_zero(opts->threads, sizeof *p->workers);
    p->worker_count = opts->threads;
    for (size_t i = 0; i < p->worker_count; i++)
        cond_init(&p->workers[i].woken_cond);
    p->jobs = mem_array_zero(opts->queued_limit, sizeof *p->jobs);
    lock_init(&p->lock, LOCK_RANK_POOL);
    while (p->thread_count < opts->threads)
        TRY(start_thread(p, opts->name));
    *ret_pool = TAKE(p);
    return OK;
}

void
pool_stop(struct pool *p)
{
    if (!p)
        return;
    {
        LOCKED(&p->lock);
        p->stopping = true;
        for (struct worker *w; (w = take_idle(p)) != NULL;)
            cond_signal(&w->woken_cond);
    }
    for (size_t i = 0; i < p->thread_count; i++)
        pthread_join(p->workers[i].thread, NULL);
    ASSERT(queued_of(p) == 0);
    lock_fini(&p->lock);
    mem_free(p->jobs);
    for (size_t i = 0; i < p->worker_count; i++)
        cond_fini(&p->workers[i].woken_cond);
    mem_free(p->workers);
    mem_free(p);
}

/* False when the queue is full. *ret_idle as take_idle(). */
static bool
push_job(struct pool *p, struct job job, struct worker **ret_idle)
{
    LOCKED(&p->lock);
    size_t queued = queued_of(p);
    ASSERT(queued <= p->queued_limit);
    if (p->stopping || queued == p->queued_limit)
        return false;
    p->jobs[(p->first + queued) % p->queued_limit] = job;
    atomic_store_explicit(&p->queued, queued + 1, memory_order_relaxed);
    *ret_idle = take_idle(p);
    return true;
}

bool
pool_submit(struct pool *p, void (*run)(void *arg), void *arg)
{
    struct worker *idle;
    if (!push_job(p, (struct job){run, arg}, &idle))
        return false;
    if (idle)
        cond_signal(&idle->woken_cond);
    return true;
}

size_t
pool_queued(const struct pool *p)
{
    return queued_of(p);
}

size_t
pool_threads(const struct pool *p)
{
    return p->thread_count;
}

/* --- pool_for_each -------------------------------------------------------------------------- */

/* One loop. The caller takes part, so it ends without any help; a helper that comes too late
 * finds no index left and only drops its reference. */
struct for_each {
    void (*run)(void *arg, size_t i); /* not called, and arg not touched, once all are done */
    void *arg;
    size_t count;

    _Atomic(size_t) next; /* the next index nobody has taken; relaxed: only the number counts */
    _Atomic(size_t) refs; /* acq_rel on dropping: the last one frees after all others */
    struct lock lock;
    struct cond finished;
    size_t done GUARDED_BY(lock); /* the lock also carries what run() wrote to the caller */
};

static void
for_each_unref(struct for_each *f)
{
    if (atomic_fetch_sub_explicit(&f->refs, 1, memory_order_acq_rel) > 1)
        return;
    cond_fini(&f->finished);
    lock_fini(&f->lock);
    mem_free(f);
}

static void
for_each_take_part(struct for_each *f)
{
    size_t mine = 0;
    for (;;) {
        size_t i = atomic_fetch_add_explicit(&f->next, 1, memory_order_relaxed);
        if (i >= f->count)
            break;
        f->run(f->arg, i);
        mine++;
    }
    if (mine == 0)
        return;
    LOCKED(&f->lock);
    f->done += mine;
    ASSERT(f->done <= f->count);
    if (f->done == f->count)
        cond_signal(&f->finished);
}

static void
for_each_help(void *arg)
{
    struct for_each *f = arg;
    for_each_take_part(f);
    for_each_unref(f);
}

/* At most one helper a thread, and one less than there is to do. */
static void
for_each_ask_for_help(struct pool *p, struct for_each *f)
{
    size_t helpers = size_min(p->thread_count, f->count - 1);
    for (size_t i = 0; i < helpers; i++) {
        atomic_fetch_add_explicit(&f->refs, 1, memory_order_relaxed);
        if (!pool_submit(p, for_each_help, f)) {
            for_each_unref(f); /* full: whoever came so far will do */
            return;
        }
    }
}

void
pool_for_each(struct pool *p, size_t count, void (*run)(void *arg, size_t i), void *arg)
{
    if (count == 0)
        return;
    struct for_each *f = mem_alloc_zero(sizeof *f);
    f->run = run;
    f->arg = arg;
    f->count = count;
    atomic_init(&f->next, 0);
    atomic_init(&f->refs, 1);
    lock_init(&f->lock, LOCK_RANK_LEAF);
    cond_init(&f->finished);

    for_each_ask_for_help(p, f);
    for_each_take_part(f);
    {
        LOCKED(&f->lock); /* what is left is being run right now, by somebody who needs nobody */
        while (f->done < count)
            cond_wait(&f->finished, &f->lock);
    }
    for_each_unref(f);
}
