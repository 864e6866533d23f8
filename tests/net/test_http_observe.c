/* A live server that logs and traces: which requests, with what in line and span. */
#include <stdio.h>

#include "net/request_log.h"
#include "net/trace/tracer.h"
#include "tests/harness.h"
#include "tests/net/client.h"
#include "tests/net/fixture.h"

#define HOST   "Host: x\r\n"
#define PARENT "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-"

static struct fixture f;
static FILE *log_file;
static struct log *logger;
static struct metrics *tracing_metrics;
static struct request_log_config log_config;
static struct request_log *request_log;
static struct trace_config trace_config;
static struct tracer *tracer;

static void
setup(void)
{
    log_file = tmpfile();
    ck_assert_ptr_nonnull(log_file);
    logger = log_open(&(struct log_opts){
        .level = LOG_DEBUG, .format = LOG_LOGFMT, .fd = fileno(log_file), .clock = clock_system()});
    log_config = (struct request_log_config){.decision = REQUEST_LOG_END, .level = LOG_DEBUG};
    request_log = request_log_open(&log_config, logger);
    trace_config = (struct trace_config){.url = STR("http://127.0.0.1:1/"),
                                         .timeout_ms = 1000,
                                         .sampler = TRACE_SAMPLE_NEVER,
                                         .parent_based = true};
    tracing_metrics = metrics_open();
    CK_OK(tracer_open(&(struct tracer_opts){.config = &trace_config,
                                            .version = "1",
                                            .clock = clock_system(),
                                            .metrics = tracing_metrics},
                      &tracer));
    fixture_start(&f, (struct http_server_opts){.request_log = request_log, .tracer = tracer}, 1, 2,
                  8);
}

static void
teardown(void)
{
    tracer_close(tracer);
    metrics_close(tracing_metrics);
    request_log_close(request_log);
    log_close(logger);
    fclose(log_file);
}

/* Asks, stops the server, so that all was logged, and returns the log; to be freed. */
static struct buf
log_of(struct str request, struct reply *ret_reply)
{
    *ret_reply = client_ask(f.port, request);
    fixture_stop(&f, 1000);
    struct buf got = BUF_INIT;
    rewind(log_file);
    buf_reserve(&got, 65536);
    got.n = fread(got.p, 1, 65535, log_file);
    return got;
}

static const struct observed_case {
    const char *name;
    struct str request;
    bool traced;
    const char *words[4]; /* in the log; NULL ends them */
    const char *absent;   /* not there; may be NULL */
} cases[] = {
    {"given id",
     STR_INIT("GET /hello?secret=1 HTTP/1.1\r\n" HOST "X-Request-ID: mine\r\n\r\n"),
     false,
     {" http.method=\"GET /hello\" ", " http.request_id=mine ", " http.status_code=200 "},
     "secret"},
    {"no id, no trace",
     STR_INIT("GET /hello HTTP/1.1\r\n" HOST PARENT "00\r\n\r\n"),
     false,
     {" http.request_id=0"},
     "traceID"},
    {"caller traces",
     STR_INIT("POST /echo HTTP/1.1\r\n" HOST PARENT "01\r\n\r\n"),
     true,
     {" traceID=0af7651916cd43dd8448eb211c80319c ", " thanos.method_name=echo "},
     NULL},
    {"forced",
     STR_INIT("GET /hello HTTP/1.1\r\n" HOST "X-Thanos-Force-Tracing: 1\r\n\r\n"),
     true,
     {" traceID="},
     NULL},
    {"failed",
     STR_INIT("GET /fail HTTP/1.1\r\n" HOST "\r\n"),
     false,
     {" level=error ", " http.status_code=503 "},
     NULL},
    {"refused before a handler had it",
     STR_INIT("POST /small HTTP/1.1\r\n" HOST "Content-Length: 17\r\n\r\n"),
     false,
     {" http.status_code=413 ", " http.request_id=0"},
     NULL},
    {"streamed",
     STR_INIT("GET /stream?pieces=2&bytes=10 HTTP/1.1\r\n" HOST PARENT "01\r\n\r\n"),
     true,
     {" http.status_code=200 "},
     NULL},
};

START_TEST(test_observed)
{
    const struct observed_case *c = &cases[_i];
    AUTO(reply_fini) struct reply reply = {0};
    AUTO(buf_fini) struct buf log = log_of(c->request, &reply);
    for (size_t i = 0; i < ARRAY_LEN(c->words) && c->words[i]; i++)
        ck_assert_msg(strstr(buf_cstr(&log), c->words[i]), "row \"%s\": no %s in %s", c->name,
                      c->words[i], buf_cstr(&log));
    ROW_ASSERT(c->name, !c->absent || !strstr(buf_cstr(&log), c->absent));
    ROW_ASSERT(c->name, (reply_header(&reply, "X-Thanos-Trace-Id").n == 32) == c->traced);
}
END_TEST

Suite *
http_observe_suite(void)
{
    Suite *s = suite_create("http_observe");
    TCase *t = tcase_create("http_observe");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 20);
    tcase_add_loop_test(t, test_observed, 0, ARRAY_LEN(cases));
    suite_add_tcase(s, t);
    return s;
}
