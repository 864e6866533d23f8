/* Two connections of ours talk: requests, back-pressure, resets, leaving, deadlines. */
#include "net/h2/h2_conn.h"

#include <stdio.h>

#include "tests/harness.h"
#include "tests/net/h2_pair.h"

static struct h2_pair p;
static struct clock_manual clock;

static void
start(struct h2_conn_opts server, struct h2_conn_opts client)
{
    h2_pair_open(&p, server, client);
}

/* With a clock that the test moves; both keep the same options. */
static void
start_clocked(struct h2_conn_opts server, struct h2_conn_opts client)
{
    clock_manual_init(&clock, 1000);
    server.clock = client.clock = &clock.clock;
    h2_pair_open(&p, server, client);
}

static void
teardown(void)
{
    h2_pair_close(&p);
}

static bool
both_ready(struct h2_pair *q)
{
    return q->server.readies == 1 && q->client.readies == 1;
}
static bool
client_closed_stream(struct h2_pair *q)
{
    return q->client.closes == 1;
}
static bool
server_closed_stream(struct h2_pair *q)
{
    return q->server.closes == 1;
}
static bool
server_has_head(struct h2_pair *q)
{
    return q->server.heads == 1;
}
static bool
both_closed(struct h2_pair *q)
{
    return q->server.is_closed && q->client.is_closed;
}

static void
wait_ready(void)
{
    H2_WAIT(&p, both_ready);
}

/* --- requests --------------------------------------------------------------------------------- */

static size_t post_bytes;

static void
post(struct h2_pair *q)
{
    struct h2_stream *s = h2_pair_post(q);
    if (post_bytes > 0)
        h2_pair_send(s, post_bytes);
    h2_stream_end(s, NULL, 0);
}

static const size_t echo_bytes[] = {0, 1, 16384, 100000, 40 << 20};

/* A body comes back whole, however many windows it fills; the trailers stand behind it. */
START_TEST(test_echo)
{
    start((struct h2_conn_opts){0}, (struct h2_conn_opts){0});
    wait_ready();
    post_bytes = echo_bytes[_i];
    h2_pair_run(&p, post);
    H2_WAIT(&p, client_closed_stream);
    H2_WAIT(&p, server_closed_stream);
    ck_assert_uint_eq(p.client.body.n, post_bytes);
    ck_assert(h2_pair_counts_up(buf_str(&p.client.body)));
    ck_assert_str_eq(buf_cstr(&p.client.head), ":status: 200\ngrpc-status: 0\n");
    ck_assert_str_eq(buf_cstr(&p.server.head),
                     ":method: POST\n:scheme: http\n:authority: me\n:path: /x\nte: trailers\n");
    ck_assert_uint_eq(p.client.ends, 1);
    ck_assert_uint_eq(p.server.ends, 1);
    ck_assert_uint_eq(p.client.close_code, H2_NO_ERROR);
    ck_assert_uint_eq(p.server.close_code, H2_NO_ERROR);
    ck_assert_uint_eq(p.client.sent_bytes, post_bytes);
}
END_TEST

static void
post_open(struct h2_pair *q)
{
    h2_pair_send(h2_pair_post(q), 1000);
}

/* The answer may come first: the client is then set free. */
START_TEST(test_early_answer)
{
    start((struct h2_conn_opts){0}, (struct h2_conn_opts){0});
    p.mode = H2_SERVER_EARLY;
    wait_ready();
    h2_pair_run(&p, post_open);
    H2_WAIT(&p, client_closed_stream);
    H2_WAIT(&p, server_closed_stream);
    ck_assert_uint_eq(p.client.ends, 1);
    ck_assert_uint_eq(p.client.close_code, H2_NO_ERROR);
    ck_assert_uint_eq(p.server.close_code, H2_NO_ERROR);
}
END_TEST

static void
post_many(struct h2_pair *q)
{
    while (h2_conn_room(q->client.conn) > 0)
        post(q);
}
static bool
seven_answers(struct h2_pair *q)
{
    return q->client.closes == 7;
}

