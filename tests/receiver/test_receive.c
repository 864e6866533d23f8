/* Every row of the table of answers, through a live server: what a sender sees. */
#include "tests/harness.h"

#include "base/mem.h"
#include "receiver/write_metrics.h"
#include "tests/receiver/fixture.h"
#include "tests/receiver/messages.h"

static const char too_large_plain[DECODED_BYTES_MAX + 1];
static const char too_large_body[BODY_BYTES_MAX + 1];

static const struct answer_case {
    const char *name;
    const char *method, *path; /* NULL: POST, both doors */
    const char *headers;       /* NULL: PROTOBUF */
    struct str plain, raw;     /* the body: to be compressed, or as it is */
    struct append_result result;
    enum err_code fail; /* of the sink */
    const char *fail_text;
    int receive, write; /* statuses */
    const char *want;   /* part of the body */
    size_t calls;       /* of the sink, at one door */
} answer_cases[] = {
    {.name = "stored",
     .plain = STR_INIT(SERIES_A_B),
     .receive = 200,
     .write = 204,
     .want = "",
     .calls = 1},
    {.name = "no headers at all",
     .headers = "",
     .plain = STR_INIT(SERIES_A_B),
     .receive = 200,
     .write = 204,
     .want = "",
     .calls = 1},
    {.name = "empty request", .raw = STR_INIT("\x00"), .receive = 200, .write = 204, .want = ""},
    {.name = "metadata only",
     .plain = STR_INIT(METADATA),
     .result = {.metadata_stored = 1},
     .receive = 200,
     .write = 204,
     .want = "",
     .calls = 1},
    {.name = "metadata of too many families",
     .plain = STR_INIT(METADATA),
     .result = {.metadata_refused = 1},
     .receive = 200,
     .write = 204,
     .want = "",
     .calls = 1},
    {.name = "exemplar out of order",
     .plain = STR_INIT(SERIES_A_B SERIES_EXEMPLAR),
     .result = {.exemplar_fates = {[EXEMPLAR_OUT_OF_ORDER] = 1}},
     .receive = 200,
     .write = 204,
     .want = "",
     .calls = 1},
    {.name = "out of order",
     .plain = STR_INIT(SERIES_A_B),
     .result = {.fates = {[SAMPLE_OUT_OF_ORDER] = 2}},
     .receive = 409,
     .write = 400,
     .want = "add 2 samples: out of order sample\n",
     .calls = 1},
    {.name = "duplicate labels",
     .plain = STR_INIT(SERIES_A_B),
     .result = {.label_faults = {[LABEL_FAULT_DUPLICATE] = 1}},
     .receive = 409,
     .write = 400,
     .want = "duplicate label names",
     .calls = 1},
    {.name = "malformed label",
     .plain = STR_INIT(SERIES_A_B),
     .result = {.label_faults = {[LABEL_FAULT_MALFORMED] = 1}},
     .receive = 400,
     .write = 400,
     .want = "malformed",
     .calls = 1},
    {.name = "histogram beside floats",
     .plain = STR_INIT(SERIES_A_B SERIES_HISTOGRAM),
     .result = {.fates = {[SAMPLE_STORED] = 2}},
     .receive = 200,
     .write = 204,
     .want = "",
     .calls = 1},
    {.name = "invalid histogram",
     .plain = STR_INIT(SERIES_HISTOGRAM),
     .result = {.histograms_invalid = 1, .histogram_fault = STR_INIT("a span has no length")},
     .receive = 400,
     .write = 400,
     .want = "add 1 histograms: a span has no length\n",
     .calls = 1},
    {.name = "malformed histogram",
     .plain = STR_INIT("\x0a\x03\x22\x01\x08"),
     .receive = 400,
     .write = 400,
     .want = "remote write: malformed field of the histogram at byte 4\n"},
    {.name = "series limit of the head",
     .plain = STR_INIT(SERIES_A_B),
     .result = {.series_over_limit = 3},
     .receive = 429,
     .write = 429,
     .want = "tenant is above active series limit",
     .calls = 1},
    {.name = "bad snappy",
     .raw = STR_INIT("\x10rubbish"),
     .receive = 400,
     .write = 400,
     .want = "snappy decode error"},
    {.name = "empty body",
     .raw = STR_INIT(""),
     .receive = 400,
     .write = 400,
     .want = "snappy decode error"},
    {.name = "bad protobuf",
     .plain = STR_INIT("\x0a\x7f"),
     .receive = 400,
     .write = 400,
     .want = "remote write: malformed field at byte 0\n"},
    {.name = "tenant is a path",
     .headers = PROTOBUF "X-Scope-OrgID: ../x\r\n",
     .plain = STR_INIT(SERIES_A_B),
     .receive = 400,
     .write = 400,
     .want = "tenant name not valid"},
    {.name = "Thanos' tenant is a path",
     .headers = PROTOBUF "THANOS-TENANT: ..\r\n",
     .plain = STR_INIT(SERIES_A_B),
     .receive = 400,
     .write = 400,
     .want = "tenant name not valid"},
    {.name = "content type",
     .headers = "Content-Type: application/json\r\n",
     .plain = STR_INIT(SERIES_A_B),
     .receive = 415,
     .write = 415,
     .want = "content type"},
    {.name = "content encoding",
     .headers = "Content-Encoding: gzip\r\n",
     .plain = STR_INIT(SERIES_A_B),
     .receive = 415,
     .write = 415,
     .want = "encoding"},
    {.name = "body too large",
     .raw = {too_large_body, sizeof too_large_body},
     .receive = 413,
     .write = 413,
     .want = ""},
    {.name = "decoded too large",
     .plain = {too_large_plain, sizeof too_large_plain},
     .receive = 413,
     .write = 413,
     .want = "limit 1000"},
    {.name = "too many series",
     .plain = STR_INIT("\x0a\x00\x0a\x00\x0a\x00\x0a\x00\x0a\x00\x0a\x00\x0a\x00\x0a\x00\x0a\x00"
                       "\x0a\x00\x0a\x00"),
     .receive = 413,
     .write = 413,
     .want = "too many timeseries: 11 in one request, limit 10\n"},
    {.name = "disk full",
     .plain = STR_INIT(SERIES_A_B),
     .fail = ERR_NO_SPACE,
     .fail_text = "wal/00000001: no space left",
     .receive = 503,
     .write = 503,
     .want = "wal/00000001: no space left\n",
     .calls = 1},
    {.name = "disk broken",
     .plain = STR_INIT(SERIES_A_B),
     .fail = ERR_IO,
     .receive = 503,
     .write = 503,
     .want = "io\n",
     .calls = 1},
    {.name = "overload",
     .plain = STR_INIT(SERIES_A_B),
     .fail = ERR_OVERLOAD,
     .receive = 503,
     .write = 503,
     .want = "overload\n",
     .calls = 1},
    {.name = "GET", .method = "GET", .headers = "", .receive = 405, .write = 405, .want = ""},
    {.name = "PUT",
     .method = "PUT",
     .plain = STR_INIT(SERIES_A_B),
     .receive = 405,
     .write = 405,
     .want = ""},
    {.name = "other path",
     .path = "/api/v1/receiver",
     .plain = STR_INIT(SERIES_A_B),
     .receive = 404,
     .write = 404,
     .want = ""},
};

