/* The count follows the affinity mask of the process. */
#include "tests/harness.h"

#include <sched.h>
#include <stdbool.h>

#include "base/cpu.h"

START_TEST(test_affinity)
{
    cpu_set_t before, one;
    ck_assert_int_eq(sched_getaffinity(0, sizeof before, &before), 0);
    ck_assert_uint_eq(cpu_count(), (unsigned)CPU_COUNT(&before));

    int first = 0;
    while (!CPU_ISSET(first, &before))
        first++;
    CPU_ZERO(&one);
    CPU_SET(first, &one);
    ck_assert_int_eq(sched_setaffinity(0, sizeof one, &one), 0);
    unsigned narrowed = cpu_count();
    ck_assert_int_eq(sched_setaffinity(0, sizeof before, &before), 0);
    ck_assert_uint_eq(narrowed, 1);
}
END_TEST

Suite *
cpu_suite(void)
{
    Suite *s = suite_create("cpu");
    TCase *t = tcase_create("cpu");
    tcase_add_test(t, test_affinity);
    suite_add_tcase(s, t);
    return s;
}
