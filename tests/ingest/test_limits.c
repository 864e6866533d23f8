/* Which tenant has which limits, and which texts are refused. */
#include "tests/harness.h"

#include "base/mem.h"
#include "ingest/limits.h"

static struct limits *
parse(const char *text)
{
    struct limits *l = NULL;
    CK_OK(limits_parse(str_of_cstr(text), &l));
    return l;
}

START_TEST(test_nothing)
{
    static const char *const texts[] = {"", "write:", "write: {default: , tenants: , global: }",
                                        "write: {default: {request: , ingestion_rate: }}"};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        AUTO(limits_unref) struct limits *l = parse(texts[i]);
        ck_assert_mem_eq(limits_of(l, STR("a")), &tenant_unlimited, sizeof tenant_unlimited);
        ck_assert(l->concurrency_max == 0 && !l->limits_labels && l->monitoring.url.n == 0 &&
                  !l->limits_heads);
    }
}
END_TEST

static const char whole_file[] =
    "write:\n"
    "  global:\n"
    "    max_concurrency: 30\n"
    "    meta_monitoring_url: http://m:9090/x\n"
    "    meta_monitoring_limit_query: sum(x)\n"
    "    meta_monitoring_http_client:\n"
    "      basic_auth: {username: u, password_file: f}\n"
    "      proxy_url: http://p\n"
    "      tls_config: {ca_file: a, insecure_skip_verify: true}\n"
    "      transport_config: {max_idle_conns: 3, idle_conn_timeout: 1m}\n"
    "  default:\n"
    "    request: {size_bytes_limit: 1024, series_limit: 10}\n"
    "    head_series_limit: 1000\n"
    "    out_of_order_time_window: 1h\n"
    "    ingestion_rate: {samples_per_second: 100, burst: 500}\n"
    "  tenants:\n"
    "    a:\n"
    "      request: {series_limit: 0, samples_limit: 7}\n"
    "      label_limit: 30\n"
    "      label_name_length_limit: 40\n"
    "      label_value_length_limit: 50\n"
    "      too_far_in_future_time_window: 10m\n"
    "      ingestion_rate: {samples_per_second: -1}\n"
    "    b:\n"
    "      head_series_limit: 0\n"
    "      out_of_order_time_window: 0s\n"
    "    c:\n";

START_TEST(test_whole_file)
{
    AUTO(limits_unref) struct limits *l = parse(whole_file);
    struct tenant_limits others = {.size_bytes = 1024,
                                   .series = 10,
                                   .head_series = 1000,
                                   .rate = 100,
                                   .burst = 500,
                                   .ooo_window_ms = 3600000,
                                   .future_window_ms = LIMIT_OF_FLAG};
    struct tenant_limits a = others, b = others;
    a.series = a.rate = 0;
    a.samples = 7;
    a.labels = 30;
    a.name_bytes = 40;
    a.value_bytes = 50;
    a.future_window_ms = 600000;
    b.head_series = 0;
    b.ooo_window_ms = 0;
    ck_assert_mem_eq(limits_of(l, STR("x")), &others, sizeof others);
    ck_assert_mem_eq(limits_of(l, STR("a")), &a, sizeof a);
    ck_assert_mem_eq(limits_of(l, STR("b")), &b, sizeof b);
    ck_assert_mem_eq(limits_of(l, STR("c")), &others, sizeof others);
    ck_assert(l->concurrency_max == 30 && l->limits_labels && l->limits_heads);
    const struct limits_monitoring *m = &l->monitoring;
    ck_assert(str_eq(m->url, STR("http://m:9090/x")) && str_eq(m->query, STR("sum(x)")));
    ck_assert(str_eq(m->client.basic.user, STR("u")) && m->client.tls.skip_verify);
    ck_assert(str_eq(m->client.basic.password_file, STR("f")) && m->client.bearer.token.n == 0);
    ck_assert(str_eq(m->client.tls.ca_file, STR("a")) &&
              str_eq(m->client.proxy_url, STR("http://p")));
    struct append_limits head = limits_of_head(limits_of(l, STR("a")));
    ck_assert(head.series_max == 1000 && head.ooo_window_ms == 3600000 &&
              head.future_window_ms == 600000);
}
END_TEST

static const struct fault_case {
    const char *text, *want;
} fault_cases[] = {
    {"wirte: {}", "line 1, column 1: unknown key \"wirte\""},
    {"write: {globl: {}}", "line 1, column 9: unknown key \"globl\", did you mean \"global\"?"},
    {"write: {global: {max_concurency: 1}}", "did you mean \"max_concurrency\"?"},
    {"write: {global: {meta_monitoring_url: localhost}}", "has no scheme or no host"},
    {"write: {global: {meta_monitoring_url: 'http:///x'}}", "has no scheme or no host"},
    {"write: {global: {meta_monitoring_http_client: {tls_config: {ca: x}}}}", "unknown key \"ca\""},
    {"write: {global: {meta_monitoring_http_client: {tls_config: {cert_file: x}}}}", "go together"},
    {"write: {global: {meta_monitoring_http_client: {bearer_token: t, bearer_token_file: f}}}",
     "at most one of basic_auth"},
    {"write: {global: {meta_monitoring_http_client: {bearer_token: t, basic_auth: {username: u}}}}",
     "at most one of basic_auth"},
    {"write: {global: {meta_monitoring_http_client: {basic_auth: {password: p, password_file: "
     "f}}}}",
     "at most one of password"},
    {"write: {default: {request: {series: 1}}}", "unknown key \"series\""},
    {"write: {default: {request: {series_limit: many}}}",
     "series_limit: \"many\" is not a whole number"},
    {"write: {default: {out_of_order_time_window: 5}}", "out_of_order_time_window: "},
    {"write: {tenants: [a]}", "tenants: a map of tenants is expected"},
    {"write:\n  tenants:\n    a/b: {}\n", "line 3, column 5: tenant name not valid"},
    {"write:\n  tenants:\n    a: {}\n    a: {}\n", "line 4, column 5: key \"a\" already set"},
    {"write:\n  tenants:\n    a: {head_series_limits: 1}\n",
     "line 3, column 9: unknown key \"head_series_limits\", did you mean \"head_series_limit\"?"},
};

START_TEST(test_faults)
{
    const struct fault_case *c = &fault_cases[_i];
    struct limits *l = NULL;
    struct err e = limits_parse(str_of_cstr(c->text), &l);
    ROW_ASSERT(c->text, e.code == ERR_INVALID && !l);
    ck_assert_msg(strstr(err_text(&e), c->want), "row \"%s\": %s", c->text, err_text(&e));
    err_drop(e);
}
END_TEST

START_TEST(test_names)
{
    for (enum limit_kind i = 0; i < LIMIT_KIND_COUNT; i++)
        ck_assert_ptr_nonnull(limit_name(i));
}
END_TEST

Suite *
limits_suite(void)
{
    Suite *s = suite_create("limits");
    TCase *t = tcase_create("limits");
    tcase_add_test(t, test_nothing);
    tcase_add_test(t, test_whole_file);
    tcase_add_loop_test(t, test_faults, 0, ARRAY_LEN(fault_cases));
    tcase_add_test(t, test_names);
    suite_add_tcase(s, t);
    return s;
}
