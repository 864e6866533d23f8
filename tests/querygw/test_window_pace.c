/* Windows whose bounds are computed are those that are found sample by sample. */
#include "tests/harness.h"

#include "base/mem.h"
#include "base/rand.h"
#include "querygw/promql/func_range.h"

enum { SAMPLES = 60, ROUNDS = 20000 };

static struct window_pace_counts
count_slowly(const struct windows *w)
{
    struct window_pace_counts counts = {0, 0};
    struct window_cursor c = window_cursor_start();
    size_t read_to = 0;
    for (size_t step = 0; step < w->steps; step++) {
        if (!window_move(w, &c, step))
            continue;
        counts.total += c.hi - c.lo;
        counts.read += c.hi > read_to ? c.hi - size_max(c.lo, read_to) : 0;
        read_to = c.hi;
    }
    return counts;
}

static void
check_same(const struct windows *even)
{
    struct windows slow = *even;
    slow.pace.even = false;
    struct window_cursor x = window_cursor_start(), y = window_cursor_start();
    for (size_t step = 0; step < even->steps; step++) {
        bool any = window_move(even, &x, step);
        ck_assert_int_eq(any, window_move(&slow, &y, step));
        if (any)
            ck_assert(x.lo == y.lo && x.hi == y.hi);
    }
    struct window_pace_counts quick = window_pace_count(even), slowly = count_slowly(&slow);
    ck_assert_uint_eq(quick.total, slowly.total);
    ck_assert_uint_eq(quick.read, slowly.read);
}

/* A number in [0, n). */
static int64_t
below(struct rand_gen *rng, uint64_t n)
{
    return (int64_t)rand_below(rng, n);
}

START_TEST(test_random)
{
    struct rand_gen rng = rand_gen_of(7);
    int64_t t_ms[SAMPLES];
    size_t even = 0;
    for (int round = 0; round < ROUNDS; round++) {
        int64_t apart = 1 + below(&rng, 20);
        struct windows w = {.t_ms = t_ms,
                            .n = (size_t)below(&rng, SAMPLES + 1),
                            .start_ms = below(&rng, 600) - 300,
                            .step_ms = apart * below(&rng, 4) + (below(&rng, 8) == 0),
                            .range_ms = below(&rng, 200),
                            .steps = (uint32_t)(1 + below(&rng, 90))};
        int64_t first = below(&rng, 400) - 200;
        for (size_t i = 0; i < w.n; i++)
            t_ms[i] = first + (int64_t)i * apart;
        if (w.n > 2 && below(&rng, 4) == 0)
            t_ms[w.n - 1]++;
        w.pace = window_pace_find(&w);
        even += w.pace.even;
        if (w.pace.even)
            check_same(&w);
    }
    ck_assert_uint_gt(even, ROUNDS / 2);
    ck_assert_uint_lt(even, ROUNDS * 9 / 10);
}
END_TEST

static const struct uneven_case {
    const char *name;
    int64_t t_ms[5];
    size_t n;
    int64_t start_ms, step_ms, range_ms;
    bool even;
} uneven_cases[] = {
    {"even", {0, 15, 30, 45, 60}, 5, 0, 15, 30, true},
    {"one step", {0, 15, 30, 45, 60}, 5, 0, 0, 30, true},
    {"steps between samples", {0, 15, 30, 45, 60}, 5, 0, 20, 30, false},
    {"a late scrape", {0, 15, 31, 45, 60}, 5, 0, 15, 30, false},
    {"a gap", {0, 15, 30, 60, 75}, 5, 0, 15, 30, false},
    {"too few", {0, 15, 30}, 3, 0, 15, 30, false},
    {"far away", {INT64_MIN, INT64_MIN + 1, INT64_MIN + 2, INT64_MIN + 3}, 4, 0, 1, 30, false},
    {"large steps", {0, 1, 2, 3}, 4, 0, INT64_C(1) << 40, 30, false},
};

START_TEST(test_even)
{
    const struct uneven_case *c = &uneven_cases[_i];
    struct windows w = {.t_ms = c->t_ms,
                        .n = c->n,
                        .start_ms = c->start_ms,
                        .step_ms = c->step_ms,
                        .range_ms = c->range_ms,
                        .steps = 3};
    w.pace = window_pace_find(&w);
    ROW_ASSERT(c->name, w.pace.even == c->even);
}
END_TEST

Suite *
window_pace_suite(void)
{
    Suite *s = suite_create("window_pace");
    TCase *t = tcase_create("window_pace");
    tcase_add_test(t, test_random);
    tcase_add_loop_test(t, test_even, 0, (int)ARRAY_LEN(uneven_cases));
    suite_add_tcase(s, t);
    return s;
}
