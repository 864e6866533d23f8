/* Every provider of Thanos is read; what cannot be exported to says so; mistakes are told. */
#include "net/trace/trace_config.h"
#include "base/mem.h"
#include "tests/harness.h"

START_TEST(test_otlp)
{
    AUTO(arena_fini) struct arena a = {0};
    struct trace_config c;
    CK_OK(trace_config_read(&a,
                            STR("type: otlp\nconfig:\n  client_type: http\n  service_name: s\n"
                                "  resource_attributes: {a: b, c: 1}\n  compression: gzip\n"
                                "  endpoint: '[::1]:4318'\n  url_path: x/y\n  timeout: 1.5s\n"
                                "  headers: {Authorization: 'Bearer t'}\n"
                                "  retry_config: {retry_initial_interval: 1s}\n"
                                "  tls_config: {ca_file: /ca, insecure_skip_verify: true}\n"
                                "  sampler_type: parentbasedtraceidratiobased\n"
                                "  sampler_param: 0.25\n"),
                            &c));
    ck_assert_ptr_null(c.unsupported);
    ck_assert(str_eq(c.service_name, STR("s")) && c.gzip && c.timeout_ms == 1500);
    ck_assert(c.attributes.n == 2 && str_eq(c.attributes.v[1].value, STR("1")));
    ck_assert(str_eq(c.url, STR("https://[::1]:4318/x/y")));
    ck_assert(c.headers.n == 1 && str_eq(c.headers.v[0].name, STR("Authorization")));
    ck_assert(c.retry.first_ms == 1000 && c.retry.total_ms == TRACE_RETRY_TOTAL_MS_DEFAULT);
    ck_assert(str_eq(c.tls.ca_file, STR("/ca")) && c.tls.skip_verify);
    ck_assert(c.sampler == TRACE_SAMPLE_RATIO && c.parent_based && c.ratio == .25);
}
END_TEST

START_TEST(test_defaults)
{
    AUTO(arena_fini) struct arena a = {0};
    struct trace_config c;
    CK_OK(trace_config_read(&a, STR("{type: OTLP, config: {client_type: http, insecure: true}}"),
                            &c));
    ck_assert(str_eq(c.url, STR("http://localhost:4318/v1/traces")));
    ck_assert(c.sampler == TRACE_SAMPLE_ALWAYS && c.parent_based && !c.gzip);
    ck_assert_int_eq(c.timeout_ms, TRACE_TIMEOUT_MS_DEFAULT);
}
END_TEST

#define OTLP(more) "{type: OTLP, config: {client_type: http, " more "}}"

static const struct config_case {
    const char *name, *yaml;
    const char *error;       /* NULL: it is taken */
    const char *unsupported; /* NULL: it is exported to */
} cases[] = {
    {"grpc", "{type: OTLP, config: {client_type: grpc, reconnection_period: 1m}}", NULL, "gRPC"},
    {"jaeger",
     "{type: JAEGER, config: {service_name: s, sampler_type: const, sampler_param: 1, "
     "sampler_parent_config: {local_parent_sampled: true}, agent_host: h, agent_port: 6831}}",
     NULL, "OTLP"},
    {"google", "{type: GOOGLE_CLOUD, config: {project_id: p, sample_factor: 16}}", NULL, "OTLP"},
    {"stackdriver", "{type: STACKDRIVER, config: {service_name: '', project_id: p}}", NULL, "OTLP"},
    {"elastic", "{type: ELASTIC_APM, config: {service_name: s, sample_rate: 0.5}}", NULL, "OTLP"},
    {"lightstep", "{type: LIGHTSTEP, config: {access_token: t, collector: {host: h, port: 1}}}",
     NULL, "OTLP"},
    {"no config", "{type: JAEGER}", NULL, "OTLP"},
    {"no type", "config: {}", "type", NULL},
    {"empty", "", "type", NULL},
    {"unknown type", "{type: ZIPKIN}", "tracing with type ZIPKIN is not supported", NULL},
    {"unknown key", OTLP("endpont: x"), "endpoint", NULL},
    {"unknown key of jaeger", "{type: JAEGER, config: {endpont: x}}", "endpoint", NULL},
    {"client type", "{type: OTLP, config: {client_type: udp}}", "neither http nor grpc", NULL},
    {"no client type", "{type: OTLP, config: {}}", "client_type", NULL},
    {"endpoint with a scheme", OTLP("endpoint: 'http://x:1'"), "host:port", NULL},
    {"endpoint with a user", OTLP("endpoint: 'a:b@x:1'"), "host:port", NULL},
    {"path with blanks", OTLP("url_path: 'a b'"), "url_path", NULL},
    {"path with a line end", OTLP("url_path: \"a\\nb\""), "url_path", NULL},
    {"header with a line end", OTLP("headers: {a: \"b\\r\\nc: d\"}"), "headers", NULL},
    {"header name", OTLP("headers: {'a:': b}"), "headers", NULL},
    {"sampler", OTLP("sampler_type: sometimes"), "sampler_type", NULL},
    {"sampler param", OTLP("sampler_type: traceidratiobased, sampler_param: x"), "sampler_param",
     NULL},
    {"ratio above 1", OTLP("sampler_type: traceidratiobased, sampler_param: 2"), "0 and 1", NULL},
    {"ratio none", OTLP("sampler_type: traceidratiobased, sampler_param: NaN"), "0 and 1", NULL},
    {"timeout", OTLP("timeout: -1s"), "timeout", NULL},
    {"compression", OTLP("compression: lz4"), "compression", NULL},
    {"half a certificate", OTLP("tls_config: {cert_file: a}"), "go together", NULL},
    {"server name", OTLP("tls_config: {server_name: a}"), "server_name", NULL},
    {"attributes as a list", OTLP("resource_attributes: [a]"), "resource_attributes", NULL},
};

START_TEST(test_cases)
{
    const struct config_case *c = &cases[_i];
    AUTO(arena_fini) struct arena a = {0};
    struct trace_config config = {.unsupported = NULL};
    struct err e = trace_config_read(&a, str_of_cstr(c->yaml), &config);
    if (c->error) {
        ck_assert_msg(e.code == ERR_INVALID && strstr(err_text(&e), c->error), "row \"%s\": %s",
                      c->name, err_text(&e));
    } else {
        ck_assert_msg(e.code == ERR_NONE, "row \"%s\": %s", c->name, err_text(&e));
        ROW_ASSERT(c->name, config.unsupported && strstr(config.unsupported, c->unsupported));
    }
    err_drop(e);
}
END_TEST

Suite *
trace_config_suite(void)
{
    Suite *s = suite_create("trace_config");
    TCase *t = tcase_create("trace_config");
    tcase_add_test(t, test_otlp);
    tcase_add_test(t, test_defaults);
    tcase_add_loop_test(t, test_cases, 0, ARRAY_LEN(cases));
    suite_add_tcase(s, t);
    return s;
}
