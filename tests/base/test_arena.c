/* An arena hands out aligned memory that does not overlap, and reports a passed budget. */
#include "tests/harness.h"

#include "base/arena.h"
#include "base/budget.h"
#include "base/mem.h"

START_TEST(test_alloc)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    ck_assert_ptr_nonnull(arena_alloc(&a, 0));
    unsigned char *kept[200];
    for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
        kept[i] = arena_alloc(&a, i * 37 + 1);
        ck_assert_uint_eq((uintptr_t)kept[i] % 16, 0);
        memset(kept[i], (int)i, i * 37 + 1);
    }
    for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
        ck_assert_uint_eq(kept[i][0], i % 256);
        ck_assert_uint_eq(kept[i][i * 37], i % 256);
    }
    CK_OK(arena_check(&a));
}
END_TEST

START_TEST(test_budget)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 100 << 10);
    ck_assert(str_eq(arena_printf(&a, "%s-%d", "x", 5), STR("x-5")));
    CK_OK(arena_check(&a));
    arena_alloc(&a, 200 << 10);
    CK_ERR(ERR_LIMIT, arena_check(&a));
    arena_fini(&a);
    CK_OK(arena_check(&a));
}
END_TEST

START_TEST(test_reset)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < 1000; i++)
            memset(arena_alloc(&a, 1000), i, 1000);
        arena_reset(&a);
    }
    ck_assert_uint_le(a.used_bytes, 1 << 20); /* one block is kept, not a thousand */
}
END_TEST

static void
count_release(void *object)
{
    ++*(int *)object;
}

START_TEST(test_shared_budget)
{
    struct budget shared = {.limit_bytes = 64 << 10};
    struct arena a, b;
    arena_init_shared(&a, 0, &shared);
    arena_init_like(&b, &a);
    arena_alloc(&a, 40 << 10);
    CK_OK(arena_check(&a));
    arena_alloc(&b, 40 << 10);
    CK_ERR(ERR_UNAVAILABLE, arena_check(&a)); /* both feel it */
    CK_ERR(ERR_UNAVAILABLE, arena_check(&b));
    arena_reset(&b); /* keeps its block */
    CK_ERR(ERR_UNAVAILABLE, arena_check(&a));
    arena_fini(&b);
    CK_OK(arena_check(&a));
    arena_fini(&a);
    ck_assert_uint_eq(budget_used(&shared), 0);
}
END_TEST

START_TEST(test_grow)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    uint32_t *v = NULL;
    size_t cap = 0, copies = 0;
    for (uint32_t i = 0; i < 1000; i++) {
        uint32_t *before = v;
        v = arena_more(&a, v, sizeof *v, i, &cap);
        copies += v != before;
        ck_assert_uint_gt(cap, i);
        ck_assert_uint_eq(v[i], 0);
        v[i] = i;
    }
    for (uint32_t i = 0; i < 1000; i++)
        ck_assert_uint_eq(v[i], i);
    ck_assert_uint_le(copies, 8);
}
END_TEST

START_TEST(test_admit)
{
    struct budget shared = {.limit_bytes = 64 << 10};
    struct arena a;
    arena_init_shared(&a, 40 << 10, &shared);
    CK_OK(arena_admit(&a, 40 << 10));
    CK_ERR(ERR_TOO_LARGE, arena_admit(&a, (40 << 10) + 1));
    arena_charge(&a, 10 << 10);
    ck_assert_uint_eq(budget_used(&shared), 10 << 10);
    CK_OK(arena_admit(&a, 30 << 10));
    CK_ERR(ERR_TOO_LARGE, arena_admit(&a, SIZE_MAX));
    budget_charge(&shared, 30 << 10);
    CK_ERR(ERR_UNAVAILABLE, arena_admit(&a, 30 << 10));
    CK_OK(arena_admit_item(&a, SIZE_MAX, 15, 16)); /* there is room: nothing is taken */
    CK_OK(arena_admit_item(&a, 256, 16, 16));
    CK_ERR(ERR_UNAVAILABLE, arena_admit_item(&a, 512, 16, 16));
    arena_alloc(&a, 100);
    arena_reset(&a);
    ck_assert_uint_lt(budget_used(&shared), 40 << 10); /* but for one block */
    arena_fini(&a);
    ck_assert_uint_eq(budget_used(&shared), 30 << 10);
}
END_TEST

START_TEST(test_defer)
{
    int released = 0;
    struct arena a;
    arena_init(&a, 0);
    arena_defer(&a, count_release, &released);
    arena_defer(&a, count_release, &released);
    arena_reset(&a);
    ck_assert_int_eq(released, 2);
    arena_defer(&a, count_release, &released);
    arena_fini(&a);
    ck_assert_int_eq(released, 3);
}
END_TEST

Suite *
arena_suite(void)
{
    Suite *s = suite_create("arena");
    TCase *t = tcase_create("arena");
    tcase_add_test(t, test_alloc);
    tcase_add_test(t, test_budget);
    tcase_add_test(t, test_reset);
    tcase_add_test(t, test_shared_budget);
    tcase_add_test(t, test_grow);
    tcase_add_test(t, test_admit);
    tcase_add_test(t, test_defer);
    suite_add_tcase(s, t);
    return s;
}