static void
check_answer(struct fixture *f, const struct answer_case *c, const char *path, int status)
{
    AUTO(buf_fini) struct buf line = BUF_INIT;
    buf_printf(&line, "%s %s", c->method ? c->method : "POST", c->path ? c->path : path);
    const char *headers = c->headers ? c->headers : PROTOBUF;
    AUTO(reply_fini)
    struct reply r = c->plain.n > 0 ? ask_packed(f, buf_cstr(&line), headers, c->plain)
                                    : ask(f, buf_cstr(&line), headers, c->raw);
    ck_assert_msg(r.status == status, "row \"%s\", %s: %d %s", c->name, path, r.status,
                  buf_cstr(&r.body));
    ck_assert_msg(strstr(buf_cstr(&r.body), c->want), "row \"%s\", %s: %s", c->name, path,
                  buf_cstr(&r.body));
    if (status / 100 == 2) {
        ROW_ASSERT(c->name, r.body.n == 0);
        return;
    }
    ROW_ASSERT(c->name, str_eq(reply_header(&r, "Content-Type"), STR("text/plain; charset=utf-8")));
    ROW_ASSERT(c->name, str_eq(reply_header(&r, "X-Content-Type-Options"), STR("nosniff")));
    ROW_ASSERT(c->name,
               (reply_header(&r, "Retry-After").n > 0) == (status == 503 || status == 429));
    struct str allow = reply_header(&r, "Allow");
    ROW_ASSERT(c->name, (status == 405) == (allow.n > 0 && memmem(allow.p, allow.n, "POST", 4)));
}

