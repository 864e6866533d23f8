/* Rude clients: what they send is refused, what they hold is given back, the rest is served. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "tests/harness.h"
#include "tests/net/client.h"
#include "tests/net/fixture.h"

#define HOST "Host: x\r\n"

static struct fixture f;
static const char flood_bytes[64 << 10];

static void
start(struct http_server_opts opts)
{
    fixture_start(&f, opts, 1, 2, 2);
}

static void
teardown(void)
{
    fixture_stop(&f, 2000);
}

static void
check_still_served(void)
{
    AUTO(reply_fini)
    struct reply r = client_ask(f.port, STR("GET /hello HTTP/1.1\r\n" HOST "\r\n"));
    ck_assert_int_eq(r.status, 200);
}

/* Each is answered once, and the connection closed: what follows is no second request. */
static const struct refusal {
    const char *name;
    struct str request;
    int status;
    const char *metric;
} refusals[] = {
    {"garbage", STR_INIT("\x16\x03\x01\x02\r\n\r\n"), 400, "malformed"},
    {"two lengths",
     STR_INIT("POST /echo HTTP/1.1\r\n" HOST "Content-Length: 0\r\nContent-Length: 44\r\n\r\n"
              "GET /hello HTTP/1.1\r\n" HOST "\r\n"),
     400, "malformed"},
    {"length and chunks",
     STR_INIT("POST /echo HTTP/1.1\r\n" HOST "Content-Length: 4\r\n"
              "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /hello HTTP/1.1\r\n" HOST "\r\n"),
     400, "malformed"},
    {"unknown coding",
     STR_INIT("POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked, identity\r\n\r\n"
              "0\r\n\r\nGET /hello HTTP/1.1\r\n" HOST "\r\n"),
     501, "malformed"},
    {"bad chunk",
     STR_INIT("POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
              "+5\r\nhello\r\n0\r\n\r\nGET /hello HTTP/1.1\r\n" HOST "\r\n"),
     400, "malformed"},
    {"body of a get without a limit",
     STR_INIT("GET /hello HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhello"
              "GET /hello HTTP/1.1\r\n" HOST "\r\n"),
     413, "body_size"},
    {"body above the route's limit",
     STR_INIT("POST /small HTTP/1.1\r\n" HOST "Content-Length: 17\r\n\r\n"), 413, "body_size"},
    {"and the client would have waited",
     STR_INIT("POST /small HTTP/1.1\r\n" HOST "Content-Length: 17\r\nExpect: 100-continue\r\n\r\n"),
     413, "body_size"},
    {"chunks above the route's limit",
     STR_INIT("POST /small HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
              "10\r\n0123456789abcdef\r\n1\r\n"),
     413, "body_size"},
    {"length of an exabyte",
     STR_INIT("POST /echo HTTP/1.1\r\n" HOST "Content-Length: 1152921504606846976\r\n\r\n"), 413,
     "body_size"},
    {"bad escape", STR_INIT("GET /%zz HTTP/1.1\r\n" HOST "\r\n"), 400, "malformed"},
    {"body for nobody",
     STR_INIT("POST /nowhere HTTP/1.1\r\n" HOST "Content-Length: 44\r\n\r\n"
              "GET /hello HTTP/1.1\r\n" HOST "\r\n"),
     404, NULL},
    {"body of a wrong method",
     STR_INIT("PUT /echo HTTP/1.1\r\n" HOST "Content-Length: 44\r\n\r\n"
              "GET /hello HTTP/1.1\r\n" HOST "\r\n"),
     405, NULL},
};

START_TEST(test_refusal)
{
    const struct refusal *x = &refusals[_i];
    start((struct http_server_opts){0});
    struct client *c = client_open(f.port);
    client_send(c, x->request);
    AUTO(reply_fini) struct reply r = client_read(c, CLIENT_BODY);
    ck_assert_msg(r.status == x->status, "%s: got %d", x->name, r.status);
    ROW_ASSERT(x->name, r.complete && str_eq(reply_header(&r, "Connection"), STR("close")));
    AUTO(reply_fini) struct reply second = client_read(c, CLIENT_BODY);
    ROW_ASSERT(x->name, second.status == 0);
    client_close(c);
    check_still_served();
    char line[96];
    snprintf(line, sizeof line, "mneme_http_refused_total{reason=\"%s\"} 1\n", x->metric);
    if (x->metric)
        fixture_wait_metric(&f, line);
}
END_TEST

