/* The table of answers for remote write 2.0, through a live server: the same at both doors, and
 * always with the numbers of what was written. */
#include "tests/harness.h"

#include <stdio.h>

#include "base/mem.h"
#include "tests/receiver/fixture.h"
#include "tests/receiver/messages.h"

static const struct answer2_case {
    const char *name;
    const char *headers;   /* NULL: PROTOBUF2 */
    struct str plain, raw; /* the body: to be compressed, or as it is */
    struct append_result result;
    enum err_code fail; /* of the sink */
    int status;
    const char *want;    /* part of the body */
    const char *written; /* samples, histograms, exemplars; NULL: no such headers */
    size_t calls;        /* of the sink, at one door */
} answer2_cases[] = {
    {.name = "stored",
     .plain = STR_INIT(SYMBOLS2 SERIES2_UP),
     .result = {.fates = {[SAMPLE_STORED] = 1}},
     .status = 204,
     .want = "",
     .written = "1 0 0",
     .calls = 1},
    {.name = "stored with all that there is",
     .plain = STR_INIT(SYMBOLS2 SERIES2_UP),
     .result = {.fates = {[SAMPLE_STORED] = 3, [SAMPLE_REPEATED] = 2},
                .histogram_fates = {[SAMPLE_STORED] = 1},
                .exemplar_fates = {[EXEMPLAR_STORED] = 5, [EXEMPLAR_REPEATED] = 1}},
     .status = 204,
     .want = "",
     .written = "4 1 6",
     .calls = 1},
    {.name = "exemplars are not kept",
     .plain = STR_INIT(SYMBOLS2 SERIES2_UP),
     .result = {.fates = {[SAMPLE_STORED] = 1}, .exemplar_fates = {[EXEMPLAR_DISABLED] = 2}},
     .status = 204,
     .want = "",
     .written = "1 0 0",
     .calls = 1},
    {.name = "empty request",
     .raw = STR_INIT("\x00"),
     .status = 204,
     .want = "",
     .written = "0 0 0"},
    {.name = "version in a header is not asked",
     .headers = PROTOBUF2 "X-Prometheus-Remote-Write-Version: 0.1.0\r\n",
     .plain = STR_INIT(SYMBOLS2 SERIES2_UP),
     .result = {.fates = {[SAMPLE_STORED] = 1}},
     .status = 204,
     .want = "",
     .written = "1 0 0",
     .calls = 1},
    {.name = "version of 2.0, type of 1.0",
     .headers = PROTOBUF "X-Prometheus-Remote-Write-Version: 2.0.0\r\n",
     .plain = STR_INIT(SYMBOLS2 SERIES2_UP),
     .status = 0, /* that of the door: see the test */
     .want = ""},
    {.name = "out of order",
     .plain = STR_INIT(SYMBOLS2 SERIES2_UP),
     .result = {.fates = {[SAMPLE_STORED] = 1, [SAMPLE_OUT_OF_ORDER] = 2}},
     .status = 400,
     .want = "add 2 samples: out of order sample\n",
     .written = "1 0 0",
     .calls = 1},
    {.name = "duplicate, out of bounds, too old, too new",
     .plain = STR_INIT(SYMBOLS2 SERIES2_UP),
     .result = {.fates = {[SAMPLE_DUPLICATE] = 1,
                          [SAMPLE_OUT_OF_BOUNDS] = 1,
                          [SAMPLE_TOO_OLD] = 1,
                          [SAMPLE_TOO_NEW] = 1}},
     .status = 400,
     .want = "3 errors: ",
     .written = "0 0 0",
     .calls = 1},
    {.name = "duplicate labels",
     .plain = STR_INIT(SYMBOLS2 SERIES2_UP),
     .result = {.label_faults = {[LABEL_FAULT_DUPLICATE] = 1}},
     .status = 400,
     .want = "duplicate label names",
     .written = "0 0 0",
     .calls = 1},
    {.name = "exemplar out of order",
     .plain = STR_INIT(SYMBOLS2 SERIES2_UP),
     .result = {.fates = {[SAMPLE_STORED] = 1}, .exemplar_fates = {[EXEMPLAR_OUT_OF_ORDER] = 1}},
     .status = 400,
     .want = "add 1 exemplars: out of order exemplar\n",
     .written = "1 0 0",
     .calls = 1},
    {.name = "invalid histogram",
     .plain = STR_INIT(SYMBOLS2 SERIES2_UP),
     .result = {.fates = {[SAMPLE_STORED] = 2},
                .histogram_fates = {[SAMPLE_STORED] = 1},
                .histograms_invalid = 1,
                .histogram_fault = STR_INIT("a span has no length")},
     .status = 400,
     .want = "add 1 histograms: a span has no length\n",
     .written = "1 1 0",
     .calls = 1},
    {.name = "a series without a name among good ones",
     .plain = STR_INIT(SYMBOLS2 SERIES2_UP SERIES2_UNNAMED),
     .result = {.fates = {[SAMPLE_STORED] = 1}},
     .status = 400,
     .want = "add 1 series: label set has no metric name (first: {a=\"b\"})\n",
     .written = "1 0 0",
     .calls = 1},
    {.name = "a series without samples, alone",
     .plain = STR_INIT(SYMBOLS2 SERIES2_EMPTY),
     .status = 400,
     .want = "add 1 series: neither samples nor histograms (first: up)\n",
     .written = "0 0 0"},
    {.name = "series limit of the head",
     .plain = STR_INIT(SYMBOLS2 SERIES2_UP),
     .result = {.fates = {[SAMPLE_STORED] = 1}, .series_over_limit = 3},
     .status = 429,
     .want = "tenant is above active series limit",
     .written = "1 0 0",
     .calls = 1},
    {.name = "reference without a symbol",
     .plain = STR_INIT("\x22\x00" SERIES2_UP),
     .status = 400,
     .want = "remote write: label reference 1 to one of 1 symbols in the message at byte 4\n",
     .written = "0 0 0"},
    {.name = "bad snappy",
     .raw = STR_INIT("\x10rubbish"),
     .status = 400,
     .want = "snappy decode error",
     .written = "0 0 0"},
    {.name = "bad zstd",
     .headers = "Content-Type: application/x-protobuf;proto=io.prometheus.write.v2.Request\r\n"
                "Content-Encoding: zstd\r\n",
     .raw = STR_INIT("\x10rubbish"),
     .status = 400,
     .want = "zstd decode error",
     .written = "0 0 0"},
    {.name = "bad tenant",
     .headers = PROTOBUF2 "X-Scope-OrgID: ../x\r\n",
     .plain = STR_INIT(SYMBOLS2 SERIES2_UP),
     .status = 400,
     .want = "tenant name not valid"},
    {.name = "unknown message",
     .headers = "Content-Type: application/x-protobuf;proto=io.prometheus.write.v3.Request\r\n",
     .plain = STR_INIT(SYMBOLS2 SERIES2_UP),
     .status = 415,
     .want = "message \"io.prometheus.write.v3.Request\" is not supported"},
    {.name = "unknown encoding",
     .headers = "Content-Type: application/x-protobuf;proto=io.prometheus.write.v2.Request\r\n"
                "Content-Encoding: gzip\r\n",
     .plain = STR_INIT(SYMBOLS2 SERIES2_UP),
     .status = 415,
     .want = "content encoding \"gzip\" is not supported"},
    {.name = "too many series",
     .plain = STR_INIT("\x2a\x00\x2a\x00\x2a\x00\x2a\x00\x2a\x00\x2a\x00\x2a\x00\x2a\x00\x2a\x00"
                       "\x2a\x00\x2a\x00"),
     .status = 413,
     .want = "too many timeseries: 11 in one request, limit 10\n",
     .written = "0 0 0"},
    {.name = "disk full",
     .plain = STR_INIT(SYMBOLS2 SERIES2_UP),
     .result = {.fates = {[SAMPLE_STORED] = 1}},
     .fail = ERR_NO_SPACE,
     .status = 503,
     .want = "",
     .written = "0 0 0",
     .calls = 1},
    {.name = "overload",
     .plain = STR_INIT(SYMBOLS2 SERIES2_UP),
     .fail = ERR_OVERLOAD,
     .status = 503,
     .want = "overload\n",
     .written = "0 0 0",
     .calls = 1},
};

