/* Every form of the language parses; its canonical text is what Prometheus 3.14 prints for
 * it, and parses to the same text again. The error rows stand in test_parse_errors.c. */
#include "tests/harness.h"

#include "base/mem.h"
#include "querygw/promql/parse.h"
#include "querygw/promql/print.h"

static const struct promql_parse_opts all = {true, true, true, true};

static const struct parse_case {
    const char *query;
    const char *printed; /* NULL: the query itself */
} parse_cases[] = {
    {"1", NULL},
    {"-1", NULL},
    {"+1", "1"},
    {"--1", "1"},
    {"0x1F", "31"},
    {"0x_1f", "31"},
    {"017", "15"},
    {"089", "89"},
    {"1_000", "1000"},
    {".5", "0.5"},
    {"1.", "1"},
    {"1e3", "1000"},
    {"1E-3", "0.001"},
    {"1.5e+2", "150"},
    {"5m", NULL},
    {"1h30m", NULL},
    {"-1h30m", NULL},
    {"1y2w3d4h5m6s7ms", "382d4h5m6s7ms"},
    {"500ms", NULL},
    {"Inf", "+Inf"},
    {"+inf", "+Inf"},
    {"-Inf", NULL},
    {"nan", "NaN"},
    {"9223372036854775807", "9223372036854776000"},
    {"9223372036854775808", "9223372036854776000"},
    {"\"a b\"", NULL},
    {"'a\"b'", "\"a\\\"b\""},
    {"\"a\\\"b\"", NULL},
    {"'\\''", "\"'\""},
    {"`a\\n\"b'`", "\"a\\\\n\\\"b'\""},
    {"\"\\a\\b\\f\\n\\r\\t\\v\\\\\"", NULL},
    {"\"\\x41\\101\\u00fc\\U0001f600\"", "\"AA\303\274\360\237\230\200\""},
    {"\"\\xff\"", NULL},
    {"\"\\u200b\"", NULL},
    {"up", NULL},
    {":up:", NULL},
    {"a:b:c", NULL},
    {"_x1", NULL},
    {"up{}", "up"},
    {"up{job=\"a\"}", NULL},
    {"up{ job = \"a\" , }", "up{job=\"a\"}"},
    {"up{job!=\"a\",job=~\"b.*\",job!~\"c|d\"}", "up{job!=\"a\",job!~\"c|d\",job=~\"b.*\"}"},
    {"{job=\"a\"}", NULL},
    {"{\"up\"}", "{__name__=\"up\"}"},
    {"{\"up\",job=\"a\"}", "{__name__=\"up\",job=\"a\"}"},
    {"{'a.b', \"x y\"!=`z`}", "{\"x y\"!=\"z\",__name__=\"a.b\"}"},
    {"{__name__=~\"up|down\"}", NULL},
    {"{job=\"a\",__name__=\"up\"}", "{__name__=\"up\",job=\"a\"}"},
    {"up{zone=\"1\",a=\"2\"}", "up{a=\"2\",zone=\"1\"}"},
    {"up{on=\"1\",sum=\"2\",offset=\"3\",inf=\"4\"}",
     "up{inf=\"4\",offset=\"3\",on=\"1\",sum=\"2\"}"},
    {"up{a=~\".+\"} # comment", "up{a=~\".+\"}"},
    {"up # x", "up"},
    {"sum", NULL},
    {"by", NULL},
    {"without", NULL},
    {"offset", NULL},
    {"and", NULL},
    {"or", NULL},
    {"unless", NULL},
    {"start", NULL},
    {"end", NULL},
    {"step", NULL},
    {"range", NULL},
    {"max_of", NULL},
    {"min_of", NULL},
    {"anchored", NULL},
    {"smoothed", NULL},
    {"fill", NULL},
    {"fill_left", NULL},
    {"fill_right", NULL},
    {"limitk", NULL},
    {"topk{job=\"a\"}", NULL},
    {"start{end=\"x\"}", NULL},
    {"SUM(up)", "sum(up)"},
    {"up offset 5m", NULL},
    {"up offset -5m", NULL},
    {"up offset 1h30m", NULL},
    {"up offset 90", "up offset 1m30s"},
    {"up offset 1.5", "up offset 1s500ms"},
    {"up offset 0", "up"},
    {"up offset 0 offset 5m", "up offset 5m"},
    {"offset offset 5m", NULL},
    {"up @ 1603774568", "up @ 1603774568.000"},
    {"up @ 1603774568.1239", "up @ 1603774568.124"},
    {"up @ -5", "up @ -5.000"},
    {"up @ +5", "up @ 5.000"},
    {"up @ 5m", "up @ 300.000"},
    {"up @ start()", NULL},
    {"up @ end()", NULL},
    {"up @ 10 offset 5m", "up @ 10.000 offset 5m"},
    {"up offset 5m @ 10", "up @ 10.000 offset 5m"},
    {"up{a=\"b\"} @ 1e3", "up{a=\"b\"} @ 1000.000"},
    {"up[5m]", NULL},
    {"up[300]", "up[5m]"},
    {"up{job=\"a\"}[1h30m]", NULL},
    {"up[5m] offset 1m", NULL},
    {"up[5m] @ 7", "up[5m] @ 7.000"},
    {"up[5m] offset 1m @ end()", "up[5m] @ end() offset 1m"},
    {"up [ 5m ]", "up[5m]"},
    {"up[ 1d ]", "up[1d]"},
    {"up[5m:1m]", NULL},
    {"up[5m:]", NULL},
    {"up[5m:30]", "up[5m:30s]"},
    {"up[1h:1m] @ start() offset 1m", NULL},
    {"(up + 1)[5m:1m]", NULL},
    {"sum(up)[5m:]", NULL},
    {"rate(up[5m])[30m:1m]", NULL},
    {"max_over_time(rate(up[5m])[30m:1m])", NULL},
    {"-up", NULL},
    {"+up", NULL},
    {"--up", NULL},
    {"-1^2", "-1 ^ 2"},
    {"-up^2", "-up ^ 2"},
    {"-(1)", NULL},
    {"1 + 2", NULL},
    {"1 + 2 * 3", NULL},
    {"(1 + 2) * 3", NULL},
    {"2 ^ 3 ^ 2", NULL},
    {"-2 ^ 2", NULL},
    {"2 ^ -2", NULL},
    {"2 ^ -3 * 4", NULL},
    {"1 - 2 - 3", NULL},
    {"1 / 2 % 3 * 4", NULL},
    {"1 atan2 2", NULL},
    {"1 == bool 2", NULL},
    {"1 != bool 2", NULL},
    {"1 <= bool 2 > bool 3", NULL},
    {"a == b", NULL},
    {"a == bool b", NULL},
    {"a > 1", NULL},
    {"1 < a", NULL},
    {"a </ 5", NULL},
    {"a >/ b", NULL},
    {"a and b", NULL},
    {"a or b and c", NULL},
    {"a unless b or c", NULL},
    {"a AND b", "a and b"},
    {"a and on(x) b", "a and on (x) b"},
    {"a and ignoring(x, y) b", "a and ignoring (x, y) b"},
    {"a or on() b", "a or on () b"},
    {"a * on(x) b", "a * on (x) b"},
    {"a * on(x,) b", "a * on (x) b"},
    {"a * ignoring() b", "a * b"},
    {"a * ON(x) b", "a * on (x) b"},
    {"a * on(x) group_left b", "a * on (x) group_left () b"},
    {"a * on(x) group_left(y) b", "a * on (x) group_left (y) b"},
    {"a * on(x) group_left(y, z) (b)", "a * on (x) group_left (y, z) (b)"},
    {"a * on(x) group_right(y) b", "a * on (x) group_right (y) b"},
    {"a * ignoring(x) group_right b", "a * ignoring (x) group_right () b"},
    {"a / on(\"x.y\", 'z') group_left(\"a b\") c", "a / on (\"x.y\", z) group_left (\"a b\") c"},
    {"a == bool on(x) b", "a == bool on (x) b"},
    {"a + on(by, on, bool, sum, inf_, offset, start, atan2) b",
     "a + on (by, on, bool, sum, inf_, offset, start, atan2) b"},
    {"a + fill(0) b", "a + fill (0) b"},
    {"a + fill_left(1) b", "a + fill_left (1) b"},
    {"a + fill_right(-1) b", "a + fill_right (-1) b"},
    {"a + fill_left(1) fill_right(2) b", "a + fill_left (1) fill_right (2) b"},
    {"a + fill_right(2) fill_left(1) b", "a + fill_left (1) fill_right (2) b"},
    {"a + fill_right(3) fill_left(3) b", "a + fill (3) b"},
    {"a + fill(5m) b", "a + fill (300) b"},
    {"a + fill(NaN) b", "a + fill_left (NaN) fill_right (NaN) b"},
    {"a + on(x) group_left(y) fill(+Inf) b", "a + on (x) group_left (y) fill (+Inf) b"},
    {"fill + fill", NULL},
    {"sum(up)", NULL},
    {"sum (up)", "sum(up)"},
    {"sum by (a) (up)", NULL},
    {"sum by(a,b,)(up)", "sum by (a, b) (up)"},
    {"sum(up) by (a)", "sum by (a) (up)"},
    {"sum without (a) (up)", NULL},
    {"sum(up) without(a, b)", "sum without (a, b) (up)"},
    {"sum by () (up)", "sum(up)"},
    {"sum without () (up)", NULL},
    {"sum by (\"a.b\", 'c', d) (up)", "sum by (\"a.b\", c, d) (up)"},
    {"sum by (by, sum, on, group_left) (up)", NULL},
    {"avg(up)", NULL},
    {"count(up)", NULL},
    {"min(up)", NULL},
    {"max(up)", NULL},
    {"group(up)", NULL},
    {"stddev(up)", NULL},
    {"stdvar(up)", NULL},
    {"topk(3, up)", NULL},
    {"bottomk by (a) (3, up)", NULL},
    {"quantile(0.9, up)", NULL},
    {"count_values(\"v\", up)", NULL},
    {"limitk(2, up)", NULL},
    {"limit_ratio(-0.5, up)", NULL},
    {"topk(scalar(up), up) by (x)", "topk by (x) (scalar(up), up)"},
    {"rate(up[5m])", NULL},
    {"time()", NULL},
    {"pi()", NULL},
    {"vector(1)", NULL},
    {"scalar(up)", NULL},
    {"absent(up{job=\"a\"})", NULL},
    {"round(up)", NULL},
    {"round(up, 5)", NULL},
    {"hour()", NULL},
    {"hour(up)", NULL},
    {"label_replace(up, \"a\", \"$1\", \"b\", \"(.*)\")", NULL},
    {"label_join(up, \"a\", \",\")", NULL},
    {"label_join(up, \"a\", \",\", \"b\", \"c\", \"d\")", NULL},
    {"histogram_quantile(0.9, sum by (le) (rate(x_bucket[5m])))", NULL},
    {"histogram_fraction(0, 1, x)", NULL},
    {"histogram_quantiles(x, \"q\", 0.5, 0.9)", NULL},
    {"predict_linear(x[1h], 3600)", NULL},
    {"quantile_over_time(0.5, x[1h])", NULL},
    {"sort_by_label(x)", NULL},
    {"sort_by_label(x, \"a\", \"b\")", NULL},
    {"info(x)", NULL},
    {"info(x, {a=\"b\"})", NULL},
    {"info(x, {a=\"\"})", NULL},
    {"double_exponential_smoothing(x[5m], 0.5, 0.1)", NULL},
    {"start()", NULL},
    {"end()", NULL},
    {"step()", NULL},
    {"range()", NULL},
    {"max_of(1, 2)", NULL},
    {"min_of(step(), 5m)", NULL},
    {"start_timestamp(x)", NULL},
    {"ts_of_max_over_time(x[5m])", NULL},
    {"x[5m] anchored", NULL},
    {"x smoothed", NULL},
    {"x[5m] smoothed offset 1m", NULL},
    {"rate(x[5m] anchored @ 5)", "rate(x[5m] anchored @ 5.000)"},
    {"x[5m * 2]", NULL},
    {"x[5m+1m-30s]", "x[5m + 1m - 30s]"},
    {"x[(5m)]", NULL},
    {"x[2^3^2]", "x[2 ^ 3 ^ 2]"},
    {"x[-2^2 + 10]", "x[-2 ^ 2 + 10]"},
    {"x[step()]", NULL},
    {"x[ - step ( ) + 1h ]", "x[-step() + 1h]"},
    {"x[range() / 2]", NULL},
    {"x[max_of(step(), 5s)]", NULL},
    {"x[min_of(1m, 2m * 3):step()]", NULL},
    {"x[5m:step() * 2]", NULL},
    {"x[1h:max_of(1s, step())] offset 1m", NULL},
    {"x offset (5m)", NULL},
    {"x offset -(5m)", NULL},
    {"x offset step()", NULL},
    {"x offset -step()", NULL},
    {"x offset +step()", "x offset step()"},
    {"x offset (5m - 1m)", NULL},
    {"x offset (5m) - 8", NULL},
    {"x offset 5m - 8", NULL},
    {"x offset -2^2", "x offset -2s ^ 2"},
    {"x offset -(2^2) * 3", "x offset -(2 ^ 2) * 3"},
    {"x offset max_of(1, 2) + 3", NULL},
    {"x[(5m + 1m) % 7]", NULL},
    {"((((1))))", NULL},
    {"(a + b) / (c - d)", NULL},
    {"a+b", "a + b"},
    {"a{x=\"}\"}", NULL},
    {"a{x=\"#\"} # \"", "a{x=\"#\"}"},
    {"sum(rate(http_requests_total{job=\"api\",code=~\"5..\"}[5m])) by (instance) / ignoring(code) "
     "group_left sum(rate(http_requests_total[5m])) > 0.01",
     "sum by (instance) (rate(http_requests_total{code=~\"5..\",job=\"api\"}[5m])) / ignoring "
     "(code) group_left () sum(rate(http_requests_total[5m])) > 0.01"},
    {"# first\nup", "up"},
    {"a\n+\tb", "a + b"},
    {"sum(\n  up # all\n)\r\n", "sum(up)"},
    {"up{# c\na=\"b\"}", "up{a=\"b\"}"},
    {"\"\303\274\"", NULL},
    /* Where Prometheus' text would not parse again, or mean something else. */
    {"info(x, {})", NULL},
    {"Inf ^ 2", NULL},
    {"+Inf ^ 2", "+Inf ^ 2"},
    {"sum by (\"inf\") (x)", NULL},
    {"sum by (without) (x)", NULL},
    {"x offset +-1.5*1ms", "x offset (-1.5 * 1ms)"},
    {"x offset - -5s + 3", "x offset (5s + 3)"},
    {"x offset (5m) @ 1 / y", "(x @ 1.000 offset (5m)) / y"},
    {"0x1e", "30"},
    {"\"\357\277\275\"", NULL},
};

