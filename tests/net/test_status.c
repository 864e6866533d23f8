/* The probes and the metrics page, as Thanos components answer them. */
#include "net/status.h"
#include "tests/harness.h"
#include "tests/net/client.h"
#include "tests/net/fixture.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n"

static struct loops *loops;
static struct metrics *metrics;
static struct router *router;
static struct status *status;
static struct http_server *server;
static struct pool *pool;

static void
setup(void)
{
    CK_OK(loops_start(1, &loops));
    metrics = metrics_open();
    router = router_open();
    status = status_open(metrics, "receive");
    struct pool_opts workers = {.name = "test", .threads = 1, .queued_limit = 4};
    CK_OK(pool_start(&workers, &pool));
    status_use_pool(status, pool);
    status_add_routes(status, router);
    struct http_server_opts opts = {.address = STR("127.0.0.1:0"),
                                    .loops = loops,
                                    .router = router,
                                    .metrics = metrics,
                                    .clock = clock_system()};
    CK_OK(http_server_start(&opts, &server));
}

static void
teardown(void)
{
    http_server_stop(server, 1000);
    pool_stop(pool);
    status_close(status);
    router_close(router);
    metrics_close(metrics);
    loops_stop(loops);
}

static void
check(struct str request, int want, struct str body)
{
    AUTO(reply_fini) struct reply r = client_ask(http_server_port(server), request);
    ck_assert_int_eq(r.status, want);
    ck_assert(str_eq(buf_str(&r.body), body));
}

START_TEST(test_probes)
{
    check(STR(GET("/-/ready") "\r\n"), 503, STR("NOT OK\n"));
    check(STR(GET("/-/healthy") "\r\n"), 503, STR("NOT OK\n"));
    status_set_healthy(status, STATUS_YES);
    check(STR(GET("/-/healthy") "\r\n"), 200, STR("OK"));
    check(STR(GET("/-/ready") "\r\n"), 503, STR("NOT OK\n"));
    status_set_ready(status, STATUS_YES);
    check(STR(GET("/-/ready") "\r\n"), 200, STR("OK"));
    status_set_ready(status, STATUS_NO);
    check(STR(GET("/-/ready") "\r\n"), 503, STR("NOT OK\n"));
}
END_TEST

static const struct page_case {
    const char *name;
    struct str request, type, holds;
} pages[] = {
    {"text", STR_INIT(GET("/metrics") "\r\n"), STR_INIT("text/plain; version=0.0.4; charset=utf-8"),
     STR_INIT("thanos_status{component=\"receive\",check=\"ready\"} 1\n")},
    {"openmetrics",
     STR_INIT(GET("/metrics") "Accept: text/html;q=0.9, application/openmetrics-text;version="
                              "1.0.0;q=0.5,*/*;q=0.1\r\n\r\n"),
     STR_INIT("application/openmetrics-text; version=1.0.0; charset=utf-8"), STR_INIT("# EOF\n")},
    {"any", STR_INIT(GET("/metrics") "Accept: */*\r\n\r\n"),
     STR_INIT("text/plain; version=0.0.4; charset=utf-8"),
     STR_INIT("# TYPE thanos_status gauge\n")},
};

START_TEST(test_metrics_page)
{
    const struct page_case *c = &pages[_i];
    status_set_ready(status, STATUS_YES);
    AUTO(reply_fini) struct reply r = client_ask(http_server_port(server), c->request);
    ROW_ASSERT(c->name, r.status == 200);
    ROW_ASSERT(c->name, str_eq(reply_header(&r, "Content-Type"), c->type));
    ROW_ASSERT(c->name, memmem(r.body.p, r.body.n, c->holds.p, c->holds.n) != NULL);
}
END_TEST

Suite *
status_suite(void)
{
    Suite *s = suite_create("status");
    TCase *t = tcase_create("status");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, test_probes);
    tcase_add_loop_test(t, test_metrics_page, 0, ARRAY_LEN(pages));
    suite_add_tcase(s, t);
    return s;
}
