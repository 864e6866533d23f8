/* Columns find their runs, their borders and their counts, whatever the bits. */
#include "querygw/promql/step.h"

#include <string.h>

#include "base/mem.h"
#include "base/rand.h"
#include "tests/harness.h"

static const struct bits_case {
    const char *name, *bits; /* # is present */
    const char *runs;        /* begin-end, ... */
} bits_cases[] = {
    {"none", "...", ""},
    {"one", ".#.", "1-2 "},
    {"all", "####", "0-4 "},
    {"gaps", "#.##..#", "0-1 2-4 6-7 "},
    {"across a word", "..............................................................####..#",
     "62-66 68-69 "},
    {"whole words",
     "################################################################"
     "################################################################",
     "0-128 "},
    {"second word only", "................................................................#",
     "64-65 "},
};

START_TEST(test_runs)
{
    const struct bits_case *c = &bits_cases[_i];
    uint32_t steps = (uint32_t)strlen(c->bits);
    struct arena a;
    arena_init(&a, 0);
    struct column col;
    column_init(&col, &a, steps);
    size_t count = 0;
    for (uint32_t i = 0; i < steps; i++)
        if (c->bits[i] == '#') {
            column_set(&col, i, i);
            count++;
        }
    ROW_ASSERT(c->name, column_fit(&col, steps) == (count > 0));
    ROW_ASSERT(c->name, column_count(&col) == count);
    AUTO(buf_fini) struct buf got = BUF_INIT;
    for (size_t b, e = col.begin; column_next_run(&col, &b, &e);)
        buf_printf(&got, "%zu-%zu ", b, e);
    ROW_ASSERT(c->name, str_eq(buf_str(&got), str_of_cstr(c->runs)));
    if (count) {
        ROW_ASSERT(c->name, c->bits[col.begin] == '#' && c->bits[col.end - 1] == '#');
    }
    arena_fini(&a);
}
END_TEST

START_TEST(test_repeat)
{
    static const uint32_t sizes[] = {1, 2, 63, 64, 65, 128, 200};
    struct arena a;
    arena_init(&a, 0);
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        struct column c;
        column_init(&c, &a, sizes[i]);
        column_repeat(&c, sizes[i]);
        ck_assert(!column_fit(&c, sizes[i])); /* nothing to repeat */
        column_set(&c, 0, 7);
        column_repeat(&c, sizes[i]);
        ck_assert(column_fit(&c, sizes[i]) && c.begin == 0 && c.end == sizes[i]);
        ck_assert_uint_eq(column_count(&c), sizes[i]);
        ck_assert(c.values[sizes[i] - 1] == 7);
    }
    arena_fini(&a);
}
END_TEST

Suite *
step_suite(void)
{
    Suite *s = suite_create("step");
    TCase *t = tcase_create("step");
    tcase_add_loop_test(t, test_runs, 0, ARRAY_LEN(bits_cases));
    tcase_add_test(t, test_repeat);
    suite_add_tcase(s, t);
    return s;
}
