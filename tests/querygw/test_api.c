/* The query API over a live server: answers byte for byte, errors with their type and status,
 * tenants, limits, and clients that do not wait. */
#include <stdio.h>
#include <string.h>

#include "tests/harness.h"
#include "tests/querygw/api_fixture.h"
#include "tests/querygw/series_notation.h"

static struct api_fixture f;

static void
start(struct api_opts opts)
{
    opts.version = "1.2.3";
    opts.revision = "abc";
    api_fixture_start(&f, opts);
    notation_load_text(&f.store,
                       "up{job=\"a\", q=\"<&>\"} 0 1 2 3\n"
                       "up{job=\"b\"} 10 20 30 40\n"
                       "depth 1 2 3 4\n"
                       "depth2 1\n"
                       "h{\"my.label\"=\"x\"} 1\n",
                       0, 60000);
    notation_load_text(&f.other, "only_here 7\n", 0, 60000);
}

static void
setup(void)
{
    start((struct api_opts){0});
}

static void
teardown(void)
{
    api_fixture_stop(&f);
}

#define DATA(data)      "{\"status\":\"success\",\"data\":" data "}"
#define VECTOR(result)  DATA("{\"resultType\":\"vector\",\"result\":[" result "]}")
#define MATRIX(result)  DATA("{\"resultType\":\"matrix\",\"result\":[" result "]}")
#define BAD(type, text) "{\"status\":\"error\",\"errorType\":\"" type "\",\"error\":\"" text "\"}"
#define UP_A            "{\"__name__\":\"up\",\"job\":\"a\",\"q\":\"<&>\"}"
#define UP_B            "{\"__name__\":\"up\",\"job\":\"b\"}"
#define TRUNCATED       ",\"warnings\":[\"results truncated due to limit\"]"
#define POINTS                                                                                     \
    "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query "       \
    "resolution (?step=XX)"
#define STEP                                                                                       \
    "invalid parameter \\\"step\\\": zero or negative query resolution step widths are not "       \
    "accepted. Try a positive integer"

