/* What the API tells of the process and its files, of a receiver's tenants, and of what it does not
 * have: targets, rules, alerts, stores; as Prometheus and as Thanos. */
#include "base/mem.h"
#include "tests/harness.h"
#include "tests/querygw/api_fixture.h"

static struct api_fixture f;

static void
start(enum api_flavour flavour)
{
    static const struct rank series[] = {{.name = STR_INIT("up"), .amount = 7},
                                         {.name = STR_INIT("down"), .amount = 2}};
    static struct str blocks[] = {STR_INIT("{\"ulid\":\"A\"}"), STR_INIT("{\"ulid\":\"B\"}")};
    struct api_opts opts = {.flavour = flavour,
                            .config_yaml = "global:\n  a: <b>\n",
                            .retention = "15d",
                            .features = api_features_default()};
    api_fixture_start(&f, opts);
    f.store.cardinality = (struct cardinality){.series = 9,
                                               .pairs = 5,
                                               .chunks = 12,
                                               .mint_ms = -500,
                                               .maxt_ms = 500,
                                               .series_by_metric = {series, ARRAY_LEN(series)}};
    f.store.files = (struct store_files){{blocks, ARRAY_LEN(blocks)}, 7};
}

static void
setup_prometheus(void)
{
    start(API_PROMETHEUS);
}

static void
setup_thanos(void)
{
    start(API_THANOS);
}

static void
teardown(void)
{
    api_fixture_stop(&f);
}

#define DATA(data)        "{\"status\":\"success\",\"data\":" data "}"
#define BAD(text)         "{\"status\":\"error\",\"errorType\":\"bad_data\",\"error\":\"" text "\"}"
#define PARAM(name, text) BAD("invalid parameter \\\"" name "\\\": " text)
#define TARGETS(counts)                                                                            \
    DATA("{\"activeTargets\":[],\"droppedTargets\":[],\"droppedTargetCounts\":" counts "}")
#define T_TARGETS DATA("{\"activeTargets\":[],\"droppedTargets\":[]}")
#define NO_GROUPS DATA("{\"groups\":[]}")
#define NO_POOL   BAD("error retrieving scrape config: scrape pool \\\"a\\\" not found")
#define NO_FIGURES                                                                                 \
    ",\"labelValueCountByLabelName\":[],\"memoryInBytesByLabelName\":[],"                          \
    "\"seriesCountByLabelValuePair\":[]}"
#define HEAD                                                                                       \
    "\"headStats\":{\"numSeries\":9,\"numLabelPairs\":5,\"chunkCount\":12,\"minTime\":-500,"       \
    "\"maxTime\":500},\"seriesCountByMetricName\":["
#define UP   "{\"name\":\"up\",\"value\":7}"
#define DOWN "{\"name\":\"down\",\"value\":2}"
#define EMPTY                                                                                      \
    "\"headStats\":{\"numSeries\":0,\"numLabelPairs\":0,\"chunkCount\":0,"                         \
    "\"minTime\":9223372036854775807,\"maxTime\":-9223372036854775808},"                           \
    "\"seriesCountByMetricName\":[]" NO_FIGURES
#define FULL(items) HEAD items "]" NO_FIGURES

