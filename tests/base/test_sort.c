/* Numbers ascend, however they stood before; every one of them is found, and no other. */
#include "base/mem.h"
#include "base/rand.h"
#include "base/sort.h"
#include "tests/harness.h"

enum { NUMBERS_MAX = 200 };

static const struct edge_case {
    const char *name;
    size_t n;
    uint64_t v[4], sorted[4];
} edge_cases[] = {
    {"none", 0, {0}, {0}},
    {"one", 1, {7}, {7}},
    {"equal", 3, {5, 5, 5}, {5, 5, 5}},
    {"the ends", 4, {UINT64_MAX, 0, 1, UINT64_MAX - 1}, {0, 1, UINT64_MAX - 1, UINT64_MAX}},
    {"beyond 32 bits", 3, {UINT64_C(1) << 32, 2, 1}, {1, 2, UINT64_C(1) << 32}},
};

START_TEST(test_edges)
{
    const struct edge_case *c = &edge_cases[_i];
    uint64_t v[4];
    memcpy(v, c->v, sizeof v);
    u64_sort(c->n > 0 ? v : NULL, c->n);
    for (size_t i = 0; i < c->n; i++) {
        ROW_ASSERT(c->name, v[i] == c->sorted[i]);
        ROW_ASSERT(c->name, u64_contains(v, c->n, c->v[i]));
    }
    ROW_ASSERT(c->name, !u64_contains(c->n > 0 ? v : NULL, c->n, 3));
}
END_TEST

START_TEST(test_random)
{
    struct rand_gen g = rand_gen_of((uint64_t)_i);
    uint32_t v[NUMBERS_MAX];
    uint64_t sum = 0, sorted_sum = 0;
    size_t n = rand_below(&g, NUMBERS_MAX);
    for (size_t i = 0; i < n; i++)
        sum += v[i] = (uint32_t)rand_u64(&g) >> rand_below(&g, 32);
    u32_sort(v, n);
    for (size_t i = 0; i < n; i++) {
        sorted_sum += v[i];
        ck_assert(i == 0 || v[i - 1] <= v[i]);
    }
    ck_assert_uint_eq(sorted_sum, sum);
}
END_TEST

Suite *
sort_suite(void)
{
    Suite *s = suite_create("sort");
    TCase *t = tcase_create("sort");
    tcase_add_loop_test(t, test_edges, 0, (int)ARRAY_LEN(edge_cases));
    tcase_add_loop_test(t, test_random, 0, 20);
    suite_add_tcase(s, t);
    return s;
}