static const struct get_case {
    const char *name, *target;
    int status;
    const char *body;
} get_cases[] = {
    {"vector", "/api/v1/query?query=up&time=60", 200,
     VECTOR("{\"metric\":" UP_A ",\"value\":[60,\"1\"]},{\"metric\":" UP_B
            ",\"value\":[60,\"20\"]}")},
    {"rfc 3339", "/api/v1/query?query=depth&time=1970-01-01T00:01:00.5Z", 200,
     VECTOR("{\"metric\":{\"__name__\":\"depth\"},\"value\":[60.500,\"2\"]}")},
    {"now", "/api/v1/query?query=up", 200, VECTOR("")},
    {"scalar", "/api/v1/query?query=1%2B1&time=1.5", 200,
     DATA("{\"resultType\":\"scalar\",\"result\":[1.5,\"2\"]}")},
    {"string", "/api/v1/query?query=%22a%3C%22&time=1", 200,
     DATA("{\"resultType\":\"string\",\"result\":[1,\"a\\u003c\"]}")},
    {"samples", "/api/v1/query?query=depth[2m]&time=120", 200,
     MATRIX("{\"metric\":{\"__name__\":\"depth\"},\"values\":[[60,\"2\"],[120,\"3\"]]}")},
    {"info", "/api/v1/query?query=rate(depth[3m])&time=180", 200,
     "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[{\"metric\":{},"
     "\"value\":[180,\"0.016666666666666666\"]}]},\"infos\":[\"PromQL info: metric might not be a "
     "counter, name does not end in _total/_sum/_count/_bucket: \\\"depth\\\" (1:6)\"]}"},
    {"limit", "/api/v1/query?query=up&time=60&limit=1", 200,
     "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[{\"metric\":" UP_A
     ",\"value\":[60,\"1\"]}]}" TRUNCATED "}"},
    {"limit not reached", "/api/v1/query?query=depth&time=0&limit=1", 200,
     VECTOR("{\"metric\":{\"__name__\":\"depth\"},\"value\":[0,\"1\"]}")},
    {"lookback", "/api/v1/query?query=depth&time=240&lookback_delta=1m", 200, VECTOR("")},
    {"range", "/api/v1/query_range?query=sum(up)&start=0&end=120&step=60", 200,
     MATRIX("{\"metric\":{},\"values\":[[0,\"10\"],[60,\"21\"],[120,\"32\"]]}")},
    {"range of a scalar", "/api/v1/query_range?query=1&start=0&end=1&step=1s", 200,
     MATRIX("{\"metric\":{},\"values\":[[0,\"1\"],[1,\"1\"]]}")},
    {"fractions", "/api/v1/query_range?query=depth&start=0.25&end=60.25&step=30.5", 200,
     MATRIX("{\"metric\":{\"__name__\":\"depth\"},\"values\":[[0.250,\"1\"],[30.750,\"1\"]]}")},
    {"cut range", "/api/v1/query_range?query=up&start=0&end=0&step=1&limit=1", 200,
     "{\"status\":\"success\",\"data\":{\"resultType\":\"matrix\",\"result\":[{\"metric\":" UP_A
     ",\"values\":[[0,\"0\"]]}]}" TRUNCATED "}"},
    {"11000 steps and one", "/api/v1/query_range?query=nothing&start=0&end=11000.5&step=1", 200,
     MATRIX("")},
    {"series", "/api/v1/series?match[]=up", 200, DATA("[" UP_A "," UP_B "]")},
    {"series of two selectors", "/api/v1/series?match[]=%7Bjob=%22b%22%7D&match[]=up", 200,
     DATA("[" UP_A "," UP_B "]")},
    {"series limit", "/api/v1/series?match[]=%7Bjob=%22b%22%7D&match[]=up&limit=1", 200,
     "{\"status\":\"success\",\"data\":[" UP_A "]" TRUNCATED "}"},
    {"series of no time", "/api/v1/series?match[]=up&start=1000&end=2000", 200, DATA("[]")},
    {"labels", "/api/v1/labels", 200, DATA("[\"__name__\",\"job\",\"my.label\",\"q\"]")},
    {"labels that match", "/api/v1/labels?match[]=up%7Bjob=%22b%22%7D&match[]=depth", 200,
     DATA("[\"__name__\",\"job\"]")},
    {"labels limit", "/api/v1/labels?limit=2", 200,
     "{\"status\":\"success\",\"data\":[\"__name__\",\"job\"]" TRUNCATED "}"},
    {"values", "/api/v1/label/job/values", 200, DATA("[\"a\",\"b\"]")},
    {"values escape HTML", "/api/v1/label/q/values", 200, DATA("[\"\\u003c\\u0026\\u003e\"]")},
    {"values that match", "/api/v1/label/__name__/values?match[]=depth&match[]=up", 200,
     DATA("[\"depth\",\"up\"]")},
    {"values of an escaped name", "/api/v1/label/U__my_2e_label/values", 200, DATA("[\"x\"]")},
    {"values of a plain UTF-8 name", "/api/v1/label/my.label/values", 200, DATA("[\"x\"]")},
    {"values of nothing", "/api/v1/label/nothing/values", 200, DATA("[]")},
    {"format", "/api/v1/format_query?query=sum%20by(a)(up%3C1)", 200,
     DATA("\"sum by (a) (up \\u003c 1)\"")},
    {"format over lines",
     "/api/v1/format_query?query=sum(aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa)/"
     "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
     200,
     DATA("\"  sum(aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa)\\n/\\n  "
          "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\"")},
    {"parse", "/api/v1/parse_query?query=(-2)", 200,
     DATA("{\"expr\":{\"type\":\"numberLiteral\",\"val\":\"-2\"},\"type\":\"parenExpr\"}")},
    {"build", "/api/v1/status/buildinfo", 200,
     DATA("{\"version\":\"1.2.3\",\"revision\":\"abc\",\"branch\":\"\",\"buildUser\":\"\","
          "\"buildDate\":\"\",\"goVersion\":\"\"}")},
    {"flags", "/api/v1/status/flags", 200, DATA("{}")},

    {"no query", "/api/v1/query", 400,
     BAD("bad_data", "invalid parameter \\\"query\\\": unknown position: parse error: no "
                     "expression found in input")},
    {"bad query", "/api/v1/query?query=up%7B", 400,
     BAD("bad_data", "invalid parameter \\\"query\\\": 1:4: parse error: unexpected end of input "
                     "inside braces")},
    {"format nothing", "/api/v1/format_query", 400,
     BAD("bad_data", "invalid parameter \\\"query\\\": unknown position: parse error: no "
                     "expression found in input")},
    {"format what is no expression", "/api/v1/format_query?query=up%7B", 400,
     BAD("bad_data", "invalid parameter \\\"query\\\": 1:4: parse error: unexpected end of input "
                     "inside braces")},
    {"parse what has no type", "/api/v1/parse_query?query=sum(1)", 400,
     BAD("bad_data", "invalid parameter \\\"query\\\": 1:5: parse error: expected type instant "
                     "vector in aggregation expression, got scalar")},
    {"bad time", "/api/v1/query?query=up&time=x", 400,
     BAD("bad_data", "invalid parameter \\\"time\\\": invalid time value for 'time': cannot parse "
                     "\\\"x\\\" to a valid timestamp")},
    {"bad timeout", "/api/v1/query?query=up&timeout=x", 400,
     BAD("bad_data", "invalid parameter \\\"timeout\\\": cannot parse \\\"x\\\" to a valid "
                     "duration")},
    {"bad lookback", "/api/v1/query?query=up&lookback_delta=x", 400,
     BAD("bad_data", "error parsing lookback delta duration: cannot parse \\\"x\\\" to a valid "
                     "duration")},
    {"bad limit", "/api/v1/query?query=up&limit=-1", 400,
     BAD("bad_data", "invalid parameter \\\"limit\\\": limit must be non-negative")},
    {"bad escape", "/api/v1/query?query=%zz", 400,
     BAD("bad_data", "invalid URL escape \\\"%zz\\\"")},
    {"time far away", "/api/v1/query?query=up&time=9000000000000000", 400,
     BAD("bad_data", "invalid parameter \\\"query\\\": start of 9000000000000000000 ms is out of "
                     "range")},
    {"no start", "/api/v1/query_range?query=up&end=1&step=1", 400,
     BAD("bad_data",
         "invalid parameter \\\"start\\\": cannot parse \\\"\\\" to a valid timestamp")},
    {"end before start", "/api/v1/query_range?query=up&start=2&end=1&step=1", 400,
     BAD("bad_data", "invalid parameter \\\"end\\\": end timestamp must not be before start time")},
    {"no step", "/api/v1/query_range?query=up&start=0&end=1", 400,
     BAD("bad_data", "invalid parameter \\\"step\\\": cannot parse \\\"\\\" to a valid duration")},
    {"step of 0", "/api/v1/query_range?query=up&start=0&end=1&step=0", 400, BAD("bad_data", STEP)},
    {"negative step", "/api/v1/query_range?query=up&start=0&end=1&step=-1", 400,
     BAD("bad_data", STEP)},
    {"step below a millisecond", "/api/v1/query_range?query=up&start=0&end=1&step=0.0005", 400,
     BAD("bad_data", STEP)},
    {"too many steps", "/api/v1/query_range?query=up&start=0&end=11001&step=1", 400,
     BAD("bad_data", POINTS)},
    {"all of time",
     "/api/v1/query_range?query=up&start=-292273086-05-16T16:47:06Z"
     "&end=292277025-08-18T07:12:54.999999999Z&step=1y",
     400, BAD("bad_data", POINTS)},
    {"range of a matrix", "/api/v1/query_range?query=up[5m]&start=0&end=1&step=1", 400,
     BAD("bad_data",
         "invalid parameter \\\"query\\\": invalid expression type \\\"range vector\\\" "
         "for range query, must be Scalar or instant Vector")},
    {"same labels", "/api/v1/query?query=-%7B__name__=~%22depth.*%22%7D&time=0", 422,
     BAD("execution", "vector cannot contain metrics with the same labelset")},
    {"timed out", "/api/v1/query?query=up&timeout=0", 503,
     BAD("timeout", "query timed out in expression evaluation")},
    {"series without a selector", "/api/v1/series", 400,
     BAD("bad_data", "no match[] parameter provided")},
    {"series of everything", "/api/v1/series?match[]=%7B%7D", 400,
     BAD("bad_data", "invalid parameter \\\"match[]\\\": match[] must contain at least one "
                     "non-empty matcher")},
    {"series of a bad selector", "/api/v1/series?match[]=%7B", 400,
     BAD("bad_data", "invalid parameter \\\"match[]\\\": 1:2: parse error: unexpected end of input "
                     "inside braces")},
    {"series bad end", "/api/v1/series?match[]=up&end=x", 400,
     BAD("bad_data", "invalid parameter \\\"end\\\": invalid time value for 'end': cannot parse "
                     "\\\"x\\\" to a valid timestamp")},
    {"labels of everything", "/api/v1/labels?match[]=%7Ba=~%22.*%22%7D", 400,
     BAD("bad_data", "match[] must contain at least one non-empty matcher")},
    {"values of a bad name", "/api/v1/label/%ff/values", 400,
     BAD("bad_data", "invalid label name: \\\"\\\\xff\\\"")},
    {"values of no name", "/api/v1/label/U__/values", 400,
     BAD("bad_data", "invalid label name: \\\"\\\"")},
};

