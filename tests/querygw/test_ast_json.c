/* Trees as JSON, byte for byte what Prometheus 3.14 answers to parse_query. */
#include "tests/harness.h"

#include <jansson.h>

#include "base/mem.h"
#include "querygw/promql/ast_json.h"
#include "querygw/promql/parse.h"

static const struct promql_parse_opts all = {true, true, true, true};

static const struct json_case {
    const char *query, *want;
} json_cases[] = {
    {"1", "{\"type\":\"numberLiteral\",\"val\":\"1\"}"},
    {"5m", "{\"type\":\"numberLiteral\",\"val\":\"300\"}"},
    {"-Inf", "{\"type\":\"numberLiteral\",\"val\":\"-Inf\"}"},
    {"\"a<b\"", "{\"type\":\"stringLiteral\",\"val\":\"a\\u003cb\"}"},
    {"up", "{\"anchored\":false,\"matchers\":[{\"name\":\"__name__\",\"type\":\"=\",\"value\":"
           "\"up\"}],\"name\":\"up\",\"offset\":0,\"offsetExpr\":null,\"smoothed\":false,"
           "\"startOrEnd\":null,\"timestamp\":null,\"type\":\"vectorSelector\"}"},
    {"up{a!=\"b\"} @ 5 offset -5m",
     "{\"anchored\":false,\"matchers\":[{\"name\":\"a\",\"type\":\"!=\",\"value\":\"b\"},{\"name\":"
     "\"__name__\",\"type\":\"=\",\"value\":\"up\"}],\"name\":\"up\",\"offset\":-300000,"
     "\"offsetExpr\":null,\"smoothed\":false,\"startOrEnd\":null,\"timestamp\":5000,\"type\":"
     "\"vectorSelector\"}"},
    {"{\"x y\",a=~\"b|c\",d!~\"e\"} @ start() smoothed",
     "{\"anchored\":false,\"matchers\":[{\"name\":\"__name__\",\"type\":\"=\",\"value\":\"x "
     "y\"},{\"name\":\"a\",\"type\":\"=~\",\"value\":\"b|c\"},{\"name\":\"d\",\"type\":\"!~\","
     "\"value\":\"e\"}],\"name\":\"\",\"offset\":0,\"offsetExpr\":null,\"smoothed\":true,"
     "\"startOrEnd\":\"start\",\"timestamp\":null,\"type\":\"vectorSelector\"}"},
    {"up[5m] anchored offset step()",
     "{\"anchored\":true,\"matchers\":[{\"name\":\"__name__\",\"type\":\"=\",\"value\":\"up\"}],"
     "\"name\":\"up\",\"offset\":0,\"offsetExpr\":{\"lhs\":null,\"op\":\"step\",\"rhs\":null,"
     "\"type\":\"durationExpr\",\"wrapped\":false},\"range\":300000,\"rangeExpr\":null,"
     "\"smoothed\":false,\"startOrEnd\":null,\"timestamp\":null,\"type\":\"matrixSelector\"}"},
    {"up[5m * 2] @ end()",
     "{\"anchored\":false,\"matchers\":[{\"name\":\"__name__\",\"type\":\"=\",\"value\":\"up\"}],"
     "\"name\":\"up\",\"offset\":0,\"offsetExpr\":null,\"range\":0,\"rangeExpr\":{\"lhs\":{"
     "\"duration\":true,\"type\":\"numberLiteral\",\"val\":\"300\"},\"op\":\"*\",\"rhs\":{"
     "\"duration\":false,\"type\":\"numberLiteral\",\"val\":\"2\"},\"type\":\"durationExpr\","
     "\"wrapped\":false},\"smoothed\":false,\"startOrEnd\":\"end\",\"timestamp\":null,\"type\":"
     "\"matrixSelector\"}"},
    {"up[1h:]",
     "{\"expr\":{\"anchored\":false,\"matchers\":[{\"name\":\"__name__\",\"type\":\"=\",\"value\":"
     "\"up\"}],\"name\":\"up\",\"offset\":0,\"offsetExpr\":null,\"smoothed\":false,\"startOrEnd\":"
     "null,\"timestamp\":null,\"type\":\"vectorSelector\"},\"offset\":0,\"offsetExpr\":null,"
     "\"range\":3600000,\"rangeExpr\":null,\"startOrEnd\":null,\"step\":0,\"stepExpr\":null,"
     "\"timestamp\":null,\"type\":\"subquery\"}"},
    {"up[1h:(1m)] @ 1.5 offset 1d",
     "{\"expr\":{\"anchored\":false,\"matchers\":[{\"name\":\"__name__\",\"type\":\"=\",\"value\":"
     "\"up\"}],\"name\":\"up\",\"offset\":0,\"offsetExpr\":null,\"smoothed\":false,\"startOrEnd\":"
     "null,\"timestamp\":null,\"type\":\"vectorSelector\"},\"offset\":86400000,\"offsetExpr\":null,"
     "\"range\":3600000,\"rangeExpr\":null,\"startOrEnd\":null,\"step\":0,\"stepExpr\":{\"lhs\":"
     "null,\"op\":\"+\",\"rhs\":{\"duration\":true,\"type\":\"numberLiteral\",\"val\":\"60\"},"
     "\"type\":\"durationExpr\",\"wrapped\":true},\"timestamp\":1500,\"type\":\"subquery\"}"},
    {"(1)", "{\"expr\":{\"type\":\"numberLiteral\",\"val\":\"1\"},\"type\":\"parenExpr\"}"},
    {"-up",
     "{\"expr\":{\"anchored\":false,\"matchers\":[{\"name\":\"__name__\",\"type\":\"=\",\"value\":"
     "\"up\"}],\"name\":\"up\",\"offset\":0,\"offsetExpr\":null,\"smoothed\":false,\"startOrEnd\":"
     "null,\"timestamp\":null,\"type\":\"vectorSelector\"},\"op\":\"-\",\"type\":\"unaryExpr\"}"},
    {"1 + 2",
     "{\"bool\":false,\"lhs\":{\"type\":\"numberLiteral\",\"val\":\"1\"},\"matching\":null,\"op\":"
     "\"+\",\"rhs\":{\"type\":\"numberLiteral\",\"val\":\"2\"},\"type\":\"binaryExpr\"}"},
    {"a == bool 1",
     "{\"bool\":true,\"lhs\":{\"anchored\":false,\"matchers\":[{\"name\":\"__name__\",\"type\":\"="
     "\",\"value\":\"a\"}],\"name\":\"a\",\"offset\":0,\"offsetExpr\":null,\"smoothed\":false,"
     "\"startOrEnd\":null,\"timestamp\":null,\"type\":\"vectorSelector\"},\"matching\":null,\"op\":"
     "\"==\",\"rhs\":{\"type\":\"numberLiteral\",\"val\":\"1\"},\"type\":\"binaryExpr\"}"},
    {"a / on(x) group_left(y) fill_left(0.5) b",
     "{\"bool\":false,\"lhs\":{\"anchored\":false,\"matchers\":[{\"name\":\"__name__\",\"type\":\"="
     "\",\"value\":\"a\"}],\"name\":\"a\",\"offset\":0,\"offsetExpr\":null,\"smoothed\":false,"
     "\"startOrEnd\":null,\"timestamp\":null,\"type\":\"vectorSelector\"},\"matching\":{\"card\":"
     "\"many-to-one\",\"fillValues\":{\"lhs\":0.5,\"rhs\":null},\"include\":[\"y\"],\"labels\":["
     "\"x\"],\"on\":true},\"op\":\"/"
     "\",\"rhs\":{\"anchored\":false,\"matchers\":[{\"name\":\"__name__\",\"type\":\"=\",\"value\":"
     "\"b\"}],\"name\":\"b\",\"offset\":0,\"offsetExpr\":null,\"smoothed\":false,\"startOrEnd\":"
     "null,\"timestamp\":null,\"type\":\"vectorSelector\"},\"type\":\"binaryExpr\"}"},
    {"a and b",
     "{\"bool\":false,\"lhs\":{\"anchored\":false,\"matchers\":[{\"name\":\"__name__\",\"type\":\"="
     "\",\"value\":\"a\"}],\"name\":\"a\",\"offset\":0,\"offsetExpr\":null,\"smoothed\":false,"
     "\"startOrEnd\":null,\"timestamp\":null,\"type\":\"vectorSelector\"},\"matching\":{\"card\":"
     "\"many-to-many\",\"fillValues\":{\"lhs\":null,\"rhs\":null},\"include\":[],\"labels\":[],"
     "\"on\":false},\"op\":\"and\",\"rhs\":{\"anchored\":false,\"matchers\":[{\"name\":\"__name__"
     "\",\"type\":\"=\",\"value\":\"b\"}],\"name\":\"b\",\"offset\":0,\"offsetExpr\":null,"
     "\"smoothed\":false,\"startOrEnd\":null,\"timestamp\":null,\"type\":\"vectorSelector\"},"
     "\"type\":\"binaryExpr\"}"},
    {"a + fill(0.001) b",
     "{\"bool\":false,\"lhs\":{\"anchored\":false,\"matchers\":[{\"name\":\"__name__\",\"type\":\"="
     "\",\"value\":\"a\"}],\"name\":\"a\",\"offset\":0,\"offsetExpr\":null,\"smoothed\":false,"
     "\"startOrEnd\":null,\"timestamp\":null,\"type\":\"vectorSelector\"},\"matching\":{\"card\":"
     "\"one-to-one\",\"fillValues\":{\"lhs\":0.001,\"rhs\":0.001},\"include\":[],\"labels\":[],"
     "\"on\":false},\"op\":\"+\",\"rhs\":{\"anchored\":false,\"matchers\":[{\"name\":\"__name__\","
     "\"type\":\"=\",\"value\":\"b\"}],\"name\":\"b\",\"offset\":0,\"offsetExpr\":null,"
     "\"smoothed\":false,\"startOrEnd\":null,\"timestamp\":null,\"type\":\"vectorSelector\"},"
     "\"type\":\"binaryExpr\"}"},
    {"sum(up)",
     "{\"expr\":{\"anchored\":false,\"matchers\":[{\"name\":\"__name__\",\"type\":\"=\",\"value\":"
     "\"up\"}],\"name\":\"up\",\"offset\":0,\"offsetExpr\":null,\"smoothed\":false,\"startOrEnd\":"
     "null,\"timestamp\":null,\"type\":\"vectorSelector\"},\"grouping\":[],\"op\":\"sum\","
     "\"param\":null,\"type\":\"aggregation\",\"without\":false}"},
    {"topk without (a, \"b c\") (2, up)",
     "{\"expr\":{\"anchored\":false,\"matchers\":[{\"name\":\"__name__\",\"type\":\"=\",\"value\":"
     "\"up\"}],\"name\":\"up\",\"offset\":0,\"offsetExpr\":null,\"smoothed\":false,\"startOrEnd\":"
     "null,\"timestamp\":null,\"type\":\"vectorSelector\"},\"grouping\":[\"a\",\"b "
     "c\"],\"op\":\"topk\",\"param\":{\"type\":\"numberLiteral\",\"val\":\"2\"},\"type\":"
     "\"aggregation\",\"without\":true}"},
    {"time()", "{\"args\":[],\"func\":{\"argTypes\":[],\"name\":\"time\",\"returnType\":\"scalar\","
               "\"variadic\":0},\"type\":\"call\"}"},
    {"label_join(up, \"a\", \",\")",
     "{\"args\":[{\"anchored\":false,\"matchers\":[{\"name\":\"__name__\",\"type\":\"=\",\"value\":"
     "\"up\"}],\"name\":\"up\",\"offset\":0,\"offsetExpr\":null,\"smoothed\":false,\"startOrEnd\":"
     "null,\"timestamp\":null,\"type\":\"vectorSelector\"},{\"type\":\"stringLiteral\",\"val\":"
     "\"a\"},{\"type\":\"stringLiteral\",\"val\":\",\"}],\"func\":{\"argTypes\":[\"vector\","
     "\"string\",\"string\",\"string\"],\"name\":\"label_join\",\"returnType\":\"vector\","
     "\"variadic\":-1},\"type\":\"call\"}"},
    {"up[-step() + max_of(1m, range())]",
     "{\"anchored\":false,\"matchers\":[{\"name\":\"__name__\",\"type\":\"=\",\"value\":\"up\"}],"
     "\"name\":\"up\",\"offset\":0,\"offsetExpr\":null,\"range\":0,\"rangeExpr\":{\"lhs\":{\"lhs\":"
     "null,\"op\":\"-\",\"rhs\":{\"lhs\":null,\"op\":\"step\",\"rhs\":null,\"type\":"
     "\"durationExpr\",\"wrapped\":false},\"type\":\"durationExpr\",\"wrapped\":false},\"op\":\"+"
     "\",\"rhs\":{\"lhs\":{\"duration\":true,\"type\":\"numberLiteral\",\"val\":\"60\"},\"op\":"
     "\"max_of\",\"rhs\":{\"lhs\":null,\"op\":\"range\",\"rhs\":null,\"type\":\"durationExpr\","
     "\"wrapped\":false},\"type\":\"durationExpr\",\"wrapped\":false},\"type\":\"durationExpr\","
     "\"wrapped\":false},\"smoothed\":false,\"startOrEnd\":null,\"timestamp\":null,\"type\":"
     "\"matrixSelector\"}"},
    {"up offset -(5m - 1)",
     "{\"anchored\":false,\"matchers\":[{\"name\":\"__name__\",\"type\":\"=\",\"value\":\"up\"}],"
     "\"name\":\"up\",\"offset\":0,\"offsetExpr\":{\"lhs\":null,\"op\":\"-\",\"rhs\":{\"lhs\":{"
     "\"duration\":true,\"type\":\"numberLiteral\",\"val\":\"300\"},\"op\":\"-\",\"rhs\":{"
     "\"duration\":false,\"type\":\"numberLiteral\",\"val\":\"1\"},\"type\":\"durationExpr\","
     "\"wrapped\":true},\"type\":\"durationExpr\",\"wrapped\":false},\"smoothed\":false,"
     "\"startOrEnd\":null,\"timestamp\":null,\"type\":\"vectorSelector\"}"},
    {"round(up)",
     "{\"args\":[{\"anchored\":false,\"matchers\":[{\"name\":\"__name__\",\"type\":\"=\",\"value\":"
     "\"up\"}],\"name\":\"up\",\"offset\":0,\"offsetExpr\":null,\"smoothed\":false,\"startOrEnd\":"
     "null,\"timestamp\":null,\"type\":\"vectorSelector\"}],\"func\":{\"argTypes\":[\"vector\","
     "\"scalar\"],\"name\":\"round\",\"returnType\":\"vector\",\"variadic\":1},\"type\":\"call\"}"},
};

