/* Streamed answers: whole, cut, slow, abandoned; and clients that leave while a handler works. */
#include "tests/harness.h"
#include "tests/net/client.h"
#include "tests/net/fixture.h"

#define HOST "Host: x\r\n"

static struct fixture f;

static void
setup(void)
{
    fixture_start(&f, (struct http_server_opts){.write_timeout_ms = 700}, 1, 2, 8);
}

static void
teardown(void)
{
    fixture_stop(&f, 2000);
}

static void
check_stream_end(unsigned count, enum err_code code)
{
    fixture_wait_streams_ended(&f, count);
    LOCKED(&f.lock);
    ck_assert_msg(f.stream_end.code == code, "writes ended with %s", err_name(f.stream_end.code));
}

START_TEST(test_large_stream_keeps_the_connection)
{
    struct client *c = client_open(f.port);
    for (unsigned i = 1; i <= 2; i++) {
        client_send(c, STR("GET /stream?pieces=80&bytes=65536 HTTP/1.1\r\n" HOST "\r\n"));
        AUTO(reply_fini) struct reply r = client_read(c, CLIENT_BODY);
        ck_assert_int_eq(r.status, 200);
        ck_assert(str_eq(reply_header(&r, "Transfer-Encoding"), STR("chunked")));
        ck_assert(r.complete);
        ck_assert_uint_eq(r.body.n, 80 * 65536);
        check_stream_end(i, ERR_NONE);
    }
    client_close(c);
}
END_TEST

START_TEST(test_empty_stream)
{
    struct str request = STR("GET /stream?pieces=0&bytes=1 HTTP/1.1\r\n" HOST "\r\n");
    AUTO(reply_fini) struct reply r = client_ask(f.port, request);
    ck_assert(r.status == 200 && r.complete && r.body.n == 0);
}
END_TEST

START_TEST(test_stream_to_1_0_ends_with_the_connection)
{
    struct str request = STR("GET /stream?pieces=3&bytes=1000 HTTP/1.0\r\n"
                             "Connection: keep-alive\r\n\r\n");
    AUTO(reply_fini) struct reply r = client_ask(f.port, request);
    ck_assert(str_eq(reply_header(&r, "Connection"), STR("close")));
    ck_assert(reply_header(&r, "Transfer-Encoding").n == 0);
    ck_assert_uint_eq(r.body.n, 3000);
}
END_TEST

START_TEST(test_head_of_a_stream)
{
    struct client *c = client_open(f.port);
    client_send(c, STR("HEAD /stream?pieces=3&bytes=1000 HTTP/1.1\r\n" HOST "\r\n"
                       "GET /hello HTTP/1.1\r\n" HOST "\r\n"));
    AUTO(reply_fini) struct reply head = client_read(c, CLIENT_HEAD_ONLY);
    AUTO(reply_fini) struct reply hello = client_read(c, CLIENT_BODY);
    ck_assert_int_eq(head.status, 200);
    ck_assert(str_eq(buf_str(&hello.body), STR("hello")));
    client_close(c);
}
END_TEST

START_TEST(test_aborted_stream_is_seen_to_be_cut)
{
    struct str request = STR("GET /stream?pieces=3&bytes=1000&end=abort HTTP/1.1\r\n" HOST "\r\n");
    AUTO(reply_fini) struct reply r = client_ask(f.port, request);
    ck_assert(!r.complete);
    fixture_wait_metric(&f, "mneme_http_connections 0\n");
}
END_TEST

/* The writer waits for the client, and goes on when it reads again. */
START_TEST(test_back_pressure)
{
    struct client *c = client_open(f.port);
    client_send(c, STR("GET /stream?pieces=300&bytes=65536 HTTP/1.1\r\n" HOST "\r\n"));
    clock_sleep_ns(clock_system(), 100000000);
    {
        LOCKED(&f.lock);
        ck_assert_uint_eq(f.streams_ended, 0); /* 19 MiB do not fit the limit and the sockets */
    }
    AUTO(reply_fini) struct reply r = client_read(c, CLIENT_BODY);
    ck_assert_uint_eq(r.body.n, 300 * 65536);
    check_stream_end(1, ERR_NONE);
    client_close(c);
}
END_TEST

START_TEST(test_writer_learns_that_nobody_reads)
{
    struct client *c = client_open(f.port);
    client_send(c, STR("GET /stream?pieces=300&bytes=65536 HTTP/1.1\r\n" HOST "\r\n"));
    check_stream_end(1, ERR_CANCELED); /* by write_timeout_ms */
    client_close(c);
}
END_TEST

START_TEST(test_writer_learns_that_the_client_left)
{
    struct client *c = client_open(f.port);
    client_send(c, STR("GET /stream?pieces=300&bytes=65536 HTTP/1.1\r\n" HOST "\r\n"));
    AUTO(buf_fini) struct buf some = client_read_raw(c, 100000);
    client_close(c);
    check_stream_end(1, ERR_CANCELED);
}
END_TEST

START_TEST(test_handler_learns_that_the_client_left)
{
    struct client *c = client_open(f.port);
    client_send(c, STR("GET /gate HTTP/1.1\r\n" HOST "\r\n"));
    fixture_wait_at_gate(&f, 1);
    client_close(c);
    fixture_wait_canceled(&f, 1);
    fixture_wait_metric(&f, "mneme_http_connections 0\n");
}
END_TEST

/* What a client pipelines behind a slow request waits its turn, and a flood is not read. */
START_TEST(test_flood_behind_a_slow_request)
{
    struct client *c = client_open(f.port);
    AUTO(buf_fini) struct buf flood = BUF_INIT;
    buf_append(&flood, STR("GET /gate HTTP/1.1\r\n" HOST "\r\n"));
    for (int i = 0; i < 4000; i++)
        buf_append(&flood, STR("GET /hello HTTP/1.1\r\n" HOST "X-Padding: 0123456789\r\n\r\n"));
    client_send(c, buf_str(&flood));
    fixture_wait_at_gate(&f, 1);
    fixture_open_gate(&f);
    AUTO(reply_fini) struct reply gate = client_read(c, CLIENT_BODY);
    ck_assert(str_eq(buf_str(&gate.body), STR("through")));
    for (int i = 0; i < 4000; i++) {
        AUTO(reply_fini) struct reply r = client_read(c, CLIENT_BODY);
        ck_assert_int_eq(r.status, 200);
    }
    client_close(c);
}
END_TEST

Suite *
http_stream_suite(void)
{
    Suite *s = suite_create("http_stream");
    TCase *t = tcase_create("http_stream");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 20);
    tcase_add_test(t, test_large_stream_keeps_the_connection);
    tcase_add_test(t, test_empty_stream);
    tcase_add_test(t, test_stream_to_1_0_ends_with_the_connection);
    tcase_add_test(t, test_head_of_a_stream);
    tcase_add_test(t, test_aborted_stream_is_seen_to_be_cut);
    tcase_add_test(t, test_back_pressure);
    tcase_add_test(t, test_writer_learns_that_nobody_reads);
    tcase_add_test(t, test_writer_learns_that_the_client_left);
    tcase_add_test(t, test_handler_learns_that_the_client_left);
    tcase_add_test(t, test_flood_behind_a_slow_request);
    suite_add_tcase(s, t);
    return s;
}
