/* A scratch comes back empty, a large one is not kept, and neither are too many. */
#include "tests/harness.h"

#include "base/mem.h"
#include "receiver/scratch.h"

START_TEST(test_reuse)
{
    struct scratch_pool p;
    scratch_pool_init(&p);
    struct scratch *s = scratch_acquire(&p);
    arena_alloc(&s->arena, 1000);
    buf_append(&s->decoded, STR("of the write before"));
    scratch_release(&p, s);
    struct scratch *again = scratch_acquire(&p), *other = scratch_acquire(&p);
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
    scratch_pool_init(&p);
    struct scratch *s = scratch_acquire(&p);
    arena_alloc(&s->arena, c->arena_bytes);
    buf_reserve(&s->decoded, c->decoded_bytes);
    scratch_release(&p, s);
    ROW_ASSERT(c->name, p.kept_count == c->kept);
    scratch_pool_fini(&p);
}
END_TEST

START_TEST(test_count)
{
    struct scratch_pool p;
    scratch_pool_init(&p);
    struct scratch *all[SCRATCH_KEPT_MAX + 3];
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        all[i] = scratch_acquire(&p);
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
    suite_add_tcase(s, t);
    return s;
}