/* Parses and prints; `a` holds the tree. */
static void
print_query(struct arena *a, struct str query, struct buf *to)
{
    struct promql_node *root;
    struct err e = promql_parse(a, query, &all, &root);
    ck_assert_msg(e.code == ERR_NONE, "%.*s: %s", STR_FMT(query), err_text(&e));
    promql_print(root, to);
}

START_TEST(test_valid)
{
    const struct parse_case *c = &parse_cases[_i];
    const char *want = c->printed ? c->printed : c->query;
    struct arena a;
    AUTO(buf_fini) struct buf once = BUF_INIT;
    AUTO(buf_fini) struct buf twice = BUF_INIT;
    arena_init(&a, 1 << 20);
    print_query(&a, str_of_cstr(c->query), &once);
    ck_assert_msg(str_eq(buf_str(&once), str_of_cstr(want)), "%s: printed %s", c->query,
                  buf_cstr(&once));
    print_query(&a, buf_str(&once), &twice);
    ck_assert_msg(str_eq(buf_str(&once), buf_str(&twice)), "%s: again %s", c->query,
                  buf_cstr(&twice));
    arena_fini(&a);
}
END_TEST

static struct promql_node *
parse(struct arena *a, const char *query)
{
    struct promql_node *root;
    CK_OK(promql_parse(a, str_of_cstr(query), &all, &root));
    return root;
}