START_TEST(test_endless_header)
{
    start((struct http_server_opts){.header_bytes_max = 4096});
    struct client *c = client_open(f.port);
    AUTO(buf_fini) struct buf fields = BUF_INIT;
    for (int i = 0; fields.n < 64 << 10; i++)
        buf_printf(&fields, "Field-%d: %d\r\n", i, i);
    client_send(c, STR("GET /hello HTTP/1.1\r\n" HOST));
    client_send(c, buf_str(&fields));
    AUTO(reply_fini) struct reply r = client_read(c, CLIENT_BODY);
    ck_assert_int_eq(r.status, 431);
    client_close(c);
    check_still_served();
}
END_TEST

/* The answer arrives although the client goes on sending what nobody reads. */
START_TEST(test_answer_survives_an_unread_body)
{
    start((struct http_server_opts){0});
    struct client *c = client_open(f.port);
    AUTO(buf_fini) struct buf body = BUF_INIT;
    buf_reserve(&body, 4 << 20);
    memset(body.p, 'x', 4 << 20);
    body.n = 4 << 20;
    client_send(c, STR("POST /echo HTTP/1.1\r\n" HOST "Content-Length: 4194304\r\n\r\n"));
    client_send(c, buf_str(&body));
    AUTO(reply_fini) struct reply r = client_read(c, CLIENT_BODY);
    ck_assert_int_eq(r.status, 413);
    ck_assert(r.complete);
    client_close(c);
}
END_TEST

/* A byte now and then does not keep a head or a body alive. */
static void
check_drip(struct str first, int status)
{
    start((struct http_server_opts){.read_timeout_ms = 150});
    struct client *c = client_open(f.port);
    client_send(c, first);
    for (int i = 0; i < 10; i++) {
        client_send(c, STR("a"));
        clock_sleep_ns(clock_system(), 30000000);
    }
    AUTO(reply_fini) struct reply r = client_read(c, CLIENT_BODY);
    ck_assert_int_eq(r.status, status);
    client_close(c);
    check_still_served();
}

START_TEST(test_slow_head)
{
    check_drip(STR("GET /hello HTTP/1.1\r\nX: "), 408);
}
END_TEST

START_TEST(test_slow_body)
{
    check_drip(STR("POST /echo HTTP/1.1\r\n" HOST "Content-Length: 100\r\n\r\n"), 408);
}
END_TEST

START_TEST(test_slow_chunks)
{
    check_drip(STR("POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n50\r\n"), 408);
}
END_TEST

START_TEST(test_silent_connections_are_closed)
{
    start((struct http_server_opts){.read_timeout_ms = 400, .idle_timeout_ms = 400});
    struct client *fresh = client_open(f.port), *used = client_open(f.port);
    client_send(used, STR("GET /hello HTTP/1.1\r\n" HOST "\r\n"));
    AUTO(reply_fini) struct reply r = client_read(used, CLIENT_BODY);
    ck_assert_int_eq(r.status, 200);
    ck_assert(client_is_closed(fresh));
    ck_assert(client_is_closed(used));
    client_close(fresh);
    client_close(used);
}
END_TEST

/* A client that asks for much and reads nothing is cut, and its memory given back. */
START_TEST(test_client_that_does_not_read)
{
    start((struct http_server_opts){.write_timeout_ms = 100});
    struct client *c = client_open(f.port);
    for (int i = 0; i < 16; i++)
        client_send(c, STR("GET /big HTTP/1.1\r\n" HOST "\r\n"));
    fixture_wait_metric(&f, "mneme_http_connections 0\n");
    fixture_wait_metric(&f, "mneme_http_refused_total{reason=\"timeout\"} 1\n");
    client_close(c);
    check_still_served();
}
END_TEST

START_TEST(test_connection_limit)
{
    start((struct http_server_opts){.connections_max = 2});
    struct client *one = client_open(f.port), *two = client_open(f.port);
    client_send(one, STR("GET /hello HTTP/1.1\r\n" HOST "\r\n"));
    client_send(two, STR("GET /hello HTTP/1.1\r\n" HOST "\r\n"));
    AUTO(reply_fini) struct reply first = client_read(one, CLIENT_BODY);
    AUTO(reply_fini) struct reply second = client_read(two, CLIENT_BODY);
    ck_assert_int_eq(first.status + second.status, 400);
    struct client *three = client_open(f.port);
    ck_assert(client_is_closed(three));
    client_close(three);
    client_close(one);
    client_close(two);
    fixture_wait_metric(&f, "mneme_http_connections 0\n");
    check_still_served();
}
END_TEST

