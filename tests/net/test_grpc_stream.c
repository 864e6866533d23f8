/* Streams that workers pull: everything comes in order, a slow worker holds the server back, and
 * every end is told with its reason. */
#include "net/grpc/grpc_stream.h"

#include <pthread.h>

#include "tests/harness.h"
#include "tests/net/grpc_caller.h"
#include "tests/net/grpc_fixture.h"

static struct grpc_fixture f;
static struct grpc_caller c;

static void
setup(void)
{
    grpc_fixture_start(&f, (struct grpc_server_opts){0}, 4, 100);
    grpc_caller_open(&c, f.port, (struct grpc_channel_opts){0});
}

static void
teardown(void)
{
    grpc_caller_close(&c);
    grpc_fixture_stop(&f, 5000);
}

static struct grpc_stream *
open_stream(const char *method, const char *message, enum grpc_encoding e, uint64_t timeout_ms)
{
    AUTO(shared_unref) struct shared *m = grpc_message_new(e, str_of_cstr(message));
    struct grpc_unary q = {.method = method, .message = m, .encoding = e, .timeout_ms = timeout_ms};
    return grpc_stream_open(c.ch, &q);
}

static size_t
count_up(struct grpc_stream *s, size_t bytes)
{
    struct str message;
    size_t count = 0;
    for (; grpc_stream_next(s, &message); count++) {
        ck_assert_uint_eq(message.n, bytes);
        for (size_t i = 0; i < message.n; i += 97)
            ck_assert_int_eq((uint8_t)message.p[i], (uint8_t)i);
    }
    return count;
}

static const struct stream_case {
    const char *message;
    enum grpc_encoding encoding;
    size_t count, bytes;
} stream_cases[] = {
    {"0 0", GRPC_IDENTITY, 0, 0},
    {"1 10", GRPC_GZIP, 1, 10},
    {"100000 3", GRPC_IDENTITY, 100000, 3},
    {"1000 0", GRPC_SNAPPY, 1000, 0},
    {"200 200000", GRPC_ZSTD, 200, 200000},
    {"60 1000000", GRPC_IDENTITY, 60, 1000000},
    {"2 30000000", GRPC_IDENTITY, 2, 30000000}, /* each far above the window */
};

START_TEST(test_whole_streams)
{
    const struct stream_case *t = &stream_cases[_i];
    AUTO(grpc_stream_close)
    struct grpc_stream *s = open_stream("/test.Echo/Stream", t->message, t->encoding, 20 * 1000);
    ck_assert_uint_eq(count_up(s, t->bytes), t->count);
    CK_OK(grpc_stream_end(s));
    struct str message;
    ck_assert(!grpc_stream_next(s, &message)); /* again */
    ck_assert(grpc_caller_metric(&c, "grpc_client_msg_received_total{grpc_type=\"server_stream\","
                                     "grpc_service=\"test.Echo\",grpc_method=\"Stream\"} ") ==
              (double)t->count);
}
END_TEST

START_TEST(test_unary_method_as_a_stream)
{
    AUTO(grpc_stream_close)
    struct grpc_stream *s = open_stream("/test.Echo/Echo", "hello", GRPC_IDENTITY, 0);
    struct str message;
    ck_assert(grpc_stream_next(s, &message));
    ck_assert(str_eq(message, STR("hello")));
    ck_assert(str_eq(grpc_stream_metadata(s, "x-tag"), STR("yes")));
    ck_assert_ptr_null(grpc_stream_metadata(s, "x-none").p);
    ck_assert(!grpc_stream_next(s, &message));
    CK_OK(grpc_stream_end(s));
}
END_TEST

/* Nobody pulls: what is kept here stays far below what the server has to send, and other calls of
 * the connection go on. */
START_TEST(test_back_pressure)
{
    enum { STREAMS = 3 };
    struct grpc_stream *all[STREAMS];
    struct str message;
    for (int i = 0; i < STREAMS; i++)
        all[i] = open_stream("/test.Echo/Stream", "500 100000", GRPC_IDENTITY, 0);
    for (int i = 0; i < STREAMS; i++)
        ck_assert(grpc_stream_next(all[i], &message)); /* they have begun */
    for (int i = 0; i < 100; i++) {
        struct grpc_asked *a =
            grpc_caller_ask(&c, (struct grpc_unary){.method = "/test.Echo/Loop"}, STR("x"));
        ck_assert_int_eq(a->code, GRPC_OK);
        grpc_asked_free(a);
    }
    ck_assert_uint_le(budget_used(&c.memory),
                      STREAMS * (GRPC_STREAM_HELD_BYTES + (4u << 20) + (1u << 20)));
    ck_assert_uint_eq(f.streams_ended, 0);
    for (int i = 0; i < STREAMS; i++) {
        ck_assert_uint_eq(count_up(all[i], 100000), 499);
        CK_OK(grpc_stream_end(all[i]));
        grpc_stream_close(all[i]);
    }
}
END_TEST

