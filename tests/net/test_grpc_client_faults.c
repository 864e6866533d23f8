/* Servers and proxies that do it wrong: each mistake becomes the code that grpc-go has for it,
 * once, and no memory is left behind. */
#include <string.h>

#include "base/mem.h"
#include "tests/harness.h"
#include "tests/net/grpc_caller.h"

enum { LIMIT_BYTES = 1000 };

#define HEAD ":status: 200\ncontent-type: application/grpc\n"
static const struct str ok = STR_INIT("\0\0\0\0\2ok");

static void
say_good(struct buf *b)
{
    bad_good_answer(b, 1);
}

static void
say_good_with_odd_type(struct buf *b)
{
    bad_headers(b, 1, 0, ":status: 200\ncontent-type: application/grpc+proto; x=1\n");
    bad_data(b, 1, 0, ok);
    bad_headers(b, 1, BAD_END_STREAM, "grpc-status: 0\n");
}

static void
say_good_behind_100(struct buf *b)
{
    bad_headers(b, 1, 0, ":status: 100\n");
    bad_good_answer(b, 1);
}

static void
say_status_alone(struct buf *b)
{
    bad_headers(b, 1, BAD_END_STREAM, HEAD "grpc-status: 6\ngrpc-message: out%20of %E2%82%AC%\n");
}

static void
say_blanks(struct buf *b)
{
    bad_headers(b, 1, BAD_END_STREAM, HEAD "grpc-status: 3\ngrpc-message:  blanks \n");
}

static void
say_unknown_status(struct buf *b)
{
    bad_headers(b, 1, BAD_END_STREAM, HEAD "grpc-status: 77\ngrpc-message: what\n");
}

static void
say_malformed_status(struct buf *b)
{
    bad_headers(b, 1, BAD_END_STREAM, HEAD "grpc-status: zero\n");
}

static void
say_trailers_without_status(struct buf *b)
{
    bad_headers(b, 1, 0, HEAD);
    bad_data(b, 1, 0, ok);
    bad_headers(b, 1, BAD_END_STREAM, "x: y\n");
}

static void
say_no_trailers(struct buf *b)
{
    bad_headers(b, 1, 0, HEAD);
    bad_data(b, 1, BAD_END_STREAM, ok);
}

static void
say_head_alone(struct buf *b)
{
    bad_headers(b, 1, BAD_END_STREAM, HEAD);
}

static void
say_html(struct buf *b)
{
    bad_headers(b, 1, 0, ":status: 200\ncontent-type: text/html\n");
    bad_data(b, 1, BAD_END_STREAM, STR("<html>"));
}

static void
say_503(struct buf *b)
{
    bad_headers(b, 1, 0, ":status: 503\ncontent-type: text/plain\n");
    bad_data(b, 1, BAD_END_STREAM, STR("no upstream"));
}

static void
say_404(struct buf *b)
{
    bad_headers(b, 1, BAD_END_STREAM, ":status: 404\n");
}

static void
say_401(struct buf *b)
{
    bad_headers(b, 1, BAD_END_STREAM, ":status: 401\ncontent-type: application/grpc\n");
}

static void
say_no_message(struct buf *b)
{
    bad_headers(b, 1, 0, HEAD);
    bad_headers(b, 1, BAD_END_STREAM, "grpc-status: 0\n");
}

static void
say_two_messages(struct buf *b)
{
    bad_headers(b, 1, 0, HEAD);
    bad_data(b, 1, 0, ok);
    bad_data(b, 1, 0, ok);
    bad_headers(b, 1, BAD_END_STREAM, "grpc-status: 0\n");
}

static void
say_half_a_message(struct buf *b)
{
    bad_headers(b, 1, 0, HEAD);
    bad_data(b, 1, 0, STR("\0\0\0\0\3ok"));
    bad_headers(b, 1, BAD_END_STREAM, "grpc-status: 0\n");
}

static void
say_too_large(struct buf *b)
{
    bad_headers(b, 1, 0, HEAD);
    bad_data(b, 1, 0, STR("\0\0\0\3\xe9 the rest does not matter"));
}

static void
say_odd_flag(struct buf *b)
{
    bad_headers(b, 1, 0, HEAD);
    bad_data(b, 1, 0, STR("\7\0\0\0\1a"));
}

static void
say_unknown_encoding(struct buf *b)
{
    bad_headers(b, 1, 0, HEAD "grpc-encoding: br\n");
    bad_data(b, 1, 0, STR("\1\0\0\0\1a"));
}

