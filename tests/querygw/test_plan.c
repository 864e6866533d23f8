/* Plans select exactly the time that their windows need, and refuse what cannot be evaluated
 * before anything is read. */
#include "tests/harness.h"
#include "tests/querygw/query_fixture.h"

/* The selector of the leftmost leaf. */
static const struct plan_select *
first_select(const struct plan_node *n)
{
    switch (n->kind) {
    case PLAN_INSTANT:
    case PLAN_RANGE:
        return &n->select;
    case PLAN_RANGE_CALL:
        return &n->call.select;
    case PLAN_NEGATE:
    case PLAN_REPEAT:
        return first_select(n->child);
    case PLAN_VECTOR_SCALAR:
        return first_select(n->binary.scalar_left ? n->binary.right : n->binary.left);
    case PLAN_VECTOR_MATCH:
    case PLAN_VECTOR_SET:
        return first_select(n->binary.left);
    case PLAN_AGGREGATE:
        return first_select(n->aggregate.child);
    case PLAN_MAP:
        return first_select(n->map.child);
    case PLAN_ABSENT:
        return first_select(n->absent.child);
    case PLAN_BUCKETS:
        return first_select(n->buckets.child);
    case PLAN_RELABEL:
        return first_select(n->relabel.child);
    case PLAN_INFO: /* where info series are looked for */
        return first_select(n->info.series);
    case PLAN_SORT:
        return first_select(n->sort.child);
    case PLAN_SCALAR_OF:
    case PLAN_VECTOR_OF:
        return first_select(n->child);
    case PLAN_NUMBER:
    case PLAN_TEXT:
    case PLAN_SCALAR_NEGATE:
    case PLAN_SCALAR_BINARY:
    case PLAN_SCALAR_TIME:
    case PLAN_SCALAR_PICK:
        break;
    }
    ck_abort_msg("no selector");
}

/* All queries run from 1000 s to 1095 s by 10 s; lookback is 300 s. */
static const struct window_case {
    const char *query;
    int64_t mint_ms, maxt_ms;
} window_cases[] = {
    {"up", 700001, 1090000},
    {"up offset 1m", 640001, 1030000},
    {"up offset -1m", 760001, 1150000},
    {"up @ 500", 200001, 500000},
    {"up @ 500 offset 100s", 100001, 400000},
    {"up @ start()", 700001, 1000000},
    {"up @ end()", 795001, 1095000},
    {"rate(up[1m])", 940001, 1090000},
    {"rate(up[1m] offset 10s)", 930001, 1080000},
    {"rate(up[1m] @ 2000)", 1940001, 2000000},
    {"sum(-(2 * rate(up[1m] @ 2000 offset 30s)))", 1910001, 1970000},
    {"sum by (a) (up > 1) / 2", 700001, 1090000},
    {"clamp(up offset 1m, 0, 1)", 640001, 1030000},
    {"timestamp(up @ 500)", 200001, 500000},
    {"predict_linear(up[1m] @ 2000, 5)", 1940001, 2000000},
    {"absent_over_time(up[1m] offset 10s)", 930001, 1080000},
    {"sort(vector(scalar(up offset 1m)))", 640001, 1030000},
    {"up offset 1m + on (a) group_left up", 640001, 1030000},
    {"up offset 1m unless up", 640001, 1030000},
    {"rate(up[1m] anchored)", 640001, 1090000},
    {"rate(up[1m] smoothed)", 640001, 1390000},
    {"delta(up[1m] smoothed offset 10s)", 630001, 1380000},
    {"changes(up[1m] anchored @ 2000)", 1640001, 2000000},
    {"increase(up[1m] smoothed @ 2000)", 1640001, 2300000},
    {"up smoothed", 700001, 1390000},
    {"up anchored", 700001, 1090000}, /* nothing to anchor */
    {"up smoothed @ 500 offset 100s", 100001, 700000},
    {"timestamp(up smoothed)", 700001, 1090000},
    {"info(up offset 1m)", 640001, 1030000},
    {"info(up @ 500 + time(), {a=\"b\"})", 200001, 500000},
    {"info(rate(up[1m:1s] offset 10s))", 690001, 1080000},
    {"info(rate((up offset 1m)[1m:1s] offset 10s))", 630001, 1020000},
    {"info(last_over_time((up offset 1m)[10m:1m] @ 800))", 440001, 740000},
    {"info(last_over_time((up @ 500 offset 1m)[10m:1m] @ 800))", 140001, 440000},
    {"info(rate((up offset (30s + 30s))[1m:1s] offset (5s * 2)))", 630001, 1020000},
    {"info(vector(1), {a=\"b\"})", 700001, 1090000},
};

