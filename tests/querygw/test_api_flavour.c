/* The same requests to both flavours of the API: every row of flavour.h. And the headers for pages
 * of other origins, in both forms and in none. */
#include "base/bytes.h"
#include "base/mem.h"
#include "tests/harness.h"
#include "tests/querygw/api_fixture.h"
#include "tests/querygw/series_notation.h"

static struct api_fixture f;

static void
start(enum api_flavour flavour, bool cors)
{
    api_fixture_start(&f, (struct api_opts){.flavour = flavour, .cors = cors});
    notation_load_text(&f.store,
                       "up{job=\"a\"} 1 2 3 4\n"
                       "up{job=\"b\"} 1 2 3 4\n"
                       "h{\"my.label\"=\"x\"} 1\n",
                       0, 60000);
    struct label series[] = {{STR("__name__"), STR("up")}};
    uint8_t fate = EXEMPLAR_STORED;
    exemplars_append(f.store.exemplars, (struct labels){series, 1},
                     &(struct exemplar){1500, bits_of_f64(1e21), {NULL, 0}}, 1, &fate);
}

static void
setup_prometheus(void)
{
    start(API_PROMETHEUS, true);
}

static void
setup_thanos(void)
{
    start(API_THANOS, true);
}

static void
setup_prometheus_alone(void)
{
    start(API_PROMETHEUS, false);
}

static void
setup_thanos_alone(void)
{
    start(API_THANOS, false);
}

static void
teardown(void)
{
    api_fixture_stop(&f);
}

#define DATA(data)     "{\"status\":\"success\",\"data\":" data "}"
#define BAD(text)      "{\"status\":\"error\",\"errorType\":\"bad_data\",\"error\":\"" text "\"}"
#define TRUNCATED      ",\"warnings\":[\"results truncated due to limit\"]"
#define UP(job)        "{\"__name__\":\"up\",\"job\":\"" job "\"}"
#define VECTOR(result) "{\"resultType\":\"vector\",\"result\":[" result "]}"
#define T_VECTOR(result) "{\"resultType\":\"vector\",\"result\":[" result "],\"analysis\":{}}"
#define ONE(job)       "{\"metric\":" UP(job) ",\"value\":[60,\"2\"]}"
#define RATE           "{\"metric\":{\"job\":\"a\"},\"value\":[180,\"0.016666666666666666\"]}"
#define NO_COUNTER                                                                                 \
    "PromQL info: metric might not be a counter, name does not end in "                            \
    "_total/_sum/_count/_bucket: \\\"up\\\""
#define TIME_X     "cannot parse \\\"x\\\" to a valid timestamp"
#define DURATION_X "cannot parse \\\"x\\\" to a valid duration"
#define BOOL_X     "strconv.ParseBool: parsing \\\"x\\\": invalid syntax"
#define STEP_ZERO                                                                                  \
    "zero or negative query resolution step widths are not accepted. Try a positive integer"
#define OPEN_BRACE "1:4: parse error: unexpected end of input inside braces"
#define RANGE(q)   "/api/v1/query_range?query=up%7Bjob=%22a%22%7D&" q
#define MATRIX(p)                                                                                  \
    DATA("{\"resultType\":\"matrix\",\"result\":[{\"metric\":" UP("a") ",\"values\":[" p           \
                                                                       "]}],\"analysis\":{}}")
#define QUERY "/api/v1/query?query=up%7Bjob=%22a%22%7D&time=60"

