/* The doors for OTLP and for texts, through a live server: statuses, encodings of answers, what
 * reached the sink. */
#include "tests/harness.h"

#include "base/codec.h"
#include "base/mem.h"
#include "net/http_server.h"
#include "receiver/receive.h"
#include "tests/net/client.h"
#include "tests/receiver/fake_sink.h"

struct fixture {
    struct loops *loops;
    struct pool *pool;
    struct metrics *metrics;
    struct router *router;
    struct receiver *receiver;
    struct http_server *server;
    struct fake_sink sink;
};

static void
fixture_start(struct fixture *f)
{
    static const struct str promoted[] = {STR_INIT("region")};
    *f = (struct fixture){.metrics = metrics_open(), .router = router_open()};
    fake_sink_init(&f->sink);
    CK_OK(loops_start(1, &f->loops));
    CK_OK(pool_start(&(struct pool_opts){.name = "write", .threads = 1, .queued_limit = 8},
                     &f->pool));
    CK_OK(receiver_open(&(struct receiver_opts){.router = f->router,
                                                .pool = f->pool,
                                                .metrics = f->metrics,
                                                .decoded_bytes_max = 1000,
                                                .limits = {.series_max = 3},
                                                .otlp = {true, promoted, 1}},
                        &f->receiver));
    CK_OK(http_server_start(&(struct http_server_opts){.address = STR("127.0.0.1:0"),
                                                       .loops = f->loops,
                                                       .router = f->router,
                                                       .metrics = f->metrics,
                                                       .clock = clock_system()},
                            &f->server));
}

static void
fixture_stop(struct fixture *f)
{
    http_server_stop(f->server, 1000);
    receiver_close(f->receiver);
    router_close(f->router);
    pool_stop(f->pool);
    loops_stop(f->loops);
    metrics_close(f->metrics);
    fake_sink_fini(&f->sink);
}

static struct reply
ask(struct fixture *f, const char *line, const char *headers, struct str body)
{
    AUTO(buf_fini) struct buf request = BUF_INIT;
    buf_printf(&request, "%s HTTP/1.1\r\nHost: x\r\n%sContent-Length: %zu\r\n\r\n", line, headers,
               body.n);
    buf_append(&request, body);
    return client_ask(http_server_port(f->server), buf_str(&request));
}

#define OTLP             "POST /api/v1/otlp"
#define OTLP_V1          "POST /api/v1/otlp/v1/metrics"
#define IMPORT           "POST /api/v1/import/prometheus"
#define JSON             "Content-Type: application/json\r\n"
#define PROTOBUF         "Content-Type: application/x-protobuf\r\n"
#define REQUEST(metrics) "{\"resourceMetrics\":[{\"scopeMetrics\":[{\"metrics\":[" metrics "]}]}]}"
#define GOOD                                                                                       \
    "{\"name\":\"m\",\"gauge\":{\"dataPoints\":[{\"asInt\":1,\"timeUnixNano\":\"1700000000000"     \
    "000000\"}]}}"
#define DELTA                                                                                      \
    "{\"name\":\"d\",\"sum\":{\"aggregationTemporality\":1,\"dataPoints\":[{\"asInt\":1},{}]}}"
/* The same gauge as protobuf. */
#define GOOD_PROTOBUF                                                                              \
    "\x0a\x1f\x12\x1d\x12\x1b\x0a\x01m\x2a\x16\x0a\x14\x19\x00\x00\x00\x00\x00\x00\x00\x01\x31"    \
    "\x01\x00\x00\x00\x00\x00\x00\x00\x40\x00"