static void
say_rubbish_in_gzip(struct buf *b)
{
    bad_headers(b, 1, 0, HEAD "grpc-encoding: gzip\n");
    bad_data(b, 1, 0, STR("\1\0\0\0\1a"));
}

static void
say_reset_no_error(struct buf *b)
{
    bad_reset(b, 1, 0x0);
}

static void
say_reset_cancel(struct buf *b)
{
    bad_reset(b, 1, 0x8);
}

static void
say_reset_calm(struct buf *b)
{
    bad_reset(b, 1, 0xb);
}

static void
say_reset_security(struct buf *b)
{
    bad_reset(b, 1, 0xc);
}

static void
say_reset_unknown(struct buf *b)
{
    bad_reset(b, 1, 0x99);
}

static void
say_half_then_reset(struct buf *b)
{
    bad_headers(b, 1, 0, HEAD);
    bad_data(b, 1, 0, STR("\0\0\0\0"));
    bad_reset(b, 1, 0x2);
}

static void
say_half_a_frame(struct buf *b)
{
    bad_headers(b, 1, 0, HEAD);
    bad_data(b, 1, 0, ok);
    b->n -= 3;
}

/* DATA in front of any HEADERS breaks HTTP/2. */
static void
say_data_first(struct buf *b)
{
    bad_data(b, 1, 0, ok);
}

static void
say_nothing(struct buf *b)
{
    (void)b;
}

static const struct fault {
    const char *name;
    void (*say)(struct buf *b);
    enum bad_end end;
    enum grpc_code code;
    const char *text; /* a part of it */
} faults[] = {
    {"good", say_good, BAD_HOLD, GRPC_OK, ""},
    {"good, other content type", say_good_with_odd_type, BAD_HOLD, GRPC_OK, ""},
    {"good behind a 100", say_good_behind_100, BAD_HOLD, GRPC_OK, ""},
    {"good, then closed", say_good, BAD_CLOSE, GRPC_OK, ""},
    {"status alone", say_status_alone, BAD_HOLD, GRPC_ALREADY_EXISTS, "out of \xe2\x82\xac%"},
    {"blanks at the ends", say_blanks, BAD_HOLD, GRPC_INVALID_ARGUMENT, " blanks "},
    {"unknown status", say_unknown_status, BAD_HOLD, GRPC_UNKNOWN, "what"},
    {"malformed status", say_malformed_status, BAD_HOLD, GRPC_INTERNAL, "malformed grpc-status"},
    {"trailers without status", say_trailers_without_status, BAD_HOLD, GRPC_UNKNOWN, "grpc-status"},
    {"no trailers", say_no_trailers, BAD_HOLD, GRPC_INTERNAL, "without sending trailers"},
    {"head alone", say_head_alone, BAD_HOLD, GRPC_INTERNAL, "without sending trailers"},
    {"200 of a web server", say_html, BAD_HOLD, GRPC_UNKNOWN, "text/html"},
    {"503 of a proxy", say_503, BAD_HOLD, GRPC_UNAVAILABLE, "503"},
    {"404", say_404, BAD_HOLD, GRPC_UNIMPLEMENTED, "404"},
    {"401", say_401, BAD_HOLD, GRPC_UNAUTHENTICATED, "401"},
    {"no message", say_no_message, BAD_HOLD, GRPC_INTERNAL, "cardinality"},
    {"two messages", say_two_messages, BAD_HOLD, GRPC_INTERNAL, "cardinality"},
    {"half a message", say_half_a_message, BAD_HOLD, GRPC_INTERNAL, "unexpected EOF"},
    {"too large", say_too_large, BAD_HOLD, GRPC_RESOURCE_EXHAUSTED, "1001 vs. 1000"},
    {"odd flag", say_odd_flag, BAD_HOLD, GRPC_INTERNAL, "format 7"},
    {"unknown encoding", say_unknown_encoding, BAD_HOLD, GRPC_INTERNAL, "\"br\""},
    {"rubbish in gzip", say_rubbish_in_gzip, BAD_HOLD, GRPC_INTERNAL, "decompress"},
    {"RST NO_ERROR", say_reset_no_error, BAD_HOLD, GRPC_INTERNAL, "RST_STREAM"},
    {"RST CANCEL", say_reset_cancel, BAD_HOLD, GRPC_CANCELED, "code: 8"},
    {"RST ENHANCE_YOUR_CALM", say_reset_calm, BAD_HOLD, GRPC_RESOURCE_EXHAUSTED, "code: 11"},
    {"RST INADEQUATE_SECURITY", say_reset_security, BAD_HOLD, GRPC_PERMISSION_DENIED, "code: 12"},
    {"RST of no known code", say_reset_unknown, BAD_HOLD, GRPC_UNKNOWN, "code: 153"},
    {"half an answer, then RST", say_half_then_reset, BAD_HOLD, GRPC_INTERNAL, "code: 2"},
    {"closed instead of an answer", say_nothing, BAD_CLOSE, GRPC_UNAVAILABLE, "lost"},
    {"reset instead of an answer", say_nothing, BAD_RESET, GRPC_UNAVAILABLE, "lost"},
    {"closed inside a frame", say_half_a_frame, BAD_CLOSE, GRPC_UNAVAILABLE, "lost"},
    {"DATA first", say_data_first, BAD_HOLD, GRPC_UNAVAILABLE, "lost"},
    {"silence", say_nothing, BAD_HOLD, GRPC_DEADLINE_EXCEEDED, "deadline"},
};