START_TEST(test_answers)
{
    const struct answer_case *c = &answer_cases[_i];
    struct fixture f;
    fixture_start(&f);
    receiver_start(f.receiver, &f.sink.sink, NULL);
    f.sink.result = c->result;
    f.sink.fail = c->fail;
    f.sink.fail_text = c->fail_text;
    check_answer(&f, c, "/api/v1/receive", c->receive);
    check_answer(&f, c, "/api/v1/write", c->write);
    ROW_ASSERT(c->name, f.sink.calls == 2 * c->calls);
    fixture_stop(&f);
}
END_TEST

static void
check_write(struct fixture *f, const char *line, int status, const char *body)
{
    AUTO(reply_fini) struct reply r = ask_packed(f, line, PROTOBUF, STR(SERIES_A_B));
    ck_assert_int_eq(r.status, status);
    ck_assert_str_eq(buf_cstr(&r.body), body);
    ck_assert((reply_header(&r, "Retry-After").n > 0) == (status == 503));
}

START_TEST(test_life_cycle)
{
    struct fixture f;
    fixture_start(&f);
    check_write(&f, RECEIVE, 503, "not ready: the databases are still being opened\n");
    receiver_start(f.receiver, &f.sink.sink, NULL);
    check_write(&f, RECEIVE, 200, "");
    receiver_drain(f.receiver);
    check_write(&f, WRITE, 503, "not ready: shutting down\n");
    ck_assert_uint_eq(f.sink.calls, 1);
    fixture_stop(&f);
}
END_TEST

static const struct tenant_case {
    const char *name, *headers, *want;
} tenant_cases[] = {
    {"none", PROTOBUF, "default-tenant"},
    {"chosen header", PROTOBUF "X-Scope-OrgID: a\r\n", "a"},
    {"Thanos' header", PROTOBUF "thanos-tenant: b\r\n", "b"},
    {"both", PROTOBUF "THANOS-TENANT: b\r\nX-Scope-OrgID: a\r\n", "a"},
    {"empty chosen one", PROTOBUF "THANOS-TENANT: b\r\nX-Scope-OrgID: \r\n", "b"},
};

START_TEST(test_tenants)
{
    const struct tenant_case *c = &tenant_cases[_i];
    struct fixture f;
    fixture_start(&f);
    receiver_start(f.receiver, &f.sink.sink, NULL);
    AUTO(reply_fini) struct reply r = ask_packed(&f, RECEIVE, c->headers, STR(SERIES_A_B));
    ROW_ASSERT(c->name, r.status == 200);
    ROW_ASSERT(c->name, strcmp(f.sink.tenant, c->want) == 0);
    fixture_stop(&f);
}
END_TEST

static const char *const metric_lines[] = {
    "thanos_receive_write_timeseries_count{code=\"400\",tenant=\"a\"} 1\n",
    "thanos_receive_write_timeseries_sum{code=\"400\",tenant=\"a\"} 4\n",
    "thanos_receive_write_samples_sum{code=\"400\",tenant=\"a\"} 2\n",
    "thanos_receive_replication_factor 1\n",
    "thanos_receive_write_limits{tenant=\"\",limit=\"series\"} 10\n",
    "thanos_receive_write_limits{tenant=\"\",limit=\"body_size\"} 4096\n",
    "mneme_receive_rejected_samples_total{reason=\"out_of_order\"} 3\n",
    "mneme_receive_rejected_samples_total{reason=\"too_old\"} 0\n",
    "mneme_receive_rejected_series_total{reason=\"duplicate_label\"} 5\n",
    "mneme_receive_rejected_series_total{reason=\"head_series_limit\"} 0\n",
    "mneme_receive_rejected_samples_total{reason=\"invalid_histogram\"} 6\n",
    "mneme_receive_exemplars_total{result=\"stored\"} 2\n",
    "mneme_receive_exemplars_total{result=\"labels_too_long\"} 1\n",
    "mneme_receive_exemplars_total{result=\"disabled\"} 0\n",
    "mneme_receive_metadata_total{result=\"stored\"} 8\n",
    "mneme_receive_metadata_total{result=\"refused\"} 9\n",
    "mneme_receive_messages_total{message=\"prometheus.WriteRequest\"} 2\n",
    "mneme_receive_messages_total{message=\"io.prometheus.write.v2.Request\"} 1\n",
    "mneme_receive_rejected_series_total{reason=\"no_metric_name\"} 1\n",
    "mneme_receive_rejected_series_total{reason=\"no_samples\"} 2\n",
    "mneme_receive_start_timestamps_dropped_total 1\n",
    "mneme_receive_refused_requests_total{reason=\"invalid\"} 1\n",
    "mneme_receive_refused_requests_total{reason=\"unavailable\"} 0\n",
    "thanos_receive_forward_requests_total{result=\"success\"} 0\n",
    "thanos_receive_forward_requests_total{result=\"error\"} 2\n",
    "thanos_receive_replications_total{result=\"success\"} 0\n",
    "thanos_receive_replications_total{result=\"error\"} 2\n",
};