/* NULL: as Prometheus. */
static const struct both_case {
    const char *name, *target, *prometheus, *thanos;
} both_cases[] = {
    {"infos", "/api/v1/query?query=rate(up%7Bjob=%22a%22%7D[3m])&time=180",
     "{\"status\":\"success\",\"data\":" VECTOR(RATE) ",\"infos\":[\"" NO_COUNTER " (1:6)\"]}",
     "{\"status\":\"success\",\"data\":" T_VECTOR(RATE) ",\"warnings\":[\"" NO_COUNTER "\"]}"},
    {"limit of a query", "/api/v1/query?query=up&time=60&limit=1",
     "{\"status\":\"success\",\"data\":" VECTOR(ONE("a")) TRUNCATED "}",
     DATA(T_VECTOR(ONE("a") "," ONE("b")))},
    {"bad limit of a query", QUERY "&limit=x",
     BAD("invalid parameter \\\"limit\\\": strconv.Atoi: parsing \\\"x\\\": invalid syntax"),
     DATA(T_VECTOR(ONE("a")))},
    {"limit of series", "/api/v1/series?match[]=up&limit=1",
     "{\"status\":\"success\",\"data\":[" UP("a") "]" TRUNCATED "}", NULL},
    {"bad limit of series", "/api/v1/series?match[]=up&limit=x",
     BAD("invalid parameter \\\"limit\\\": strconv.Atoi: parsing \\\"x\\\": invalid syntax"),
     BAD("cannot parse \\\"x\\\" to a valid limit")},
    {"negative limit", "/api/v1/labels?limit=-1",
     BAD("invalid parameter \\\"limit\\\": limit must be non-negative"),
     BAD("limit must be non-negative")},
    {"no query", "/api/v1/query",
     BAD("invalid parameter \\\"query\\\": unknown position: parse error: no expression found in "
         "input"),
     BAD("unknown position: parse error: no expression found in input")},
    {"range of a matrix", "/api/v1/query_range?query=up[5m]&start=0&end=0&step=1",
     BAD("invalid parameter \\\"query\\\": invalid expression type \\\"range vector\\\" for range "
         "query, must be Scalar or instant Vector"),
     BAD("invalid expression type \\\"range vector\\\" for range query, must be Scalar or instant "
         "Vector")},
    {"bad time", "/api/v1/query?query=up&time=x",
     BAD("invalid parameter \\\"time\\\": invalid time value for 'time': " TIME_X),
     BAD("Invalid time value for 'time': " TIME_X)},
    {"bad start", RANGE("start=x"), BAD("invalid parameter \\\"start\\\": " TIME_X), BAD(TIME_X)},
    {"end before start", RANGE("start=2&end=1"),
     BAD("invalid parameter \\\"end\\\": end timestamp must not be before start time"),
     BAD("end timestamp must not be before start time")},
    {"bad step", RANGE("start=1&end=2&step=x"), BAD("invalid parameter \\\"step\\\": " DURATION_X),
     BAD("'step' parameter: " DURATION_X)},
    {"no step", RANGE("start=0&end=1"),
     BAD("invalid parameter \\\"step\\\": cannot parse \\\"\\\" to a valid duration"),
     MATRIX("[0,\"1\"],[1,\"1\"]")},
    {"step of zero", RANGE("start=1&end=2&step=0"),
     BAD("invalid parameter \\\"step\\\": " STEP_ZERO), BAD(STEP_ZERO)},
    {"bad timeout", QUERY "&timeout=x", BAD("invalid parameter \\\"timeout\\\": " DURATION_X),
     BAD(DURATION_X)},
    {"bad lookback", QUERY "&lookback_delta=x",
     BAD("error parsing lookback delta duration: " DURATION_X),
     BAD("'lookback_delta' parameter: " DURATION_X)},
    {"bad dedup", QUERY "&dedup=x", DATA(VECTOR(ONE("a"))), BAD("'dedup' parameter: " BOOL_X)},
    {"bad partial_response", QUERY "&partial_response=x", DATA(VECTOR(ONE("a"))),
     BAD("'partial_response' parameter: " BOOL_X)},
    {"bad max_source_resolution", QUERY "&max_source_resolution=x", DATA(VECTOR(ONE("a"))),
     BAD("'max_source_resolution' parameter: " DURATION_X)},
    {"negative max_source_resolution", QUERY "&max_source_resolution=-1", DATA(VECTOR(ONE("a"))),
     BAD("negative 'max_source_resolution' is not accepted. Try a positive integer")},
    {"bad storeMatch[]", QUERY "&storeMatch[]=up%7B", DATA(VECTOR(ONE("a"))), BAD(OPEN_BRACE)},
    {"bad engine", QUERY "&engine=x", DATA(VECTOR(ONE("a"))), BAD("'x' bad engine")},
    {"bad shard_info", QUERY "&shard_info=%7B%22by%22:1%7D", DATA(VECTOR(ONE("a"))),
     BAD("could not unmarshal parameter shard_info: a value of another type than ShardInfo has")},
    {"all of Thanos'",
     QUERY "&dedup=0&partial_response=t&max_source_resolution=auto&engine=thanos&"
           "storeMatch[]=%7B__address__=%22x%22%7D&shard_info=%7B%22total_shards%22:0%7D",
     DATA(VECTOR(ONE("a"))), DATA(T_VECTOR(ONE("a")))},
    {"bad dedup of series", "/api/v1/series?match[]=up&dedup=x", DATA("[" UP("a") "," UP("b") "]"),
     BAD("'dedup' parameter: " BOOL_X)},
    {"bad partial_response of labels", "/api/v1/labels?partial_response=x",
     DATA("[\"__name__\",\"job\",\"my.label\"]"), BAD("'partial_response' parameter: " BOOL_X)},
    {"bad selector of series", "/api/v1/series?match[]=up%7B",
     BAD("invalid parameter \\\"match[]\\\": " OPEN_BRACE), BAD(OPEN_BRACE)},
    {"bad start of labels", "/api/v1/labels?start=x",
     BAD("invalid parameter \\\"start\\\": invalid time value for 'start': " TIME_X),
     BAD("bad_data: Invalid time value for 'start': " TIME_X)},
    {"labels that end before their start", "/api/v1/labels?start=2&end=1", DATA("[]"),
     BAD("bad_data: end timestamp must not be before start time")},
    {"escaped name", "/api/v1/label/U__my_2e_label/values", DATA("[\"x\"]"), DATA("[]")},
    {"exemplars", "/api/v1/query_exemplars?query=up",
     DATA("[{\"seriesLabels\":{\"__name__\":\"up\"},\"exemplars\":[{\"labels\":{},\"value\":"
          "\"1e+21\",\"timestamp\":1.500}]}]"),
     DATA("[{\"seriesLabels\":{\"__name__\":\"up\"},\"exemplars\":[{\"labels\":{},\"timestamp\":"
          "1.5,\"value\":\"1000000000000000000000\"}]}]")},
    {"exemplars of no selector", "/api/v1/query_exemplars?query=1", "{\"status\":\"success\"}",
     DATA("[]")},
    {"bad limit of metadata", "/api/v1/metadata?limit=x", BAD("limit must be a number"),
     BAD("invalid metric metadata limit='0'")},
};

