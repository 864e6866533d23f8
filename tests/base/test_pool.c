/* Every submitted job runs once, a full pool refuses, and shared loops end in every situation. */
#include "tests/harness.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/lock.h"
#include "base/mem.h"
#include "base/pool.h"

static struct pool *
start(size_t threads, size_t queued_limit)
{
    struct pool *p = NULL;
    CK_OK(pool_start(
        &(struct pool_opts){.name = "test", .threads = threads, .queued_limit = queued_limit}, &p));
    return p;
}

static void
count_one(void *arg)
{
    atomic_fetch_add((_Atomic(int) *)arg, 1);
}

/* Jobs that wait until the gate opens keep the threads busy. */
struct gate {
    struct lock lock;
    struct cond changed;
    int inside;
    bool open;
};

static void
gate_init(struct gate *g)
{
    *g = (struct gate){.open = false};
    lock_init(&g->lock, LOCK_RANK_LEAF);
    cond_init(&g->changed);
}

static void
gate_fini(struct gate *g)
{
    cond_fini(&g->changed);
    lock_fini(&g->lock);
}

static void
gate_pass(void *arg)
{
    struct gate *g = arg;
    LOCKED(&g->lock);
    g->inside++;
    cond_broadcast(&g->changed);
    while (!g->open)
        cond_wait(&g->changed, &g->lock);
}

static void
gate_wait_inside(struct gate *g, int count)
{
    LOCKED(&g->lock);
    while (g->inside < count)
        cond_wait(&g->changed, &g->lock);
}

static void
gate_open(struct gate *g)
{
    LOCKED(&g->lock);
    g->open = true;
    cond_broadcast(&g->changed);
}

START_TEST(test_runs_all)
{
    _Atomic(int) ran = 0;
    struct pool *p = start(3, 1000);
    ck_assert_uint_eq(pool_threads(p), 3);
    for (int i = 0; i < 1000; i++)
        ck_assert(pool_submit(p, count_one, &ran));
    pool_stop(p); /* after the queued ones */
    ck_assert_int_eq(atomic_load(&ran), 1000);
    pool_stop(NULL);
}
END_TEST

static void
note_niceness(void *arg)
{
    *(int *)arg = getpriority(PRIO_PROCESS, 0);
}

/* Of its threads; the caller's stays. */
START_TEST(test_niceness)
{
    int own = getpriority(PRIO_PROCESS, 0), inside = -100;
    struct pool *p = NULL;
    struct pool_opts opts = {.name = "test", .threads = 1, .queued_limit = 1, .niceness = 3};
    CK_OK(pool_start(&opts, &p));
    ck_assert(pool_submit(p, note_niceness, &inside));
    pool_stop(p);
    ck_assert_int_eq(inside, own > 16 ? 19 : own + 3);
    ck_assert_int_eq(getpriority(PRIO_PROCESS, 0), own);
}
END_TEST

START_TEST(test_full)
{
    struct gate gate;
    gate_init(&gate);
    _Atomic(int) ran = 0;
    struct pool *p = start(2, 3);
    for (int i = 0; i < 2; i++) {
        ck_assert(pool_submit(p, gate_pass, &gate));
        gate_wait_inside(&gate, i + 1);
    }
    for (int i = 0; i < 3; i++)
        ck_assert(pool_submit(p, count_one, &ran));
    ck_assert_uint_eq(pool_queued(p), 3);
    ck_assert(!pool_submit(p, count_one, &ran));
    gate_open(&gate);
    pool_stop(p);
    ck_assert_int_eq(atomic_load(&ran), 3);
    gate_fini(&gate);
}
END_TEST

struct sum {
    int done[1000]; /* plain: each index has one writer, and the caller reads after the loop */
    pthread_t caller;
    bool alone; /* every index must be run by `caller` */
};

static void
mark(void *arg, size_t i)
{
    struct sum *s = arg;
    if (s->alone)
        ck_assert(pthread_equal(pthread_self(), s->caller));
    s->done[i]++;
}

static void
expect_once(const struct sum *s, size_t count)
{
    for (size_t i = 0; i < ARRAY_LEN(s->done); i++)
        ck_assert_int_eq(s->done[i], i < count);
}

static const size_t for_each_counts[] = {0, 1, 2, 3, 1000};

START_TEST(test_for_each)
{
    struct pool *p = start(2, 10);
    for (int round = 0; round < 20; round++) {
        struct sum s = {.alone = false};
        pool_for_each(p, for_each_counts[_i], mark, &s);
        expect_once(&s, for_each_counts[_i]);
    }
    pool_stop(p);
}
END_TEST