/* `thanos` NULL: as Prometheus. */
static const struct status_case {
    const char *name, *target, *prometheus, *thanos;
} status_cases[] = {
    {"config", "status/config", DATA("{\"yaml\":\"global:\\n  a: \\u003cb\\u003e\\n\"}"), NULL},
    {"blocks", "status/tsdb/blocks", DATA("{\"blocks\":[{\"ulid\":\"A\"},{\"ulid\":\"B\"}]}"),
     NULL},
    {"log", "status/walreplay", DATA("{\"min\":0,\"max\":7,\"current\":7}"), NULL},
    {"metrics of no name", "status/self_metrics?metric_name_pattern=nothing", DATA("[]"), NULL},
    {"bad pattern", "status/self_metrics?metric_name_pattern=(",
     BAD("invalid metric_name_pattern: error parsing regexp: missing closing ): `(`"), NULL},
    {"notifications", "notifications", DATA("[]"), NULL},
    {"head", "status/tsdb", DATA("{" FULL(UP "," DOWN)), NULL},
    {"head of one", "status/tsdb?limit=1", DATA("{" FULL(UP)), NULL},
    {"head of none", "status/tsdb?limit=0", BAD("limit must be a positive number"),
     DATA("{" FULL(UP "," DOWN))},
    {"negative head", "status/tsdb?limit=-1", BAD("limit must be a positive number"),
     BAD("limit must be non-negative")},
    {"bad limit of the head", "status/tsdb?limit=x", BAD("limit must be a positive number"),
     BAD("cannot parse \\\"x\\\" to a valid limit")},
    {"limit of the head", "status/tsdb?limit=10001", BAD("limit must not exceed 10000"), NULL},
    {"bad selector of tenants", "status/tsdb?match[]=up%7B", DATA("{" FULL(UP "," DOWN)),
     BAD("1:4: parse error: unexpected end of input inside braces")},

    {"targets", "targets", TARGETS("{}"), T_TARGETS},
    {"any targets", "targets?state=ANY", TARGETS("{}"), T_TARGETS},
    {"active targets", "targets?state=active", TARGETS("null"), T_TARGETS},
    {"dropped targets", "targets?state=Dropped", TARGETS("{}"), T_TARGETS},
    {"odd targets", "targets?state=x", TARGETS("null"), BAD("invalid targets parameter state='x'")},
    {"metadata of targets", "targets/metadata?match_target=up&limit=-1", DATA("[]"), NULL},
    {"bad limit of targets", "targets/metadata?limit=x", BAD("limit must be a number"), NULL},
    {"bad selector of targets", "targets/metadata?match_target=up%7B",
     PARAM("match_target", "1:4: parse error: unexpected end of input inside braces"),
     BAD("1:4: parse error: unexpected end of input inside braces")},
    {"relabelling", "targets/relabel_steps?scrapePool=a&labels=%7B%7D", NO_POOL, NULL},
    {"relabelling of no labels", "targets/relabel_steps?scrapePool=a",
     BAD("no labels parameter provided"), NULL},
    {"relabelling of no pool", "targets/relabel_steps", BAD("no scrapePool parameter provided"),
     NULL},
    {"pools", "scrape_pools", DATA("{\"scrapePools\":[]}"), NULL},
    {"pool", "scrape_pools/config?scrapePool=a", NO_POOL, NULL},
    {"no pool", "scrape_pools/config", BAD("no scrapePool parameter provided"), NULL},

    {"rules", "rules", NO_GROUPS, NULL},
    {"rules of Grafana", "rules?type=alert&exclude_alerts=true&group_limit=40&file[]=a", NO_GROUPS,
     NULL},
    {"all rules", "rules?type=ALL", PARAM("type", "not supported value \\\"ALL\\\""), NO_GROUPS},
    {"odd rules", "rules?type=x", PARAM("type", "not supported value \\\"x\\\""),
     BAD("invalid rules parameter type='x'")},
    {"odd alerts of rules", "rules?exclude_alerts=x",
     PARAM("exclude_alerts",
           "error converting exclude_alerts: strconv.ParseBool: parsing \\\"x\\\": "
           "invalid syntax"),
     NO_GROUPS},
    {"a page without a size", "rules?group_next_token=a",
     PARAM("group_next_token",
           "group_limit needs to be present in order to paginate over the groups"),
     NO_GROUPS},
    {"a page that is not there", "rules?group_next_token=a&group_limit=1",
     PARAM("group_next_token", "invalid group_next_token 'a'. were rule groups changed?"),
     NO_GROUPS},
    {"a page of nothing", "rules?group_limit=0",
     PARAM("group_limit", "group_limit needs to be greater than 0"), NO_GROUPS},
    {"a page of no number", "rules?group_limit=x",
     PARAM("group_limit", "group_limit needs to be a valid number: strconv.ParseInt: parsing "
                          "\\\"x\\\": invalid syntax"),
     NO_GROUPS},
    {"a page of too many", "rules?group_limit=2147483648",
     PARAM("group_limit", "group_limit needs to be a valid number: strconv.ParseInt: parsing "
                          "\\\"2147483648\\\": value out of range"),
     NO_GROUPS},
    {"bad selector of rules", "rules?match[]=up%7B",
     BAD("1:4: parse error: unexpected end of input inside braces"), NULL},
    {"alerts", "alerts", DATA("{\"alerts\":[]}"), DATA("{\"alerts\":null}")},
    {"alertmanagers", "alertmanagers",
     DATA("{\"activeAlertmanagers\":[],\"droppedAlertmanagers\":[]}"), NULL},

    {"stores", "stores", DATA("{}"), NULL},
    {"explained by Prometheus", "query_explain?query=up", BAD("engine type must be 'thanos'"),
     NULL},
    {"explained by nobody", "query_range_explain?query=up&engine=x", BAD("'x' bad engine"), NULL},
    {"explained", "query_range_explain?query=up&engine=thanos", BAD("Query not explainable"), NULL},
};