static void
expect(const struct both_case *c, const char *want)
{
    AUTO(reply_fini) struct reply r = api_get(&f, c->target, "");
    ck_assert_msg(strcmp(buf_cstr(&r.body), want) == 0, "%s: %s", c->name, buf_cstr(&r.body));
    ROW_ASSERT(c->name, r.status == (strstr(want, "\"bad_data\"") ? 400 : 200));
}

START_TEST(test_prometheus)
{
    expect(&both_cases[_i], both_cases[_i].prometheus);
    AUTO(reply_fini) struct reply r = api_get(&f, both_cases[_i].target, "");
    ck_assert_uint_eq(reply_header(&r, "Cache-Control").n, 0);
}
END_TEST

START_TEST(test_thanos)
{
    const struct both_case *c = &both_cases[_i];
    const char *want = c->thanos ? c->thanos : c->prometheus;
    expect(c, want);
    AUTO(reply_fini) struct reply r = api_get(&f, c->target, "");
    bool keep_out = r.status != 200 || strstr(want, "results truncated");
    ROW_ASSERT(c->name, str_eq(reply_header(&r, "Cache-Control"), STR("no-store")) == keep_out);
}
END_TEST

static void
expect_stats(bool warned)
{
    AUTO(reply_fini) struct reply r = api_get(&f, QUERY "&stats=x", "");
    ck_assert_int_eq(r.status, 200);
    ck_assert(strstr(buf_cstr(&r.body), "\"stats\":{"));
    const char *text = "\"warnings\":[\"value \\\"x\\\" for parameter \\\"stats\\\" is deprecated";
    ck_assert((strstr(buf_cstr(&r.body), text) != NULL) == warned);
}

START_TEST(test_stats_prometheus)
{
    expect_stats(true);
}
END_TEST

START_TEST(test_stats_thanos)
{
    expect_stats(false);
}
END_TEST

/* A 250th of the range in whole seconds. */
START_TEST(test_default_step)
{
    AUTO(reply_fini) struct reply r = api_get(&f, RANGE("start=176&end=676.9"), "");
    ck_assert_ptr_nonnull(strstr(buf_cstr(&r.body), "[[176,\"3\"],[178,\"3\"],[180,\"4\"],"));
}
END_TEST

