/* A live server, spoken to over a real socket: what well-behaved clients see. */
#include <stdio.h>

#include "base/codec.h"
#include "net/http_metrics.h"
#include "tests/harness.h"
#include "tests/net/client.h"
#include "tests/net/fixture.h"

static struct fixture f;

static void
setup(void)
{
    fixture_start(&f, (struct http_server_opts){0}, 1, 2, 8);
}

static void
teardown(void)
{
    fixture_stop(&f, 2000);
}

#define HOST "Host: x\r\n"

static const struct exchange {
    const char *name;
    struct str request;
    int status;
    struct str body;
    struct str header_name, header_value; /* must be in the answer; may be empty */
} exchanges[] = {
    {"get", STR_INIT("GET /hello HTTP/1.1\r\n" HOST "\r\n"), 200, STR_INIT("hello"),
     STR_INIT("Content-Type"), STR_INIT("text/plain")},
    {"absolute form", STR_INIT("GET http://y/hello?a=b HTTP/1.1\r\n" HOST "\r\n"), 200,
     STR_INIT("hello"), STR_INIT("Content-Length"), STR_INIT("5")},
    {"empty lines in front", STR_INIT("\r\n\r\nGET /hello HTTP/1.1\r\n" HOST "\r\n"), 200,
     STR_INIT("hello"), STR_INIT(""), STR_INIT("")},
    {"escaped path", STR_INIT("GET /%68ello HTTP/1.1\r\n" HOST "\r\n"), 200, STR_INIT("hello"),
     STR_INIT(""), STR_INIT("")},
    {"length", STR_INIT("POST /echo HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc"), 200,
     STR_INIT("abc"), STR_INIT(""), STR_INIT("")},
    {"no body", STR_INIT("POST /echo HTTP/1.1\r\n" HOST "\r\n"), 200, STR_INIT(""),
     STR_INIT("Content-Length"), STR_INIT("0")},
    {"chunks",
     STR_INIT("POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: Chunked\r\n\r\n"
              "3\r\nabc\r\n0A;x=y\r\n0123456789\r\n0\r\nTrailer: z\r\n\r\n"),
     200, STR_INIT("abc0123456789"), STR_INIT(""), STR_INIT("")},
    {"path parameter", STR_INIT("GET /item/a%2Fb%20c/x HTTP/1.1\r\n" HOST "\r\n"), 200,
     STR_INIT("a/b c"), STR_INIT(""), STR_INIT("")},
    {"1.0 closes", STR_INIT("GET /hello HTTP/1.0\r\n\r\n"), 200, STR_INIT("hello"),
     STR_INIT("Connection"), STR_INIT("close")},
    {"1.0 keeps when asked", STR_INIT("GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"), 200,
     STR_INIT("hello"), STR_INIT("Connection"), STR_INIT("keep-alive")},
    {"close", STR_INIT("GET /hello HTTP/1.1\r\n" HOST "Connection: foo, Close\r\n\r\n"), 200,
     STR_INIT("hello"), STR_INIT("Connection"), STR_INIT("close")},
    {"form",
     STR_INIT("POST /form?c=3&a=4 HTTP/1.1\r\n" HOST
              "Content-Type: application/x-www-form-urlencoded; charset=utf-8\r\n"
              "Content-Length: 14\r\n\r\na=1+2&b=%C3%A4"),
     200, STR_INIT("a=1 2\nb=\xc3\xa4\nc=3\na=4\n"), STR_INIT(""), STR_INIT("")},
    {"error", STR_INIT("GET /fail HTTP/1.1\r\n" HOST "\r\n"), 503, STR_INIT("not now\n"),
     STR_INIT("Retry-After"), STR_INIT("1")},
    {"text is not sniffed", STR_INIT("GET /fail HTTP/1.1\r\n" HOST "\r\n"), 503,
     STR_INIT("not now\n"), STR_INIT("X-Content-Type-Options"), STR_INIT("nosniff")},
    {"cors", STR_INIT("GET /tagged HTTP/1.1\r\n" HOST "\r\n"), 409, STR_INIT("in conflict\n"),
     STR_INIT("Access-Control-Allow-Origin"), STR_INIT("*")},
    {"no header is forged", STR_INIT("GET /tagged HTTP/1.1\r\n" HOST "\r\n"), 409,
     STR_INIT("in conflict\n"), STR_INIT("X-Tag"), STR_INIT("one  X-Forged: two")},
    {"options", STR_INIT("OPTIONS /tagged HTTP/1.1\r\n" HOST "\r\n"), 204, STR_INIT(""),
     STR_INIT("Access-Control-Allow-Methods"), STR_INIT("GET, POST, OPTIONS")},
    {"options tell the methods", STR_INIT("OPTIONS /form HTTP/1.1\r\n" HOST "\r\n"), 204,
     STR_INIT(""), STR_INIT("Allow"), STR_INIT("GET, HEAD, OPTIONS, POST")},
    {"unknown path", STR_INIT("GET /nothing HTTP/1.1\r\n" HOST "\r\n"), 404,
     STR_INIT("404 page not found\n"), STR_INIT("Content-Type"),
     STR_INIT("text/plain; charset=utf-8")},
    {"bad form", STR_INIT("GET /form?a=%zz HTTP/1.1\r\n" HOST "\r\n"), 400,
     STR_INIT("invalid URL escape \"%zz\"\n"), STR_INIT(""), STR_INIT("")},
    {"other method", STR_INIT("POST /hello HTTP/1.1\r\n" HOST "\r\n"), 405,
     STR_INIT("Method Not Allowed\n"), STR_INIT("Allow"), STR_INIT("GET, HEAD, OPTIONS")},
    {"delete", STR_INIT("DELETE /echo HTTP/1.1\r\n" HOST "\r\n"), 405,
     STR_INIT("Method Not Allowed\n"), STR_INIT("Allow"), STR_INIT("OPTIONS, POST")},
    {"options of an unknown path", STR_INIT("OPTIONS /nothing HTTP/1.1\r\n" HOST "\r\n"), 404,
     STR_INIT("404 page not found\n"), STR_INIT(""), STR_INIT("")},
};

