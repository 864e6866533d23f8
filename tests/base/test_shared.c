/* Bytes stay where and what they are until the last owner has given them back. */
#include <pthread.h>

#include "base/budget.h"
#include "base/shared.h"
#include "tests/harness.h"

START_TEST(test_copied_and_taken)
{
    char text[] = "bytes";
    AUTO(shared_unref) struct shared *copy = shared_new(str_of(text, 5));
    text[0] = 'B';
    ck_assert(str_eq(shared_bytes(copy), STR("bytes")));

    struct buf b = BUF_INIT;
    buf_append(&b, STR("moved"));
    const char *at = b.p;
    AUTO(shared_unref) struct shared *taken = shared_take(&b);
    ck_assert_ptr_null(b.p);
    ck_assert_ptr_eq(shared_bytes(taken).p, at);
    AUTO(shared_unref) struct shared *empty = shared_take(&b);
    ck_assert_uint_eq(shared_bytes(empty).n, 0);
    shared_unref(NULL);
}
END_TEST

/* A budget counts the room that was taken, until the last reference goes. */
START_TEST(test_charged)
{
    struct budget budget = {.limit_bytes = 1000};
    struct buf moved = {mem_alloc(100), 40, 100};
    struct shared *s = shared_take_charged(&moved, &budget);
    ck_assert_ptr_null(moved.p);
    ck_assert_uint_eq(budget_used(&budget), 100);
    shared_unref(shared_ref(s));
    ck_assert_uint_eq(budget_used(&budget), 100);
    shared_unref(s);
    ck_assert_uint_eq(budget_used(&budget), 0);
}
END_TEST

/* Run by each thread with a reference of its own. */
static void *
hold_and_give_back(void *arg)
{
    struct shared *s = arg;
    for (int i = 0; i < 1000; i++) {
        struct shared *more = shared_ref(s);
        ck_assert(str_eq(shared_bytes(more), STR("held by many")));
        shared_unref(more);
    }
    shared_unref(s);
    return NULL;
}

START_TEST(test_threads)
{
    enum { THREADS = 4 };
    pthread_t threads[THREADS];
    struct shared *s = shared_new(STR("held by many"));
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, hold_and_give_back, shared_ref(s)), 0);
    shared_unref(s); /* one of the threads is the last owner */
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
}
END_TEST

Suite *
shared_suite(void)
{
    Suite *s = suite_create("shared");
    TCase *t = tcase_create("shared");
    tcase_add_test(t, test_copied_and_taken);
    tcase_add_test(t, test_charged);
    tcase_add_test(t, test_threads);
    suite_add_tcase(s, t);
    return s;
}