/* "1 2 3", or "" when none of the headers is there. */
static void
show_written(const struct reply *r, char to[64])
{
    struct str samples = reply_header(r, "X-Prometheus-Remote-Write-Samples-Written");
    struct str histograms = reply_header(r, "X-Prometheus-Remote-Write-Histograms-Written");
    struct str exemplars = reply_header(r, "X-Prometheus-Remote-Write-Exemplars-Written");
    to[0] = '\0';
    if (samples.n + histograms.n + exemplars.n > 0)
        snprintf(to, 64, "%.*s %.*s %.*s", STR_FMT(samples), STR_FMT(histograms),
                 STR_FMT(exemplars));
}

static void
check_answer(struct fixture *f, const struct answer2_case *c, const char *line, int status)
{
    const char *headers = c->headers ? c->headers : PROTOBUF2;
    AUTO(reply_fini)
    struct reply r =
        c->plain.n > 0 ? ask_packed(f, line, headers, c->plain) : ask(f, line, headers, c->raw);
    ck_assert_msg(r.status == (c->status ? c->status : status), "row \"%s\", %s: %d %s", c->name,
                  line, r.status, buf_cstr(&r.body));
    ck_assert_msg(strstr(buf_cstr(&r.body), c->want), "row \"%s\", %s: %s", c->name, line,
                  buf_cstr(&r.body));
    char written[64];
    show_written(&r, written);
    ck_assert_msg(strcmp(written, c->written ? c->written : "") == 0, "row \"%s\", %s: wrote %s",
                  c->name, line, written);
    ROW_ASSERT(c->name,
               (reply_header(&r, "Retry-After").n > 0) == (r.status == 503 || r.status == 429));
}

