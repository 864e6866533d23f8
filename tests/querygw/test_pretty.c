/* Queries over several lines, as Prometheus 3.14 formats them (subqueries indented), and that
 * the text still means the same. */
#include "tests/harness.h"

#include "base/mem.h"
#include "querygw/promql/parse.h"
#include "querygw/promql/pretty.h"
#include "querygw/promql/print.h"

static const struct promql_parse_opts all = {true, true, true, true};

static const struct pretty_case {
    const char *query, *want;
} pretty_cases[] = {
    {"up", "up"},
    {"  up  ", "up"},
    {"sum(rate(up[5m]))  by (a)", "sum by (a) (rate(up[5m]))"},
    {"a + b", "a + b"},
    {"sum by (job, instance, environment) "
     "(rate(http_requests_total{job=\"api-server\",environment=\"production\"}[5m]))",
     "sum by (job, instance, environment) (\n"
     "  rate(http_requests_total{environment=\"production\",job=\"api-server\"}[5m])\n"
     ")"},
    {"topk by (job) (3, "
     "rate(http_requests_total{job=\"api-server\",environment=\"production\",instance=~\"10[.].*\"}"
     "[5m]))",
     "topk by (job) (\n"
     "  3,\n"
     "  "
     "rate(http_requests_total{environment=\"production\",instance=~\"10[.].*\",job=\"api-server\"}"
     "[5m])\n"
     ")"},
    {"http_requests_total{job=\"api-server\",environment=\"production\",instance=~\"10[.]0[.]0[.].*"
     "\"} + "
     "http_requests_total{job=\"api-server\",environment=\"production\",instance=~\"10[.]0[.]0[.].*"
     "\"}",
     "  "
     "http_requests_total{environment=\"production\",instance=~\"10[.]0[.]0[.].*\",job=\"api-"
     "server\"}\n"
     "+\n"
     "  "
     "http_requests_total{environment=\"production\",instance=~\"10[.]0[.]0[.].*\",job=\"api-"
     "server\"}"},
    {"http_requests_total{job=\"api-server\",environment=\"production\",instance=~\"10[.]0[.]0[.].*"
     "\"} > bool on (job, instance) group_left (version) "
     "http_requests_total{job=\"api-server\",environment=\"production\",instance=~\"10[.]0[.]0[.].*"
     "\"}",
     "  "
     "http_requests_total{environment=\"production\",instance=~\"10[.]0[.]0[.].*\",job=\"api-"
     "server\"}\n"
     "> bool on (job, instance) group_left (version)\n"
     "  "
     "http_requests_total{environment=\"production\",instance=~\"10[.]0[.]0[.].*\",job=\"api-"
     "server\"}"},
    {"(http_requests_total{job=\"api-server\",environment=\"production\",instance=~\"10[.]0[.]0[.]."
     "*\"} / "
     "http_requests_total{job=\"api-server\",environment=\"production\",instance=~\"10[.]0[.]0[.].*"
     "\"})",
     "(\n"
     "    "
     "http_requests_total{environment=\"production\",instance=~\"10[.]0[.]0[.].*\",job=\"api-"
     "server\"}\n"
     "  /\n"
     "    "
     "http_requests_total{environment=\"production\",instance=~\"10[.]0[.]0[.].*\",job=\"api-"
     "server\"}\n"
     ")"},
    {"-(http_requests_total{job=\"api-server\",environment=\"production\",instance=~\"10[.]0[.]0[.]"
     ".*\"} / "
     "http_requests_total{job=\"api-server\",environment=\"production\",instance=~\"10[.]0[.]0[.].*"
     "\"})",
     "-(\n"
     "    "
     "http_requests_total{environment=\"production\",instance=~\"10[.]0[.]0[.].*\",job=\"api-"
     "server\"}\n"
     "  /\n"
     "    "
     "http_requests_total{environment=\"production\",instance=~\"10[.]0[.]0[.].*\",job=\"api-"
     "server\"}\n"
     ")"},
    {"-http_requests_total{job=\"api-server\",environment=\"production\",instance=~\"10[.]0[.]0[.]."
     "*\"} / "
     "http_requests_total{job=\"api-server\",environment=\"production\",instance=~\"10[.]0[.]0[.].*"
     "\"} * 2",
     "    "
     "-http_requests_total{environment=\"production\",instance=~\"10[.]0[.]0[.].*\",job=\"api-"
     "server\"}\n"
     "  /\n"
     "    "
     "http_requests_total{environment=\"production\",instance=~\"10[.]0[.]0[.].*\",job=\"api-"
     "server\"}\n"
     "*\n"
     "  2"},
    {"label_replace(http_requests_total{job=\"api-server\",environment=\"production\",instance=~"
     "\"10[.]0[.]0[.].*\"}, \"target\", \"$1\", \"source\", \"(.*)\")",
     "label_replace(\n"
     "  "
     "http_requests_total{environment=\"production\",instance=~\"10[.]0[.]0[.].*\",job=\"api-"
     "server\"},\n"
     "  \"target\",\n"
     "  \"$1\",\n"
     "  \"source\",\n"
     "  \"(.*)\"\n"
     ")"},
    {"histogram_quantile(0.99, sum by (le, job) "
     "(rate(http_request_duration_seconds_bucket{job=\"api-server\",code=~\"5..\"}[5m])))",
     "histogram_quantile(\n"
     "  0.99,\n"
     "  sum by (le, job) "
     "(rate(http_request_duration_seconds_bucket{code=~\"5..\",job=\"api-server\"}[5m]))\n"
     ")"},
    {"max_over_time((http_requests_total{job=\"api-server\",environment=\"production\",instance=~"
     "\"10[.]0[.]0[.].*\"} + "
     "http_requests_total{job=\"api-server\",environment=\"production\",instance=~\"10[.]0[.]0[.].*"
     "\"})[1h:5m] offset 1d)",
     "max_over_time(\n"
     "  (\n"
     "      "
     "http_requests_total{environment=\"production\",instance=~\"10[.]0[.]0[.].*\",job=\"api-"
     "server\"}\n"
     "    +\n"
     "      "
     "http_requests_total{environment=\"production\",instance=~\"10[.]0[.]0[.].*\",job=\"api-"
     "server\"}\n"
     "  )[1h:5m] offset 1d\n"
     ")"},
    {"sum(max_over_time(rate(http_requests_total{job=\"api-server\"}[5m])[1h:5m])) + "
     "sum(min_over_time(x{job=\"api\"}[1h:]))",
     "  sum(max_over_time(rate(http_requests_total{job=\"api-server\"}[5m])[1h:5m]))\n"
     "+\n"
     "  sum(min_over_time(x{job=\"api\"}[1h:]))"},
    {"count_values(\"a_rather_long_label_name_for_the_values\", "
     "http_requests_total{job=\"api-server\",environment=\"production\",instance=~\"10[.]0[.]0[.].*"
     "\"})",
     "count_values(\n"
     "  \"a_rather_long_label_name_for_the_values\",\n"
     "  "
     "http_requests_total{environment=\"production\",instance=~\"10[.]0[.]0[.].*\",job=\"api-"
     "server\"}\n"
     ")"},
    {"\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
     "xxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"",
     "\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
     "xxxxxxxxxxxxxxxxxxxxxxxxxxxxx\""},
    {"absent(http_requests_total{job=\"api-server\",environment=\"production\",instance=~\"10[.]0[."
     "]0[.].*\"} offset 5m)",
     "absent(\n"
     "  "
     "http_requests_total{environment=\"production\",instance=~\"10[.]0[.]0[.].*\",job=\"api-"
     "server\"} offset 5m\n"
     ")"},
    {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aaaaaaa",
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aaaaaaa"},
    {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa + "
     "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa + "
     "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"},
    {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa + "
     "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
     "  aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n"
     "+\n"
     "  bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"},
};

START_TEST(test_pretty)
{
    const struct pretty_case *c = &pretty_cases[_i];
    AUTO(buf_fini) struct buf got = BUF_INIT;
    AUTO(buf_fini) struct buf before = BUF_INIT;
    AUTO(buf_fini) struct buf after = BUF_INIT;
    struct promql_node *n;
    struct arena a;
    arena_init(&a, 0);
    CK_OK(promql_parse(&a, str_of_cstr(c->query), &all, &n));
    promql_print(n, &before);
    promql_pretty(n, &got);
    ck_assert_str_eq(buf_cstr(&got), c->want);
    CK_OK(promql_parse(&a, buf_str(&got), &all, &n));
    promql_print(n, &after);
    ck_assert_str_eq(buf_cstr(&before), buf_cstr(&after));
    arena_fini(&a);
}
END_TEST

/* As deep as a tree may be: each level must not print all that is below it. */
START_TEST(test_deep)
{
    AUTO(buf_fini) struct buf query = BUF_INIT;
    AUTO(buf_fini) struct buf got = BUF_INIT;
    struct promql_node *n;
    struct arena a;
    arena_init(&a, 0);
    for (int i = 0; i < 990; i++)
        buf_append(&query, STR("a_long_metric_name_that_fills_the_line + "));
    buf_append(&query, STR("b"));
    CK_OK(promql_parse(&a, buf_str(&query), &all, &n));
    promql_pretty(n, &got);
    ck_assert_uint_gt(got.n, query.n);
    arena_fini(&a);
}
END_TEST

Suite *
pretty_suite(void)
{
    Suite *s = suite_create("pretty");
    TCase *t = tcase_create("pretty");
    tcase_add_loop_test(t, test_pretty, 0, (int)ARRAY_LEN(pretty_cases));
    tcase_add_test(t, test_deep);
    suite_add_tcase(s, t);
    return s;
}
