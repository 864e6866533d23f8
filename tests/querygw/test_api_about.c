/* What the API tells about series beside samples: exemplars, metadata, and what makes the head
 * large; byte for byte as Prometheus writes them. */
#include <math.h>
#include <stdio.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "tests/harness.h"
#include "tests/querygw/api_fixture.h"

static struct api_fixture f;

static void
put_exemplar(struct fake_store *s, struct label *series, size_t labels, const struct exemplar *e)
{
    uint8_t fate = EXEMPLAR_STORED;
    exemplars_append(s->exemplars, (struct labels){series, labels}, e, 1, &fate);
    ck_assert_int_eq(fate, EXEMPLAR_STORED);
}

static void
put_metadata(struct fake_store *s, struct str family, enum metric_kind kind, struct str help,
             struct str unit)
{
    struct family_metadata m = {family, {kind, help, unit}};
    ck_assert_int_eq(metadata_store_put(s->metadata, &m), METADATA_CHANGED);
}

static void
fill_cardinality(struct fake_store *s)
{
    static const struct rank metrics[] = {{.name = STR_INIT("requests"), .amount = 7},
                                          {.name = STR_INIT("errors"), .amount = 2}},
                             values[] = {{.name = STR_INIT("job"), .amount = 3}},
                             bytes[] = {{.name = STR_INIT("job"), .amount = UINT64_MAX}},
                             pairs[] = {{.name = STR_INIT("job=a<b"), .amount = 9}};
    s->cardinality = (struct cardinality){.series = 9,
                                          .pairs = 5,
                                          .chunks = 12,
                                          .mint_ms = -500,
                                          .maxt_ms = 1700000000000,
                                          .series_by_metric = {metrics, ARRAY_LEN(metrics)},
                                          .values_by_name = {values, ARRAY_LEN(values)},
                                          .bytes_by_name = {bytes, ARRAY_LEN(bytes)},
                                          .series_by_pair = {pairs, ARRAY_LEN(pairs)}};
}

static void
setup(void)
{
    api_fixture_start(&f, (struct api_opts){0});
    struct label requests[] = {{STR("__name__"), STR("requests")}, {STR("job"), STR("a<b")}};
    struct label errors[] = {{STR("__name__"), STR("errors")}};
    struct label trace[] = {{STR("trace_id"), STR("x&y")}};
    struct labels traced = {trace, 1}, none = {NULL, 0};
    struct fake_store *s = &f.store;
    put_exemplar(s, requests, 2, &(struct exemplar){1500, bits_of_f64(6), traced});
    put_exemplar(s, requests, 2, &(struct exemplar){2000, bits_of_f64(0.1), none});
    put_exemplar(s, requests, 2, &(struct exemplar){3000, bits_of_f64(1e21), none});
    put_exemplar(s, errors, 1, &(struct exemplar){-500, bits_of_f64(INFINITY), none});
    put_metadata(s, STR("requests"), METRIC_KIND_COUNTER, STR("All <b>\n\"requests\"."), STR(""));
    put_metadata(s, STR("a"), METRIC_KIND_GAUGE_HISTOGRAM, STR(""), STR("seconds"));
    put_metadata(s, STR("b"), METRIC_KIND_UNKNOWN, STR("b"), STR(""));
    put_metadata(&f.other, STR("other"), METRIC_KIND_INFO, STR(""), STR(""));
    fill_cardinality(s);
}

static void
teardown(void)
{
    api_fixture_stop(&f);
}

#define DATA(data)      "{\"status\":\"success\",\"data\":" data "}"
#define BAD(type, text) "{\"status\":\"error\",\"errorType\":\"" type "\",\"error\":\"" text "\"}"

#define E_SIX   "{\"labels\":{\"trace_id\":\"x&y\"},\"value\":\"6\",\"timestamp\":1.500}"
#define E_TENTH "{\"labels\":{},\"value\":\"0.1\",\"timestamp\":2}"
#define E_LARGE "{\"labels\":{},\"value\":\"1e+21\",\"timestamp\":3}"
#define E_INF   "{\"labels\":{},\"value\":\"+Inf\",\"timestamp\":-0.500}"
#define REQUESTS(exemplars)                                                                        \
    "{\"seriesLabels\":{\"__name__\":\"requests\",\"job\":\"a<b\"},\"exemplars\":[" exemplars "]}"
