/* Stopping: what is in flight is finished, what is idle is closed, what is stuck is cut. And
 * starting where an address does not allow it. */
#include <pthread.h>
#include <stdio.h>

#include "tests/harness.h"
#include "tests/net/client.h"
#include "tests/net/fixture.h"

#define HOST "Host: x\r\n"

static struct fixture f;

static void *
stop_server(void *arg)
{
    uint64_t *grace_ms = arg;
    http_server_stop(f.server, *grace_ms);
    return NULL;
}

START_TEST(test_requests_in_flight_are_finished)
{
    /* One loop: once the idle connection is closed, the busy one's part is draining. */
    fixture_start(&f, (struct http_server_opts){0}, 1, 2, 8);
    struct client *idle = client_open(f.port), *busy = client_open(f.port);
    client_send(idle, STR("GET /hello HTTP/1.1\r\n" HOST "\r\n"));
    AUTO(reply_fini) struct reply hello = client_read(idle, CLIENT_BODY);
    ck_assert_int_eq(hello.status, 200);
    client_send(busy, STR("GET /gate HTTP/1.1\r\n" HOST "\r\n"));
    fixture_wait_at_gate(&f, 1);
    pthread_t stopper;
    uint64_t grace_ms = 5000;
    ck_assert_int_eq(pthread_create(&stopper, NULL, stop_server, &grace_ms), 0);
    ck_assert(client_is_closed(idle));
    fixture_open_gate(&f);
    AUTO(reply_fini) struct reply gate = client_read(busy, CLIENT_BODY);
    ck_assert(str_eq(buf_str(&gate.body), STR("through")));
    ck_assert(str_eq(reply_header(&gate, "Connection"), STR("close")));
    ck_assert(client_is_closed(busy));
    client_close(idle);
    client_close(busy);
    pthread_join(stopper, NULL);
    f.server = NULL;
    fixture_stop(&f, 0);
}
END_TEST

START_TEST(test_after_the_grace_time_handlers_are_canceled)
{
    fixture_start(&f, (struct http_server_opts){0}, 1, 2, 8);
    struct client *c = client_open(f.port), *half = client_open(f.port);
    client_send(c, STR("GET /gate HTTP/1.1\r\n" HOST "\r\n"));
    client_send(half, STR("GET /hel"));
    fixture_wait_at_gate(&f, 1);
    http_server_stop(f.server, 50);
    ck_assert_uint_eq(f.canceled, 1);
    ck_assert(client_is_closed(c) && client_is_closed(half));
    client_close(c);
    client_close(half);
    f.server = NULL;
    fixture_stop(&f, 0);
}
END_TEST

START_TEST(test_stop_cuts_a_stream)
{
    fixture_start(&f, (struct http_server_opts){0}, 1, 2, 8);
    struct client *c = client_open(f.port);
    client_send(c, STR("GET /stream?pieces=300&bytes=65536 HTTP/1.1\r\n" HOST "\r\n"));
    AUTO(buf_fini) struct buf some = client_read_raw(c, 100000);
    ck_assert_uint_eq(some.n, 100000);
    http_server_stop(f.server, 50);
    fixture_wait_streams_ended(&f, 1);
    ck_assert_int_eq(f.stream_end.code, ERR_CANCELED);
    client_close(c);
    f.server = NULL;
    fixture_stop(&f, 0);
}
END_TEST

static const struct address_case {
    const char *name;
    struct str address;
} bad_addresses[] = {
    {"empty", STR_INIT("")},           {"no port", STR_INIT("127.0.0.1")},
    {"empty port", STR_INIT("h:")},    {"named port", STR_INIT("127.0.0.1:http")},
    {"port", STR_INIT("[::1]:65536")}, {"bare v6", STR_INIT("::1:80")},
    {"host", STR_INIT("1.2.3.4.5:1")}, {"not ours", STR_INIT("192.0.2.1:0")},
};

static struct err
try_start(struct str address)
{
    struct http_server_opts opts = {.address = address,
                                    .loops = f.loops,
                                    .router = f.router,
                                    .metrics = f.metrics,
                                    .clock = clock_system()};
    struct http_server *s = NULL;
    TRY(http_server_start(&opts, &s));
    http_server_stop(s, 0);
    return OK;
}

START_TEST(test_bad_addresses)
{
    fixture_start(&f, (struct http_server_opts){0}, 2, 1, 1);
    for (size_t i = 0; i < ARRAY_LEN(bad_addresses); i++) {
        struct err e = try_start(bad_addresses[i].address);
        ROW_ASSERT(bad_addresses[i].name, e.code != ERR_NONE);
        err_drop(e);
    }
    CK_OK(try_start(STR(":0")));
    CK_OK(try_start(STR("localhost:0")));
    fixture_stop(&f, 1000);
}
END_TEST

START_TEST(test_port_in_use)
{
    fixture_start(&f, (struct http_server_opts){0}, 1, 1, 1);
    char address[32];
    snprintf(address, sizeof address, "127.0.0.1:%u", f.port);
    CK_ERR(ERR_IO, try_start(str_of_cstr(address)));
    fixture_stop(&f, 1000);
    http_server_stop(NULL, 0);
}
END_TEST

enum { CLIENT_THREADS = 8, REQUESTS_EACH = 100 };

static void *
ask_many(void *arg)
{
    unsigned *good = arg;
    for (int i = 0; i < REQUESTS_EACH; i += 10) { /* ten requests a connection */
        struct client *c = client_open(f.port);
        for (int k = 0; k < 10; k++) {
            client_send(c, STR("POST /echo HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhello"));
            AUTO(reply_fini) struct reply r = client_read(c, CLIENT_BODY);
            *good += r.status == 200 && str_eq(buf_str(&r.body), STR("hello"));
        }
        client_close(c);
    }
    return NULL;
}

START_TEST(test_many_clients_on_two_loops)
{
    fixture_start(&f, (struct http_server_opts){0}, 2, 2, 64);
    pthread_t threads[CLIENT_THREADS];
    unsigned good[CLIENT_THREADS] = {0}, sum = 0;
    for (int i = 0; i < CLIENT_THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, ask_many, &good[i]), 0);
    for (int i = 0; i < CLIENT_THREADS; i++) {
        pthread_join(threads[i], NULL);
        sum += good[i];
    }
    ck_assert_uint_eq(sum, CLIENT_THREADS * REQUESTS_EACH);
    fixture_stop(&f, 2000);
}
END_TEST

Suite *
http_stop_suite(void)
{
    Suite *s = suite_create("http_stop");
    TCase *t = tcase_create("http_stop");
    tcase_set_timeout(t, 20);
    tcase_add_test(t, test_requests_in_flight_are_finished);
    tcase_add_test(t, test_after_the_grace_time_handlers_are_canceled);
    tcase_add_test(t, test_stop_cuts_a_stream);
    tcase_add_test(t, test_bad_addresses);
    tcase_add_test(t, test_port_in_use);
    tcase_add_test(t, test_many_clients_on_two_loops);
    suite_add_tcase(s, t);
    return s;
}