static const struct door_case {
    const char *name, *line, *headers;
    struct str body;
    struct append_result result;
    enum err_code fail; /* of the sink */
    int status;
    struct str want; /* the body of the answer, or a part of it where `part` */
    bool part;
    const char *type; /* of the answer; NULL: any */
    size_t rows;      /* that the sink saw */
} door_cases[] = {
    {"OTLP, JSON",
     OTLP,
     JSON,
     STR_INIT(REQUEST(GOOD)),
     {.fates = {[SAMPLE_STORED] = 1}},
     0,
     200,
     STR_INIT("{}"),
     false,
     "application/json",
     1},
    {"OTLP, other path",
     OTLP_V1,
     JSON,
     STR_INIT(REQUEST(GOOD)),
     {.fates = {[SAMPLE_STORED] = 1}},
     0,
     200,
     STR_INIT("{}"),
     false,
     "application/json",
     1},
    {"OTLP, protobuf",
     OTLP,
     PROTOBUF,
     STR_INIT(GOOD_PROTOBUF),
     {.fates = {[SAMPLE_STORED] = 1}},
     0,
     200,
     STR_INIT(""),
     false,
     "application/x-protobuf",
     1},
    {"OTLP, nothing",
     OTLP,
     PROTOBUF,
     STR_INIT(""),
     {.series_created = 0},
     0,
     200,
     STR_INIT(""),
     false,
     "application/x-protobuf",
     0},
    {"OTLP, partly",
     OTLP,
     JSON,
     STR_INIT(REQUEST(GOOD "," DELTA)),
     {.fates = {[SAMPLE_STORED] = 1}},
     0,
     200,
     STR_INIT("{\"partialSuccess\":{\"rejectedDataPoints\":\"2\",\"errorMessage\":\"metric "
              "\\\"d\\\": a sum of delta temporality"),
     true,
     "application/json",
     1},
    {"OTLP, nothing stored",
     OTLP,
     JSON,
     STR_INIT(REQUEST(DELTA)),
     {.series_created = 0},
     0,
     400,
     STR_INIT("{\"code\":3,\"message\":\"metric \\\"d\\\": a sum of delta temporality"),
     true,
     "application/json",
     0},
    {"OTLP, refused by the head",
     OTLP,
     JSON,
     STR_INIT(REQUEST(GOOD)),
     {.fates = {[SAMPLE_OUT_OF_ORDER] = 1}},
     0,
     400,
     STR_INIT("{\"code\":3,\"message\":\"add 1 samples: out of order sample\"}"),
     false,
     "application/json",
     1},
    {"OTLP, series limit of the head",
     OTLP,
     JSON,
     STR_INIT(REQUEST(GOOD)),
     {.series_over_limit = 1},
     0,
     429,
     STR_INIT("{\"code\":8,"),
     true,
     "application/json",
     1},
    {"OTLP, series limit of a request",
     OTLP,
     JSON,
     STR_INIT(REQUEST(GOOD "," GOOD "," GOOD "," GOOD)),
     {.series_created = 0},
     0,
     413,
     STR_INIT("too many timeseries: 4"),
     true,
     "application/json",
     0},
    {"OTLP, disk full",
     OTLP,
     JSON,
     STR_INIT(REQUEST(GOOD)),
     {.series_created = 0},
     ERR_NO_SPACE,
     503,
     STR_INIT("{\"code\":14,\"message\":\"no space\"}"),
     false,
     "application/json",
     1},
    {"OTLP, overload",
     OTLP,
     JSON,
     STR_INIT(REQUEST(GOOD)),
     {.series_created = 0},
     ERR_OVERLOAD,
     503,
     STR_INIT("{\"code\":14,\"message\":\"overload\"}"),
     false,
     "application/json",
     1},
    {"OTLP, malformed",
     OTLP,
     PROTOBUF,
     STR_INIT("\x0a"),
     {.series_created = 0},
     0,
     400,
     STR_INIT("\x08\x03\x12"),
     true,
     "application/x-protobuf",
     0},
    {"OTLP, text",
     OTLP,
     "Content-Type: text/plain\r\n",
     STR_INIT("m 1\n"),
     {.series_created = 0},
     0,
     415,
     STR_INIT("content type"),
     true,
     "application/x-protobuf",
     0},
    {"OTLP, zstd",
     OTLP,
     JSON "Content-Encoding: zstd\r\n",
     STR_INIT(REQUEST(GOOD)),
     {.series_created = 0},
     0,
     415,
     STR_INIT("content encoding"),
     true,
     "application/json",
     0},
    {"OTLP, tenant is a path",
     OTLP,
     JSON "THANOS-TENANT: ..\r\n",
     STR_INIT(REQUEST(GOOD)),
     {.series_created = 0},
     0,
     400,
     STR_INIT("tenant name not valid"),
     true,
     "application/json",
     0},
    {"OTLP, GET",
     "GET /api/v1/otlp",
     "",
     STR_INIT(""),
     {.series_created = 0},
     0,
     405,
     STR_INIT(""),
     true,
     NULL,
     0},
    {"text",
     IMPORT,
     "",
     STR_INIT("a 1\nb{x=\"y\"} 2 17\n"),
     {.fates = {[SAMPLE_STORED] = 2}},
     0,
     204,
     STR_INIT(""),
     false,
     NULL,
     2},
    {"text of curl",
     IMPORT,
     "Content-Type: application/x-www-form-urlencoded\r\n",
     STR_INIT("a 1\n"),
     {.fates = {[SAMPLE_STORED] = 1}},
     0,
     204,
     STR_INIT(""),
     false,
     NULL,
     1},
    {"OpenMetrics",
     IMPORT,
     "Content-Type: application/openmetrics-text\r\n",
     STR_INIT("a 1 17.5\n# EOF\n"),
     {.fates = {[SAMPLE_STORED] = 1}},
     0,
     204,
     STR_INIT(""),
     false,
     NULL,
     1},
    {"text, nothing",
     IMPORT,
     "",
     STR_INIT(""),
     {.series_created = 0},
     0,
     204,
     STR_INIT(""),
     false,
     NULL,
     0},
    {"text, partly",
     IMPORT,
     "",
     STR_INIT("a 1\nb\n"),
     {.fates = {[SAMPLE_STORED] = 1}},
     0,
     400,
     STR_INIT("1 samples stored, 1 lines refused: line 2, column 2: expected a blank or '{' behind "
              "the name\n"),
     false,
     "text/plain; charset=utf-8",
     1},
    {"text, series limit of a request",
     IMPORT,
     "",
     STR_INIT("a 1\nb 1\nc 1\nd 1\n"),
     {.series_created = 0},
     0,
     413,
     STR_INIT("too many timeseries: 4 in one request, limit 3\n"),
     false,
     "text/plain; charset=utf-8",
     0},
    {"text, disk full",
     IMPORT,
     "",
     STR_INIT("a 1\n"),
     {.series_created = 0},
     ERR_NO_SPACE,
     503,
     STR_INIT("no space\n"),
     false,
     "text/plain; charset=utf-8",
     1},
    {"text, protobuf",
     IMPORT,
     PROTOBUF,
     STR_INIT("x"),
     {.series_created = 0},
     0,
     415,
     STR_INIT("content type"),
     true,
     "text/plain; charset=utf-8",
     0},
    {"text, GET",
     "GET /api/v1/import/prometheus",
     "",
     STR_INIT(""),
     {.series_created = 0},
     0,
     405,
     STR_INIT(""),
     true,
     NULL,
     0},
};