START_TEST(test_fault)
{
    const struct fault *t = &faults[_i];
    AUTO(buf_fini) struct buf answer = BUF_INIT;
    t->say(&answer);
    struct bad_script script = {.answers = {str_of(answer.n ? answer.p : "", answer.n)},
                                .end = t->end};
    struct bad_peer *peer = bad_peer_start(&script, 1);
    struct grpc_caller c;
    grpc_caller_open(&c, bad_peer_port(peer),
                     (struct grpc_channel_opts){.message_bytes_max = LIMIT_BYTES});
    struct grpc_unary q = {.method = "/test.Echo/Echo",
                           .timeout_ms = t->code == GRPC_DEADLINE_EXCEEDED ? 100 : 10 * 1000};
    struct grpc_asked *a = grpc_caller_ask(&c, q, STR("ask"));
    ck_assert_msg(a->code == t->code, "%s: %s (%s)", t->name, grpc_code_name(a->code),
                  buf_cstr(&a->text));
    ck_assert_msg(strstr(buf_cstr(&a->text), t->text), "%s: \"%s\"", t->name, buf_cstr(&a->text));
    if (t->code == GRPC_OK)
        ROW_ASSERT(t->name, str_eq(buf_str(&a->reply), STR("ok")));
    else
        ROW_ASSERT(t->name, a->reply.n == 0);
    grpc_caller_close(&c);
    grpc_asked_free(a);
    bad_peer_stop(peer);
}
END_TEST

/* What is no HTTP/2 at all, from the first byte. */
static const struct greeting {
    const char *name;
    struct str bytes;
    enum bad_end end;
} greetings[] = {
    {"HTTP/1.1", STR_INIT("HTTP/1.1 400 Bad Request\r\n\r\n"), BAD_CLOSE},
    {"closed", STR_INIT(""), BAD_CLOSE},
    {"reset", STR_INIT(""), BAD_RESET},
    {"silence", STR_INIT(""), BAD_HOLD},
    {"half of SETTINGS", STR_INIT("\0\0\0\4\0"), BAD_CLOSE},
};

START_TEST(test_greeting)
{
    const struct greeting *t = &greetings[_i];
    struct bad_script script = {.greeting = t->bytes, .end = t->end};
    struct bad_peer *peer = bad_peer_start(&script, 1);
    struct grpc_caller c;
    grpc_caller_open(&c, bad_peer_port(peer),
                     (struct grpc_channel_opts){.connect_timeout_ms = 200});
    struct grpc_asked *a =
        grpc_caller_ask(&c, (struct grpc_unary){.method = "/test.Echo/Echo"}, STR("ask"));
    ck_assert_msg(a->code == GRPC_UNAVAILABLE, "%s: %s (%s)", t->name, grpc_code_name(a->code),
                  buf_cstr(&a->text));
    ck_assert_msg(strstr(buf_cstr(&a->text), "connection error: "), "%s: %s", t->name,
                  buf_cstr(&a->text));
    grpc_caller_close(&c);
    grpc_asked_free(a);
    bad_peer_stop(peer);
}
END_TEST

Suite *
grpc_client_faults_suite(void)
{
    Suite *s = suite_create("grpc_client_faults");
    TCase *t = tcase_create("grpc_client_faults");
    tcase_set_timeout(t, 30);
    tcase_add_loop_test(t, test_fault, 0, sizeof faults / sizeof faults[0]);
    tcase_add_loop_test(t, test_greeting, 0, sizeof greetings / sizeof greetings[0]);
    suite_add_tcase(s, t);
    return s;
}