START_TEST(test_full_queue)
{
    fixture_start(&f, (struct http_server_opts){0}, 1, 1, 1);
    struct client *clients[3];
    for (int i = 0; i < 3; i++) {
        clients[i] = client_open(f.port);
        client_send(clients[i], STR("GET /gate HTTP/1.1\r\n" HOST "\r\n"));
        if (i == 0)
            fixture_wait_at_gate(&f, 1); /* the worker is taken: the next one waits */
        while (i == 1 && pool_queued(f.pool) == 0)
            clock_sleep_ns(clock_system(), 1000000);
    }
    AUTO(reply_fini) struct reply refused = client_read(clients[2], CLIENT_BODY);
    ck_assert_int_eq(refused.status, 503);
    ck_assert(str_eq(reply_header(&refused, "Retry-After"), STR("1")));
    check_still_served(); /* what needs no worker is not held up */
    fixture_open_gate(&f);
    for (int i = 0; i < 3; i++) {
        if (i < 2) {
            AUTO(reply_fini) struct reply r = client_read(clients[i], CLIENT_BODY);
            ck_assert(str_eq(buf_str(&r.body), STR("through")));
        }
        client_close(clients[i]);
    }
}
END_TEST

static uint64_t
read_figure(void *figure)
{
    return *(uint64_t *)figure;
}

/* A full memory takes nothing that stays, but lets everything else through. */
START_TEST(test_memory_full)
{
    static struct memory_limit memory; /* outlives the server */
    static uint64_t used_bytes;
    used_bytes = 800 << 20;
    memory_limit_init(&memory, 1 << 30, clock_system(), read_figure, &used_bytes);
    start((struct http_server_opts){.memory = &memory});
    struct str head = STR("POST /keep HTTP/1.1\r\n" HOST "Content-Length: 500000\r\n\r\n");
    AUTO(reply_fini) struct reply refused = client_ask(f.port, head); /* before it is sent */
    ck_assert_int_eq(refused.status, 503);
    ck_assert(str_eq(reply_header(&refused, "Retry-After"), STR("5")));
    fixture_wait_metric(&f, "mneme_http_refused_total{reason=\"memory\"} 1\n");
    check_still_served();
    used_bytes = 0;
    clock_sleep_ns(clock_system(), 2 * MEMORY_LOOK_NS);
    struct str whole = STR("POST /keep HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\nhi");
    AUTO(reply_fini) struct reply taken = client_ask(f.port, whole);
    ck_assert_int_eq(taken.status, 200);
}
END_TEST