START_TEST(test_metrics_bound_tenants)
{
    struct fixture f;
    fixture_start(&f);
    receiver_start(f.receiver, &f.sink.sink, NULL);
    for (size_t i = 0; i < WRITE_METRICS_TENANTS_MAX + 3; i++) {
        AUTO(buf_fini) struct buf headers = BUF_INIT;
        buf_printf(&headers, PROTOBUF "THANOS-TENANT: t%zu\r\n", i);
        struct reply r = ask_packed(&f, RECEIVE, buf_cstr(&headers), STR(SERIES_A_B));
        ck_assert_int_eq(r.status, 200);
        reply_fini(&r);
    }
    AUTO(buf_fini) struct buf text = BUF_INIT;
    metrics_write(f.metrics, METRICS_TEXT, &text);
    static const char *const lines[] = {
        "thanos_receive_write_samples_count{code=\"200\",tenant=\"t999\"} 1\n",
        "thanos_receive_write_timeseries_count{code=\"200\",tenant=\"other\"} 3\n",
        "thanos_receive_replications_total{result=\"success\"} 1003\n",
    };
    for (size_t i = 0; i < ARRAY_LEN(lines); i++)
        ck_assert_msg(strstr(buf_cstr(&text), lines[i]), "no line %s", lines[i]);
    ck_assert_ptr_null(strstr(buf_cstr(&text), "tenant=\"t1000\""));
    fixture_stop(&f);
}
END_TEST

START_TEST(test_metrics)
{
    struct fixture f;
    fixture_start(&f);
    receiver_start(f.receiver, &f.sink.sink, NULL);
    f.sink.result.fates[SAMPLE_OUT_OF_ORDER] = 3;
    f.sink.result.label_faults[LABEL_FAULT_DUPLICATE] = 5;
    f.sink.result.histograms_invalid = 6;
    f.sink.result.exemplar_fates[EXEMPLAR_STORED] = 2;
    f.sink.result.exemplar_fates[EXEMPLAR_LABELS_TOO_LONG] = 1;
    f.sink.result.metadata_stored = 8;
    f.sink.result.metadata_refused = 9;
    struct reply partial =
        ask_packed(&f, RECEIVE, PROTOBUF "X-Scope-OrgID: a\r\n",
                   STR(SERIES_A_B SERIES_A_B SERIES_HISTOGRAM SERIES_EXEMPLAR METADATA));
    struct reply refused = ask(&f, RECEIVE, PROTOBUF, STR("x"));
    f.sink.result = (struct append_result){.series_created = 0};
    struct reply second =
        ask_packed(&f, RECEIVE, PROTOBUF2,
                   STR(SYMBOLS2 SERIES2_STARTED SERIES2_UNNAMED SERIES2_EMPTY SERIES2_EMPTY));
    ck_assert_int_eq(partial.status, 400);
    ck_assert_int_eq(refused.status, 400);
    ck_assert_int_eq(second.status, 400);
    reply_fini(&second);
    reply_fini(&partial);
    reply_fini(&refused);
    AUTO(buf_fini) struct buf text = BUF_INIT;
    metrics_write(f.metrics, METRICS_TEXT, &text);
    for (size_t i = 0; i < ARRAY_LEN(metric_lines); i++)
        ck_assert_msg(strstr(buf_cstr(&text), metric_lines[i]), "no line %s", metric_lines[i]);
    fixture_stop(&f);
}
END_TEST