START_TEST(test_selector_fields)
{
    struct arena a;
    arena_init(&a, 0);
    const struct promql_node *n = parse(&a, "up{job!=\"a\"}[5m] @ -1.5 offset -1h");
    ck_assert_int_eq(n->kind, PROMQL_MATRIX_SELECTOR);
    ck_assert_int_eq(n->type, PROMQL_MATRIX);
    ck_assert_int_eq(n->matrix.range_ms, 300000);
    ck_assert_uint_eq(n->range.end, 34);
    const struct promql_vector_selector *v = &n->matrix.selector->vector;
    ck_assert(str_eq(v->name, STR("up")));
    ck_assert_uint_eq(v->matchers.n, 2);
    ck_assert(str_eq(v->matchers.v[0].name, STR("job")));
    ck_assert(str_eq(v->matchers.v[1].name, STR("__name__")));
    ck_assert_int_eq(v->at.kind, PROMQL_AT_TIMESTAMP);
    ck_assert_int_eq(v->at.timestamp_ms, -1500);
    ck_assert_int_eq(v->offset.ms, -3600000);
    ck_assert_ptr_null(v->offset.expr);
    arena_fini(&a);
}
END_TEST

START_TEST(test_subquery_fields)
{
    struct arena a;
    arena_init(&a, 0);
    const struct promql_node *n = parse(&a, "up[1h:90] @ end() offset step()");
    ck_assert_int_eq(n->kind, PROMQL_SUBQUERY);
    ck_assert_int_eq(n->subquery.range_ms, 3600000);
    ck_assert_int_eq(n->subquery.step_ms, 90000);
    ck_assert_int_eq(n->subquery.at.kind, PROMQL_AT_END);
    ck_assert_int_eq(n->subquery.offset.expr->duration.kind, PROMQL_DURATION_STEP);
    ck_assert_int_eq(parse(&a, "up[1h:]")->subquery.step_ms, 0);
    ck_assert_int_eq(parse(&a, "up[1.5]")->matrix.range_ms, 1500);
    arena_fini(&a);
}
END_TEST