static void
expect(const struct status_case *c, const char *want)
{
    AUTO(buf_fini) struct buf target = BUF_INIT;
    buf_printf(&target, "/api/v1/%s", c->target);
    AUTO(reply_fini) struct reply r = api_get(&f, buf_cstr(&target), "");
    ck_assert_msg(strcmp(buf_cstr(&r.body), want) == 0, "%s: %s", c->name, buf_cstr(&r.body));
    ROW_ASSERT(c->name, r.status == (strstr(want, "\"bad_data\"") ? 400 : 200));
}

START_TEST(test_prometheus)
{
    expect(&status_cases[_i], status_cases[_i].prometheus);
}
END_TEST

START_TEST(test_thanos)
{
    const struct status_case *c = &status_cases[_i];
    expect(c, c->thanos ? c->thanos : c->prometheus);
}
END_TEST

static void
expect_runtime(bool whole)
{
    AUTO(reply_fini) struct reply r = api_get(&f, "/api/v1/status/runtimeinfo", "");
    static const char *const more[] = {
        "\"hostname\":\"",       "\"serverTime\":\"",     "\"reloadConfigSuccess\":true",
        "\"lastConfigTime\":\"", "\"corruptionCount\":0", "\"storageRetention\":\"15d\""};
    for (size_t i = 0; i < ARRAY_LEN(more); i++)
        ROW_ASSERT(more[i], (strstr(buf_cstr(&r.body), more[i]) != NULL) == whole);
    ck_assert(strstr(buf_cstr(&r.body), "\"GOMEMLIMIT\":9223372036854775807"));
}

START_TEST(test_runtime_prometheus)
{
    expect_runtime(true);
}
END_TEST

START_TEST(test_runtime_thanos)
{
    expect_runtime(false);
}
END_TEST

/* Sorted, operators not escaped for HTML, and what is off is off. */
START_TEST(test_features)
{
    AUTO(reply_fini) struct reply r = api_get(&f, "/api/v1/features", "");
    static const char *const parts[] = {
        "{\"status\":\"success\",\"data\":{\"api\":{\"admin\":false,",
        "\"promql\":{\"anchored\":false,\"at_modifier\":true,",
        "\"duration_expr\":true,\"fill\":false,",
        "\"promql_functions\":{\"abs\":true,",
        "\"double_exponential_smoothing\":false,\"end\":false,\"exp\":true,",
        "\"promql_operators\":{\"!=\":true,\"!~\":true,\"%\":true,\"*\":true,\"+\":true,",
        "\"<\":true,\"</\":true,\"<=\":true,\"==\":true,\"=~\":true,\">\":true,",
        "\"limit_ratio\":false,\"limitk\":false,\"max\":true,",
    };
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        ck_assert_msg(strstr(buf_cstr(&r.body), parts[i]), "%s: %s", parts[i], buf_cstr(&r.body));
}
END_TEST

START_TEST(test_self_metrics)
{
    AUTO(reply_fini)
    struct reply r =
        api_get(&f, "/api/v1/status/self_metrics?metric_name_pattern=http_requests_tota.", "");
    ck_assert(str_starts_with(buf_str(&r.body), STR("{\"status\":\"success\",\"data\":[{\"name\":"
                                                    "\"http_requests_total\",\"help\":")) ||
              str_eq(buf_str(&r.body), STR(DATA("[]")))); /* the first request ever */
    AUTO(reply_fini)
    struct reply again =
        api_get(&f, "/api/v1/status/self_metrics?metric_name_pattern=http_requests_tota.", "");
    ck_assert(strstr(buf_cstr(&again.body), "\"type\":\"COUNTER\",\"metric\":[{\"label\":["));
}
END_TEST

START_TEST(test_search)
{
    static const char *const what[] = {"metric_names", "label_names", "label_values"};
    AUTO(buf_fini) struct buf target = BUF_INIT;
    buf_printf(&target, "/api/v1/search/%s", what[_i]);
    AUTO(reply_fini) struct reply r = api_get(&f, buf_cstr(&target), "");
    ck_assert_int_eq(r.status, 500);
    ck_assert_str_eq(buf_cstr(&r.body), "{\"status\":\"error\",\"errorType\":\"unavailable\","
                                        "\"error\":\"search API disabled\"}");
}
END_TEST

