/* loop.c - one libevent base and one thread a loop, fed through a list of posted functions.
 *
 * Posting appends to an array under the loop's lock and writes an eventfd when the array was
 * empty; the loop swaps the array for an empty one and runs it. Whoever posts owns something
 * that is bounded elsewhere (a request, a connection), so the array is bounded with it; what a
 * burst made it grow to is given back. The base itself has no locks: libevent is entered by
 * the loop's own thread only, and other threads reach it by posting. */
#include "net/loop_int.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/util.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/lock.h"
#include "base/mem.h"
#include "base/vec.h"

enum {
    LOOP_POSTS_KEPT = 1024,   /* a longer array is freed once it has run */
    LOOP_CALLBACKS_TURN = 64, /* then the kernel is asked for news, whatever is still active */
};

struct loop_post {
    void (*fn)(void *arg);
    void *arg;
};
VEC_TYPE(loop_posts, struct loop_post);

struct loop {
    /* configuration, immutable once the thread runs */
    struct event_base *base;
    struct event *wake; /* readable when something was posted */
    int wake_fd;
    pthread_t thread; /* written under `lock` before the thread gets past it */
    /* state */
    struct lock lock;
    struct loop_posts posts GUARDED_BY(lock); /* not yet run, in order */
    struct loop_posts running;                /* of the loop's thread: being run */
};

struct loops {
    unsigned count; /* loops whose thread runs */
    struct loop v[];
};

struct loop_timer {
    struct event *event;
    void (*fn)(void *arg);
    void *arg;
};

static void
loop_run_posts(struct loop *l)
{
    {
        LOCKED(&l->lock);
        struct loop_posts empty = l->running;
        l->running = l->posts;
        l->posts = empty;
    }
    for (size_t i = 0; i < l->running.n; i++)
        l->running.v[i].fn(l->running.v[i].arg);
    vec_clear(&l->running);
    if (l->running.cap > LOOP_POSTS_KEPT)
        vec_fini(&l->running);
}

static void
loop_on_wake(evutil_socket_t fd, short what, void *arg)
{
    (void)what;
    uint64_t count;
    ssize_t n = read(fd, &count, sizeof count);
    ASSERT(n == (ssize_t)sizeof count || n < 0); /* an eventfd gives 8 bytes or EAGAIN */
    loop_run_posts(arg);
}

static void *
loop_main(void *arg)
{
    struct loop *l = arg;
    lock_acquire(&l->lock); /* loops_start() has stored l->thread when this gets through */
    lock_release(&l->lock);
    int failed = event_base_loop(l->base, EVLOOP_NO_EXIT_ON_EMPTY);
    ASSERT(failed == 0);
    return NULL;
}

static void
loop_fini(struct loop *l)
{
    if (l->wake)
        event_free(l->wake);
    if (l->base)
        event_base_free(l->base);
    if (l->wake_fd >= 0)
        close(l->wake_fd);
    ASSERT(l->posts.n == 0); /* every user was stopped before the loops */
    vec_fini(&l->posts);
    vec_fini(&l->running);
    lock_fini(&l->lock);
}

/* No signal is delivered to a loop, and a write to a closed socket is an error there, not a
 * SIGPIPE: the thread inherits a mask that blocks them all. */
