/* Raw bytes against a server's connection: what is no HTTP/2, floods, windows that are overrun. */
#include <unistd.h>

#include "tests/harness.h"
#include "tests/net/h2_pair.h"

enum { END_STREAM = 1, END_HEADERS = 4 };

static struct h2_pair p;

static void
start(struct h2_conn_opts server)
{
    h2_pair_open_raw(&p, server);
    p.mode = H2_SERVER_SILENT;
}

static void
teardown(void)
{
    h2_pair_close(&p);
}

static bool
server_is_closed(struct h2_pair *q)
{
    return q->server.is_closed;
}

/* The server must end the connection; its GOAWAY, if one is expected, tells why. */
static void
expect_closed(struct buf *sent, uint32_t want_code)
{
    h2_raw_send(&p, buf_str(sent));
    AUTO(buf_fini) struct buf text = BUF_INIT;
    uint32_t code = 0;
    bool told = h2_raw_read_goaway(&p, &code, &text);
    if (want_code != H2_NO_ERROR)
        ck_assert(told);
    ck_assert_uint_eq(code, want_code);
    H2_WAIT(&p, server_is_closed);
    ck_assert_int_eq(p.server.why, ERR_INVALID);
    ck_assert_uint_eq(p.server.heads, p.server.closes);
}