#define ERRORS "{\"seriesLabels\":{\"__name__\":\"errors\"},\"exemplars\":[" E_INF "]}"

#define M_A "\"a\":[{\"type\":\"gaugehistogram\",\"unit\":\"seconds\",\"help\":\"\"}]"
#define M_B "\"b\":[{\"type\":\"unknown\",\"unit\":\"\",\"help\":\"b\"}]"
#define M_REQUESTS                                                                                 \
    "\"requests\":[{\"type\":\"counter\",\"unit\":\"\",\"help\":\"All \\u003cb\\u003e\\n"          \
    "\\\"requests\\\".\"}]"

#define ITEM(name, value) "{\"name\":\"" name "\",\"value\":" value "}"
#define STATUS(head, metrics, values, bytes, pairs)                                                \
    DATA("{\"headStats\":{" head "},"                                                              \
         "\"seriesCountByMetricName\":[" metrics "],"                                              \
         "\"labelValueCountByLabelName\":[" values "],"                                            \
         "\"memoryInBytesByLabelName\":[" bytes "],"                                               \
         "\"seriesCountByLabelValuePair\":[" pairs "]}")
#define S_EMPTY                                                                                    \
    STATUS("\"numSeries\":0,\"numLabelPairs\":0,\"chunkCount\":0,"                                 \
           "\"minTime\":9223372036854775807,\"maxTime\":-9223372036854775808",                     \
           "", "", "", "")
#define S_FULL(more_metrics)                                                                       \
    STATUS("\"numSeries\":9,\"numLabelPairs\":5,\"chunkCount\":12,"                                \
           "\"minTime\":-500,\"maxTime\":1700000000000",                                           \
           ITEM("requests", "7") more_metrics, ITEM("job", "3"),                                   \
           ITEM("job", "18446744073709551615"), ITEM("job=a\\u003cb", "9"))
#define S_ERRORS "," ITEM("errors", "2")

