/* A vector keeps its items through growth; an index past the end is a bug that aborts. */
#include "tests/harness.h"

#include <signal.h>

#include "base/vec.h"

START_TEST(test_push_pop)
{
    VEC(int) v = VEC_INIT;
    for (int i = 0; i < 1000; i++)
        vec_push(&v, i);
    int want = 0;
    vec_each (&v, item)
        ck_assert_int_eq(*item, want++);
    ck_assert_int_eq(want, 1000);
    ck_assert_int_eq(vec_pop(&v), 999);
    ck_assert_int_eq(*vec_last(&v), 998);
    ck_assert_int_eq(*vec_at(&v, 5), 5);
    vec_fini(&v);
}
END_TEST

START_TEST(test_bad_index)
{
    VEC(int) v = VEC_INIT;
    vec_push(&v, 1);
    *vec_at(&v, 1) = 2;
}
END_TEST

Suite *
vec_suite(void)
{
    Suite *s = suite_create("vec");
    TCase *t = tcase_create("vec");
    tcase_add_test(t, test_push_pop);
    if (test_forks())
        tcase_add_test_raise_signal(t, test_bad_index, SIGABRT);
    suite_add_tcase(s, t);
    return s;
}