START_TEST(test_byte_budget)
{
    static struct memory_limit memory; /* outlives the server */
    memory_limit_init(&memory, 0, clock_system(), NULL, NULL);
    memory.requests.limit_bytes = 300 << 10; /* 225 of them for large bodies */
    start((struct http_server_opts){.memory = &memory});
    struct client *holder = client_open(f.port);
    AUTO(buf_fini) struct buf part = BUF_INIT;
    buf_printf(&part, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 150000\r\n\r\n");
    buf_reserve(&part, 140000);
    memset(part.p + part.n, 'x', 140000);
    part.n += 140000;
    client_send(holder, buf_str(&part)); /* room is set aside as soon as its head is read */
    check_still_served();
    check_still_served();
    struct str more = STR("POST /echo HTTP/1.1\r\n" HOST "Content-Length: 100000\r\n\r\n");
    AUTO(reply_fini) struct reply r = client_ask(f.port, more);
    ck_assert_int_eq(r.status, 503);
    ck_assert(str_eq(reply_header(&r, "Retry-After"), STR("1")));
    client_close(holder);
    fixture_wait_metric(&f, "mneme_http_connections 0\n");
    AUTO(buf_fini) struct buf whole = BUF_INIT;
    buf_append(&whole, more);
    buf_reserve(&whole, 100000);
    memset(whole.p + whole.n, 'y', 100000);
    whole.n += 100000;
    AUTO(reply_fini) struct reply again = client_ask(f.port, buf_str(&whole));
    ck_assert_int_eq(again.status, 200);
}
END_TEST

/* Heads that never end count as bodies do; short ones are still answered, and all is given back. */
START_TEST(test_budget_of_heads)
{
    static struct memory_limit memory; /* outlives the server */
    struct client *slow[12];
    memory_limit_init(&memory, 0, clock_system(), NULL, NULL);
    memory.requests.limit_bytes = 300 << 10;
    start((struct http_server_opts){.memory = &memory});
    AUTO(buf_fini) struct buf head = BUF_INIT;
    buf_printf(&head, "GET /hello HTTP/1.1\r\n" HOST "X: ");
    buf_reserve(&head, 40000);
    memset(head.p + head.n, 'x', 40000);
    head.n += 40000;
    for (size_t i = 0; i < ARRAY_LEN(slow); i++) {
        slow[i] = client_open(f.port);
        client_send(slow[i], buf_str(&head));
    }
    fixture_wait_counted(&f, "mneme_http_refused_total{reason=\"inflight_bytes\"}");
    AUTO(reply_fini) struct reply last = client_read(slow[ARRAY_LEN(slow) - 1], CLIENT_BODY);
    ck_assert_int_eq(last.status, 503);
    check_still_served();
    ck_assert_uint_lt(budget_used(&memory.requests), 400 << 10);
    for (size_t i = 0; i < ARRAY_LEN(slow); i++)
        client_close(slow[i]);
    fixture_wait_metric(&f, "mneme_http_connections 0\n");
    ck_assert_uint_eq(budget_used(&memory.requests), 0);
}
END_TEST

START_TEST(test_clients_that_leave_in_the_middle)
{
    static const struct str starts[] = {
        STR_INIT(""),
        STR_INIT("GET /he"),
        STR_INIT("POST /echo HTTP/1.1\r\n" HOST "Content-Length: 1000000\r\n\r\nabc"),
        STR_INIT("POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n5\r\nab"),
        STR_INIT("GET /big HTTP/1.1\r\n" HOST "\r\n"),
        STR_INIT("GET /stream?pieces=100&bytes=100000 HTTP/1.1\r\n" HOST "\r\n"),
        STR_INIT("GET /big HTTP/1.1\r\n" HOST "\r\nGET /big HTTP/1.1\r\n" HOST "\r\nGET /hel"),
    };
    fixture_start(&f, (struct http_server_opts){0}, 2, 2, 64);
    for (size_t i = 0; i < 50 * ARRAY_LEN(starts); i++) {
        struct client *c = client_open(f.port);
        client_send(c, starts[i % ARRAY_LEN(starts)]);
        if (i % 3 == 0)
            clock_sleep_ns(clock_system(), 300000);
        client_close(c);
    }
    fixture_wait_metric(&f, "mneme_http_connections 0\n");
    check_still_served();
}
END_TEST

static void *
flood(void *arg)
{
    _Atomic(bool) *stop = arg;
    while (!*stop) {
        struct client *c = client_open(f.port);
        client_send(c, STR("BREW / HTTP/1.1\r\n" HOST "\r\n"));
        for (int i = 0; i < 2000 && !*stop; i++)
            client_send(c, str_of(flood_bytes, sizeof flood_bytes));
        client_close(c);
    }
    return NULL;
}

/* Input that is thrown away after a refusal does not keep the loop from its other work. */
START_TEST(test_floods_do_not_starve_others)
{
    start((struct http_server_opts){0});
    pthread_t threads[3];
    _Atomic(bool) stop = false;
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, flood, &stop), 0);
    for (int i = 0; i < 50; i++)
        check_still_served();
    stop = true;
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        pthread_join(threads[i], NULL);
}
END_TEST

Suite *
http_abuse_suite(void)
{
    Suite *s = suite_create("http_abuse");
    TCase *t = tcase_create("http_abuse");
    tcase_add_checked_fixture(t, NULL, teardown);
    tcase_set_timeout(t, 20);
    tcase_add_loop_test(t, test_refusal, 0, ARRAY_LEN(refusals));
    tcase_add_test(t, test_endless_header);
    tcase_add_test(t, test_answer_survives_an_unread_body);
    tcase_add_test(t, test_slow_head);
    tcase_add_test(t, test_slow_body);
    tcase_add_test(t, test_slow_chunks);
    tcase_add_test(t, test_silent_connections_are_closed);
    tcase_add_test(t, test_client_that_does_not_read);
    tcase_add_test(t, test_connection_limit);
    tcase_add_test(t, test_full_queue);
    tcase_add_test(t, test_byte_budget);
    tcase_add_test(t, test_budget_of_heads);
    tcase_add_test(t, test_memory_full);
    tcase_add_test(t, test_floods_do_not_starve_others);
    tcase_add_test(t, test_clients_that_leave_in_the_middle);
    suite_add_tcase(s, t);
    return s;
}
