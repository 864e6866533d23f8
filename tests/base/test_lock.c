/* Locks exclude, conditions wake and time out, and a wrong order is caught in debug builds. */
#include "config.h"

#include "tests/harness.h"

#include <signal.h>

#include "base/clock.h"
#include "base/lock.h"
#include "base/mem.h"

enum { THREADS = 4, TURNS = 20000 };

struct counters {
    struct lock lock;
    struct spin spin;
    int under_lock, under_spin; /* plain ints: lost updates show a broken lock */
};

static void *
count_up(void *arg)
{
    struct counters *c = arg;
    for (int i = 0; i < TURNS; i++) {
        {
            LOCKED(&c->lock);
            c->under_lock++;
        }
        spin_acquire(&c->spin);
        c->under_spin++;
        spin_release(&c->spin);
    }
    return NULL;
}

START_TEST(test_exclusion)
{
    struct counters c = {.under_lock = 0};
    lock_init(&c.lock, LOCK_RANK_LEAF);
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, count_up, &c), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    ck_assert_int_eq(c.under_lock, THREADS * TURNS);
    ck_assert_int_eq(c.under_spin, THREADS * TURNS);
    lock_fini(&c.lock);
}
END_TEST

static int
read_locked(struct counters *c)
{
    LOCKED(&c->lock);
    return c->under_lock; /* released on return */
}

START_TEST(test_scope)
{
    struct counters c = {.under_lock = 7};
    lock_init(&c.lock, LOCK_RANK_LEAF);
    ck_assert_int_eq(read_locked(&c), 7);
    lock_acquire(&c.lock);
    ck_assert(lock_is_held(&c.lock));
    lock_release(&c.lock);
    lock_fini(&c.lock); /* aborts when it is still held */
}
END_TEST

struct meeting {
    struct lock lock;
    struct cond cond;
    int arrived GUARDED_BY(lock);
};

static void *
arrive(void *arg)
{
    struct meeting *m = arg;
    LOCKED(&m->lock);
    m->arrived++;
    cond_broadcast(&m->cond);
    while (m->arrived < THREADS)
        cond_wait(&m->cond, &m->lock);
    return NULL;
}

START_TEST(test_cond)
{
    struct meeting m = {.arrived = 0};
    lock_init(&m.lock, LOCK_RANK_LEAF);
    cond_init(&m.cond);
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, arrive, &m), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    ck_assert_int_eq(m.arrived, THREADS);
    cond_fini(&m.cond);
    lock_fini(&m.lock);
}
END_TEST

START_TEST(test_cond_deadline)
{
    struct meeting m = {.arrived = 0};
    lock_init(&m.lock, LOCK_RANK_LEAF);
    cond_init(&m.cond);
    lock_acquire(&m.lock);
    uint64_t deadline_ns = clock_mono_ns(clock_system()) + 5000000;
    while (cond_wait_until(&m.cond, &m.lock, deadline_ns))
        ck_assert_uint_lt(clock_mono_ns(clock_system()), deadline_ns + 1000000000);
    ck_assert_uint_ge(clock_mono_ns(clock_system()), deadline_ns);
    ck_assert(!cond_wait_until(&m.cond, &m.lock, 0)); /* long past */
    lock_release(&m.lock);
    cond_fini(&m.cond);
    lock_fini(&m.lock);
}
END_TEST

/* Any order of release is fine as long as ranks ascend while taking. */
START_TEST(test_rank_ascending)
{
    struct lock low, middle, high;
    lock_init(&low, LOCK_RANK_TENANTS);
    lock_init(&middle, LOCK_RANK_EPOCH);
    lock_init(&high, LOCK_RANK_LEAF);
    lock_acquire(&low);
    lock_acquire(&middle);
    lock_acquire(&high);
    lock_release(&middle);
    lock_release(&high);
    lock_acquire(&middle);
    lock_release(&middle);
    lock_release(&low);
    lock_fini(&low);
    lock_fini(&middle);
    lock_fini(&high);
}
END_TEST

#ifdef MNEME_DEBUG
static const struct rank_case {
    const char *name;
    enum lock_rank first, second;
} bad_ranks[] = {
    {"descending", LOCK_RANK_LEAF, LOCK_RANK_EPOCH},
    {"equal", LOCK_RANK_EPOCH, LOCK_RANK_EPOCH},
};

START_TEST(test_rank_wrong)
{
    struct lock first, second;
    lock_init(&first, bad_ranks[_i].first);
    lock_init(&second, bad_ranks[_i].second);
    lock_acquire(&first);
    lock_acquire(&second); /* aborts */
}
END_TEST

START_TEST(test_release_unheld)
{
    struct lock l;
    lock_init(&l, LOCK_RANK_LEAF);
    lock_release(&l); /* aborts */
}
END_TEST

static void
add_abort_tests(TCase *t)
{
    if (!test_forks())
        return;
    tcase_add_loop_test_raise_signal(t, test_rank_wrong, SIGABRT, 0, (int)ARRAY_LEN(bad_ranks));
    tcase_add_test_raise_signal(t, test_release_unheld, SIGABRT);
}
#else
static void
add_abort_tests(TCase *t)
{
    (void)t;
}
#endif

Suite *
lock_suite(void)
{
    Suite *s = suite_create("lock");
    TCase *t = tcase_create("lock");
    tcase_add_test(t, test_exclusion);
    tcase_add_test(t, test_scope);
    tcase_add_test(t, test_cond);
    tcase_add_test(t, test_cond_deadline);
    tcase_add_test(t, test_rank_ascending);
    add_abort_tests(t);
    suite_add_tcase(s, t);
    return s;
}
