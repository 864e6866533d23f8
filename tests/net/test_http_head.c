/* Heads that are one request to every reader are taken; the rest is refused. */
#include "base/mem.h"
#include "net/http_head.h"
#include "tests/harness.h"

#define LINE "GET / HTTP/1.1\r\n"
#define HOST "Host: x\r\n"
#define POST "POST / HTTP/1.1\r\nHost: x\r\n"

static const struct head_case {
    const char *name;
    struct str in;
    int status; /* 0: taken */
} head_cases[] = {
    {"least", STR_INIT(LINE HOST "\r\n"), 0},
    {"1.0 without a host", STR_INIT("GET / HTTP/1.0\r\n\r\n"), 0},
    {"empty value", STR_INIT(LINE "Host:\r\nX:\r\n\r\n"), 0},
    {"blanks around a value", STR_INIT(LINE "Host: \t x \t\r\n\r\n"), 0},
    {"bytes above 127 in a value", STR_INIT(LINE HOST "A: \xc3\xa4\r\n\r\n"), 0},
    {"length", STR_INIT(POST "Content-Length: 10\r\n\r\n"), 0},
    {"chunked", STR_INIT(POST "transfer-encoding: CHUNKED\r\n\r\n"), 0},
    {"expect", STR_INIT(POST "Expect: 100-Continue\r\nContent-Length: 1\r\n\r\n"), 0},
    {"star", STR_INIT("OPTIONS * HTTP/1.1\r\n" HOST "\r\n"), 0},
    {"nothing", STR_INIT("\r\n"), 400},
    {"no version", STR_INIT("GET /\r\n" HOST "\r\n"), 400},
    {"two blanks", STR_INIT("GET  / HTTP/1.1\r\n" HOST "\r\n"), 400},
    {"blank in the path", STR_INIT("GET /a b HTTP/1.1\r\n" HOST "\r\n"), 400},
    {"tab in the path", STR_INIT("GET /a\tb HTTP/1.1\r\n" HOST "\r\n"), 400},
    {"nul in the path", STR_INIT("GET /a\0b HTTP/1.1\r\n" HOST "\r\n"), 400},
    {"no slash", STR_INIT("GET hello HTTP/1.1\r\n" HOST "\r\n"), 400},
    {"star and more", STR_INIT("OPTIONS *x HTTP/1.1\r\n" HOST "\r\n"), 400},
    {"http/2", STR_INIT("PRI * HTTP/2.0\r\n\r\n"), 505},
    {"http/1.2", STR_INIT("GET / HTTP/1.2\r\n" HOST "\r\n"), 505},
    {"lower-case version", STR_INIT("GET / http/1.1\r\n" HOST "\r\n"), 400},
    {"long version", STR_INIT("GET / HTTP/1.10\r\n" HOST "\r\n"), 400},
    {"method is no token", STR_INIT("G(T / HTTP/1.1\r\n" HOST "\r\n"), 400},
    {"unknown method", STR_INIT("BREW / HTTP/1.1\r\n" HOST "\r\n"), 501},
    {"method in lower case", STR_INIT("get / HTTP/1.1\r\n" HOST "\r\n"), 501},
    {"bare lf", STR_INIT(LINE "Host: x\nA: b\r\n\r\n"), 400},
    {"bare lf behind the request line", STR_INIT("GET / HTTP/1.1\nHost: x\r\n\r\n"), 400},
    {"bare cr", STR_INIT(LINE "Host: x\rA: b\r\n\r\n"), 400},
    {"folded", STR_INIT(LINE HOST "A: b\r\n c\r\n\r\n"), 400},
    {"fold first", STR_INIT(LINE " " HOST "\r\n"), 400},
    {"blank before the colon", STR_INIT(LINE "Host : x\r\n\r\n"), 400},
    {"no colon", STR_INIT(LINE HOST "abc\r\n\r\n"), 400},
    {"empty name", STR_INIT(LINE HOST ": x\r\n\r\n"), 400},
    {"nul in a value", STR_INIT(LINE HOST "A: b\0c\r\n\r\n"), 400},
    {"no host", STR_INIT(LINE "\r\n"), 400},
    {"two hosts", STR_INIT(LINE HOST HOST "\r\n"), 400},
    {"both framings", STR_INIT(POST "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"),
     400},
    {"two lengths", STR_INIT(POST "Content-Length: 1\r\nContent-Length: 1\r\n\r\n"), 400},
    {"list of lengths", STR_INIT(POST "Content-Length: 1, 1\r\n\r\n"), 400},
    {"signed length", STR_INIT(POST "Content-Length: +1\r\n\r\n"), 400},
    {"negative length", STR_INIT(POST "Content-Length: -1\r\n\r\n"), 400},
    {"hex length", STR_INIT(POST "Content-Length: 0x1\r\n\r\n"), 400},
    {"empty length", STR_INIT(POST "Content-Length:\r\n\r\n"), 400},
    {"length of 2^64", STR_INIT(POST "Content-Length: 18446744073709551616\r\n\r\n"), 400},
    {"length of 2^63", STR_INIT(POST "Content-Length: 9223372036854775808\r\n\r\n"), 413},
    {"two codings", STR_INIT(POST "Transfer-Encoding: gzip, chunked\r\n\r\n"), 501},
    {"chunked twice",
     STR_INIT(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"), 400},
    {"not quite chunked", STR_INIT(POST "Transfer-Encoding: xchunked\r\n\r\n"), 501},
    {"vertical tab", STR_INIT(POST "Transfer-Encoding: \vchunked\r\n\r\n"), 400},
    {"chunks in 1.0", STR_INIT("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), 400},
    {"other expectation", STR_INIT(POST "Expect: miracles\r\n\r\n"), 417},
};

START_TEST(test_parse)
{
    const struct head_case *c = &head_cases[_i];
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct http_head h;
    const char *why = NULL;
    int status = http_head_parse(&a, c->in, &h, &why);
    ck_assert_msg(status == c->status, "%s: got %d", c->name, status);
    ROW_ASSERT(c->name, (why != NULL) == (status != 0));
}
END_TEST

START_TEST(test_what_a_head_says)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct http_head h;
    const char *why;
    struct str text = STR("POST HTTP://h:1/p%20q?x=1?y HTTP/1.1\r\nhOST: h\r\nA: 1\r\na: 2\r\n"
                          "Connection: x, close\r\nContent-Length: 007\r\n\r\n");
    ck_assert_int_eq(http_head_parse(&a, text, &h, &why), 0);
    ck_assert_int_eq(h.method, HTTP_POST);
    ck_assert(str_eq(h.raw_path, STR("/p%20q")) && str_eq(h.query, STR("x=1?y")));
    ck_assert(str_eq(http_head_find(&h, STR("A")), STR("1")));
    ck_assert(http_head_find(&h, STR("B")).p == NULL);
    ck_assert(h.framing == HTTP_BODY_LENGTH && h.body_bytes == 7);
    ck_assert(h.reuse == HTTP_CLOSE && h.minor == 1);
}
END_TEST

START_TEST(test_fields_are_limited)
{
    AUTO(arena_fini) struct arena a;
    AUTO(buf_fini) struct buf text = BUF_INIT;
    arena_init(&a, 0);
    struct http_head h;
    const char *why;
    buf_append(&text, STR(LINE HOST));
    for (int i = 1; i < HTTP_HEADERS_MAX; i++)
        buf_printf(&text, "F%d: %d\r\n", i, i);
    size_t full = text.n;
    buf_append(&text, STR("\r\n"));
    ck_assert_int_eq(http_head_parse(&a, buf_str(&text), &h, &why), 0);
    ck_assert(str_eq(http_head_find(&h, STR("f127")), STR("127")));
    text.n = full;
    buf_append(&text, STR("One: more\r\n\r\n"));
    ck_assert_int_eq(http_head_parse(&a, buf_str(&text), &h, &why), 431);
}
END_TEST

Suite *
http_head_suite(void)
{
    Suite *s = suite_create("http_head");
    TCase *t = tcase_create("http_head");
    tcase_add_loop_test(t, test_parse, 0, ARRAY_LEN(head_cases));
    tcase_add_test(t, test_what_a_head_says);
    tcase_add_test(t, test_fields_are_limited);
    suite_add_tcase(s, t);
    return s;
}