START_TEST(test_exchange)
{
    const struct exchange *x = &exchanges[_i];
    AUTO(reply_fini) struct reply r = client_ask(f.port, x->request);
    ck_assert_msg(r.status == x->status, "%s: got %d", x->name, r.status);
    ROW_ASSERT(x->name, r.complete && str_eq(buf_str(&r.body), x->body));
    if (x->header_name.n > 0)
        ROW_ASSERT(x->name, str_eq(reply_header(&r, x->header_name.p), x->header_value));
    ROW_ASSERT(x->name, reply_header(&r, "Date").n == strlen("Tue, 15 Nov 1994 08:12:31 GMT"));
}
END_TEST

START_TEST(test_keep_alive_and_pipelining)
{
    struct client *c = client_open(f.port);
    AUTO(buf_fini) struct buf burst = BUF_INIT;
    for (unsigned i = 0; i < 100; i++)
        buf_printf(&burst,
                   "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\n%02u"
                   "GET /hello HTTP/1.1\r\n" HOST "\r\n",
                   i);
    client_send(c, buf_str(&burst));
    for (unsigned i = 0; i < 100; i++) {
        char want[3];
        snprintf(want, sizeof want, "%02u", i);
        AUTO(reply_fini) struct reply echo = client_read(c, CLIENT_BODY);
        AUTO(reply_fini) struct reply hello = client_read(c, CLIENT_BODY);
        ck_assert(str_eq(buf_str(&echo.body), str_of_cstr(want)));
        ck_assert(str_eq(buf_str(&hello.body), STR("hello")));
    }
    client_close(c);
    fixture_wait_metric(&f, "http_requests_total{code=\"200\",handler=\"echo\","
                            "method=\"post\",tenant=\"default-tenant\"} 100\n");
}
END_TEST

START_TEST(test_requests_byte_by_byte)
{
    struct client *c = client_open(f.port);
    struct str text = STR("POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
                          "5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n"
                          "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 4\r\n\r\nlast");
    for (size_t i = 0; i < text.n; i++)
        client_send(c, str_of(text.p + i, 1));
    AUTO(reply_fini) struct reply first = client_read(c, CLIENT_BODY);
    AUTO(reply_fini) struct reply second = client_read(c, CLIENT_BODY);
    ck_assert(str_eq(buf_str(&first.body), STR("hello!")));
    ck_assert(str_eq(buf_str(&second.body), STR("last")));
    client_close(c);
}
END_TEST