/* No more requests at once than the server takes, and room again when they are done. */
START_TEST(test_room)
{
    start((struct h2_conn_opts){.streams_max = 7}, (struct h2_conn_opts){0});
    wait_ready();
    post_bytes = 0;
    h2_pair_run(&p, post_many);
    H2_WAIT(&p, seven_answers);
    ck_assert_uint_eq(p.server.heads, 7);
    ck_assert_uint_eq(h2_conn_room(p.client.conn), 7);
}
END_TEST

/* --- flow control ----------------------------------------------------------------------------- */

enum { WINDOW = 100 * 1000 };

static void
post_200k(struct h2_pair *q)
{
    h2_pair_send(h2_pair_post(q), 2 * WINDOW);
    h2_stream_end(q->client.stream, NULL, 0);
}
static bool
window_is_full(struct h2_pair *q)
{
    return q->server.body.n == WINDOW;
}
static void
consume_window(struct h2_pair *q)
{
    h2_stream_consume(q->server.stream, WINDOW);
}
static bool
server_has_all(struct h2_pair *q)
{
    return q->server.body.n == 2 * WINDOW && q->server.ends == 1;
}

/* A consumer that does not give credit back gets a window's bytes, and the rest afterwards. */
START_TEST(test_back_pressure)
{
    start((struct h2_conn_opts){.stream_window_bytes = WINDOW}, (struct h2_conn_opts){0});
    p.mode = H2_SERVER_SILENT;
    p.server.keep_credit = true;
    wait_ready();
    h2_pair_run(&p, post_200k);
    H2_WAIT(&p, window_is_full);
    h2_pair_tick(&p, clock_system()); /* two turns of the loop, in which nothing more comes */
    h2_pair_tick(&p, clock_system());
    ck_assert_uint_eq(p.server.body.n, WINDOW);
    ck_assert_uint_eq(h2_stream_queued(p.client.stream), WINDOW);
    h2_pair_run(&p, consume_window);
    H2_WAIT(&p, server_has_all);
}
END_TEST

static void
reset_server_stream(struct h2_pair *q)
{
    h2_stream_reset(q->server.stream, H2_CANCEL);
}

/* What a stream held when it ended does not stay taken from the connection's window. */
START_TEST(test_credit_of_closed_streams)
{
    struct h2_conn_opts small = {.stream_window_bytes = WINDOW, .conn_window_bytes = WINDOW};
    start(small, (struct h2_conn_opts){0});
    p.mode = H2_SERVER_SILENT;
    p.server.keep_credit = true;
    wait_ready();
    for (unsigned i = 0; i < 5; i++) {
        h2_pair_run(&p, post_200k);
        H2_WAIT(&p, window_is_full);
        h2_pair_run(&p, reset_server_stream);
        H2_WAIT(&p, client_closed_stream);
        H2_WAIT(&p, server_closed_stream);
        ck_assert_uint_eq(p.client.close_code, H2_CANCEL);
        p.server.closes = p.client.closes = 0;
        buf_clear(&p.server.body);
    }
}
END_TEST

/* --- ends ------------------------------------------------------------------------------------- */

static void
reset_client_stream(struct h2_pair *q)
{
    h2_stream_reset(q->client.stream, H2_CANCEL);
}

START_TEST(test_reset)
{
    start((struct h2_conn_opts){0}, (struct h2_conn_opts){0});
    p.mode = H2_SERVER_SILENT;
    wait_ready();
    h2_pair_run(&p, post_open);
    H2_WAIT(&p, server_has_head);
    h2_pair_run(&p, reset_client_stream);
    H2_WAIT(&p, server_closed_stream);
    H2_WAIT(&p, client_closed_stream);
    ck_assert_uint_eq(p.server.close_code, H2_CANCEL);
    ck_assert_uint_eq(p.client.close_code, H2_CANCEL);
    ck_assert_uint_eq(p.server.ends, 0);
    ck_assert(!p.server.is_closed && !p.client.is_closed);
}
END_TEST

