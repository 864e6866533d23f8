/* The system clocks move forward; the manual clock moves when told, on both its faces. */
#include "tests/harness.h"

#include "base/clock.h"

START_TEST(test_system)
{
    const struct clock *c = clock_system();
    ck_assert_int_gt(clock_wall_ms(c), INT64_C(1577836800000)); /* 2020 */
    uint64_t before_ns = clock_mono_ns(c);
    clock_sleep_ns(c, 2000000);
    uint64_t after_ns = clock_mono_ns(c);
    ck_assert_uint_ge(after_ns - before_ns, 2000000);
    ck_assert_uint_gt(clock_process_cpu_ns(), 0);
}
END_TEST

START_TEST(test_manual)
{
    struct clock_manual m;
    clock_manual_init(&m, 5000);
    const struct clock *c = &m.clock;
    uint64_t start_ns = clock_mono_ns(c);
    ck_assert_uint_gt(start_ns, 0);
    ck_assert_int_eq(clock_wall_ms(c), 5000);
    ck_assert_int_eq(clock_wall_ms(c), 5000); /* stands still */
    clock_manual_advance_ms(&m, 1500);
    ck_assert_int_eq(clock_wall_ms(c), 6500);
    ck_assert_uint_eq(clock_mono_ns(c) - start_ns, UINT64_C(1500000000));
}
END_TEST

/* Sleeps below a millisecond are not lost on the wall clock. */
START_TEST(test_manual_sleep)
{
    struct clock_manual m;
    clock_manual_init(&m, 0);
    for (int i = 0; i < 1000; i++)
        clock_sleep_ns(&m.clock, 2500);
    ck_assert_int_eq(clock_wall_ms(&m.clock), 2);
}
END_TEST

Suite *
clock_suite(void)
{
    Suite *s = suite_create("clock");
    TCase *t = tcase_create("clock");
    tcase_add_test(t, test_system);
    tcase_add_test(t, test_manual);
    tcase_add_test(t, test_manual_sleep);
    suite_add_tcase(s, t);
    return s;
}
