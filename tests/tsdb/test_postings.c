/* Set operations on postings agree with a bitmap, whatever the lengths. */
#include "tests/harness.h"

#include <stdlib.h>

#include "base/mem.h"
#include "tsdb/index/postings.h"

enum { BOUND = 3000, ROUNDS = 60 };

static struct postings
random_list(struct arena *a, unsigned *seed, bool *in)
{
    unsigned density = 1u << (rand_r(seed) % 12);
    uint32_t *v = arena_alloc(a, BOUND * sizeof *v);
    size_t n = 0;
    for (uint32_t i = 0; i < BOUND; i++) {
        in[i] = rand_r(seed) % density == 0;
        if (in[i])
            v[n++] = i;
    }
    return (struct postings){v, n};
}

static void
check_against(struct postings got, const bool *want, const char *what, int round)
{
    ck_assert_msg(postings_check(got), "%s, round %d: not ascending", what, round);
    size_t at = 0;
    for (uint32_t i = 0; i < BOUND; i++) {
        bool has = at < got.n && got.v[at] == i;
        ck_assert_msg(has == want[i], "%s, round %d: number %u", what, round, i);
        at += has;
    }
    ck_assert_uint_eq(at, got.n);
}

START_TEST(test_operations)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    unsigned seed = 42;
    static bool in[3][BOUND], want[BOUND];
    for (int round = 0; round < ROUNDS; round++) {
        arena_reset(&a);
        struct postings lists[3], copy[3];
        for (int i = 0; i < 3; i++)
            lists[i] = copy[i] = random_list(&a, &seed, in[i]);

        for (int i = 0; i < BOUND; i++)
            want[i] = in[0][i] && in[1][i] && in[2][i];
        check_against(postings_intersect(&a, copy, 3), want, "intersect", round);
        for (int i = 0; i < BOUND; i++)
            want[i] = in[0][i] || in[1][i] || in[2][i];
        check_against(postings_union(&a, lists, 3, BOUND), want, "union", round);
        for (int i = 0; i < BOUND; i++)
            want[i] = in[0][i] && !in[1][i];
        check_against(postings_subtract(&a, lists[0], lists[1]), want, "subtract", round);
    }
}
END_TEST

START_TEST(test_empty)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct postings all = postings_all(&a, 5), none = {NULL, 0};
    ck_assert_uint_eq(all.n, 5);
    ck_assert_uint_eq(postings_intersect(&a, (struct postings[]){all, none}, 2).n, 0);
    ck_assert_uint_eq(postings_union(&a, NULL, 0, 5).n, 0);
    ck_assert_uint_eq(postings_subtract(&a, none, all).n, 0);
    ck_assert_uint_eq(postings_subtract(&a, all, none).n, 5);
    ck_assert(!postings_check((struct postings){(uint32_t[]){1, 1}, 2}));
}
END_TEST

Suite *
postings_suite(void)
{
    Suite *s = suite_create("postings");
    TCase *t = tcase_create("postings");
    tcase_add_test(t, test_operations);
    tcase_add_test(t, test_empty);
    suite_add_tcase(s, t);
    return s;
}
