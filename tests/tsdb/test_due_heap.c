/* The heap gives the earliest, whatever was added, moved and removed before. */
#include "tests/tsdb/head_kit.h"

#include "base/rand.h"
#include "tsdb/due_heap.h"

enum { THINGS = 40, STEPS = 4000 };

static int64_t
earliest(const struct due *things)
{
    int64_t at_ms = INT64_MAX;
    for (size_t i = 0; i < THINGS; i++) {
        if (due_is_in_heap(&things[i]))
            at_ms = i64_min(at_ms, things[i].at_ms);
    }
    return at_ms;
}

START_TEST(test_random_story)
{
    struct rand_gen g = rand_gen_of((uint64_t)_i);
    struct due things[THINGS] = {{0}};
    struct due_heap h = {.v = VEC_INIT};
    for (int step = 0; step < STEPS; step++) {
        struct due *d = &things[rand_below(&g, THINGS)];
        if (rand_below(&g, 3) == 0)
            due_heap_remove(&h, d);
        else
            due_heap_put(&h, d, (int64_t)rand_below(&g, 50)); /* many are due at once */
        const struct due *first = due_heap_first(&h);
        ck_assert_int_eq(first ? first->at_ms : INT64_MAX, earliest(things));
    }
    int64_t last_ms = INT64_MIN;
    for (struct due *d; (d = due_heap_first(&h)) != NULL;) {
        ck_assert_int_ge(d->at_ms, last_ms);
        last_ms = d->at_ms;
        due_heap_remove(&h, d);
        ck_assert(!due_is_in_heap(d));
    }
    due_heap_fini(&h);
}
END_TEST

START_TEST(test_empty)
{
    struct due_heap h = {.v = VEC_INIT};
    struct due d = {0};
    ck_assert_ptr_null(due_heap_first(&h));
    due_heap_remove(&h, &d);
    due_heap_put(&h, &d, 7);
    due_heap_put(&h, &d, INT64_MIN);
    ck_assert_ptr_eq(due_heap_first(&h), &d);
    ck_assert_int_eq(d.at_ms, INT64_MIN);
    due_heap_remove(&h, &d);
    ck_assert_ptr_null(due_heap_first(&h));
    due_heap_fini(&h);
}
END_TEST

Suite *
due_heap_suite(void)
{
    Suite *s = suite_create("due_heap");
    TCase *t = tcase_create("due_heap");
    tcase_add_test(t, test_empty);
    tcase_add_loop_test(t, test_random_story, 0, 5);
    suite_add_tcase(s, t);
    return s;
}
