/* What is asked of meta-monitoring, what its answers mean, and how limits that change begin and end
 * the asking: against a server of ours that says what it is told to. */
#include "tests/harness.h"

#include <math.h>
#include <stdio.h>

#include "base/lock.h"
#include "net/http_server.h"
#include "receiver/meta_monitoring.h"

static const struct url_case {
    const char *yaml, *want;
} url_cases[] = {
    {"meta_monitoring_url: http://m:9090",
     "http://m:9090/api/v1/query?query=sum%28prometheus_tsdb_head_series%29%20by%20%28tenant%29"
     "&time=1700000000.007&dedup=true"},
    {"meta_monitoring_url: http://m/x/, meta_monitoring_limit_query: 'a{b=\"ä&+\"}'",
     "http://m/x/api/v1/query?query=a%7Bb%3D%22%C3%A4%26%2B%22%7D&time=1700000000.007&dedup=true"},
    {"meta_monitoring_url: 'http://m?q=1#f'",
     "http://m/api/v1/query?query=sum%28prometheus_tsdb_head_series%29%20by%20%28tenant%29"
     "&time=1700000000.007&dedup=true"},
};

START_TEST(test_url)
{
    AUTO(buf_fini) struct buf yaml = BUF_INIT, url = BUF_INIT;
    AUTO(limits_unref) struct limits *l = NULL;
    buf_printf(&yaml, "write: {global: {%s}}", url_cases[_i].yaml);
    CK_OK(limits_parse(buf_str(&yaml), &l));
    meta_monitoring_url(&l->monitoring, 1700000000007, &url);
    ck_assert_str_eq(buf_cstr(&url), url_cases[_i].want);
}
END_TEST

#define VECTOR(elements)                                                                           \
    "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[" elements "]}}"
#define ELEMENT(tenant, value)                                                                     \
    "{\"metric\":{\"tenant\":\"" tenant "\"},\"value\":[1700000000.007,\"" value "\"]}"

static const struct answer_case {
    const char *answer;
    int count;   /* of tenants; -1: refused */
    double of_a; /* series of tenant a, if there is one */
} answer_cases[] = {
    {VECTOR(""), 0, 0},
    {VECTOR(ELEMENT("a", "17") "," ELEMENT("b", "1e3")), 2, 17},
    {VECTOR("{\"metric\":{},\"value\":[1,\"9\"]}," ELEMENT("a", "+Inf")), 1, INFINITY},
    {VECTOR(ELEMENT("a", "many")), -1, 0},
    {VECTOR("{\"metric\":{\"tenant\":\"a\"},\"value\":[1,7]}"), -1, 0},
    {VECTOR("{\"metric\":{\"tenant\":\"a\"}}"), -1, 0},
    {VECTOR("7"), -1, 0},
    {"{\"status\":\"success\",\"data\":{\"resultType\":\"scalar\",\"result\":[1,\"7\"]}}", -1, 0},
    {"{\"status\":\"error\",\"data\":{\"resultType\":\"vector\",\"result\":[]}}", -1, 0},
    {"[]", -1, 0},
    {"", -1, 0},
    {"<html>", -1, 0},
};

START_TEST(test_answer)
{
    const struct answer_case *c = &answer_cases[_i];
    AUTO(arena_fini) struct arena a = {0};
    AUTO(map_fini) struct map m;
    map_init(&m, MAP_KEYS_BORROWED);
    struct err e = meta_monitoring_read(str_of_cstr(c->answer), &a, &m);
    enum err_code want = c->count < 0 ? ERR_INVALID : ERR_NONE;
    ROW_ASSERT(c->answer, e.code == want);
    ROW_ASSERT(c->answer, c->count < 0 || m.count == (size_t)c->count);
    const double *of_a = map_get(&m, STR("a"));
    ROW_ASSERT(c->answer, c->count < 1 || (of_a && *of_a == c->of_a));
    err_drop(e);
}
END_TEST

/* --- against a server ------------------------------------------------------------------------- */

static struct loops *loops;
static struct router *router;
static struct http_server *server;
static struct metrics *metrics;
static struct meta_monitoring *monitoring;
static struct lock lock;
static const char *answer; /* under `lock` */
static int status;
static unsigned asked;
static char authorization[64];

static void
serve(void *arg, struct http_request *r)
{
    (void)arg;
    LOCKED(&lock);
    asked++;
    struct str field = http_header(r, "Authorization");
    snprintf(authorization, sizeof authorization, "%.*s", STR_FMT(field));
    http_reply(r, status, "application/json", str_of_cstr(answer));
}

static void
say(int new_status, const char *new_answer)
{
    LOCKED(&lock);
    status = new_status;
    answer = new_answer;
}

static void
setup(void)
{
    lock_init(&lock, LOCK_RANK_LEAF);
    asked = 0;
    metrics = metrics_open();
    CK_OK(loops_start(1, &loops));
    router = router_open();
    router_add(router, &(struct route){.path = "/x/api/v1/query",
                                       .methods = ROUTE_GET,
                                       .name = "query",
                                       .handler = serve});
    struct http_server_opts opts = {.address = STR("127.0.0.1:0"),
                                    .loops = loops,
                                    .router = router,
                                    .metrics = metrics,
                                    .clock = clock_system()};
    CK_OK(http_server_start(&opts, &server));
    monitoring = meta_monitoring_open(
        &(struct meta_monitoring_opts){.metrics = metrics, .clock = clock_system()});
}