START_TEST(test_door)
{
    const struct door_case *c = &door_cases[_i];
    struct fixture f;
    fixture_start(&f);
    receiver_start(f.receiver, &f.sink.sink, NULL);
    f.sink.result = c->result;
    f.sink.fail = c->fail;
    AUTO(reply_fini) struct reply r = ask(&f, c->line, c->headers, c->body);
    struct str got = buf_str(&r.body);
    ck_assert_msg(r.status == c->status, "row \"%s\": %d %s", c->name, r.status, buf_cstr(&r.body));
    bool as_wanted = c->part ? c->want.n == 0 || memmem(got.p, got.n, c->want.p, c->want.n)
                             : str_eq(got, c->want);
    ck_assert_msg(as_wanted, "row \"%s\": %s", c->name, buf_cstr(&r.body));
    if (c->type)
        ROW_ASSERT(c->name, str_eq(reply_header(&r, "Content-Type"), str_of_cstr(c->type)));
    ROW_ASSERT(c->name,
               (reply_header(&r, "Retry-After").n > 0) == (c->status == 503 || c->status == 429));
    ROW_ASSERT(c->name, f.sink.rows == c->rows);
    fixture_stop(&f);
}
END_TEST

START_TEST(test_not_ready)
{
    struct fixture f;
    fixture_start(&f);
    struct reply otlp = ask(&f, OTLP, JSON, STR(REQUEST(GOOD)));
    struct reply text = ask(&f, IMPORT, "", STR("a 1\n"));
    ck_assert_int_eq(otlp.status, 503);
    ck_assert_int_eq(text.status, 503);
    ck_assert_str_eq(buf_cstr(&otlp.body),
                     "{\"code\":14,\"message\":\"not ready: the databases are "
                     "still being opened\"}");
    reply_fini(&otlp);
    reply_fini(&text);
    fixture_stop(&f);
}
END_TEST

START_TEST(test_metrics)
{
    struct fixture f;
    fixture_start(&f);
    receiver_start(f.receiver, &f.sink.sink, NULL);
    struct reply otlp = ask(&f, OTLP, JSON, STR(REQUEST(DELTA)));
    struct reply text = ask(&f, IMPORT, "", STR("a\nb\nc\n"));
    reply_fini(&otlp);
    reply_fini(&text);
    AUTO(buf_fini) struct buf metrics = BUF_INIT;
    metrics_write(f.metrics, METRICS_TEXT, &metrics);
    static const char *const lines[] = {
        "mneme_receive_rejected_samples_total{reason=\"otlp_point\"} 2\n",
        "mneme_receive_rejected_samples_total{reason=\"text_line\"} 3\n",
        "handler=\"otlp\"",
        "handler=\"import\"",
    };
    for (size_t i = 0; i < ARRAY_LEN(lines); i++)
        ck_assert_msg(strstr(buf_cstr(&metrics), lines[i]), "no %s", lines[i]);
    fixture_stop(&f);
}
END_TEST

Suite *
receive_formats_suite(void)
{
    Suite *s = suite_create("receive_formats");
    TCase *t = tcase_create("all");
    tcase_add_loop_test(t, test_door, 0, ARRAY_LEN(door_cases));
    tcase_add_test(t, test_not_ready);
    tcase_add_test(t, test_metrics);
    suite_add_tcase(s, t);
    return s;
}