static int
loop_start_thread(struct loop *l)
{
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int errnum;
    {
        LOCKED(&l->lock);
        errnum = pthread_create(&l->thread, NULL, loop_main, l);
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return errnum;
}

static struct err
loop_start(struct loop *l, unsigned index)
{
    *l = (struct loop){.wake_fd = -1};
    lock_init(&l->lock, LOCK_RANK_LOOP);
    struct event_config *config = event_config_new();
    if (config) {
        event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
        /* Without this, callbacks that activate each other keep libevent from polling. */
        event_config_set_max_dispatch_interval(config, NULL, LOOP_CALLBACKS_TURN, 0);
        l->base = event_base_new_with_config(config);
        event_config_free(config);
    }
    if (!l->base)
        return ERR(ERR_INTERNAL, "cannot make an event loop");
    l->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (l->wake_fd < 0)
        return err_errno(errno, "eventfd");
    l->wake = event_new(l->base, l->wake_fd, EV_READ | EV_PERSIST, loop_on_wake, l);
    if (!l->wake || event_add(l->wake, NULL) != 0)
        return ERR(ERR_INTERNAL, "cannot watch an eventfd");
    int errnum = loop_start_thread(l);
    if (errnum != 0)
        return err_errno(errnum, "thread of event loop %u", index);
    char name[16]; /* the kernel's limit */
    snprintf(name, sizeof name, "loop-%u", index % 1000);
    pthread_setname_np(l->thread, name);
    return OK;
}

struct err
loops_start(unsigned count, struct loops **ret_loops)
{
    ASSERT(count > 0);
    struct loops *all = mem_alloc_zero(sizeof *all + count * sizeof all->v[0]);
    for (; all->count < count; all->count++) {
        struct err e = loop_start(&all->v[all->count], all->count);
        if (e.code != ERR_NONE) {
            loop_fini(&all->v[all->count]);
            loops_stop(all);
            return e;
        }
    }
    *ret_loops = all;
    return OK;
}

static void
loop_leave(void *arg)
{
    struct loop *l = arg;
    event_base_loopbreak(l->base);
}

void
loops_stop(struct loops *all)
{
    if (!all)
        return;
    for (unsigned i = 0; i < all->count; i++)
        loop_post(&all->v[i], loop_leave, &all->v[i]);
    for (unsigned i = 0; i < all->count; i++) {
        int errnum = pthread_join(all->v[i].thread, NULL);
        ASSERT(errnum == 0);
        loop_fini(&all->v[i]);
    }
    mem_free(all);
}

unsigned
loops_count(const struct loops *all)
{
    return all->count;
}

struct loop *
loops_at(struct loops *all, unsigned i)
{
    ASSERT(i < all->count);
    return &all->v[i];
}

struct event_base *
loop_base(struct loop *l)
{
    return l->base;
}

bool
loop_is_current(const struct loop *l)
{
    return pthread_equal(l->thread, pthread_self());
}

void
loop_post(struct loop *l, void (*fn)(void *arg), void *arg)
{
    /* Under the lock: once it is released the loop may run the post and be stopped. */
    LOCKED(&l->lock);
    vec_push(&l->posts, ((struct loop_post){fn, arg}));
    if (l->posts.n > 1)
        return; /* the wake-up of the first one is still to be read */
    uint64_t one = 1;
    ssize_t n = write(l->wake_fd, &one, sizeof one);
    ASSERT(n == (ssize_t)sizeof one); /* fails only at 2^64-1 */
}

struct loop_call {
    void (*fn)(void *arg);
    void *arg;
    struct lock lock;
    struct cond done_cond;
    bool done GUARDED_BY(lock);
};

static void
loop_run_call(void *arg)
{
    struct loop_call *call = arg;
    call->fn(call->arg);
    LOCKED(&call->lock);
    call->done = true;
    cond_signal(&call->done_cond);
}

void
loop_call(struct loop *l, void (*fn)(void *arg), void *arg)
{
    ASSERT(!loop_is_current(l)); /* it would wait for itself */
    struct loop_call call = {.fn = fn, .arg = arg};
    lock_init(&call.lock, LOCK_RANK_LEAF);
    cond_init(&call.done_cond);
    loop_post(l, loop_run_call, &call);
    {
        LOCKED(&call.lock);
        while (!call.done)
            cond_wait(&call.done_cond, &call.lock);
    }
    cond_fini(&call.done_cond);
    lock_fini(&call.lock);
}

static void
loop_on_timer(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    struct loop_timer *t = arg;
    t->fn(t->arg);
}

static struct timeval
timeval_of_ms(uint64_t ms)
{
    return (struct timeval){(time_t)(ms / 1000), (suseconds_t)(ms % 1000 * 1000)};
}

struct loop_timer *
loop_timer_new(struct loop *l, uint64_t interval_ms, void (*fn)(void *arg), void *arg)
{
    ASSERT(loop_is_current(l));
    ASSERT(interval_ms > 0);
    struct loop_timer *t = mem_alloc_zero(sizeof *t);
    t->fn = fn;
    t->arg = arg;
    t->event = event_new(l->base, -1, EV_PERSIST, loop_on_timer, t);
    struct timeval every = timeval_of_ms(interval_ms);
    ASSERT(t->event); /* both fail only for want of memory */
    int failed = event_add(t->event, &every);
    ASSERT(failed == 0);
    return t;
}

struct loop_timer *
loop_alarm_new(struct loop *l, void (*fn)(void *arg), void *arg)
{
    ASSERT(loop_is_current(l));
    struct loop_timer *t = mem_alloc_zero(sizeof *t);
    t->fn = fn;
    t->arg = arg;
    t->event = event_new(l->base, -1, 0, loop_on_timer, t);
    ASSERT(t->event); /* fails only for want of memory */
    return t;
}

void
loop_alarm_set(struct loop_timer *t, uint64_t after_ms)
{
    struct timeval after = timeval_of_ms(after_ms);
    int failed = event_add(t->event, &after);
    ASSERT(failed == 0);
}

void
loop_alarm_clear(struct loop_timer *t)
{
    event_del(t->event);
}

void
loop_timer_free(struct loop_timer *t)
{
    if (!t)
        return;
    event_free(t->event);
    mem_free(t);
}
