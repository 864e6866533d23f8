/* Canonical texts of trees that no query makes, and the parts that plans show. Whole queries
 * are printed in test_parse.c. */
#include "tests/harness.h"

#include <math.h>

#include "base/mem.h"
#include "querygw/promql/parse.h"
#include "querygw/promql/print.h"

static const struct number_case {
    double value;
    bool is_duration;
    const char *want;
} number_cases[] = {
    {0, false, "0"},
    {-0.0, false, "-0"},
    {1e21, false, "1000000000000000000000"},
    {1e-7, false, "0.0000001"},
    {0.1, false, "0.1"},
    {INFINITY, false, "+Inf"},
    {-INFINITY, false, "-Inf"},
    {NAN, false, "NaN"},
    {0, true, "0s"},
    {300, true, "5m"},
    {-5400, true, "-1h30m"},
    {1.001, true, "1s1ms"},
    {0.0004, true, "0s"},
    {9223372036.854, true, "106751d23h47m16s854ms"},
    {604800, true, "1w"},
    {1e300, true, NULL}, /* no duration: printed as a number */
};

START_TEST(test_numbers)
{
    const struct number_case *c = &number_cases[_i];
    struct promql_node n = {.kind = PROMQL_NUMBER, .type = PROMQL_SCALAR};
    AUTO(buf_fini) struct buf got = BUF_INIT;
    n.number = (struct promql_number){c->value, c->is_duration};
    promql_print(&n, &got);
    if (c->want)
        ck_assert_str_eq(buf_cstr(&got), c->want);
    else
        ck_assert_uint_eq(got.n, 301);
}
END_TEST

static const struct at_case {
    int64_t ms;
    const char *want;
} at_cases[] = {
    {0, "a @ 0.000"},
    {1, "a @ 0.001"},
    {-1, "a @ -0.001"},
    {1603774568123, "a @ 1603774568.123"},
    {INT64_MAX, "a @ 9223372036854775.807"},
    {INT64_MIN, "a @ -9223372036854775.808"},
};

START_TEST(test_at)
{
    struct promql_node n = {.kind = PROMQL_VECTOR_SELECTOR, .type = PROMQL_VECTOR};
    AUTO(buf_fini) struct buf got = BUF_INIT;
    n.vector.name = STR("a");
    n.vector.at = (struct promql_at){PROMQL_AT_TIMESTAMP, at_cases[_i].ms};
    promql_print(&n, &got);
    ck_assert_str_eq(buf_cstr(&got), at_cases[_i].want);
}
END_TEST

/* Which part of the outermost node is printed. */
enum part { PART_OPERATOR, PART_HEAD, PART_SUFFIX };

static const struct part_case {
    const char *query;
    enum part part;
    const char *want;
} part_cases[] = {
    {"a + b", PART_OPERATOR, "+"},
    {"a == bool b", PART_OPERATOR, "== bool"},
    {"a == bool 1", PART_OPERATOR, "== bool"},
    {"a and b", PART_OPERATOR, "and"},
    {"a / on() b", PART_OPERATOR, "/ on ()"},
    {"a / ignoring() b", PART_OPERATOR, "/"},
    {"a / ignoring() group_left b", PART_OPERATOR, "/ ignoring () group_left ()"},
    {"a / on(\"x y\", z) group_right(q) b", PART_OPERATOR, "/ on (\"x y\", z) group_right (q)"},
    {"a + fill(1e21) b", PART_OPERATOR, "+ fill (1e+21)"},
    {"sum(a)", PART_HEAD, "sum"},
    {"sum by () (a)", PART_HEAD, "sum"},
    {"sum without () (a)", PART_HEAD, "sum without () "},
    {"topk by (x, y) (1, a)", PART_HEAD, "topk by (x, y) "},
    {"a[1h:]", PART_SUFFIX, "[1h:]"},
    {"a[1h:5m] offset -1m @ 5", PART_SUFFIX, "[1h:5m] @ 5.000 offset -1m"},
};

START_TEST(test_parts)
{
    static const struct promql_parse_opts all = {true, true, true, true};
    const struct part_case *c = &part_cases[_i];
    struct arena a;
    struct promql_node *n;
    AUTO(buf_fini) struct buf got = BUF_INIT;
    arena_init(&a, 0);
    CK_OK(promql_parse(&a, str_of_cstr(c->query), &all, &n));
    if (c->part == PART_OPERATOR)
        promql_print_operator(&n->binary, &got);
    else if (c->part == PART_HEAD)
        promql_print_aggregate_head(&n->aggregate, &got);
    else
        promql_print_subquery_suffix(&n->subquery, &got);
    ck_assert_str_eq(buf_cstr(&got), c->want);
    arena_fini(&a);
}
END_TEST

Suite *
print_suite(void)
{
    Suite *s = suite_create("print");
    TCase *t = tcase_create("print");
    tcase_add_loop_test(t, test_numbers, 0, (int)ARRAY_LEN(number_cases));
    tcase_add_loop_test(t, test_at, 0, (int)ARRAY_LEN(at_cases));
    tcase_add_loop_test(t, test_parts, 0, (int)ARRAY_LEN(part_cases));
    suite_add_tcase(s, t);
    return s;
}