/* A request that is reset before it was sent never reaches the server. */
static void
post_and_reset(struct h2_pair *q)
{
    post_open(q);
    h2_stream_reset(q->client.stream, H2_CANCEL);
}

START_TEST(test_reset_before_sent)
{
    start((struct h2_conn_opts){0}, (struct h2_conn_opts){0});
    wait_ready();
    h2_pair_run(&p, post_and_reset);
    H2_WAIT(&p, client_closed_stream);
    ck_assert_uint_eq(p.client.close_code, H2_CANCEL);
    post_bytes = 10;
    p.client.closes = 0;
    h2_pair_run(&p, post);
    H2_WAIT(&p, client_closed_stream);
    ck_assert_uint_eq(p.client.close_code, H2_NO_ERROR);
}
END_TEST

static void
close_server(struct h2_pair *q)
{
    h2_conn_close(TAKE(q->server.conn));
}
static bool
client_is_closed(struct h2_pair *q)
{
    return q->client.is_closed;
}

/* A connection that breaks tells its streams, then its owner. */
START_TEST(test_lost)
{
    start((struct h2_conn_opts){0}, (struct h2_conn_opts){0});
    p.mode = H2_SERVER_SILENT;
    wait_ready();
    h2_pair_run(&p, post_open);
    H2_WAIT(&p, server_has_head);
    h2_pair_run(&p, close_server);
    ck_assert_uint_eq(p.server.close_code, H2_LOST);
    H2_WAIT(&p, client_is_closed);
    ck_assert_uint_eq(p.client.close_code, H2_LOST);
    ck_assert_uint_eq(p.client.closes, 1);
    ck_assert_int_eq(p.client.why, ERR_IO);
}
END_TEST

static void
drain_server(struct h2_pair *q)
{
    h2_conn_drain(q->server.conn);
    h2_conn_drain(q->server.conn);
}
static bool
client_was_told(struct h2_pair *q)
{
    return q->client.goaways == 2; /* the notice, and the last word */
}
static void
end_client_stream(struct h2_pair *q)
{
    h2_stream_end(q->client.stream, NULL, 0);
}

/* What is open is finished, nothing new is begun, and both ends close. */
START_TEST(test_drain)
{
    start((struct h2_conn_opts){0}, (struct h2_conn_opts){0});
    wait_ready();
    h2_pair_run(&p, post_open);
    H2_WAIT(&p, server_has_head);
    h2_pair_run(&p, drain_server);
    H2_WAIT(&p, client_was_told);
    ck_assert_uint_eq(h2_conn_room(p.client.conn), 0);
    ck_assert_uint_eq(p.client.goaway_code, H2_NO_ERROR);
    h2_pair_run(&p, end_client_stream);
    H2_WAIT(&p, both_closed);
    ck_assert_uint_eq(p.client.close_code, H2_NO_ERROR);
    ck_assert_uint_eq(p.client.body.n, 1000);
    ck_assert_int_eq(p.client.why, ERR_NONE);
    ck_assert_int_eq(p.server.why, ERR_NONE);
}
END_TEST

static void
drain_and_post(struct h2_pair *q)
{
    h2_conn_drain(q->server.conn);
    post(q);
}

/* A request that crosses the first GOAWAY is still answered. */
START_TEST(test_drain_takes_what_is_on_its_way)
{
    start((struct h2_conn_opts){0}, (struct h2_conn_opts){0});
    wait_ready();
    post_bytes = 5;
    h2_pair_run(&p, drain_and_post);
    H2_WAIT(&p, both_closed);
    ck_assert_uint_eq(p.client.close_code, H2_NO_ERROR);
    ck_assert_uint_eq(p.client.body.n, 5);
}
END_TEST

static void
drain_client(struct h2_pair *q)
{
    h2_conn_drain(q->client.conn);
}

