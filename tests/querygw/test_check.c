/* The types of every kind of expression, and what the check settles in the tree. That it
 * refuses what does not fit is tested with the texts in test_parse_errors.c. */
#include "tests/harness.h"

#include "base/mem.h"
#include "querygw/promql/parse.h"

static const struct promql_parse_opts all = {true, true, true, true};

static struct promql_node *
parse(struct arena *a, const char *query)
{
    struct promql_node *root;
    CK_OK(promql_parse(a, str_of_cstr(query), &all, &root));
    return root;
}

static const struct type_case {
    const char *query;
    enum promql_type want;
} type_cases[] = {
    {"1", PROMQL_SCALAR},
    {"5m", PROMQL_SCALAR},
    {"\"a\"", PROMQL_STRING},
    {"(\"a\")", PROMQL_STRING},
    {"a", PROMQL_VECTOR},
    {"a[5m]", PROMQL_MATRIX},
    {"(a[5m])", PROMQL_MATRIX},
    {"a[5m:]", PROMQL_MATRIX},
    {"1 + 2", PROMQL_SCALAR},
    {"1 + a", PROMQL_VECTOR},
    {"a + 1", PROMQL_VECTOR},
    {"a + a", PROMQL_VECTOR},
    {"1 == bool 2", PROMQL_SCALAR},
    {"-a", PROMQL_VECTOR},
    {"-time()", PROMQL_SCALAR},
    {"(1 + time()) * 2", PROMQL_SCALAR},
    {"sum(a)", PROMQL_VECTOR},
    {"scalar(a)", PROMQL_SCALAR},
    {"vector(1)", PROMQL_VECTOR},
    {"rate(a[5m])", PROMQL_VECTOR},
    {"max_of(1, step())", PROMQL_SCALAR},
};

START_TEST(test_types)
{
    struct arena a;
    arena_init(&a, 0);
    enum promql_type got = parse(&a, type_cases[_i].query)->type;
    ck_assert_msg(got == type_cases[_i].want, "%s: got %s", type_cases[_i].query,
                  promql_type_text(got));
    arena_fini(&a);
}
END_TEST

/* One row a way to call: fewest and most arguments that fit, and one more or less. */
static const struct count_case {
    const char *query;
    const char *want; /* NULL: accepted */
} count_cases[] = {
    {"abs(a)", NULL},
    {"abs()", "expected 1 argument(s) in call to \"abs\", got 0"},
    {"abs(a, a)", "expected 1 argument(s) in call to \"abs\", got 2"},
    {"pi()", NULL},
    {"pi(1)", "expected 0 argument(s) in call to \"pi\", got 1"},
    {"round(a)", NULL},
    {"round(a, 1)", NULL},
    {"round()", "expected at least 1 argument(s) in call to \"round\", got 0"},
    {"round(a, 1, 1)", "expected at most 2 argument(s) in call to \"round\", got 3"},
    {"year()", NULL},
    {"year(a, a)", "expected at most 1 argument(s) in call to \"year\", got 2"},
    {"label_join(a, \"b\", \"c\")", NULL},
    {"label_join(a, \"b\")", "expected at least 3 argument(s) in call to \"label_join\", got 2"},
    {"sort_by_label(a)", NULL},
    {"sort_by_label()", "expected at least 1 argument(s) in call to \"sort_by_label\", got 0"},
    {"histogram_quantiles(a, \"q\", 1)", NULL},
    {"histogram_quantiles(a, \"q\", 1, 2, 3, 4, 5, 6, 7, 8, 9, 10)", NULL},
    {"histogram_quantiles(a, \"q\")",
     "expected at least 3 argument(s) in call to \"histogram_quantiles\", got 2"},
    {"histogram_quantiles(a, \"q\", 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)",
     "expected at most 12 argument(s) in call to \"histogram_quantiles\", got 13"},
    {"info(a)", NULL},
    {"info(a, {}, 1)", "expected at most 2 argument(s) in call to \"info\", got 3"},
};

START_TEST(test_counts)
{
    const struct count_case *c = &count_cases[_i];
    struct arena a;
    struct promql_node *root;
    arena_init(&a, 0);
    struct err e = promql_parse(&a, str_of_cstr(c->query), &all, &root);
    if (c->want)
        ck_assert_msg(e.code && strstr(err_text(&e), c->want), "%s: %s", c->query, err_text(&e));
    else
        ck_assert_msg(e.code == ERR_NONE, "%s: %s", c->query, err_text(&e));
    err_drop(e);
    arena_fini(&a);
}
END_TEST

static const struct card_case {
    const char *query;
    bool matches; /* has a matching at all */
    enum promql_card want;
} card_cases[] = {
    {"a + b", true, PROMQL_ONE_TO_ONE},
    {"a > b", true, PROMQL_ONE_TO_ONE},
    {"a </ b", true, PROMQL_ONE_TO_ONE},
    {"a + on(x) group_left b", true, PROMQL_MANY_TO_ONE},
    {"a + on(x) group_right b", true, PROMQL_ONE_TO_MANY},
    {"a and b", true, PROMQL_MANY_TO_MANY},
    {"a or on(x) b", true, PROMQL_MANY_TO_MANY},
    {"a unless ignoring(x) b", true, PROMQL_MANY_TO_MANY},
    {"a + 1", false, PROMQL_ONE_TO_ONE},
    {"1 + a", false, PROMQL_ONE_TO_ONE},
    {"1 + 1", false, PROMQL_ONE_TO_ONE},
    {"1 == bool 1", false, PROMQL_ONE_TO_ONE},
    {"a + on() 1", false, PROMQL_ONE_TO_ONE},
};

START_TEST(test_cards)
{
    const struct card_case *c = &card_cases[_i];
    struct arena a;
    arena_init(&a, 0);
    const struct promql_matching *m = parse(&a, c->query)->binary.matching;
    ROW_ASSERT(c->query, (m != NULL) == c->matches);
    if (m)
        ROW_ASSERT(c->query, m->card == c->want);
    arena_fini(&a);
}
END_TEST

START_TEST(test_info_selector)
{
    struct arena a;
    arena_init(&a, 0);
    const struct promql_node *n = parse(&a, "info(x, {a=\"\"})");
    ck_assert(n->call.args[1]->vector.is_info_selector);
    ck_assert(!n->call.args[0]->vector.is_info_selector);
    arena_fini(&a);
}
END_TEST

Suite *
check_suite(void)
{
    Suite *s = suite_create("check");
    TCase *t = tcase_create("check");
    tcase_add_loop_test(t, test_types, 0, (int)ARRAY_LEN(type_cases));
    tcase_add_loop_test(t, test_counts, 0, (int)ARRAY_LEN(count_cases));
    tcase_add_loop_test(t, test_cards, 0, (int)ARRAY_LEN(card_cases));
    tcase_add_test(t, test_info_selector);
    suite_add_tcase(s, t);
    return s;
}