START_TEST(test_half_closed_client_gets_its_answers)
{
    struct client *c = client_open(f.port);
    client_send(c, STR("GET /hello HTTP/1.1\r\n" HOST "\r\nGET /hello HTTP/1.1\r\n" HOST "\r\n"));
    client_end(c);
    for (int i = 0; i < 2; i++) {
        AUTO(reply_fini) struct reply r = client_read(c, CLIENT_BODY);
        ck_assert_int_eq(r.status, 200);
    }
    ck_assert(client_is_closed(c));
    client_close(c);
}
END_TEST

START_TEST(test_head_has_the_length_but_no_body)
{
    struct client *c = client_open(f.port);
    client_send(c, STR("HEAD /hello HTTP/1.1\r\n" HOST "\r\nGET /hello HTTP/1.1\r\n" HOST "\r\n"));
    AUTO(reply_fini) struct reply head = client_read(c, CLIENT_HEAD_ONLY);
    AUTO(reply_fini) struct reply get = client_read(c, CLIENT_BODY);
    ck_assert_int_eq(head.status, 200);
    ck_assert(str_eq(reply_header(&head, "Content-Length"), STR("5")));
    ck_assert(str_eq(buf_str(&get.body), STR("hello")));
    client_close(c);
}
END_TEST

START_TEST(test_continue_is_sent_when_the_body_waits)
{
    struct client *c = client_open(f.port);
    client_send(c, STR("POST /echo HTTP/1.1\r\n" HOST "Content-Length: 3\r\n"
                       "Expect: 100-continue\r\n\r\n"));
    AUTO(reply_fini) struct reply early = client_read(c, CLIENT_BODY);
    ck_assert_int_eq(early.status, 100);
    client_send(c, STR("abc"));
    AUTO(reply_fini) struct reply r = client_read(c, CLIENT_BODY);
    ck_assert_int_eq(r.status, 200);
    ck_assert(str_eq(buf_str(&r.body), STR("abc")));
    client_close(c);
}
END_TEST

