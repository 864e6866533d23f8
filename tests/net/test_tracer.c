/* Sampling decides as OpenTelemetry's samplers; what is sampled arrives; a collector that is away
 * or a full queue costs no request anything. tests/e2e/operation.py decodes what arrives. */
#include "net/trace/tracer.h"

#include <stdatomic.h>
#include <stdio.h>

#include "base/codec.h"
#include "base/lock.h"
#include "net/http_server.h"
#include "net/trace/trace_spans.h"
#include "tests/harness.h"

#define ID   "0af7651916cd43dd8448eb211c80319c"
#define SPAN "b7ad6b7169203331"

/* --- a collector ---------------------------------------------------------------------------------
 */

static struct collector {
    struct loops *loops;
    struct metrics *metrics;
    struct router *router;
    struct http_server *server;
    struct lock lock;
    struct buf got; /* all bodies, one behind the other */
    unsigned posts;
    int status;      /* of the next answers */
    unsigned refuse; /* so many of them; then 200 */
    char url[64];
} k;

static void
serve_traces(void *arg, struct http_request *r)
{
    (void)arg;
    int status = 200;
    {
        LOCKED(&k.lock);
        k.posts++;
        if (k.refuse > 0) {
            k.refuse--;
            status = k.status;
        } else if (str_eq(http_header(r, "Content-Encoding"), STR("gzip"))) {
            CK_OK(gzip_decode(http_body(r), 1 << 20, &k.got));
        } else {
            buf_append(&k.got, http_body(r));
        }
    }
    http_reply(r, status, NULL, STR(""));
}

static void
setup(void)
{
    k = (struct collector){.status = 503};
    lock_init(&k.lock, LOCK_RANK_LEAF);
    CK_OK(loops_start(1, &k.loops));
    k.metrics = metrics_open();
    k.router = router_open();
    router_add(k.router, &(struct route){.path = "/v1/traces",
                                         .methods = ROUTE_POST,
                                         .name = "traces",
                                         .handler = serve_traces,
                                         .body_bytes_max = 1 << 20});
    struct http_server_opts opts = {.address = STR("127.0.0.1:0"),
                                    .loops = k.loops,
                                    .router = k.router,
                                    .metrics = k.metrics,
                                    .clock = clock_system()};
    CK_OK(http_server_start(&opts, &k.server));
    snprintf(k.url, sizeof k.url, "http://127.0.0.1:%u/v1/traces", http_server_port(k.server));
}

static void
teardown(void)
{
    http_server_stop(k.server, 1000);
    loops_stop(k.loops);
    router_close(k.router);
    metrics_close(k.metrics);
    buf_fini(&k.got);
    lock_fini(&k.lock);
}

static struct trace_config
config_of(enum trace_sampler sampler)
{
    return (struct trace_config){.url = str_of_cstr(k.url),
                                 .timeout_ms = 5000,
                                 .retry = {.first_ms = 1, .pause_max_ms = 4, .total_ms = 100},
                                 .sampler = sampler,
                                 .parent_based = true};
}

static struct tracer *
open_tracer(const struct trace_config *config)
{
    struct tracer *t = NULL;
    CK_OK(tracer_open(
        &(struct tracer_opts){
            .config = config, .version = "1.2.3", .clock = clock_system(), .metrics = k.metrics},
        &t));
    return t;
}

static void
expect_metric(const char *result, unsigned want)
{
    AUTO(buf_fini) struct buf text = BUF_INIT;
    char line[128];
    snprintf(line, sizeof line, "mneme_tracing_traces_total{result=\"%s\"} %u\n", result, want);
    metrics_write(k.metrics, METRICS_TEXT, &text);
    ck_assert_msg(strstr(buf_cstr(&text), line), "no %s in %s", line, buf_cstr(&text));
}

static bool
got(struct str bytes)
{
    return k.got.n > 0 && memmem(k.got.p, k.got.n, bytes.p, bytes.n);
}

/* --- tests ---------------------------------------------------------------------------------------
 */