static void
teardown(void)
{
    meta_monitoring_close(monitoring);
    http_server_stop(server, 1000);
    loops_stop(loops);
    router_close(router);
    metrics_close(metrics);
    lock_fini(&lock);
}

static void
set_limits(unsigned port, const char *client, const char *rest)
{
    AUTO(buf_fini) struct buf yaml = BUF_INIT;
    AUTO(limits_unref) struct limits *l = NULL;
    buf_printf(&yaml,
               "write: {global: {meta_monitoring_url: 'http://127.0.0.1:%u/x', "
               "meta_monitoring_http_client: {%s}}, %s}",
               port, client, rest);
    CK_OK(limits_parse(buf_str(&yaml), &l));
    meta_monitoring_set(monitoring, l);
}

static bool
is_over(struct str tenant, uint64_t limit)
{
    double series = 0;
    return meta_monitoring_is_over(monitoring, tenant, limit, &series);
}

static bool
has_failed(unsigned times)
{
    AUTO(buf_fini) struct buf text = BUF_INIT;
    char line[128];
    snprintf(line, sizeof line, "\nthanos_receive_metamonitoring_failed_queries_total %u\n", times);
    metrics_write(metrics, METRICS_TEXT, &text);
    return strstr(buf_cstr(&text), line) != NULL;
}

static bool
was_asked(unsigned times)
{
    LOCKED(&lock);
    return asked >= times;
}

#define WAIT_FOR(condition)                                                                        \
    do {                                                                                           \
        for (int wait_ = 0; !(condition) && wait_ < 5000; wait_++)                                 \
            clock_sleep_ns(clock_system(), 2000000);                                               \
        ck_assert_msg((condition), "%s", #condition);                                              \
    } while (0)

START_TEST(test_asks)
{
    unsigned port = http_server_port(server);
    say(200, VECTOR(ELEMENT("a", "10") "," ELEMENT("b", "9.5") "," ELEMENT("c", "NaN")));
    set_limits(port, "basic_auth: {username: u, password: p}", "default: {head_series_limit: 10}");
    WAIT_FOR(is_over(STR("a"), 10));
    ck_assert(!is_over(STR("a"), 11)); /* 10 of 10 is too much: Thanos counts so */
    ck_assert(!is_over(STR("b"), 10) && is_over(STR("b"), 9));
    ck_assert(!is_over(STR("c"), 1) && !is_over(STR("nobody"), 1));
    ck_assert_str_eq(authorization, "Basic dTpw");
    /* A tenant that the next answer does not name is forgotten. */
    say(200, VECTOR(ELEMENT("b", "10")));
    set_limits(port, "bearer_token: t", "tenants: {b: {head_series_limit: 1}}");
    ck_assert(!is_over(STR("a"), 10));
    WAIT_FOR(is_over(STR("b"), 10));
    ck_assert(!is_over(STR("a"), 1));
    ck_assert_str_eq(authorization, "Bearer t");
    ck_assert(has_failed(0));
}
END_TEST

/* Neither where no head is limited, nor once the URL is gone. */
START_TEST(test_does_not_ask)
{
    AUTO(limits_unref) struct limits *none = limits_none();
    unsigned port = http_server_port(server);
    say(200, VECTOR(ELEMENT("a", "10")));
    set_limits(port, "", "default: {request: {series_limit: 1}}, tenants: {a: {label_limit: 3}}");
    clock_sleep_ns(clock_system(), 100000000);
    ck_assert(!was_asked(1));
    set_limits(port, "", "default: {head_series_limit: 1}");
    WAIT_FOR(is_over(STR("a"), 1));
    meta_monitoring_set(monitoring, none);
    ck_assert(!is_over(STR("a"), 1));
    clock_sleep_ns(clock_system(), 100000000);
    ck_assert(!was_asked(2));
}
END_TEST

START_TEST(test_failures)
{
    unsigned port = http_server_port(server);
    say(500, VECTOR(ELEMENT("a", "10")));
    set_limits(port, "", "default: {head_series_limit: 1}");
    WAIT_FOR(has_failed(1));
    say(200, "{\"status\":\"success\"}");
    set_limits(port, "", "default: {head_series_limit: 1}");
    WAIT_FOR(has_failed(2));
    set_limits(port, "bearer_token_file: /nowhere/token", "default: {head_series_limit: 1}");
    WAIT_FOR(has_failed(3));
    set_limits(1, "", "default: {head_series_limit: 1}"); /* nobody listens */
    WAIT_FOR(has_failed(4));
    set_limits(port, "proxy_url: 'http://127.0.0.1:1'", "default: {head_series_limit: 1}");
    WAIT_FOR(has_failed(5));
    ck_assert(!is_over(STR("a"), 1));
    say(200, VECTOR(ELEMENT("a", "10")));
    set_limits(port, "", "default: {head_series_limit: 1}");
    WAIT_FOR(is_over(STR("a"), 1));
}
END_TEST

Suite *
meta_monitoring_suite(void)
{
    Suite *s = suite_create("meta_monitoring");
    TCase *pure = tcase_create("texts"), *t = tcase_create("server");
    tcase_add_loop_test(pure, test_url, 0, ARRAY_LEN(url_cases));
    tcase_add_loop_test(pure, test_answer, 0, ARRAY_LEN(answer_cases));
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, test_asks);
    tcase_add_test(t, test_does_not_ask);
    tcase_add_test(t, test_failures);
    suite_add_tcase(s, pure);
    suite_add_tcase(s, t);
    return s;
}