START_TEST(test_large_body_both_ways)
{
    AUTO(buf_fini) struct buf request = BUF_INIT;
    size_t bytes = 1 << 20;
    buf_printf(&request, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: %zu\r\n\r\n", bytes);
    size_t at = request.n;
    for (size_t i = 0; i < bytes; i++)
        buf_put_u8(&request, (uint8_t)(i * 7 >> 3));
    AUTO(reply_fini) struct reply r = client_ask(f.port, buf_str(&request));
    ck_assert_int_eq(r.status, 200);
    ck_assert(str_eq(buf_str(&r.body), str_skip(buf_str(&request), at)));
}
END_TEST

static const struct coding {
    const char *name, *accept;
    struct err (*decode)(struct str bytes, size_t limit_bytes, struct buf *to);
} codings[] = {
    {"none", "", NULL},
    {"gzip", "gzip", gzip_decode},
    {"zstd", "zstd", zstd_decode},
    {"deflate", "deflate, br", deflate_decode},
    {"zstd first", "gzip, deflate, br, zstd", zstd_decode},
    {"unknown", "br", NULL},
    {"refused", "gzip;q=0", NULL},
};

static void
check_coding(const struct coding *c, const struct reply *r, size_t want_bytes)
{
    AUTO(buf_fini) struct buf plain = BUF_INIT;
    ROW_ASSERT(c->name, r->status == 200 && r->complete);
    ROW_ASSERT(c->name, str_eq(reply_header(r, "Vary"), STR("Accept-Encoding")));
    ROW_ASSERT(c->name, (reply_header(r, "Content-Encoding").n > 0) == (c->decode != NULL));
    if (c->decode)
        CK_OK(c->decode(buf_str(&r->body), 1 << 24, &plain));
    else
        buf_append(&plain, buf_str(&r->body));
    ROW_ASSERT(c->name, plain.n == want_bytes);
    ROW_ASSERT(c->name, str_starts_with(buf_str(&plain), STR("line 0 of the text\n")));
}

START_TEST(test_compression)
{
    const struct coding *c = &codings[_i];
    AUTO(buf_fini) struct buf request = BUF_INIT;
    buf_printf(&request, "GET /big HTTP/1.1\r\n" HOST "Accept-Encoding: %s\r\n\r\n", c->accept);
    AUTO(reply_fini) struct reply whole = client_ask(f.port, buf_str(&request));
    check_coding(c, &whole, BIG_BYTES);
    buf_clear(&request);
    buf_printf(&request,
               "GET /stream?pieces=30&bytes=5000 HTTP/1.1\r\n" HOST "Accept-Encoding: %s\r\n\r\n",
               c->accept);
    AUTO(reply_fini) struct reply stream = client_ask(f.port, buf_str(&request));
    check_coding(c, &stream, 150000);
}
END_TEST

START_TEST(test_small_answers_are_not_compressed)
{
    AUTO(reply_fini)
    struct reply r =
        client_ask(f.port, STR("GET /hello HTTP/1.1\r\n" HOST "Accept-Encoding: gzip\r\n\r\n"));
    ck_assert(reply_header(&r, "Content-Encoding").n == 0);
    ck_assert(str_eq(buf_str(&r.body), STR("hello")));
}
END_TEST

START_TEST(test_metrics_count_tenants)
{
    static const char *const tenants[] = {"team-a", "team-a", "bad\xff\xfe"};
    for (size_t i = 0; i < ARRAY_LEN(tenants); i++) {
        AUTO(buf_fini) struct buf request = BUF_INIT;
        buf_printf(&request, "GET /hello HTTP/1.1\r\n" HOST "THANOS-TENANT: %s\r\n\r\n",
                   tenants[i]);
        AUTO(reply_fini) struct reply r = client_ask(f.port, buf_str(&request));
        ck_assert_int_eq(r.status, 200);
    }
    fixture_wait_metric(&f, "http_requests_total{code=\"200\",handler=\"hello\","
                            "method=\"get\",tenant=\"team-a\"} 2\n");
    fixture_wait_metric(&f, "http_requests_total{code=\"200\",handler=\"hello\","
                            "method=\"get\",tenant=\"other\"} 1\n");
    fixture_wait_metric(&f, "http_inflight_requests{handler=\"hello\","
                            "method=\"GET\",tenant=\"team-a\"} 0\n");
    fixture_wait_metric(&f, "mneme_http_connections 0\n");
}
END_TEST

/* Names that clients make up: the first thousand are told apart, the others share "other", and the
 * labels beside it stay. */
START_TEST(test_metrics_bound_tenants)
{
    struct client *c = client_open(f.port);
    for (size_t i = 0; i < HTTP_METRICS_TENANTS_MAX + 5; i++) {
        AUTO(buf_fini) struct buf request = BUF_INIT;
        buf_printf(&request, "GET /hello HTTP/1.1\r\n" HOST "THANOS-TENANT: t%zu\r\n\r\n", i);
        client_send(c, buf_str(&request));
        AUTO(reply_fini) struct reply r = client_read(c, CLIENT_BODY);
        ck_assert_int_eq(r.status, 200);
    }
    client_close(c);
    fixture_wait_metric(&f, "http_requests_total{code=\"200\",handler=\"hello\","
                            "method=\"get\",tenant=\"t999\"} 1\n");
    fixture_wait_metric(&f, "http_requests_total{code=\"200\",handler=\"hello\","
                            "method=\"get\",tenant=\"other\"} 5\n");
}
END_TEST

Suite *
http_server_suite(void)
{
    Suite *s = suite_create("http_server");
    TCase *t = tcase_create("http_server");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, test_exchange, 0, ARRAY_LEN(exchanges));
    tcase_add_test(t, test_keep_alive_and_pipelining);
    tcase_add_test(t, test_requests_byte_by_byte);
    tcase_add_test(t, test_half_closed_client_gets_its_answers);
    tcase_add_test(t, test_head_has_the_length_but_no_body);
    tcase_add_test(t, test_continue_is_sent_when_the_body_waits);
    tcase_add_test(t, test_large_body_both_ways);
    tcase_add_loop_test(t, test_compression, 0, ARRAY_LEN(codings));
    tcase_add_test(t, test_small_answers_are_not_compressed);
    tcase_add_test(t, test_metrics_count_tenants);
    tcase_add_test(t, test_metrics_bound_tenants);
    suite_add_tcase(s, t);
    return s;
}
