/* A scratch comes back empty, a large one is not kept, and neither are too many. */
#include "tests/harness.h"

#include "base/budget.h"
#include "base/mem.h"
#include "receiver/scratch.h"

START_TEST(test_reuse)
{
    struct scratch_pool p;
    scratch_pool_init(&p, NULL);
    struct scratch *s = scratch_acquire(&p, 0);
    arena_alloc(&s->arena, 1000);
    buf_append(&s->decoded, STR("of the write before"));
    scratch_release(&p, s);
    struct scratch *again = scratch_acquire(&p, 0), *other = scratch_acquire(&p, 0);
    ck_assert_ptr_eq(again, s);
    ck_assert_ptr_ne(again, other);
    ck_assert_uint_eq(again->decoded.n, 0);
    scratch_release(&p, again);
    scratch_release(&p, other);
    scratch_pool_fini(&p);
}
END_TEST

static const struct size_case {
    const char *name;
    size_t arena_bytes, decoded_bytes, kept;
} size_cases[] = {
    {"small", 1000, 1000, 1},
    {"large body", 0, SCRATCH_KEPT_BYTES_MAX + 1, 0},
    {"large arena", SCRATCH_KEPT_BYTES_MAX + 1, 0, 0},
    {"large together", SCRATCH_KEPT_BYTES_MAX / 2 + 1, SCRATCH_KEPT_BYTES_MAX / 2 + 1, 0},
};

START_TEST(test_size)
{
    const struct size_case *c = &size_cases[_i];
    struct scratch_pool p;
    scratch_pool_init(&p, NULL);
    struct scratch *s = scratch_acquire(&p, 0);
    arena_alloc(&s->arena, c->arena_bytes);
    buf_reserve(&s->decoded, c->decoded_bytes);
    scratch_release(&p, s);
    ROW_ASSERT(c->name, p.kept_count == c->kept);
    scratch_pool_fini(&p);
}
END_TEST

/* What one may take beside its body, what is counted, and what is kept of it. */
START_TEST(test_budget)
{
    struct budget budget = {.limit_bytes = 64 << 20};
    struct scratch_pool p;
    scratch_pool_init(&p, &budget);
    struct scratch *s = scratch_acquire(&p, 10 << 20);
    CK_OK(arena_admit(&s->arena, 30 << 20));
    CK_ERR(ERR_TOO_LARGE, arena_admit(&s->arena, (30 << 20) + 1));
    arena_alloc(&s->arena, 4 << 20);
    ck_assert_uint_ge(budget_used(&budget), 4 << 20);
    scratch_release(&p, s);
    ck_assert_uint_eq(p.kept_count, 0); /* above a 64th of the budget */
    ck_assert_uint_eq(budget_used(&budget), 0);
    s = scratch_acquire(&p, SIZE_MAX);
    CK_ERR(ERR_TOO_LARGE, arena_admit(&s->arena, 2));
    arena_alloc(&s->arena, 1000);
    scratch_release(&p, s);
    ck_assert_uint_eq(p.kept_count, 1);
    scratch_pool_fini(&p);
    ck_assert_uint_eq(budget_used(&budget), 0);
}
END_TEST

START_TEST(test_count)
{
    struct scratch_pool p;
    scratch_pool_init(&p, NULL);
    struct scratch *all[SCRATCH_KEPT_MAX + 3];
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        all[i] = scratch_acquire(&p, 0);
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        scratch_release(&p, all[i]);
    ck_assert_uint_eq(p.kept_count, SCRATCH_KEPT_MAX);
    scratch_pool_fini(&p);
}
END_TEST

Suite *
scratch_suite(void)
{
    Suite *s = suite_create("scratch");
    TCase *t = tcase_create("all");
    tcase_add_test(t, test_reuse);
    tcase_add_loop_test(t, test_size, 0, ARRAY_LEN(size_cases));
    tcase_add_test(t, test_count);
    tcase_add_test(t, test_budget);
    suite_add_tcase(s, t);
    return s;
}