static const struct get_case {
    const char *name, *target, *headers;
    int status;
    const char *body;
} get_cases[] = {
    {"exemplars", "/api/v1/query_exemplars?query=requests", "", 200,
     DATA("[" REQUESTS(E_SIX "," E_TENTH "," E_LARGE) "]")},
    {"of a range", "/api/v1/query_exemplars?query=rate(requests[5m])", "", 200,
     DATA("[" REQUESTS(E_SIX "," E_TENTH "," E_LARGE) "]")},
    {"of two selectors, sorted",
     "/api/v1/query_exemplars?query=sum(rate(requests[5m]))/sum(rate(errors[5m:1m]))", "", 200,
     DATA("[" ERRORS "," REQUESTS(E_SIX "," E_TENTH "," E_LARGE) "]")},
    {"twice the same", "/api/v1/query_exemplars?query=requests%2Brequests", "", 200,
     DATA("[" REQUESTS(E_SIX "," E_TENTH "," E_LARGE) "]")},
    {"matchers", "/api/v1/query_exemplars?query=requests%7Bjob!=%22a%3Cb%22%7D", "", 200,
     DATA("[]")},
    {"time", "/api/v1/query_exemplars?query=requests&start=1.6&end=2", "", 200,
     DATA("[" REQUESTS(E_TENTH) "]")},
    {"one instant", "/api/v1/query_exemplars?query=requests&start=1.5&end=1.5", "", 200,
     DATA("[" REQUESTS(E_SIX) "]")},
    {"nothing in this time", "/api/v1/query_exemplars?query=requests&start=9", "", 200, DATA("[]")},
    {"offsets do not move the time", "/api/v1/query_exemplars?query=requests%20offset%201h&end=2",
     "", 200, DATA("[" REQUESTS(E_SIX "," E_TENTH) "]")},
    {"no selector at all", "/api/v1/query_exemplars?query=1%2B1", "", 200,
     "{\"status\":\"success\"}"},
    {"unknown tenant", "/api/v1/query_exemplars?query=requests", "THANOS-TENANT: nobody\r\n", 200,
     DATA("[]")},
    {"other tenant", "/api/v1/query_exemplars?query=requests", "THANOS-TENANT: other\r\n", 200,
     DATA("[]")},
    {"no query", "/api/v1/query_exemplars", "", 400,
     BAD("bad_data", "unknown position: parse error: no expression found in input")},
    {"bad query", "/api/v1/query_exemplars?query=up%7B", "", 400,
     BAD("bad_data", "1:4: parse error: unexpected end of input inside braces")},
    {"badly typed query", "/api/v1/query_exemplars?query=sum(1)", "", 400,
     BAD("bad_data", "1:5: parse error: expected type instant vector in aggregation expression, "
                     "got scalar")},
    {"bad start", "/api/v1/query_exemplars?query=up&start=x", "", 400,
     BAD("bad_data", "invalid parameter \\\"start\\\": invalid time value for 'start': cannot "
                     "parse \\\"x\\\" to a valid timestamp")},
    {"end before start", "/api/v1/query_exemplars?query=up&start=2&end=1", "", 400,
     BAD("bad_data", "end timestamp must not be before start timestamp")},

    {"metadata", "/api/v1/metadata", "", 200, DATA("{" M_A "," M_B "," M_REQUESTS "}")},
    {"limit", "/api/v1/metadata?limit=2", "", 200, DATA("{" M_A "," M_B "}")},
    {"limit with a sign", "/api/v1/metadata?limit=%2B1", "", 200, DATA("{" M_A "}")},
    {"limit of none", "/api/v1/metadata?limit=0", "", 200, DATA("{}")},
    {"negative limit", "/api/v1/metadata?limit=-1&limit_per_metric=-5", "", 200,
     DATA("{" M_A "," M_B "," M_REQUESTS "}")},
    {"limit of each", "/api/v1/metadata?limit_per_metric=1&limit=1", "", 200, DATA("{" M_A "}")},
    {"one metric", "/api/v1/metadata?metric=b", "", 200, DATA("{" M_B "}")},
    {"unknown metric", "/api/v1/metadata?metric=c", "", 200, DATA("{}")},
    {"metadata of another tenant", "/api/v1/metadata", "THANOS-TENANT: other\r\n", 200,
     DATA("{\"other\":[{\"type\":\"info\",\"unit\":\"\",\"help\":\"\"}]}")},
    {"metadata of an unknown tenant", "/api/v1/metadata", "THANOS-TENANT: nobody\r\n", 200,
     DATA("{}")},
    {"bad limit", "/api/v1/metadata?limit=x", "", 400, BAD("bad_data", "limit must be a number")},
    {"limit with a fraction", "/api/v1/metadata?limit=1.5", "", 400,
     BAD("bad_data", "limit must be a number")},
    {"bad limit of each", "/api/v1/metadata?limit_per_metric=1e3", "", 400,
     BAD("bad_data", "limit_per_metric must be a number")},

    {"head", "/api/v1/status/tsdb", "", 200, S_FULL(S_ERRORS)},
    {"head with a limit", "/api/v1/status/tsdb?limit=1", "", 200, S_FULL("")},
    {"head with an empty limit", "/api/v1/status/tsdb?limit=", "", 200, S_FULL(S_ERRORS)},
    {"head with the greatest limit", "/api/v1/status/tsdb?limit=10000", "", 200, S_FULL(S_ERRORS)},
    {"head of another tenant", "/api/v1/status/tsdb", "THANOS-TENANT: other\r\n", 200, S_EMPTY},
    {"head of an unknown tenant", "/api/v1/status/tsdb", "THANOS-TENANT: nobody\r\n", 200, S_EMPTY},
    {"head with a limit of none", "/api/v1/status/tsdb?limit=0", "", 400,
     BAD("bad_data", "limit must be a positive number")},
    {"head with a negative limit", "/api/v1/status/tsdb?limit=-1", "", 400,
     BAD("bad_data", "limit must be a positive number")},
    {"head with no number", "/api/v1/status/tsdb?limit=1.5", "", 400,
     BAD("bad_data", "limit must be a positive number")},
    {"head with a huge number", "/api/v1/status/tsdb?limit=99999999999999999999", "", 400,
     BAD("bad_data", "limit must be a positive number")},
    {"head above the limit of limits", "/api/v1/status/tsdb?limit=10001", "", 400,
     BAD("bad_data", "limit must not exceed 10000")},
};