START_TEST(test_windows)
{
    const struct window_case *c = &window_cases[_i];
    struct query_fixture f;
    query_fixture_init(&f);
    struct promql_plan *plan;
    CK_OK(query_plan(&f, c->query, span_range(1000000, 1095000, 10000), &plan));
    const struct plan_select *s = first_select(plan->root);
    ck_assert_msg(s->mint_ms == c->mint_ms && s->maxt_ms == c->maxt_ms, "%s: %jd to %jd", c->query,
                  (intmax_t)s->mint_ms, (intmax_t)s->maxt_ms);
    query_fixture_fini(&f);
}
END_TEST

static const struct refused_case {
    const char *query;
    enum err_code code;
    const char *message;
} refused_cases[] = {
    {"abs(up[5m:1m])", ERR_INVALID,
     "1:5: parse error: expected type instant vector in call to function \"abs\", got range "
     "vector"},
    {"rate(up[10y:1ms])", ERR_LIMIT, "subquery: more than 16777216 steps"},
    {"deriv(up[5m] smoothed)", ERR_EXECUTION,
     "smoothed modifier can only be used with: delta, increase, rate - not with deriv"},
    {"changes(up[5m] smoothed)", ERR_EXECUTION,
     "smoothed modifier can only be used with: delta, increase, rate - not with changes"},
    {"quantile_over_time(0.5, up[5m] anchored)", ERR_EXECUTION,
     "anchored modifier can only be used with: changes, delta, increase, rate, resets - not with "
     "quantile_over_time"},
    {"absent_over_time(up[5m] anchored)", ERR_EXECUTION,
     "anchored modifier can only be used with: changes, delta, increase, rate, resets - not with "
     "absent_over_time"},
    {"up[5m]", ERR_INVALID,
     "invalid expression type \"range vector\" for range query, must be Scalar or instant Vector"},
    {"\"text\"", ERR_INVALID,
     "invalid expression type \"string\" for range query, must be Scalar or instant Vector"},
};

START_TEST(test_refused)
{
    const struct refused_case *c = &refused_cases[_i];
    struct query_fixture f;
    query_fixture_init(&f);
    struct promql_plan *plan;
    struct err e = query_plan(&f, c->query, span_range(0, 10000, 1000), &plan);
    ck_assert_msg(e.code == c->code, "%s: got %s (%s)", c->query, err_name(e.code), err_text(&e));
    ck_assert_str_eq(err_text(&e), c->message);
    err_drop(e);
    query_fixture_fini(&f);
}
END_TEST

/* The i-th one: no two quantiles may be equal. */
static const char *
any_argument(enum promql_type type, size_t i)
{
    switch (type) {
    case PROMQL_VECTOR:
        return "{a=\"b\"}"; /* info() wants no name */
    case PROMQL_MATRIX:
        return "{a=\"b\"}[5m]";
    case PROMQL_SCALAR:
        return i % 2 ? "0.5" : "0.25";
    case PROMQL_STRING:
        return "\"a\"";
    case PROMQL_NONE:
        break;
    }
    ck_abort_msg("no type of an argument");
}

/* No function and no aggregator is known to the parser alone: over a series of floats and one of
 * histograms. */