START_TEST(test_binary_fields)
{
    struct arena a;
    arena_init(&a, 0);
    const struct promql_node *n = parse(&a, "a == bool on(x) group_right(y, z) fill_left(3) b");
    ck_assert_int_eq(n->binary.op, PROMQL_EQ);
    ck_assert(n->binary.returns_bool);
    const struct promql_matching *m = n->binary.matching;
    ck_assert_int_eq(m->card, PROMQL_ONE_TO_MANY);
    ck_assert(m->on && m->labels.n == 1 && m->include.n == 2);
    ck_assert(str_eq(m->include.v[1], STR("z")));
    ck_assert(m->has_fill_left && !m->has_fill_right && m->fill_left == 3);
    ck_assert_uint_eq(n->depth, 2);
    arena_fini(&a);
}
END_TEST

START_TEST(test_walk)
{
    struct arena a;
    arena_init(&a, 0);
    const struct promql_node *n = parse(&a, "topk(1, (-a + rate(b[5m])))");
    ck_assert_int_eq(n->kind, PROMQL_AGGREGATE);
    ck_assert_int_eq(promql_child(n, 0)->kind, PROMQL_PAREN);
    ck_assert_int_eq(promql_child(n, 1)->kind, PROMQL_NUMBER);
    ck_assert_ptr_null(promql_child(n, 2));
    const struct promql_node *sum = promql_unwrap(promql_child(n, 0));
    ck_assert_int_eq(sum->kind, PROMQL_BINARY);
    arena_fini(&a);
}
END_TEST

