/* Sums side by side have the bits that kahan_add() gives each alone. */
#include "base/kahan_lanes.h"

#include <math.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "base/rand.h"
#include "tests/harness.h"

enum { VALUES = 1000 };

static double
decimal(struct rand_gen *rng)
{
    return (double)(int64_t)rand_below(rng, 20001) / 100 - 100;
}

static double
of_any_size(struct rand_gen *rng)
{
    return ldexp((double)(int64_t)rand_u64(rng), (int)rand_below(rng, 2000) - 1100);
}

static double
cancelling(struct rand_gen *rng)
{
    double v = ldexp(1, (int)rand_below(rng, 120));
    return rand_below(rng, 2) ? v : -v;
}

static const struct lanes_case {
    const char *name;
    double (*value)(struct rand_gen *rng);
    void (*add)(const double *v, size_t n, struct kahan sums[KAHAN_LANES]);
} lanes_cases[] = {
    {"decimals", decimal, kahan_lanes_add},
    {"any size", of_any_size, kahan_lanes_add},
    {"cancelling", cancelling, kahan_lanes_add},
    {"decimals, in pairs", decimal, kahan_lanes_add_in_pairs},
    {"any size, in pairs", of_any_size, kahan_lanes_add_in_pairs},
    {"cancelling, in pairs", cancelling, kahan_lanes_add_in_pairs},
};

START_TEST(test_lanes)
{
    const struct lanes_case *c = &lanes_cases[_i];
    struct rand_gen rng = rand_gen_of(3);
    for (size_t n = 0; n <= VALUES; n += 1 + n / 3) {
        double v[VALUES];
        struct kahan got[KAHAN_LANES], want[KAHAN_LANES];
        for (size_t i = 0; i < n; i++)
            v[i] = c->value(&rng);
        for (size_t k = 0; k < KAHAN_LANES; k++)
            got[k] = want[k] =
                (struct kahan){c->value(&rng), k == 1 ? c->value(&rng) * 0x1p-60 : 0};
        c->add(v, n, got);
        for (size_t k = 0; k < KAHAN_LANES; k++) {
            for (size_t i = 0; i < n; i++)
                kahan_add(&want[k], v[i]);
            ck_assert_msg(isfinite(want[k].sum), "%s: no test of sums that overflow", c->name);
            ck_assert_msg(bits_of_f64(got[k].sum) == bits_of_f64(want[k].sum) &&
                              bits_of_f64(got[k].c) == bits_of_f64(want[k].c),
                          "%s, %zu values, lane %zu: %a + %a, not %a + %a", c->name, n, k,
                          got[k].sum, got[k].c, want[k].sum, want[k].c);
        }
    }
}
END_TEST

Suite *
kahan_lanes_suite(void)
{
    Suite *s = suite_create("kahan_lanes");
    TCase *t = tcase_create("kahan_lanes");
    tcase_add_loop_test(t, test_lanes, 0, ARRAY_LEN(lanes_cases));
    suite_add_tcase(s, t);
    return s;
}