static void
plan_and_run(const char *query)
{
    struct query_fixture f;
    struct promql_result *r;
    struct label floats[] = {{STR("a"), STR("b")}, {STR("t"), STR("f")}};
    struct label histograms[] = {{STR("a"), STR("b")}, {STR("t"), STR("h")}};
    struct float_histogram h = {.count = 1, .sum = 2};
    query_fixture_init(&f);
    for (int64_t t_ms = 0; t_ms < 5000; t_ms += 1000) {
        fake_store_add(&f.store, (struct labels){floats, 2}, t_ms, 1);
        fake_store_add_histogram(&f.store, (struct labels){histograms, 2}, t_ms, 0, &h);
    }
    CK_OK(query_eval(&f, query, span_instant(5000), &r));
    query_fixture_fini(&f);
}

START_TEST(test_every_function)
{
    const struct promql_function *f = promql_function((enum promql_fn)_i);
    AUTO(buf_fini) struct buf query = BUF_INIT;
    buf_printf(&query, "%.*s(", STR_FMT(f->name));
    for (size_t i = 0; i < f->arg_count; i++)
        buf_printf(&query, "%s%s", i ? ", " : "", any_argument(f->args[i], i));
    buf_printf(&query, ")");
    plan_and_run(buf_cstr(&query));
}
END_TEST

START_TEST(test_every_aggregator)
{
    const struct promql_aggregator *g = promql_aggregator((enum promql_agg)_i);
    AUTO(buf_fini) struct buf query = BUF_INIT;
    buf_printf(&query, "%.*s(%s%s{a=\"b\"})", STR_FMT(g->name),
               g->param ? any_argument(g->param, 0) : "", g->param ? ", " : "");
    plan_and_run(buf_cstr(&query));
}
END_TEST

/* The grid of the expression of a subquery, for the span above; steps are seconds. */
static const struct subquery_case {
    const char *query;
    int64_t first_s, last_s, step_s;
} subquery_cases[] = {
    {"rate(up[1m:30s])", 960, 1080, 30}, /* (940, 1090] */
    {"rate(up[1m:20s])", 960, 1080, 20}, /* 940 is left out */
    {"rate(up[1m:])", 960, 1080, 60},
    {"rate(up[1m:30s] offset 15s)", 930, 1050, 30},
    {"rate(up[1m:30s] @ 90)", 60, 90, 30},
    {"rate(up[1m:30s] @ -30)", -60, -30, 30},
    {"rate(up[1m:30s] @ 20)", -30, 0, 30},
    {"rate(up[10s:1h])", 3600, 3600, 3600}, /* no step within: one that no window sees */
};

START_TEST(test_subquery)
{
    const struct subquery_case *c = &subquery_cases[_i];
    struct query_fixture f;
    query_fixture_init(&f);
    struct promql_plan *plan;
    CK_OK(query_plan(&f, c->query, span_range(1000000, 1095000, 10000), &plan));
    const struct plan_select *s = first_select(plan->root);
    const struct promql_grid *g = &s->subquery->grid;
    int64_t last_ms = grid_time_ms(g, g->steps - 1);
    ck_assert_msg(g->start_ms == c->first_s * 1000 && last_ms == c->last_s * 1000 &&
                      g->step_ms == c->step_s * 1000,
                  "%s: %jd to %jd", c->query, (intmax_t)g->start_ms, (intmax_t)last_ms);
    query_fixture_fini(&f);
}
END_TEST

START_TEST(test_time_limits)
{
    struct query_fixture f;
    query_fixture_init(&f);
    struct promql_plan *plan;
    int64_t far = INT64_MAX / 2;
    CK_ERR(ERR_INVALID, query_plan(&f, "up", span_instant(far), &plan));
    CK_ERR(ERR_INVALID, query_plan(&f, "up", span_instant(-far), &plan));
    CK_ERR(ERR_INVALID, query_plan(&f, "up", span_range(0, far, far / 10), &plan));
    CK_ERR(ERR_LIMIT, query_plan(&f, "up", span_range(0, PROMQL_STEPS_MAX, 1), &plan));
    CK_OK(query_plan(&f, "up", span_range(0, PROMQL_STEPS_MAX - 1, 1), &plan));
    ck_assert_uint_eq(plan->grid.steps, PROMQL_STEPS_MAX);
    CK_OK(query_plan(&f, "up", span_instant(PROMQL_TIME_MS_MAX), &plan));
    query_fixture_fini(&f);
}
END_TEST