/* The start of every node, in the order of a walk. */
static void
put_starts(const struct promql_node *n, struct buf *to)
{
    const struct promql_node *child;
    buf_printf(to, "%u-%u ", n->range.start, n->range.end);
    for (size_t i = 0; (child = promql_child(n, i)); i++)
        put_starts(child, to);
}

static const struct range_case {
    const char *query, *want;
} range_cases[] = {
    {"  1", "2-3 "},
    {"-1", "0-2 "},
    {" up{a=\"b\"} ", "1-10 "},
    {"a + b", "0-5 0-1 4-5 "},
    {"-(a)", "0-4 1-4 2-3 "},
    {"sum by (x) (a) ", "0-14 12-13 "},
    {"sum(a) by (x) ", "0-13 4-5 "},
    {"sum( a ) ", "0-8 5-6 "},
    {"f_of + rate( a[5m] )", "0-20 0-4 7-20 13-18 13-14 "},
    {"topk(2, a)", "0-10 8-9 5-6 "},
    {"(a)[5m:] offset 1m", "0-18 0-3 1-2 "},
};

START_TEST(test_ranges)
{
    struct arena a;
    AUTO(buf_fini) struct buf got = BUF_INIT;
    arena_init(&a, 0);
    put_starts(parse(&a, range_cases[_i].query), &got);
    ck_assert_str_eq(buf_cstr(&got), range_cases[_i].want);
    arena_fini(&a);
}
END_TEST

