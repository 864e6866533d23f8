/* A quantile of values in any order is that of the sorted values. */
#include "querygw/promql/quantile.h"

#include <string.h>

#include "base/mem.h"
#include "base/rand.h"
#include "tests/harness.h"

enum { VALUES_MAX = 400 };

static double
any_value(size_t i, size_t n, uint64_t random)
{
    (void)i, (void)n;
    return (double)(int64_t)random;
}

static double
few_values(size_t i, size_t n, uint64_t random)
{
    (void)i, (void)n;
    return (double)(random % 3);
}

static double
one_value(size_t i, size_t n, uint64_t random)
{
    (void)i, (void)n, (void)random;
    return 42;
}

static double
ascending(size_t i, size_t n, uint64_t random)
{
    (void)n, (void)random;
    return (double)i;
}

static double
descending(size_t i, size_t n, uint64_t random)
{
    (void)random;
    return (double)(n - i);
}

static double
up_and_down(size_t i, size_t n, uint64_t random)
{
    (void)random;
    return (double)(i < n / 2 ? i : n - i);
}

static double
odd_values(size_t i, size_t n, uint64_t random)
{
    static const double odd[] = {NAN, INFINITY, -INFINITY, 1, 2, 3, 4};
    (void)i, (void)n;
    return odd[random % ARRAY_LEN(odd)];
}

static double
only_nan(size_t i, size_t n, uint64_t random)
{
    (void)i, (void)n, (void)random;
    return NAN;
}

static const struct order_case {
    const char *name;
    double (*value)(size_t i, size_t n, uint64_t random);
} order_cases[] = {
    {"any", any_value},         {"few", few_values},           {"one", one_value},
    {"ascending", ascending},   {"descending", descending},    {"up and down", up_and_down},
    {"odd values", odd_values}, {"nothing but NaN", only_nan},
};

START_TEST(test_of_values)
{
    static const double quantiles[] = {0, 1, 0.5, 0.9, 0.25, 0.001, 0.999, -1, 2, NAN};
    const struct order_case *c = &order_cases[_i];
    struct rand_gen rng = rand_gen_of(5);
    for (size_t n = 1; n <= VALUES_MAX; n += 1 + n / 20)
        for (size_t k = 0; k < ARRAY_LEN(quantiles); k++) {
            double v[VALUES_MAX], sorted[VALUES_MAX], q = quantiles[k];
            for (size_t i = 0; i < n; i++)
                v[i] = c->value(i, n, rand_u64(&rng));
            memcpy(sorted, v, n * sizeof *v);
            values_sort(sorted, n);
            double want = quantile_of_sorted(q, sorted, n), got = quantile_of_values(q, v, n);
            ck_assert_msg(isnan(want) ? isnan(got) : want == got,
                          "%s, %zu values, q %g: %g, not %g", c->name, n, q, got, want);
            values_sort(v, n); /* nothing came or went */
            for (size_t i = 0; i < n; i++)
                ck_assert(isnan(v[i]) ? isnan(sorted[i]) : v[i] == sorted[i]);
        }
}
END_TEST

Suite *
quantile_suite(void)
{
    Suite *s = suite_create("quantile");
    TCase *t = tcase_create("quantile");
    tcase_add_loop_test(t, test_of_values, 0, ARRAY_LEN(order_cases));
    suite_add_tcase(s, t);
    return s;
}