/* The highest part that does not depend on time is evaluated once, and nothing below it. */
START_TEST(test_repeat)
{
    struct query_fixture f;
    query_fixture_init(&f);
    struct promql_plan *plan;
    CK_OK(query_plan(&f, "sum(up @ 5 * 2)", span_range(0, 10000, 1000), &plan));
    ck_assert_int_eq(plan->root->kind, PLAN_REPEAT);
    ck_assert_uint_eq(plan->root->grid.steps, 11);
    ck_assert_int_eq(plan->root->child->kind, PLAN_AGGREGATE);
    ck_assert_uint_eq(plan->root->child->grid.steps, 1);
    CK_OK(query_plan(&f, "sum(up @ 5 * 2)", span_instant(0), &plan));
    ck_assert_int_eq(plan->root->kind, PLAN_AGGREGATE);
    CK_OK(query_plan(&f, "sum(up)", span_range(0, 10000, 1000), &plan));
    ck_assert_int_eq(plan->root->kind, PLAN_AGGREGATE);
    query_fixture_fini(&f);
}
END_TEST

START_TEST(test_grouping)
{
    struct query_fixture f;
    query_fixture_init(&f);
    struct promql_plan *plan;
    CK_OK(query_plan(&f, "sum by (c, a, b, a, c) (up)", span_instant(0), &plan));
    const struct grouping *g = &plan->root->aggregate.grouping;
    ck_assert_uint_eq(g->count, 3);
    ck_assert(str_eq(g->names[0], STR("a")) && str_eq(g->names[1], STR("b")) &&
              str_eq(g->names[2], STR("c")));
    query_fixture_fini(&f);
}
END_TEST

START_TEST(test_matching)
{
    struct query_fixture f;
    query_fixture_init(&f);
    struct promql_plan *plan;
    CK_OK(query_plan(&f, "a + on (c, b, c) group_right (e, d) a", span_instant(0), &plan));
    ck_assert_int_eq(plan->root->kind, PLAN_VECTOR_MATCH);
    const struct plan_matching *m = plan->root->binary.matching;
    ck_assert_int_eq(m->card, PROMQL_ONE_TO_MANY);
    ck_assert_uint_eq(m->key.count, 2);
    ck_assert(!m->key.without && str_eq(m->key.names[0], STR("b")));
    ck_assert_uint_eq(m->include.count, 2);
    ck_assert(str_eq(m->include.names[0], STR("d")));
    CK_OK(query_plan(&f, "a or a", span_instant(0), &plan));
    ck_assert_int_eq(plan->root->kind, PLAN_VECTOR_SET);
    m = plan->root->binary.matching;
    ck_assert(m->key.without && str_eq(m->key.names[0], STR("__type__")));
    CK_OK(query_plan(&f, "a or ignoring (b) a", span_instant(0), &plan));
    ck_assert_uint_eq(plan->root->binary.matching->key.count, 1);
    query_fixture_fini(&f);
}
END_TEST

Suite *
plan_suite(void)
{
    Suite *s = suite_create("plan");
    TCase *t = tcase_create("plan");
    tcase_add_loop_test(t, test_windows, 0, ARRAY_LEN(window_cases));
    tcase_add_loop_test(t, test_refused, 0, ARRAY_LEN(refused_cases));
    tcase_add_loop_test(t, test_every_function, 0, PROMQL_FN_COUNT_OF);
    tcase_add_loop_test(t, test_every_aggregator, 0, PROMQL_AGG_COUNT_OF);
    tcase_add_loop_test(t, test_subquery, 0, ARRAY_LEN(subquery_cases));
    tcase_add_test(t, test_time_limits);
    tcase_add_test(t, test_repeat);
    tcase_add_test(t, test_grouping);
    tcase_add_test(t, test_matching);
    suite_add_tcase(s, t);
    return s;
}