START_TEST(test_get)
{
    const struct get_case *c = &get_cases[_i];
    AUTO(reply_fini) struct reply r = api_get(&f, c->target, "");
    ck_assert_msg(r.status == c->status, "%s: status %d: %s", c->name, r.status, buf_cstr(&r.body));
    ck_assert_msg(str_eq(buf_str(&r.body), str_of_cstr(c->body)), "%s: %s", c->name,
                  buf_cstr(&r.body));
    ROW_ASSERT(c->name, r.complete);
    ROW_ASSERT(c->name, str_eq(reply_header(&r, "Content-Type"), STR("application/json")));
    ck_assert_int_eq(f.store.open_sets, 0);
}
END_TEST

static const struct post_case {
    const char *name, *path, *form, *body;
    int status;
} post_cases[] = {
    {"query", "/api/v1/query", "query=depth&time=0",
     VECTOR("{\"metric\":{\"__name__\":\"depth\"},\"value\":[0,\"1\"]}"), 200},
    {"parameters of body and URL", "/api/v1/query?time=60", "query=depth",
     VECTOR("{\"metric\":{\"__name__\":\"depth\"},\"value\":[60,\"2\"]}"), 200},
    {"range", "/api/v1/query_range", "query=depth&start=0&end=60&step=60",
     MATRIX("{\"metric\":{\"__name__\":\"depth\"},\"values\":[[0,\"1\"],[60,\"2\"]]}"), 200},
    {"series", "/api/v1/series", "match[]=depth", DATA("[{\"__name__\":\"depth\"}]"), 200},
    {"labels", "/api/v1/labels", "match[]=depth", DATA("[\"__name__\"]"), 200},
    {"format", "/api/v1/format_query", "query=-1", DATA("\"-1\""), 200},
    {"parse", "/api/v1/parse_query", "query=1", DATA("{\"type\":\"numberLiteral\",\"val\":\"1\"}"),
     200},
    {"bad form", "/api/v1/query", "query=%", BAD("bad_data", "invalid URL escape \\\"%\\\""), 400},
    {"values take no POST", "/api/v1/label/job/values", "", "Method Not Allowed\n", 405},
    {"status takes no POST", "/api/v1/status/buildinfo", "", "Method Not Allowed\n", 405},
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

static const struct tenant_case {
    const char *name, *header, *target, *body;
    int status;
} tenant_cases[] = {
    {"other", "Thanos-Tenant: other\r\n", "/api/v1/query?query=only_here&time=0",
     VECTOR("{\"metric\":{\"__name__\":\"only_here\"},\"value\":[0,\"7\"]}"), 200},
    {"not the other's", "", "/api/v1/query?query=only_here&time=0", VECTOR(""), 200},
    {"unknown", "THANOS-TENANT: nobody\r\n", "/api/v1/query?query=up&time=0", VECTOR(""), 200},
    {"unknown range", "THANOS-TENANT: nobody\r\n",
     "/api/v1/query_range?query=sum(up)&start=0&end=1&step=1", MATRIX(""), 200},
    {"unknown series", "THANOS-TENANT: nobody\r\n", "/api/v1/series?match[]=up", DATA("[]"), 200},
    {"unknown labels", "THANOS-TENANT: nobody\r\n", "/api/v1/labels", DATA("[]"), 200},
    {"unknown values", "THANOS-TENANT: nobody\r\n", "/api/v1/label/job/values", DATA("[]"), 200},
};

START_TEST(test_tenants)
{
    const struct tenant_case *c = &tenant_cases[_i];
    AUTO(reply_fini) struct reply r = api_get(&f, c->target, c->header);
    ck_assert_msg(r.status == c->status && str_eq(buf_str(&r.body), str_of_cstr(c->body)),
                  "%s: %d %s", c->name, r.status, buf_cstr(&r.body));
}
END_TEST

START_TEST(test_bad_tenant)
{
    AUTO(reply_fini)
    struct reply r = api_get(&f, "/api/v1/query?query=up", "THANOS-TENANT: ../x\r\n");
    ck_assert_int_eq(r.status, 400);
    ck_assert(
        str_starts_with(buf_str(&r.body), STR("{\"status\":\"error\",\"errorType\":\"bad_data\"")));
}
END_TEST

START_TEST(test_stats)
{
    AUTO(reply_fini) struct reply r = api_get(&f, "/api/v1/query?query=up&time=0&stats=all", "");
    buf_cstr(&r.body);
    ck_assert(strstr(r.body.p, ",\"stats\":{\"timings\":{\"evalTotalTime\":") != NULL);
    ck_assert(strstr(r.body.p, "\"samples\":{\"totalQueryableSamples\":2,\"samplesRead\":2,"
                               "\"peakSamples\":") != NULL);
    ck_assert(strstr(r.body.p, "warnings") == NULL);
    AUTO(reply_fini) struct reply odd = api_get(&f, "/api/v1/query?query=up&time=0&stats=x", "");
    ck_assert(strstr(buf_cstr(&odd.body), "\"warnings\":[\"value \\\"x\\\" for parameter") != NULL);
}
END_TEST

START_TEST(test_runtime)
{
    AUTO(reply_fini) struct reply r = api_get(&f, "/api/v1/status/runtimeinfo", "");
    ck_assert_int_eq(r.status, 200);
    ck_assert(strstr(buf_cstr(&r.body), "{\"startTime\":\"20") != NULL);
    ck_assert(strstr(buf_cstr(&r.body), "\"GOMAXPROCS\":") != NULL);
}
END_TEST

START_TEST(test_store_fault)
{
    f.store.fail_at = f.store.selects + 1;
    AUTO(reply_fini) struct reply r = api_get(&f, "/api/v1/query?query=up&time=0", "");
    ck_assert_int_eq(r.status, 500);
    ck_assert_str_eq(buf_cstr(&r.body), BAD("internal", "fake: select failed"));
}
END_TEST

#define WIDE "/api/v1/query_range?query=wide&start=0&end=290&step=0.05"

static void
load_wide(void)
{
    for (int i = 0; i < 20; i++) {
        char name[32];
        snprintf(name, sizeof name, "%d", i);
        struct label l[] = {{STR("__name__"), STR("wide")}, {STR("i"), str_of_cstr(name)}};
        fake_store_add(&f.store, (struct labels){l, 2}, 0, 0.123456789);
    }
}

/* An answer of many pieces: 3 MB of values. */
START_TEST(test_large_answer)
{
    load_wide();
    AUTO(reply_fini) struct reply r = api_get(&f, WIDE, "");
    ck_assert_int_eq(r.status, 200);
    ck_assert(r.complete);
    ck_assert_uint_gt(r.body.n, 2 << 20);
    ck_assert(str_ends_with(buf_str(&r.body), STR(",[290,\"0.123456789\"]]}]}}")));
    size_t points = 0;
    for (size_t i = 0; i < r.body.n; i++)
        points += r.body.p[i] == '[';
    ck_assert_uint_eq(points, 20 * (5801 + 1) + 1);
}
END_TEST

/* A client that leaves in the middle of a large answer: the worker is free again. */
START_TEST(test_client_leaves)
{
    load_wide();
    for (int i = 0; i < 8; i++) {
        struct client *c = client_open(f.port);
        client_send(c, STR("GET " WIDE " HTTP/1.1\r\nHost: x\r\n\r\n"));
        struct buf first = client_read_raw(c, 100);
        ck_assert_uint_ge(first.n, 100);
        buf_fini(&first);
        client_close(c);
    }
    AUTO(reply_fini) struct reply r = api_get(&f, "/api/v1/query?query=depth&time=0", "");
    ck_assert_int_eq(r.status, 200);
}
END_TEST

static void
setup_small(void)
{
    start((struct api_opts){.samples_max = 5});
}

START_TEST(test_samples_limit)
{
    AUTO(reply_fini)
    struct reply r = api_get(&f, "/api/v1/query_range?query=up&start=0&end=180&step=60", "");
    ck_assert_int_eq(r.status, 422);
    ck_assert_str_eq(buf_cstr(&r.body),
                     BAD("execution", "query processing would load too many samples into memory in "
                                      "query execution"));
}
END_TEST

static struct memory_limit memory;

static void
setup_memory(void)
{
    memory_limit_init(&memory, 1 << 20, clock_system(), NULL, NULL);
    start((struct api_opts){.memory = &memory});
}

/* Queries share a quarter of the limit: who comes when others have it is told to come again. */
START_TEST(test_memory_shared)
{
    const char *query = "/api/v1/query_range?query=up&start=0&end=180&step=60";
    budget_charge(&memory.queries, 1 << 18);
    AUTO(reply_fini) struct reply refused = api_get(&f, query, "");
    ck_assert_int_eq(refused.status, 503);
    ck_assert_str_eq(
        buf_cstr(&refused.body),
        BAD("unavailable", "memory budget of 262144 bytes for all at once is used up"));
    ck_assert_uint_eq(atomic_load(&memory.refusals[MEMORY_REFUSED_QUERY]), 1);
    budget_give_back(&memory.queries, 1 << 18);
    AUTO(reply_fini) struct reply taken = api_get(&f, query, "");
    ck_assert_int_eq(taken.status, 200);
    for (int i = 0; budget_used(&memory.queries) > 0; i++) { /* behind the answer */
        ck_assert_int_lt(i, 5000);
        clock_sleep_ns(clock_system(), 1000000);
    }
}
END_TEST

static void
show_two_flags(void *arg, void (*visit)(void *visit_arg, struct str name, struct str value),
               void *visit_arg)
{
    (void)arg;
    visit(visit_arg, STR("a.b"), STR("1"));
    visit(visit_arg, STR("c"), STR(""));
}

static void
setup_flags(void)
{
    start((struct api_opts){.each_flag = show_two_flags});
}

START_TEST(test_flags)
{
    AUTO(reply_fini) struct reply r = api_get(&f, "/api/v1/status/flags", "");
    ck_assert_str_eq(buf_cstr(&r.body), DATA("{\"a.b\":\"1\",\"c\":\"\"}"));
}
END_TEST

static TCase *
with_setup(const char *name, void (*set_up)(void))
{
    TCase *t = tcase_create(name);
    tcase_add_checked_fixture(t, set_up, teardown);
    return t;
}

Suite *
api_suite(void)
{
    Suite *s = suite_create("api");
    TCase *t = with_setup("api", setup);
    tcase_add_loop_test(t, test_get, 0, ARRAY_LEN(get_cases));
    tcase_add_loop_test(t, test_post, 0, ARRAY_LEN(post_cases));
    tcase_add_loop_test(t, test_tenants, 0, ARRAY_LEN(tenant_cases));
    tcase_add_test(t, test_bad_tenant);
    tcase_add_test(t, test_stats);
    tcase_add_test(t, test_runtime);
    tcase_add_test(t, test_store_fault);
    tcase_add_test(t, test_large_answer);
    tcase_add_test(t, test_client_leaves);
    suite_add_tcase(s, t);
    TCase *small = with_setup("small", setup_small);
    tcase_add_test(small, test_samples_limit);
    suite_add_tcase(s, small);
    TCase *shared = with_setup("short of memory", setup_memory);
    tcase_add_test(shared, test_memory_shared);
    suite_add_tcase(s, shared);
    TCase *flags = with_setup("flags", setup_flags);
    tcase_add_test(flags, test_flags);
    suite_add_tcase(s, flags);
    return s;
}
