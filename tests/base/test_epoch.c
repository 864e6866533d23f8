/* Retired memory lives exactly as long as a reader who may see it. */
#include "tests/harness.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/clock.h"
#include "base/epoch.h"
#include "base/mem.h"

START_TEST(test_waits_for_readers)
{
    struct epoch *e = epoch_open();
    struct epoch_guard before = epoch_enter(e);
    epoch_retire(e, mem_alloc(10));
    epoch_collect(e);
    epoch_collect(e);
    ck_assert_uint_eq(epoch_pending(e), 1); /* `before` may have seen it */

    struct epoch_guard after = epoch_enter(e);
    epoch_leave(e, before);
    epoch_collect(e);
    ck_assert_uint_eq(epoch_pending(e), 0); /* `after` cannot */
    epoch_leave(e, after);
    epoch_close(e);
}
END_TEST

START_TEST(test_nobody_inside)
{
    struct epoch *e = epoch_open();
    epoch_collect(e);
    for (int i = 0; i < 1000; i++) {
        epoch_retire(e, mem_alloc(10));
        ck_assert_uint_lt(epoch_pending(e), 200); /* collects by itself */
    }
    epoch_collect(e);
    ck_assert_uint_eq(epoch_pending(e), 0);
    epoch_retire(e, mem_alloc(10)); /* left to epoch_close() */
    epoch_close(e);
    epoch_close(NULL);
}
END_TEST

/* A slow reader holds back what came after it, and everything is freed once it leaves. */
START_TEST(test_slow_reader)
{
    struct epoch *e = epoch_open();
    for (int i = 0; i < 10; i++)
        epoch_retire(e, mem_alloc(10));
    struct epoch_guard slow = epoch_enter(e);
    for (int i = 0; i < 1000; i++) {
        struct epoch_guard quick = epoch_enter(e);
        epoch_retire(e, mem_alloc(10));
        epoch_leave(e, quick);
    }
    ck_assert_uint_ge(epoch_pending(e), 1000);
    epoch_leave(e, slow);
    epoch_collect(e);
    ck_assert_uint_eq(epoch_pending(e), 0);
    epoch_close(e);
}
END_TEST

struct crowd {
    struct epoch *e;
    _Atomic(bool) got_in;
};

static void *
enter_late(void *arg)
{
    struct crowd *c = arg;
    struct epoch_guard g = epoch_enter(c->e);
    atomic_store(&c->got_in, true);
    epoch_leave(c->e, g);
    return NULL;
}

START_TEST(test_all_places_taken)
{
    struct crowd c = {.e = epoch_open()};
    struct epoch_guard guards[EPOCH_READERS_MAX];
    for (size_t i = 0; i < ARRAY_LEN(guards); i++) {
        guards[i] = epoch_enter(c.e);
        for (size_t j = 0; j < i; j++)
            ck_assert_uint_ne(guards[j].slot, guards[i].slot);
    }
    pthread_t late;
    ck_assert_int_eq(pthread_create(&late, NULL, enter_late, &c), 0);
    clock_sleep_ns(clock_system(), 2000000);
    ck_assert(!atomic_load(&c.got_in));
    epoch_leave(c.e, guards[77]);
    pthread_join(late, NULL);
    ck_assert(atomic_load(&c.got_in));
    for (size_t i = 0; i < ARRAY_LEN(guards); i++) {
        if (i != 77)
            epoch_leave(c.e, guards[i]);
    }
    epoch_close(c.e);
}
END_TEST

enum { READERS = 3, WRITERS = 2, REPLACEMENTS = 5000 };

struct node {
    uint64_t value, twice; /* a freed or half-built one does not match */
};

struct stage {
    struct epoch *e;
    _Atomic(struct node *) node; /* release on replacing pairs with acquire on reading */
    _Atomic(bool) over;
};

static struct node *
new_node(uint64_t value)
{
    struct node *n = mem_alloc(sizeof *n);
    *n = (struct node){value, 2 * value};
    return n;
}

static void *
follow(void *arg)
{
    struct stage *s = arg;
    uint64_t wrong = 0;
    while (!atomic_load_explicit(&s->over, memory_order_relaxed)) {
        struct epoch_guard g = epoch_enter(s->e);
        for (int i = 0; i < 10; i++) {
            struct node *n = atomic_load_explicit(&s->node, memory_order_acquire);
            wrong += n->twice != 2 * n->value;
        }
        epoch_leave(s->e, g);
    }
    return (void *)(uintptr_t)wrong;
}

static void *
replace(void *arg)
{
    struct stage *s = arg;
    for (uint64_t i = 0; i < REPLACEMENTS; i++) {
        struct node *old =
            atomic_exchange_explicit(&s->node, new_node(i), memory_order_acq_rel);
        epoch_retire(s->e, old);
    }
    return NULL;
}

START_TEST(test_stress)
{
    struct stage s = {.e = epoch_open()};
    atomic_init(&s.node, new_node(0));
    pthread_t readers[READERS], writers[WRITERS];
    for (int i = 0; i < READERS; i++)
        ck_assert_int_eq(pthread_create(&readers[i], NULL, follow, &s), 0);
    for (int i = 0; i < WRITERS; i++)
        ck_assert_int_eq(pthread_create(&writers[i], NULL, replace, &s), 0);
    for (int i = 0; i < WRITERS; i++)
        pthread_join(writers[i], NULL);
    atomic_store(&s.over, true);
    for (int i = 0; i < READERS; i++) {
        void *wrong = NULL;
        pthread_join(readers[i], &wrong);
        ck_assert_ptr_null(wrong);
    }
    epoch_collect(s.e);
    ck_assert_uint_eq(epoch_pending(s.e), 0);
    mem_free(atomic_load(&s.node));
    epoch_close(s.e);
}
END_TEST

Suite *
epoch_suite(void)
{
    Suite *s = suite_create("epoch");
    TCase *t = tcase_create("epoch");
    tcase_add_test(t, test_waits_for_readers);
    tcase_add_test(t, test_nobody_inside);
    tcase_add_test(t, test_slow_reader);
    tcase_add_test(t, test_all_places_taken);
    tcase_add_test(t, test_stress);
    suite_add_tcase(s, t);
    return s;
}