START_TEST(test_answers)
{
    const struct answer2_case *c = &answer2_cases[_i];
    struct fixture f;
    fixture_start(&f);
    receiver_start(f.receiver, &f.sink.sink, NULL);
    f.sink.result = c->result;
    f.sink.fail = c->fail;
    check_answer(&f, c, RECEIVE, 200);
    check_answer(&f, c, WRITE, 204);
    ROW_ASSERT(c->name, f.sink.calls == 2 * c->calls);
    fixture_stop(&f);
}
END_TEST

START_TEST(test_dropped_is_written)
{
    struct fixture f;
    fixture_start(&f);
    receiver_start(f.receiver, &f.sink.sink, NULL);
    CK_OK(policy_set_relabel(receiver_policy(f.receiver),
                             STR("- {source_labels: [__name__], regex: up, action: drop}")));
    AUTO(reply_fini)
    struct reply r = ask_packed(&f, RECEIVE, PROTOBUF2, STR(SYMBOLS2 SERIES2_UP SERIES2_STARTED));
    char written[64];
    show_written(&r, written);
    ck_assert_int_eq(r.status, 204);
    ck_assert_str_eq(written, "2 0 0");
    ck_assert_uint_eq(f.sink.rows, 0);
    fixture_stop(&f);
}
END_TEST

Suite *
write_http_suite(void)
{
    Suite *s = suite_create("write_http");
    TCase *t = tcase_create("all");
    tcase_add_loop_test(t, test_answers, 0, ARRAY_LEN(answer2_cases));
    tcase_add_test(t, test_dropped_is_written);
    suite_add_tcase(s, t);
    return s;
}