static const struct policy_case {
    const char *name, *relabel, *limits, *headers; /* NULL: none, PROTOBUF */
    int first, second;                             /* statuses of the same write, twice */
    const char *want;                              /* part of the second body */
    const char *metric;
    bool retry_after;
} policy_cases[] = {
    {"dropped by a rule", "- {source_labels: [a], regex: b, action: drop}", NULL, NULL, 200, 200,
     "", "mneme_receive_relabel_dropped_series_total 2\n", false},
    {"body size", NULL, "write: {default: {request: {size_bytes_limit: 27}}}", NULL, 413, 413,
     "write request too large: 30 bytes, limit 27\n",
     "mneme_receive_limit_hits_total{tenant=\"default-tenant\",limit=\"body_size\"} 2\n", false},
    {"another tenant's size", NULL, "write: {tenants: {t: {request: {size_bytes_limit: 27}}}}",
     NULL, 200, 200, "", "thanos_receive_write_limits{tenant=\"t\",limit=\"body_size\"} 27\n",
     false},
    {"its own size", NULL, "write: {tenants: {t: {request: {size_bytes_limit: 29}}}}",
     PROTOBUF "X-Scope-OrgID: t\r\n", 413, 413, "limit 29",
     "mneme_receive_limit_hits_total{tenant=\"t\",limit=\"body_size\"} 2\n", false},
    {"rate", NULL, "write: {default: {ingestion_rate: {samples_per_second: 1}}}", NULL, 200, 429,
     "tenant is above its ingestion rate: limit 1 samples a second, 1 at once",
     "mneme_receive_limit_hits_total{tenant=\"default-tenant\",limit=\"ingestion_rate\"} 1\n",
     true},
    {"label value", NULL, "write: {default: {label_value_length_limit: 1, label_limit: 1}}", NULL,
     200, 200, "", "mneme_receive_relabel_dropped_series_total 0\n", false},
    {"label value made longer", "- {target_label: a, replacement: long}",
     "write: {default: {label_value_length_limit: 3}}", NULL, 409, 409,
     "add 1 series: label set contains a name or value that is too long",
     "mneme_receive_limit_hits_total{tenant=\"default-tenant\",limit=\"label_value_length\"} 2\n",
     false},
    {"labels added", "- {target_label: b, replacement: long}", "write: {default: {label_limit: 1}}",
     NULL, 409, 409, "add 1 series: label set has too many labels",
     "mneme_receive_limit_hits_total{tenant=\"default-tenant\",limit=\"labels\"} 2\n", false},
    {"split tenant", "- {source_labels: [a], target_label: team}", NULL, NULL, 200, 200, "",
     "thanos_receive_write_samples_sum{code=\"200\",tenant=\"b\"} 2\n", false},
    {"bad split tenant", "- {target_label: team, replacement: ../x}", NULL, NULL, 400, 400,
     "add 1 series: tenant name not valid (first: \"../x\")\n",
     "mneme_receive_rejected_series_total{reason=\"bad_tenant\"} 2\n", false},
};

START_TEST(test_policy)
{
    const struct policy_case *c = &policy_cases[_i];
    struct fixture f;
    AUTO(buf_fini) struct buf text = BUF_INIT;
    fixture_start(&f);
    receiver_start(f.receiver, &f.sink.sink, NULL);
    if (c->relabel)
        CK_OK(policy_set_relabel(receiver_policy(f.receiver), str_of_cstr(c->relabel)));
    if (c->limits)
        CK_OK(policy_set_limits(receiver_policy(f.receiver), str_of_cstr(c->limits)));
    for (int i = 0; i < 2; i++) {
        AUTO(reply_fini)
        struct reply r =
            ask_packed(&f, RECEIVE, c->headers ? c->headers : PROTOBUF, STR(SERIES_A_B));
        ck_assert_msg(r.status == (i ? c->second : c->first), "row \"%s\": %d %s", c->name,
                      r.status, buf_cstr(&r.body));
        ck_assert_msg(i == 0 || strstr(buf_cstr(&r.body), c->want), "row \"%s\": %s", c->name,
                      buf_cstr(&r.body));
        ROW_ASSERT(c->name, (reply_header(&r, "Retry-After").n > 0) == (i && c->retry_after));
    }
    metrics_write(f.metrics, METRICS_TEXT, &text);
    ck_assert_msg(strstr(buf_cstr(&text), c->metric), "row \"%s\": no line %s", c->name, c->metric);
    fixture_stop(&f);
}
END_TEST

START_TEST(test_bad_default_tenant)
{
    struct metrics *m = metrics_open();
    struct router *router = router_open();
    struct receiver *v = NULL;
    CK_ERR(
        ERR_INVALID,
        receiver_open(
            &(struct receiver_opts){.router = router, .metrics = m, .default_tenant = "a/b"}, &v));
    ck_assert_ptr_null(v);
    router_close(router);
    metrics_close(m);
}
END_TEST

Suite *
receive_suite(void)
{
    Suite *s = suite_create("receive");
    TCase *t = tcase_create("all");
    tcase_add_loop_test(t, test_answers, 0, ARRAY_LEN(answer_cases));
    tcase_add_test(t, test_life_cycle);
    tcase_add_loop_test(t, test_tenants, 0, ARRAY_LEN(tenant_cases));
    tcase_add_loop_test(t, test_policy, 0, ARRAY_LEN(policy_cases));
    tcase_add_test(t, test_metrics);
    tcase_add_test(t, test_metrics_bound_tenants);
    tcase_add_test(t, test_bad_default_tenant);
    suite_add_tcase(s, t);
    return s;
}