START_TEST(test_get)
{
    const struct get_case *c = &get_cases[_i];
    AUTO(reply_fini) struct reply r = api_get(&f, c->target, c->headers);
    ck_assert_msg(r.status == c->status && str_eq(buf_str(&r.body), str_of_cstr(c->body)),
                  "%s: %d %s", c->name, r.status, buf_cstr(&r.body));
    ROW_ASSERT(c->name, str_eq(reply_header(&r, "Content-Type"), STR("application/json")));
}
END_TEST

static const struct post_case {
    const char *name, *path, *form;
    int status;
    const char *body;
} post_cases[] = {
    {"exemplars", "/api/v1/query_exemplars?end=2", "query=requests&start=2", 200,
     DATA("[" REQUESTS(E_TENTH) "]")},
    {"bad exemplars", "/api/v1/query_exemplars", "query=%7B", 400,
     BAD("bad_data", "1:2: parse error: unexpected end of input inside braces")},
    {"status takes no POST", "/api/v1/status/tsdb", "", 405, "Method Not Allowed\n"},
    {"metadata takes no POST", "/api/v1/metadata", "", 405, "Method Not Allowed\n"},
};

START_TEST(test_post)
{
    const struct post_case *c = &post_cases[_i];
    AUTO(reply_fini)
    struct reply r =
        api_post(&f, c->path, "application/x-www-form-urlencoded", str_of_cstr(c->form));
    ck_assert_msg(r.status == c->status && str_eq(buf_str(&r.body), str_of_cstr(c->body)),
                  "%s: %d %s", c->name, r.status, buf_cstr(&r.body));
}
END_TEST

START_TEST(test_store_fault)
{
    static const char *const targets[] = {"/api/v1/query_exemplars?query=up", "/api/v1/metadata",
                                          "/api/v1/status/tsdb"};
    f.store.fail_at = 1;
    for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
        AUTO(reply_fini) struct reply r = api_get(&f, targets[i], "");
        ck_assert_int_eq(r.status, 500);
        ck_assert(strstr(buf_cstr(&r.body), "\"errorType\":\"internal\""));
    }
}
END_TEST

/* More than one piece of an answer. */
START_TEST(test_large_answers)
{
    enum { COUNT = 3000 };
    char name[32];
    for (int i = 0; i < COUNT; i++) {
        snprintf(name, sizeof name, "family_%d", i);
        put_metadata(&f.store, str_of_cstr(name), METRIC_KIND_GAUGE, STR("Some help."), STR("s"));
    }
    AUTO(reply_fini) struct reply r = api_get(&f, "/api/v1/metadata", "");
    ck_assert_int_eq(r.status, 200);
    ck_assert(r.complete && r.body.n > COUNT * 50);
    size_t found = 0;
    for (const char *p = buf_cstr(&r.body); (p = strstr(p, "Some help.")); p++)
        found++;
    ck_assert_uint_eq(found, COUNT);
}
END_TEST

Suite *
api_about_suite(void)
{
    Suite *s = suite_create("api_about");
    TCase *t = tcase_create("all");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, test_get, 0, ARRAY_LEN(get_cases));
    tcase_add_loop_test(t, test_post, 0, ARRAY_LEN(post_cases));
    tcase_add_test(t, test_store_fault);
    tcase_add_test(t, test_large_answers);
    suite_add_tcase(s, t);
    return s;
}