static void
write_query(struct str query, struct buf *to)
{
    struct promql_node *n;
    struct json_writer w;
    struct arena a;
    arena_init(&a, 0);
    CK_OK(promql_parse(&a, query, &all, &n));
    json_init(&w, to, JSON_HTML);
    promql_write_json(n, &w);
    arena_fini(&a);
}

START_TEST(test_json)
{
    AUTO(buf_fini) struct buf got = BUF_INIT;
    write_query(str_of_cstr(json_cases[_i].query), &got);
    ck_assert_str_eq(buf_cstr(&got), json_cases[_i].want);
}
END_TEST

/* What no number of JSON can say, and bytes that are no UTF-8. */
static const struct odd_case {
    const char *query, *part;
} odd_cases[] = {
    {"a + fill(NaN) b", "\"fillValues\":{\"lhs\":\"NaN\",\"rhs\":\"NaN\"}"},
    {"a + fill_left(-Inf) b", "\"fillValues\":{\"lhs\":\"-Inf\",\"rhs\":null}"},
    {"\"\\xff\"", "\"val\":\"\\ufffd\""},
};

START_TEST(test_odd)
{
    const struct odd_case *c = &odd_cases[_i];
    AUTO(buf_fini) struct buf got = BUF_INIT;
    write_query(str_of_cstr(c->query), &got);
    ROW_ASSERT(c->query, strstr(buf_cstr(&got), c->part));
    json_t *root = json_loadb(got.p, got.n, 0, NULL);
    ROW_ASSERT(c->query, root);
    json_decref(root);
}
END_TEST

/* Deeper than a writer counts. */
START_TEST(test_deep)
{
    AUTO(buf_fini) struct buf query = BUF_INIT;
    AUTO(buf_fini) struct buf got = BUF_INIT;
    for (int i = 0; i < 990; i++)
        buf_put_u8(&query, '(');
    buf_put_u8(&query, '1');
    for (int i = 0; i < 990; i++)
        buf_put_u8(&query, ')');
    write_query(buf_str(&query), &got);
    json_t *root = json_loadb(got.p, got.n, 0, NULL);
    ck_assert_ptr_nonnull(root);
    json_decref(root);
}
END_TEST

Suite *
ast_json_suite(void)
{
    Suite *s = suite_create("ast_json");
    TCase *t = tcase_create("ast_json");
    tcase_add_loop_test(t, test_json, 0, (int)ARRAY_LEN(json_cases));
    tcase_add_loop_test(t, test_odd, 0, (int)ARRAY_LEN(odd_cases));
    tcase_add_test(t, test_deep);
    suite_add_tcase(s, t);
    return s;
}
