/* Sums and means of many windows at once have the bits of each added up alone. */
#include "querygw/promql/window_sums.h"

#include <float.h>
#include <math.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "base/rand.h"
#include "querygw/promql/kahan.h"
#include "tests/harness.h"

enum { SAMPLES = 600, STEPS = 300 };

enum values { VALUES_DECIMAL, VALUES_WIDE, VALUES_HUGE, VALUES_ZERO, VALUES_ODD, VALUES_EDGE };

static const struct window_case {
    const char *name;
    enum values values;
    int64_t interval_ms, jitter_ms, step_ms, range_ms;
} window_cases[] = {
    {"decimals, much overlap", VALUES_DECIMAL, 15000, 0, 15000, 1800000},
    {"decimals, little overlap", VALUES_DECIMAL, 15000, 0, 15000, 60000},
    {"windows that touch", VALUES_DECIMAL, 1000, 0, 60000, 60000},
    {"windows apart", VALUES_DECIMAL, 1000, 0, 30000, 5000},
    {"all exponents", VALUES_WIDE, 15000, 0, 15000, 900000},
    {"sums that overflow", VALUES_HUGE, 15000, 0, 15000, 900000},
    {"zeros of both signs", VALUES_ZERO, 15000, 0, 15000, 600000},
    {"infinite and NaN", VALUES_ODD, 15000, 0, 15000, 900000},
    {"next to overflow", VALUES_EDGE, 15000, 0, 15000, 900000},
    {"irregular times", VALUES_DECIMAL, 15000, 14000, 15000, 1800000},
    {"gaps longer than a window", VALUES_DECIMAL, 60000, 3600000, 10000, 400000},
    {"steps finer than samples", VALUES_WIDE, 60000, 1000, 1000, 300000},
};

static double
value_of(enum values kind, size_t i, struct rand_gen *rng)
{
    uint64_t r = rand_u64(rng);
    switch (kind) {
    case VALUES_DECIMAL:
        return (double)(int64_t)(r % 20001) / 100 - 100;
    case VALUES_WIDE:
        return ldexp((double)(int64_t)r, (int)rand_below(rng, 400) - 200);
    case VALUES_HUGE:
        return (r & 1 ? 1 : -1) * ldexp(1, 1010 + (int)(r >> 1) % 14);
    case VALUES_ZERO:
        return r % 50 == 0 ? 0.1 : r & 1 ? 0 : -0.0;
    case VALUES_ODD:
        return r % 60 == 0 ? NAN : r % 60 == 1 ? INFINITY : r % 60 == 2 ? -INFINITY : 0.1;
    case VALUES_EDGE: /* sums stay finite, but not what TwoSum looks at to find their errors */
        return i % 16 == 0   ? -0x1.8p971
               : i % 16 == 1 ? DBL_MAX
               : i % 16 == 2 ? -DBL_MAX
               : i % 16 == 3 ? 0x1.8p971
                             : 0.1;
    }
    UNREACHABLE("every kind is above");
}

static double
sum_alone(const double *v, size_t n)
{
    struct kahan k = {0, 0};
    for (size_t i = 0; i < n; i++)
        kahan_add(&k, v[i]);
    return kahan_value(&k);
}

static double
mean_alone(const double *v, size_t n)
{
    struct kahan_mean m = {0};
    for (size_t i = 0; i < n; i++)
        kahan_mean_add(&m, v[i]);
    return kahan_mean_value(&m);
}

static void
check_column(const char *name, const struct windows *w, const struct column *got,
             double (*alone)(const double *v, size_t n))
{
    for (size_t step = 0; step < w->steps; step++) {
        int64_t end_ms = w->start_ms + (int64_t)step * w->step_ms;
        size_t lo = 0, hi = 0;
        while (lo < w->n && w->t_ms[lo] <= end_ms - w->range_ms)
            lo++;
        while (hi < w->n && w->t_ms[hi] <= end_ms)
            hi++;
        ck_assert_msg((lo < hi) == column_has(got, step), "%s: step %zu", name, step);
        if (lo == hi)
            continue;
        double want = alone(w->values + lo, hi - lo), v = got->values[step];
        bool same = isnan(want) ? isnan(v) : bits_of_f64(want) == bits_of_f64(v);
        ck_assert_msg(same, "%s: step %zu: %a, want %a", name, step, v, want);
    }
}

START_TEST(test_windows)
{
    const struct window_case *c = &window_cases[_i];
    struct rand_gen rng = rand_gen_of(11);
    static int64_t t_ms[SAMPLES];
    static double values[SAMPLES];
    int64_t t = 0;
    for (size_t i = 0; i < SAMPLES; i++) {
        t += c->interval_ms +
             (c->jitter_ms && i % 20 == 0 ? (int64_t)rand_below(&rng, (uint64_t)c->jitter_ms) : 0);
        t_ms[i] = t;
        values[i] = value_of(c->values, i, &rng);
    }
    struct promql_grid grid = {0, c->step_ms, STEPS};
    struct windows w = {.t_ms = t_ms,
                        .values = values,
                        .n = SAMPLES,
                        .start_ms = c->interval_ms * 3 / 2,
                        .step_ms = c->step_ms,
                        .range_ms = c->range_ms,
                        .steps = STEPS,
                        .grid = &grid};
    struct arena a;
    arena_init(&a, 0);
    struct exec x = {.arena = &a};
    struct column sums, means;
    column_init(&sums, &a, STEPS);
    column_init(&means, &a, STEPS);
    CK_OK(window_sums(&x, &w, &sums));
    CK_OK(window_means(&x, &w, &means));
    check_column(c->name, &w, &sums, sum_alone);
    check_column(c->name, &w, &means, mean_alone);
    ck_assert_uint_gt(x.work, 0);
    arena_fini(&a);
}
END_TEST

Suite *
window_sums_suite(void)
{
    Suite *s = suite_create("window_sums");
    TCase *t = tcase_create("window_sums");
    tcase_add_loop_test(t, test_windows, 0, ARRAY_LEN(window_cases));
    suite_add_tcase(s, t);
    return s;
}