START_TEST(test_notifications_live)
{
    AUTO(reply_fini) struct reply r = api_get(&f, "/api/v1/notifications/live", "");
    ck_assert_int_eq(r.status, 204);
    ck_assert_uint_eq(r.body.n, 0);
}
END_TEST

/* --- of a receiver's tenants ------------------------------------------------------------------ */

#define TENANT(name, figures) "{\"tenant\":\"" name "\"," figures

static const struct receive_case {
    const char *name, *target, *header, *body;
} receive_cases[] = {
    {"default tenant", "", "", DATA("[" TENANT("default-tenant", FULL(UP "," DOWN)) "]")},
    {"one tenant", "", "WRITE-TENANT: other\r\n", DATA("[" TENANT("other", EMPTY) "]")},
    {"the header of queries", "", "THANOS-TENANT: other\r\n",
     DATA("[" TENANT("default-tenant", FULL(UP "," DOWN)) "]")},
    {"unknown tenant", "", "WRITE-TENANT: nobody\r\n", DATA("[]")},
    {"limit", "?limit=1", "", DATA("[" TENANT("default-tenant", FULL(UP)) "]")},
    {"limit of none", "?limit=0", "", DATA("[" TENANT("default-tenant", FULL("")) "]")},
    {"all tenants", "?all_tenants=true", "",
     DATA("[" TENANT("default-tenant", FULL(UP "," DOWN)) "," TENANT("other", EMPTY) "]")},
    {"not all tenants", "?all_tenants=1", "",
     DATA("[" TENANT("default-tenant", FULL(UP "," DOWN)) "]")},
    {"all tenants and one", "?all_tenants=true", "WRITE-TENANT: other\r\n",
     BAD("using both the all_tenants parameter and the WRITE-TENANT header is not supported")},
    {"bad limit", "?limit=x", "",
     BAD("unable to parse 'limit' parameter: strconv.ParseInt: parsing \\\"x\\\": invalid syntax")},
    {"large limit", "?limit=10001", "", BAD("limit must not exceed 10000")},
    {"bad tenant", "", "WRITE-TENANT: a/b\r\n", NULL},
};

START_TEST(test_receive)
{
    const struct receive_case *c = &receive_cases[_i];
    AUTO(buf_fini) struct buf request = BUF_INIT;
    buf_printf(&request, "GET /api/v1/status/tsdb%s HTTP/1.1\r\nHost: x\r\n%s\r\n", c->target,
               c->header);
    AUTO(reply_fini) struct reply r = client_ask(f.receive_port, buf_str(&request));
    bool bad = !c->body || strstr(c->body, "bad_data");
    ck_assert_msg(r.status == (bad ? 400 : 200), "%s: %d", c->name, r.status);
    if (c->body)
        ck_assert_msg(strcmp(buf_cstr(&r.body), c->body) == 0, "%s: %s", c->name,
                      buf_cstr(&r.body));
    ROW_ASSERT(c->name, str_eq(reply_header(&r, "Access-Control-Allow-Origin"), STR("*")));
}
END_TEST

Suite *
api_status_suite(void)
{
    Suite *s = suite_create("api_status");
    TCase *t = tcase_create("prometheus");
    tcase_add_checked_fixture(t, setup_prometheus, teardown);
    tcase_add_loop_test(t, test_prometheus, 0, ARRAY_LEN(status_cases));
    tcase_add_loop_test(t, test_receive, 0, ARRAY_LEN(receive_cases));
    tcase_add_test(t, test_runtime_prometheus);
    tcase_add_test(t, test_features);
    tcase_add_test(t, test_self_metrics);
    tcase_add_loop_test(t, test_search, 0, 3);
    tcase_add_test(t, test_notifications_live);
    suite_add_tcase(s, t);
    TCase *thanos = tcase_create("thanos");
    tcase_add_checked_fixture(thanos, setup_thanos, teardown);
    tcase_add_loop_test(thanos, test_thanos, 0, ARRAY_LEN(status_cases));
    tcase_add_test(thanos, test_runtime_thanos);
    suite_add_tcase(s, thanos);
    return s;
}