/* Every series is in one of the shards, and in only one. */
START_TEST(test_shards)
{
    size_t found = 0;
    for (int shard = 0; shard < 3; shard++) {
        AUTO(buf_fini) struct buf target = BUF_INIT;
        buf_printf(&target,
                   "/api/v1/query?time=60&query=up&shard_info="
                   "%%7B%%22shard_index%%22:%d,%%22total_shards%%22:3,%%22by%%22:true,"
                   "%%22labels%%22:[%%22job%%22]%%7D",
                   shard);
        AUTO(reply_fini) struct reply r = api_get(&f, buf_cstr(&target), "");
        ck_assert_int_eq(r.status, 200);
        for (const char *at = buf_cstr(&r.body); (at = strstr(at, "\"metric\"")); at++)
            found++;
    }
    ck_assert_uint_eq(found, 2);
}
END_TEST

START_TEST(test_replica_labels)
{
    AUTO(reply_fini) struct reply r = api_get(&f, QUERY "&replicaLabels[]=job", "");
    ck_assert_str_eq(buf_cstr(&r.body),
                     "{\"status\":\"success\",\"data\":" T_VECTOR(
                         ONE("a")) ",\"warnings\":[\"replicaLabels[]: this version does not "
                                   "deduplicate\"]}");
    ck_assert(str_eq(reply_header(&r, "Cache-Control"), STR("no-store")));
}
END_TEST

/* --- other origins ---------------------------------------------------------------------------- */

static void
expect_cors(const char *method, const char *headers, const char *allow_headers)
{
    AUTO(reply_fini) struct reply r = api_send(&f, method, "/api/v1/labels", headers, STR(""));
    bool any = allow_headers != NULL;
    ck_assert_int_eq(r.status, strcmp(method, "OPTIONS") == 0 ? 204 : 200);
    ck_assert(str_eq(reply_header(&r, "Access-Control-Allow-Headers"),
                     str_of_cstr(any ? allow_headers : "")));
    ck_assert(str_eq(reply_header(&r, "Access-Control-Allow-Origin"), any ? STR("*") : STR("")));
    ck_assert(str_eq(reply_header(&r, "Access-Control-Allow-Methods"),
                     any ? STR("GET, POST, OPTIONS") : STR("")));
    ck_assert(
        str_eq(reply_header(&r, "Access-Control-Expose-Headers"), any ? STR("Date") : STR("")));
}

#define ORIGIN "Origin: http://a.example\r\n"
static const char *const methods[] = {"GET", "POST", "OPTIONS"};

START_TEST(test_cors_prometheus)
{
    expect_cors(methods[_i], ORIGIN, "Accept, Authorization, Content-Type, Origin");
    expect_cors(methods[_i], "", NULL);
    AUTO(reply_fini) struct reply r = api_get(&f, "/api/v1/labels", "");
    ck_assert(str_eq(reply_header(&r, "Vary"), STR("Origin")));
}
END_TEST

START_TEST(test_cors_thanos)
{
    const char *want = "Accept, Accept-Encoding, Authorization, Content-Type, Origin";
    expect_cors(methods[_i], ORIGIN, want);
    expect_cors(methods[_i], "", want);
}
END_TEST

START_TEST(test_cors_off)
{
    expect_cors(methods[_i], ORIGIN, NULL);
    expect_cors(methods[_i], "", NULL);
}
END_TEST

static TCase *
with_setup(Suite *s, const char *name, void (*set_up)(void))
{
    TCase *t = tcase_create(name);
    tcase_add_checked_fixture(t, set_up, teardown);
    suite_add_tcase(s, t);
    return t;
}

Suite *
api_flavour_suite(void)
{
    Suite *s = suite_create("api_flavour");
    TCase *t = with_setup(s, "prometheus", setup_prometheus);
    tcase_add_loop_test(t, test_prometheus, 0, ARRAY_LEN(both_cases));
    tcase_add_loop_test(t, test_cors_prometheus, 0, ARRAY_LEN(methods));
    tcase_add_test(t, test_stats_prometheus);
    t = with_setup(s, "thanos", setup_thanos);
    tcase_add_test(t, test_stats_thanos);
    tcase_add_loop_test(t, test_thanos, 0, ARRAY_LEN(both_cases));
    tcase_add_loop_test(t, test_cors_thanos, 0, ARRAY_LEN(methods));
    tcase_add_test(t, test_default_step);
    tcase_add_test(t, test_shards);
    tcase_add_test(t, test_replica_labels);
    t = with_setup(s, "no cors", setup_prometheus_alone);
    tcase_add_loop_test(t, test_cors_off, 0, ARRAY_LEN(methods));
    t = with_setup(s, "no cors in thanos", setup_thanos_alone);
    tcase_add_loop_test(t, test_cors_off, 0, ARRAY_LEN(methods));
    return s;
}