static const struct sampling_case {
    const char *name, *traceparent;
    enum trace_sampler sampler;
    double ratio;
    bool parent_based, forced, want;
} sampling_cases[] = {
    {"always", "", TRACE_SAMPLE_ALWAYS, 0, false, false, true},
    {"never", "", TRACE_SAMPLE_NEVER, 0, false, false, false},
    {"forced", "", TRACE_SAMPLE_NEVER, 0, false, true, true},
    {"parent says yes", "00-" ID "-" SPAN "-01", TRACE_SAMPLE_NEVER, 0, true, false, true},
    {"parent says no", "00-" ID "-" SPAN "-00", TRACE_SAMPLE_ALWAYS, 0, true, false, false},
    {"parent says no, forced", "00-" ID "-" SPAN "-00", TRACE_SAMPLE_ALWAYS, 0, true, true, true},
    {"nobody asks the parent", "00-" ID "-" SPAN "-01", TRACE_SAMPLE_NEVER, 0, false, false, false},
    {"no parent", "00-" ID, TRACE_SAMPLE_ALWAYS, 0, true, false, true},
    /* 0x8448eb211c80319c >> 1 over 2^63 is 0.5167 */
    {"ratio below", "00-" ID "-" SPAN "-00", TRACE_SAMPLE_RATIO, 0.51, false, false, false},
    {"ratio above", "00-" ID "-" SPAN "-00", TRACE_SAMPLE_RATIO, 0.52, false, false, true},
    {"ratio 0", "", TRACE_SAMPLE_RATIO, 0, true, false, false},
    {"ratio 1", "", TRACE_SAMPLE_RATIO, 1, true, false, true},
};

START_TEST(test_sampling)
{
    const struct sampling_case *c = &sampling_cases[_i];
    struct trace_config config = config_of(c->sampler);
    config.ratio = c->ratio;
    config.parent_based = c->parent_based;
    struct tracer *t = open_tracer(&config);
    struct trace *trace = tracer_begin(
        t, &(struct trace_start){
               .name = "r", .traceparent = str_of_cstr(c->traceparent), .forced = c->forced});
    ROW_ASSERT(c->name, (trace != NULL) == c->want);
    tracer_finish(trace);
    tracer_close(t);
    expect_metric("exported", c->want);
}
END_TEST

START_TEST(test_off)
{
    struct trace *trace = tracer_begin(NULL, &(struct trace_start){.name = "r", .forced = true});
    ck_assert_ptr_null(trace);
    {
        TRACED(trace, "a");
        trace_attr_str(trace, "k", STR("v"));
        trace_attr_i64(trace, "k", 1);
        trace_fail(trace, STR("why"));
    }
    tracer_finish(trace);
    tracer_close(NULL);
}
END_TEST

START_TEST(test_spans_nest)
{
    struct traceparent parent;
    ck_assert(traceparent_parse(STR("00-" ID "-" SPAN "-01"), &parent));
    struct trace *t = trace_new(clock_system(), parent.trace_id, &parent);
    struct trace_scope request = trace_scope_enter(t, "request");
    {
        TRACED(t, "outer");
        {
            TRACED(t, "inner");
            trace_attr_str(t, "bad", STR("\xff"));
        }
        trace_fail(t, STR("it failed"));
    }
    {
        TRACED(t, "next");
    }
    trace_scope_leave(&request);
    ck_assert_uint_eq(t->span_count, 4);
    static const uint32_t outers[] = {TRACE_SPAN_NONE, 0, 1, 0};
    for (size_t i = 0; i < 4; i++) {
        ck_assert_uint_eq(t->spans[i].outer, outers[i]);
        ck_assert(t->spans[i].id != 0 && t->spans[i].end_ns >= t->spans[i].start_ns);
    }
    ck_assert(t->spans[1].failed && !t->spans[2].failed && t->spans[2].attr_count == 1);
    ck_assert(str_is_utf8(t->spans[2].attrs->text));
    ck_assert(t->caller_span == parent.span_id && t->open == TRACE_SPAN_NONE);
    trace_free(t);
}
END_TEST

START_TEST(test_span_limits)
{
    static const uint8_t id[TRACE_ID_BYTES] = {1};
    struct trace *t = trace_new(clock_system(), id, NULL);
    char text[TRACE_VALUE_BYTES_MAX + 2] = "";
    for (size_t i = 0; i < sizeof text; i += 2)
        memcpy(text + i, "\xc3\xa4", 2);
    struct trace_scope request = trace_scope_enter(t, "request");
    for (size_t i = 0; i < TRACE_ATTRS_MAX + 3; i++)
        trace_attr_str(t, "k", str_of(text + 1 + i % 2, sizeof text - 2));
    ck_assert_uint_eq(t->spans[0].attr_count, TRACE_ATTRS_MAX);
    ck_assert_uint_eq(t->spans[0].attrs_dropped, 3);
    trace_scope_leave(&request);
    for (size_t i = 0; i < TRACE_SPANS_MAX + 2; i++) {
        TRACED(t, "more");
    }
    ck_assert_uint_eq(t->span_count, TRACE_SPANS_MAX);
    ck_assert_uint_eq(t->spans_dropped, 3);
    trace_free(t);
}
END_TEST