static const struct selector_case {
    const char *text;
    size_t count;
    bool restricts;
} selector_cases[] = {
    {"up", 1, true},
    {"{}", 0, false},
    {"{a=\"\"}", 1, false},
    {"{a=~\".*\"}", 1, false},
    {"{a!=\"x\"}", 1, false},
    {"{a!=\"\"}", 1, true},
    {"{a=~\".+\",b=\"\"}", 2, true},
    {"up{a=\"\"}", 2, true},
    {"{\"up\",a=\"b\"}", 2, true},
    {"sum{a=\"b\"} # c", 2, true},
};

START_TEST(test_selectors)
{
    const struct selector_case *c = &selector_cases[_i];
    struct arena a;
    struct matchers m;
    arena_init(&a, 0);
    CK_OK(promql_parse_selector(&a, str_of_cstr(c->text), &m));
    ROW_ASSERT(c->text, m.n == c->count);
    ROW_ASSERT(c->text, promql_matchers_restrict(m) == c->restricts);
    arena_fini(&a);
}
END_TEST

START_TEST(test_function_table)
{
    for (int i = 0; i < PROMQL_FN_COUNT_OF; i++) {
        const struct promql_function *f = promql_function((enum promql_fn)i);
        ck_assert_int_eq((int)f->id, i);
        ck_assert_ptr_eq(promql_function_find(f->name), f); /* so the table is in order */
    }
    ck_assert_ptr_null(promql_function_find(STR("")));
    ck_assert_ptr_null(promql_function_find(STR("Rate")));
    ck_assert_ptr_null(promql_function_find(STR("zzz")));
}
END_TEST

Suite *
parse_suite(void)
{
    Suite *s = suite_create("parse");
    TCase *t = tcase_create("parse");
    tcase_add_test(t, test_function_table);
    tcase_add_loop_test(t, test_valid, 0, (int)ARRAY_LEN(parse_cases));
    tcase_add_loop_test(t, test_ranges, 0, (int)ARRAY_LEN(range_cases));
    tcase_add_loop_test(t, test_selectors, 0, (int)ARRAY_LEN(selector_cases));
    tcase_add_test(t, test_selector_fields);
    tcase_add_test(t, test_subquery_fields);
    tcase_add_test(t, test_binary_fields);
    tcase_add_test(t, test_walk);
    suite_add_tcase(s, t);
    return s;
}