START_TEST(test_failures_come_behind_the_messages)
{
    AUTO(grpc_stream_close)
    struct grpc_stream *s = open_stream("/test.Echo/Fail", "10 a store is down", GRPC_IDENTITY, 0);
    struct str message;
    ck_assert(!grpc_stream_next(s, &message));
    ck_assert_int_eq(grpc_stream_code(s), GRPC_ABORTED);
    struct err e = grpc_stream_end(s);
    ck_assert_int_eq(e.code, ERR_EXECUTION);
    ck_assert_str_eq(err_text(&e), "rpc error: code = Aborted desc = a store is down");
    err_drop(e);
}
END_TEST

START_TEST(test_deadline)
{
    AUTO(grpc_stream_close)
    struct grpc_stream *s = open_stream("/test.Echo/Gate", "", GRPC_IDENTITY, 50);
    struct str message;
    ck_assert(!grpc_stream_next(s, &message));
    CK_ERR(ERR_TIMEOUT, grpc_stream_end(s));
    grpc_fixture_wait_canceled(&f, 1);
}
END_TEST

static void *
cancel_main(void *arg)
{
    grpc_fixture_wait_at_gate(&f, 1);
    grpc_stream_cancel(arg);
    return NULL;
}

START_TEST(test_cancel_wakes_who_waits)
{
    AUTO(grpc_stream_close)
    struct grpc_stream *s = open_stream("/test.Echo/Gate", "", GRPC_IDENTITY, 0);
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, cancel_main, s), 0);
    struct str message;
    ck_assert(!grpc_stream_next(s, &message));
    pthread_join(thread, NULL);
    CK_ERR(ERR_CANCELED, grpc_stream_end(s));
    grpc_fixture_wait_canceled(&f, 1);
}
END_TEST

/* The server hears of it, though it still waits for its window. */
START_TEST(test_close_before_the_end)
{
    struct grpc_stream *s = open_stream("/test.Echo/Stream", "1000 100000", GRPC_IDENTITY, 0);
    struct str message;
    ck_assert(grpc_stream_next(s, &message));
    grpc_stream_close(s);
    grpc_fixture_wait_streams_ended(&f, 1);
    ck_assert_int_eq(f.stream_end, ERR_CANCELED);
    grpc_stream_close(NULL);
}
END_TEST

static void
check_bad(struct str wire, enum err_code want)
{
    AUTO(buf_fini) struct buf answer = BUF_INIT;
    bad_headers(&answer, 1, 0,
                ":status: 200\ncontent-type: application/grpc\ngrpc-encoding: snappy\n");
    bad_data(&answer, 1, 0, STR("\0\0\0\0\2ok"));
    bad_data(&answer, 1, 0, wire);
    struct bad_script script = {.answers = {buf_str(&answer)}, .end = BAD_CLOSE};
    struct bad_peer *peer = bad_peer_start(&script, 1);
    struct grpc_caller mine;
    grpc_caller_open(&mine, bad_peer_port(peer), (struct grpc_channel_opts){0});
    AUTO(shared_unref) struct shared *m = grpc_message_new(GRPC_IDENTITY, STR("ask"));
    struct grpc_unary q = {.method = "/test.Echo/Stream", .message = m};
    struct grpc_stream *s = grpc_stream_open(mine.ch, &q);
    struct str message;
    ck_assert(grpc_stream_next(s, &message));
    ck_assert(str_eq(message, STR("ok")));
    ck_assert(!grpc_stream_next(s, &message));
    CK_ERR(want, grpc_stream_end(s));
    grpc_stream_close(s);
    grpc_caller_close(&mine);
    bad_peer_stop(peer);
}

START_TEST(test_bad_peers)
{
    check_bad(STR("\1\0\0\0\3abc"), ERR_INTERNAL); /* no snappy */
    check_bad(STR("\2\0\0\0\3abc"), ERR_INTERNAL); /* no message */
    check_bad(STR("\0\0\0\0"), ERR_UNAVAILABLE);   /* lost in the middle */
}
END_TEST

Suite *
grpc_stream_suite(void)
{
    Suite *s = suite_create("grpc_stream");
    TCase *t = tcase_create("grpc_stream");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, test_whole_streams, 0, ARRAY_LEN(stream_cases));
    tcase_add_test(t, test_unary_method_as_a_stream);
    tcase_add_test(t, test_back_pressure);
    tcase_add_test(t, test_failures_come_behind_the_messages);
    tcase_add_test(t, test_deadline);
    tcase_add_test(t, test_cancel_wakes_who_waits);
    tcase_add_test(t, test_close_before_the_end);
    tcase_add_test(t, test_bad_peers);
    suite_add_tcase(s, t);
    return s;
}