/* All threads are stuck and the queue is full: the caller does it alone. */
START_TEST(test_for_each_when_full)
{
    struct gate gate;
    gate_init(&gate);
    struct pool *p = start(1, 1);
    ck_assert(pool_submit(p, gate_pass, &gate));
    gate_wait_inside(&gate, 1);
    ck_assert(pool_submit(p, gate_pass, &gate));
    struct sum s = {.caller = pthread_self(), .alone = true};
    pool_for_each(p, 1000, mark, &s);
    expect_once(&s, 1000);
    gate_open(&gate);
    pool_stop(p);
    gate_fini(&gate);
}
END_TEST

/* The helper is queued but gets its turn only after the loop has ended. */
START_TEST(test_for_each_late_helper)
{
    struct gate gate;
    gate_init(&gate);
    struct pool *p = start(1, 5);
    ck_assert(pool_submit(p, gate_pass, &gate));
    gate_wait_inside(&gate, 1);
    {
        struct sum s = {.caller = pthread_self(), .alone = true};
        pool_for_each(p, 1000, mark, &s);
        expect_once(&s, 1000);
    }
    ck_assert_uint_eq(pool_queued(p), 1);
    gate_open(&gate);
    pool_stop(p);
    gate_fini(&gate);
}
END_TEST

struct who {
    struct lock lock;
    struct cond ran_cond;
    pthread_t thread;
    bool ran;
};

static void
say_who(void *arg)
{
    struct who *w = arg;
    LOCKED(&w->lock);
    w->thread = pthread_self();
    w->ran = true;
    cond_signal(&w->ran_cond);
}

/* Jobs one after the other are few threads' work, usually one's: the last to wait is woken. */
START_TEST(test_few_threads_for_little_work)
{
    enum { THREADS = 16, JOBS = 3 * THREADS };
    struct pool *p = start(THREADS, 10);
    pthread_t seen[JOBS];
    size_t count = 0;
    for (size_t i = 0; i < JOBS; i++) {
        struct who w = {.ran = false};
        lock_init(&w.lock, LOCK_RANK_LEAF);
        cond_init(&w.ran_cond);
        ck_assert(pool_submit(p, say_who, &w));
        {
            LOCKED(&w.lock);
            while (!w.ran)
                cond_wait(&w.ran_cond, &w.lock);
        }
        cond_fini(&w.ran_cond);
        lock_fini(&w.lock);
        usleep(2000); /* until the thread waits again */
        size_t known = 0;
        while (known < count && !pthread_equal(seen[known], w.thread))
            known++;
        if (known == count)
            seen[count++] = w.thread;
    }
    ck_assert_uint_lt(count, THREADS / 2);
    pool_stop(p);
}
END_TEST

struct nested {
    struct pool *p;
    _Atomic(int) ran;
};

static void
count_item(void *arg, size_t i)
{
    (void)i;
    atomic_fetch_add(&((struct nested *)arg)->ran, 1);
}

static void
loop_inside(void *arg, size_t i)
{
    (void)i;
    pool_for_each(((struct nested *)arg)->p, 10, count_item, arg);
}

static void
job_with_loop(void *arg)
{
    pool_for_each(((struct nested *)arg)->p, 10, loop_inside, arg);
}

/* Every thread of the pool runs a job that loops on the same pool, with a loop inside. */
START_TEST(test_for_each_inside_jobs)
{
    struct nested n = {.p = start(2, 100)};
    for (int i = 0; i < 8; i++)
        ck_assert(pool_submit(n.p, job_with_loop, &n));
    pool_stop(n.p);
    ck_assert_int_eq(atomic_load(&n.ran), 8 * 10 * 10);
}
END_TEST

Suite *
pool_suite(void)
{
    Suite *s = suite_create("pool");
    TCase *t = tcase_create("pool");
    tcase_add_test(t, test_runs_all);
    tcase_add_test(t, test_niceness);
    tcase_add_test(t, test_full);
    tcase_add_test(t, test_few_threads_for_little_work);
    tcase_add_loop_test(t, test_for_each, 0, ARRAY_LEN(for_each_counts));
    tcase_add_test(t, test_for_each_when_full);
    tcase_add_test(t, test_for_each_late_helper);
    tcase_add_test(t, test_for_each_inside_jobs);
    suite_add_tcase(s, t);
    return s;
}