START_TEST(test_arrives)
{
    struct trace_config config = config_of(TRACE_SAMPLE_ALWAYS);
    struct trace_pair attribute = {STR("zone"), STR("eu")};
    config.gzip = _i == 1;
    config.attributes = (struct trace_pairs){&attribute, 1};
    struct tracer *t = open_tracer(&config);
    char name[] = "/x HTTP[server]";
    struct trace *trace = tracer_begin(t, &(struct trace_start){.name = name});
    memset(name, 0, sizeof name); /* it was copied */
    {
        TRACED(trace, "append");
        trace_attr_str(trace, "tenant", STR("team-a"));
        trace_fail(trace, STR("disk full"));
    }
    tracer_finish(trace);
    tracer_close(t); /* sends what waits */
    expect_metric("exported", 1);
    ck_assert(got(STR("service.version")) && got(STR("1.2.3")));
    ck_assert(got(STR("unknown_service:mneme")) && got(STR("zone")) && got(STR("append")));
    ck_assert(got(STR("/x HTTP[server]")) && got(STR("team-a")) && got(STR("disk full")));
}
END_TEST

static const struct refusal_case {
    const char *name;
    int status;
    unsigned refuse;
    unsigned posts, exported; /* wanted */
} refusal_cases[] = {
    {"may pass", 503, 2, 3, 1},
    {"too many", 429, 1, 2, 1},
    {"will not pass", 400, 1, 1, 0},
    {"a fault", 500, 1, 1, 0}, /* as the specification of OTLP has it */
};

START_TEST(test_refusals)
{
    const struct refusal_case *c = &refusal_cases[_i];
    k.status = c->status;
    k.refuse = c->refuse;
    struct trace_config config = config_of(TRACE_SAMPLE_ALWAYS);
    struct tracer *t = open_tracer(&config);
    tracer_finish(tracer_begin(t, &(struct trace_start){.name = "r"}));
    for (unsigned i = 0; i < 2500; i++) { /* before the end of the process ends the retries */
        {
            LOCKED(&k.lock);
            if (k.posts >= c->posts)
                break;
        }
        clock_sleep_ns(clock_system(), 2000000);
    }
    tracer_close(t);
    ck_assert_uint_eq(k.posts, c->posts);
    expect_metric("exported", c->exported);
    expect_metric("failed", 1 - c->exported);
}
END_TEST

/* Nobody listens there: requests go on, the queue fills, the rest is dropped and counted. */
START_TEST(test_full_queue)
{
    struct trace_config config = config_of(TRACE_SAMPLE_ALWAYS);
    config.url = STR("http://127.0.0.1:1/v1/traces");
    config.retry.first_ms = config.retry.pause_max_ms = config.retry.total_ms = 60000;
    struct tracer *t = open_tracer(&config);
    for (size_t i = 0; i < TRACER_QUEUE_MAX + TRACER_BATCH_MAX + 10; i++)
        tracer_finish(tracer_begin(t, &(struct trace_start){.name = "r"}));
    AUTO(buf_fini) struct buf text = BUF_INIT;
    metrics_write(k.metrics, METRICS_TEXT, &text);
    ck_assert(!strstr(buf_cstr(&text), "mneme_tracing_traces_total{result=\"dropped\"} 0\n"));
    uint64_t before_ns = clock_mono_ns(clock_system());
    tracer_close(t);
    ck_assert(clock_mono_ns(clock_system()) - before_ns <
              (TRACER_STOP_MS + 1000) * UINT64_C(1000000));
    expect_metric("exported", 0);
}
END_TEST

Suite *
tracer_suite(void)
{
    Suite *s = suite_create("tracer");
    TCase *t = tcase_create("tracer");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 20);
    tcase_add_test(t, test_off);
    tcase_add_test(t, test_spans_nest);
    tcase_add_test(t, test_span_limits);
    tcase_add_loop_test(t, test_sampling, 0, ARRAY_LEN(sampling_cases));
    tcase_add_loop_test(t, test_arrives, 0, 2);
    tcase_add_loop_test(t, test_refusals, 0, ARRAY_LEN(refusal_cases));
    tcase_add_test(t, test_full_queue);
    suite_add_tcase(s, t);
    return s;
}