START_TEST(test_drain_of_client)
{
    start((struct h2_conn_opts){0}, (struct h2_conn_opts){0});
    wait_ready();
    h2_pair_run(&p, post_open);
    h2_pair_run(&p, drain_client);
    ck_assert_uint_eq(h2_conn_room(p.client.conn), 0);
    H2_WAIT(&p, server_has_head);
    ck_assert(!p.client.is_closed);
    h2_pair_run(&p, end_client_stream);
    H2_WAIT(&p, both_closed);
    ck_assert_uint_eq(p.client.close_code, H2_NO_ERROR);
    ck_assert_int_eq(p.client.why, ERR_NONE);
    ck_assert_int_eq(p.server.why, ERR_NONE);
}
END_TEST

static void
abort_server(struct h2_pair *q)
{
    h2_conn_abort(q->server.conn, H2_ENHANCE_YOUR_CALM, "enough");
}

START_TEST(test_abort)
{
    start((struct h2_conn_opts){0}, (struct h2_conn_opts){0});
    wait_ready();
    h2_pair_run(&p, post_open);
    H2_WAIT(&p, server_has_head);
    h2_pair_run(&p, abort_server);
    H2_WAIT(&p, both_closed);
    ck_assert_uint_eq(p.client.goaway_code, H2_ENHANCE_YOUR_CALM);
    ck_assert_str_eq(buf_cstr(&p.client.goaway_text), "enough");
    ck_assert_uint_eq(p.client.closes, 1);
    ck_assert_uint_eq(p.server.closes, 1);
    ck_assert_int_eq(p.server.why, ERR_INVALID);
}
END_TEST

static char long_text[70 << 10];

static void
post_large_head(struct h2_pair *q)
{
    memset(long_text, 'x', sizeof long_text);
    static const struct str path = STR_INIT("/x");
    struct h2_header head[] = {{STR(":method"), STR("POST")},
                               {STR(":scheme"), STR("http")},
                               {STR(":path"), path},
                               {STR(":authority"), STR("me")},
                               {STR("a"), str_of(long_text, 40 << 10)},
                               {STR("b"), str_of(long_text, 20 << 10)}};
    q->client.stream = h2_conn_request(q->client.conn, head, ARRAY_LEN(head), H2_END, NULL);
}

/* A header block above the limit is not shown, and resets its stream alone. */
START_TEST(test_header_limit)
{
    start((struct h2_conn_opts){.header_bytes_max = 50 << 10}, (struct h2_conn_opts){0});
    wait_ready();
    h2_pair_run(&p, post_large_head);
    H2_WAIT(&p, client_closed_stream);
    ck_assert_uint_eq(p.client.close_code, H2_ENHANCE_YOUR_CALM);
    ck_assert_uint_eq(p.server.heads, 0);
    ck_assert_uint_eq(p.server.closes, 0);
    post_bytes = 3;
    p.client.closes = 0;
    h2_pair_run(&p, post);
    H2_WAIT(&p, client_closed_stream);
    ck_assert_uint_eq(p.client.close_code, H2_NO_ERROR);
}
END_TEST

/* --- deadlines -------------------------------------------------------------------------------- */

static void
pass_ms(int64_t ms)
{
    clock_manual_advance_ms(&clock, ms);
    h2_pair_tick(&p, &clock.clock);
}

START_TEST(test_idle)
{
    start_clocked((struct h2_conn_opts){.idle_ms = 1000}, (struct h2_conn_opts){0});
    wait_ready();
    p.mode = H2_SERVER_SILENT;
    h2_pair_run(&p, post_open);
    H2_WAIT(&p, server_has_head);
    pass_ms(5000); /* not idle */
    ck_assert_uint_eq(p.client.goaways, 0);
    h2_pair_run(&p, reset_client_stream);
    H2_WAIT(&p, server_closed_stream);
    pass_ms(999);
    ck_assert(h2_conn_room(p.client.conn) > 0);
    pass_ms(1);
    H2_WAIT(&p, both_closed);
    ck_assert_int_eq(p.client.why, ERR_NONE);
}
END_TEST