START_TEST(test_no_http2)
{
    start((struct h2_conn_opts){0});
    AUTO(buf_fini) struct buf b = BUF_INIT;
    buf_append(&b, STR("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
    expect_closed(&b, H2_NO_ERROR);
}
END_TEST

START_TEST(test_bad_frame)
{
    start((struct h2_conn_opts){0});
    AUTO(buf_fini) struct buf b = BUF_INIT;
    h2_raw_begin(&b);
    h2_raw_frame(&b, 0, 0, 0, STR("data of no stream"));
    expect_closed(&b, H2_PROTOCOL_ERROR);
}
END_TEST

/* HEADERS that never end: nghttp2 stops it. */
START_TEST(test_continuation_flood)
{
    start((struct h2_conn_opts){0});
    AUTO(buf_fini) struct buf b = BUF_INIT;
    h2_raw_begin(&b);
    h2_raw_post(&b, 1, 0);
    for (int i = 0; i < 100; i++)
        h2_raw_frame(&b, 9, 0, 1, STR("\x00\x01x\x01y"));
    h2_raw_send(&p, buf_str(&b));
    H2_WAIT(&p, server_is_closed);
    ck_assert_int_eq(p.server.why, ERR_INVALID);
    ck_assert_uint_eq(p.server.heads, 0);
}
END_TEST

/* Requests that are taken back at once (CVE-2023-44487). */
START_TEST(test_rapid_reset)
{
    start((struct h2_conn_opts){0});
    AUTO(buf_fini) struct buf b = BUF_INIT;
    h2_raw_begin(&b);
    for (uint32_t i = 0; i < 5000; i++) {
        h2_raw_post(&b, 2 * i + 1, END_HEADERS);
        h2_raw_frame(&b, 3, 0, 2 * i + 1, STR("\0\0\0\x08"));
    }
    expect_closed(&b, H2_ENHANCE_YOUR_CALM);
    ck_assert_uint_lt(p.server.heads, 1000);
}
END_TEST

static void
refuse_pings(struct h2_pair *q)
{
    q->server.refuse_pings = true;
}

START_TEST(test_refused_ping)
{
    start((struct h2_conn_opts){0});
    h2_pair_run(&p, refuse_pings);
    AUTO(buf_fini) struct buf b = BUF_INIT;
    h2_raw_begin(&b);
    h2_raw_frame(&b, 6, 0, 0, STR("12345678"));
    h2_raw_post(&b, 1, END_HEADERS); /* not looked at any more */
    h2_raw_send(&p, buf_str(&b));
    AUTO(buf_fini) struct buf text = BUF_INIT;
    uint32_t code = 0;
    ck_assert(h2_raw_read_goaway(&p, &code, &text));
    ck_assert_uint_eq(code, H2_ENHANCE_YOUR_CALM);
    ck_assert_str_eq(buf_cstr(&text), "too_many_pings");
    H2_WAIT(&p, server_is_closed);
    ck_assert_uint_eq(p.server.heads, 0);
}
END_TEST

/* PINGs of somebody who does not read the answers: neither memory nor a busy loop. */
START_TEST(test_ping_flood)
{
    start((struct h2_conn_opts){0});
    AUTO(buf_fini) struct buf b = BUF_INIT;
    h2_raw_begin(&b);
    for (int i = 0; i < 200 * 1000; i++)
        h2_raw_frame(&b, 6, 0, 0, STR("12345678"));
    h2_raw_send(&p, buf_str(&b)); /* ends when the server has had enough of it */
    H2_WAIT(&p, server_is_closed);
    ck_assert_int_eq(p.server.why, ERR_INVALID);
    ck_assert_uint_lt(p.server.pings, 150 * 1000);
}
END_TEST

START_TEST(test_data_beyond_the_window)
{
    start((struct h2_conn_opts){.stream_window_bytes = 70000});
    p.server.keep_credit = true;
    AUTO(buf_fini) struct buf b = BUF_INIT;
    AUTO(buf_fini) struct buf settings = BUF_INIT;
    h2_raw_begin(&b);
    h2_raw_frame(&b, 4, 1, 0, STR("")); /* our SETTINGS are acknowledged */
    h2_raw_send(&p, buf_str(&b));
    ck_assert(h2_raw_read_frame(&p, 4, 0, &settings));
    buf_clear(&b);
    h2_raw_post(&b, 1, END_HEADERS);
    static const char data[16384];
    for (int i = 0; i < 6; i++)
        h2_raw_frame(&b, 0, 0, 1, str_of(data, sizeof data));
    h2_raw_send(&p, buf_str(&b));
    ck_assert(h2_raw_read_frame(&p, 3, 1, &settings)); /* RST_STREAM */
    ck_assert_int_eq(settings.p[3], H2_FLOW_CONTROL_ERROR);
    ck_assert_uint_le(p.server.body.n, 70000 + 16384); /* a frame is judged when it is there */
}
END_TEST

/* A small block that decodes to a large one. */
START_TEST(test_header_bomb)
{
    start((struct h2_conn_opts){0});
    AUTO(buf_fini) struct buf b = BUF_INIT;
    AUTO(buf_fini) struct buf block = BUF_INIT;
    h2_raw_begin(&b);
    buf_append(&block, STR("\x83\x86\x04\x02/x\x01\x02me\x40\x01y\x7f\xa1\x1e")); /* 4,000 bytes */
    for (int i = 0; i < 4000; i++)
        buf_put_u8(&block, 'z');
    for (int i = 0; i < 12000; i++)
        buf_put_u8(&block, 0xbe); /* the same again */
    h2_raw_frame(&b, 1, END_HEADERS | END_STREAM, 1, buf_str(&block));
    h2_raw_post(&b, 3, END_HEADERS);
    h2_raw_send(&p, buf_str(&b));
    ck_assert(h2_raw_read_frame(&p, 3, 1, &block));
    ck_assert_int_eq(block.p[3], H2_ENHANCE_YOUR_CALM);
    ck_assert_uint_eq(p.server.heads, 1); /* the other one */
}
END_TEST

/* A client that says nothing, and one that reads nothing. */
START_TEST(test_silence)
{
    struct clock_manual clock;
    clock_manual_init(&clock, 1000);
    start((struct h2_conn_opts){.clock = &clock.clock, .setup_ms = 1000});
    h2_raw_send(&p, STR("PRI * HTTP/2.0\r\n"));
    clock_manual_advance_ms(&clock, 999);
    h2_pair_tick(&p, &clock.clock);
    ck_assert(!p.server.is_closed);
    clock_manual_advance_ms(&clock, 1);
    h2_pair_tick(&p, &clock.clock);
    ck_assert(p.server.is_closed);
    ck_assert_int_eq(p.server.why, ERR_TIMEOUT);
}
END_TEST

static void
drain(struct h2_pair *q)
{
    h2_conn_drain(q->server.conn);
}

/* Who is not set up yet does not hold a stop up. */
START_TEST(test_silence_while_draining)
{
    struct clock_manual clock;
    clock_manual_init(&clock, 1000);
    start((struct h2_conn_opts){.clock = &clock.clock, .setup_ms = 100000});
    h2_pair_run(&p, drain);
    clock_manual_advance_ms(&clock, 5000);
    h2_pair_tick(&p, &clock.clock);
    ck_assert(p.server.is_closed);
}
END_TEST

static bool
server_has_head(struct h2_pair *q)
{
    return q->server.heads == 1;
}
static void
answer_much(struct h2_pair *q)
{
    static const struct h2_header head[] = {{STR_INIT(":status"), STR_INIT("200")}};
    h2_stream_headers(q->server.stream, head, 1, H2_MORE);
    h2_pair_send(q->server.stream, 8 << 20);
}
static bool
some_was_sent(struct h2_pair *q)
{
    return q->server.sent_bytes > 100000;
}

START_TEST(test_slow_reader)
{
    struct clock_manual clock;
    clock_manual_init(&clock, 1000);
    start((struct h2_conn_opts){.clock = &clock.clock, .stall_ms = 1000});
    AUTO(buf_fini) struct buf b = BUF_INIT;
    buf_append(&b, STR("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
    h2_raw_frame(&b, 4, 0, 0, STR("\0\x04\x7f\xff\xff\xff")); /* windows wide open */
    h2_raw_frame(&b, 8, 0, 0, STR("\x7f\xff\x00\x00"));
    h2_raw_post(&b, 1, END_HEADERS | END_STREAM);
    h2_raw_send(&p, buf_str(&b));
    H2_WAIT(&p, server_has_head);
    h2_pair_run(&p, answer_much);
    H2_WAIT(&p, some_was_sent);
    h2_pair_tick(&p, &clock.clock);
    ck_assert_uint_lt(p.server.sent_bytes, 8 << 20); /* the rest waits in the stream's queue */
    clock_manual_advance_ms(&clock, 1000);
    h2_pair_tick(&p, &clock.clock);
    ck_assert(p.server.is_closed);
    ck_assert_int_eq(p.server.why, ERR_TIMEOUT);
    ck_assert_uint_eq(p.server.close_code, H2_LOST);
}
END_TEST

Suite *
h2_conn_hostile_suite(void)
{
    Suite *s = suite_create("h2_conn_hostile");
    TCase *t = tcase_create("h2_conn_hostile");
    tcase_add_checked_fixture(t, NULL, teardown);
    tcase_add_test(t, test_no_http2);
    tcase_add_test(t, test_bad_frame);
    tcase_add_test(t, test_continuation_flood);
    tcase_add_test(t, test_rapid_reset);
    tcase_add_test(t, test_refused_ping);
    tcase_add_test(t, test_ping_flood);
    tcase_add_test(t, test_data_beyond_the_window);
    tcase_add_test(t, test_header_bomb);
    tcase_add_test(t, test_silence);
    tcase_add_test(t, test_silence_while_draining);
    tcase_add_test(t, test_slow_reader);
    suite_add_tcase(s, t);
    return s;
}