START_TEST(test_age)
{
    start_clocked((struct h2_conn_opts){.age_ms = 1000, .age_grace_ms = 500},
                  (struct h2_conn_opts){0});
    wait_ready();
    p.mode = H2_SERVER_SILENT;
    h2_pair_run(&p, post_open);
    H2_WAIT(&p, server_has_head);
    pass_ms(1000);
    H2_WAIT(&p, client_was_told);
    ck_assert(!p.server.is_closed);
    pass_ms(499);
    ck_assert(!p.server.is_closed);
    pass_ms(1);
    H2_WAIT(&p, both_closed);
    ck_assert_int_eq(p.server.why, ERR_TIMEOUT);
    ck_assert_uint_eq(p.client.close_code, H2_LOST);
}
END_TEST

static bool
server_was_pinged(struct h2_pair *q)
{
    return q->server.pings == 1;
}

/* A client with a stream asks a silent server, and an answer is a sign of life. */
START_TEST(test_keepalive)
{
    start_clocked((struct h2_conn_opts){0},
                  (struct h2_conn_opts){.keepalive_ms = 1000, .keepalive_timeout_ms = 500});
    wait_ready();
    p.mode = H2_SERVER_SILENT;
    pass_ms(2000); /* no stream: no PING */
    h2_pair_run(&p, post_open);
    H2_WAIT(&p, server_has_head);
    ck_assert_uint_eq(p.server.pings, 0);
    pass_ms(1000);
    H2_WAIT(&p, server_was_pinged);
    h2_pair_tick(&p, &clock.clock); /* the answer has been read by now */
    pass_ms(600);
    ck_assert(!p.client.is_closed);
}
END_TEST

static bool
client_heard_ping(struct h2_pair *q)
{
    return q->client.pings == 1;
}

static void
ping_client(struct h2_pair *q)
{
    h2_conn_ping(q->server.conn);
}

START_TEST(test_ping)
{
    start((struct h2_conn_opts){0}, (struct h2_conn_opts){0});
    wait_ready();
    h2_pair_run(&p, ping_client);
    H2_WAIT(&p, client_heard_ping);
}
END_TEST

/* A reader that opens no window for ever loses the stream, and the stream only. */
START_TEST(test_stalled_stream)
{
    start_clocked((struct h2_conn_opts){.stream_window_bytes = WINDOW, .stall_ms = 1000},
                  (struct h2_conn_opts){.stall_ms = 1000});
    p.mode = H2_SERVER_SILENT;
    p.server.keep_credit = true;
    wait_ready();
    h2_pair_run(&p, post_200k);
    H2_WAIT(&p, window_is_full);
    pass_ms(999);
    ck_assert_uint_eq(p.client.closes, 0);
    pass_ms(1);
    H2_WAIT(&p, client_closed_stream);
    H2_WAIT(&p, server_closed_stream);
    ck_assert_uint_eq(p.client.close_code, H2_CANCEL);
    ck_assert_uint_eq(p.server.close_code, H2_CANCEL);
    ck_assert(!p.client.is_closed && !p.server.is_closed);
}
END_TEST

Suite *
h2_conn_suite(void)
{
    Suite *s = suite_create("h2_conn");
    TCase *t = tcase_create("h2_conn");
    tcase_add_checked_fixture(t, NULL, teardown);
    tcase_add_loop_test(t, test_echo, 0, ARRAY_LEN(echo_bytes));
    tcase_add_test(t, test_early_answer);
    tcase_add_test(t, test_room);
    tcase_add_test(t, test_back_pressure);
    tcase_add_test(t, test_credit_of_closed_streams);
    tcase_add_test(t, test_reset);
    tcase_add_test(t, test_reset_before_sent);
    tcase_add_test(t, test_lost);
    tcase_add_test(t, test_drain);
    tcase_add_test(t, test_drain_takes_what_is_on_its_way);
    tcase_add_test(t, test_drain_of_client);
    tcase_add_test(t, test_abort);
    tcase_add_test(t, test_header_limit);
    tcase_add_test(t, test_idle);
    tcase_add_test(t, test_age);
    tcase_add_test(t, test_keepalive);
    tcase_add_test(t, test_ping);
    tcase_add_test(t, test_stalled_stream);
    suite_add_tcase(s, t);
    return s;
}
