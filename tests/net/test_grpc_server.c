/* The server against a client of bare HTTP/2: what calls get, and how they end. */
#include "net/grpc/grpc_server.h"

#include <pthread.h>
#include <time.h>

#include "base/lock.h"
#include "tests/harness.h"
#include "tests/net/grpc_fixture.h"

static struct grpc_fixture f;
static struct grpc_peer *peer;

static void
start(struct grpc_server_opts opts)
{
    grpc_fixture_start(&f, opts, 2, 4);
    peer = grpc_peer_open(f.port, NULL);
}

static void
setup(void)
{
    start((struct grpc_server_opts){0});
}

static void
teardown(void)
{
    if (peer)
        grpc_peer_close(TAKE(peer));
    grpc_fixture_stop(&f, 2000);
}

static void
check_message(const struct grpc_peer_call *c, struct str want)
{
    AUTO(buf_fini) struct buf got = grpc_peer_message(c);
    ck_assert(str_eq(buf_str(&got), want));
}

static void
check_status(const struct grpc_peer_call *c, enum grpc_code code, const char *text)
{
    ck_assert_msg(grpc_peer_status(c) == (unsigned)code, "got %u, want %u:\n%.*s",
                  grpc_peer_status(c), (unsigned)code, STR_FMT(buf_str(&c->head)));
    struct str got = grpc_peer_field(c, "grpc-message");
    if (text)
        ck_assert_msg(str_eq(got, str_of_cstr(text)), "got \"%.*s\"", STR_FMT(got));
    ck_assert_uint_eq(c->close_code, H2_NO_ERROR);
}

/* --- unary calls ------------------------------------------------------------------------------ */

START_TEST(test_unary)
{
    struct grpc_peer_call *c = grpc_peer_ask(peer, "/test.Echo/Echo", STR("hello"));
    check_status(c, GRPC_OK, NULL);
    check_message(c, STR("hello"));
    ck_assert_uint_eq(c->heads, 2);
    ck_assert(str_eq(grpc_peer_field(c, ":status"), STR("200")));
    ck_assert(str_eq(grpc_peer_field(c, "content-type"), STR("application/grpc")));
    ck_assert(str_eq(grpc_peer_field(c, "mneme-peer"), STR("2")));
    ck_assert(str_eq(grpc_peer_field(c, "x-tag"), STR("yes")));
    ck_assert(!grpc_peer_field(c, "grpc-encoding").p);
}
END_TEST

START_TEST(test_unary_on_the_loop)
{
    struct grpc_peer_call *c = grpc_peer_ask(peer, "/test.Echo/Loop", STR("hello"));
    check_status(c, GRPC_OK, NULL);
    check_message(c, STR("hello"));
    c = grpc_peer_ask(peer, "/test.Echo/Loop", STR(""));
    check_status(c, GRPC_OK, NULL);
    check_message(c, STR(""));
}
END_TEST

/* Larger than the windows, in both directions. */
START_TEST(test_large_message)
{
    AUTO(buf_fini) struct buf large = BUF_INIT;
    buf_reserve(&large, 64 << 20);
    for (size_t i = 0; i < 64 << 20; i++)
        large.p[large.n++] = (char)(i * 2654435761u >> 24);
    struct grpc_peer_call *c = grpc_peer_ask(peer, "/test.Echo/Echo", buf_str(&large));
    check_status(c, GRPC_OK, NULL);
    check_message(c, buf_str(&large));
}
END_TEST

/* A status without a message is one block of header fields; its text is percent-encoded. */
START_TEST(test_failure)
{
    struct grpc_peer_call *c = grpc_peer_ask(peer, "/test.Echo/Fail", STR("6 100 % \xc3\xbc"));
    check_status(c, GRPC_ALREADY_EXISTS, "100 %25 %C3%BC");
    ck_assert_uint_eq(c->heads, 1);
    ck_assert_uint_eq(c->wire.n, 0);
    ck_assert(str_eq(grpc_peer_field(c, ":status"), STR("200")));
}
END_TEST

/* --- encodings -------------------------------------------------------------------------------- */

static const struct encoding_case {
    const char *name;
    enum grpc_encoding encoding;
    const char *accepted; /* NULL: not sent */
    enum grpc_encoding want;
} encoding_cases[] = {
    {"gzip", GRPC_GZIP, "identity,gzip", GRPC_GZIP},
    {"snappy", GRPC_SNAPPY, "snappy", GRPC_SNAPPY},
    {"zstd", GRPC_ZSTD, "gzip, zstd", GRPC_ZSTD},
    {"nothing said", GRPC_SNAPPY, NULL, GRPC_SNAPPY},
    {"others accepted", GRPC_ZSTD, "gzip,snappy", GRPC_IDENTITY},
};

START_TEST(test_encoding)
{
    const struct encoding_case *e = &encoding_cases[_i];
    AUTO(buf_fini) struct buf text = BUF_INIT;
    for (int i = 0; i < 1000; i++)
        buf_printf(&text, "line %d ", i);
    AUTO(shared_unref) struct shared *wire = grpc_message_new(e->encoding, buf_str(&text));
    struct h2_header headers[] = {
        {STR("grpc-encoding"), grpc_encoding_name(e->encoding)},
        {STR("grpc-accept-encoding"), str_of_cstr(e->accepted ? e->accepted : "")}};
    struct grpc_peer_call *c =
        grpc_peer_start(peer, &(struct grpc_peer_request){.path = "/test.Echo/Echo",
                                                          .wire = shared_bytes(wire),
                                                          .headers = headers,
                                                          .header_count = e->accepted ? 2 : 1});
    grpc_peer_wait(c);
    check_status(c, GRPC_OK, NULL);
    check_message(c, buf_str(&text));
    struct str got = grpc_peer_field(c, "grpc-encoding");
    if (e->want == GRPC_IDENTITY)
        ROW_ASSERT(e->name, !got.p);
    else
        ROW_ASSERT(e->name, str_eq(got, grpc_encoding_name(e->want)));
}
END_TEST

/* --- refusals --------------------------------------------------------------------------------- */

static const struct refusal {
    const char *name;
    struct grpc_peer_request request;
    const char *header, *value; /* one more; NULL: none */
    const char *http_status;
    enum grpc_code code;
    const char *text; /* NULL: any */
} refusals[] = {
    {"unknown service",
     {.path = "/test.Other/Echo"},
     NULL,
     NULL,
     "200",
     GRPC_UNIMPLEMENTED,
     "unknown service test.Other"},
    {"unknown method",
     {.path = "/test.Echo/Other"},
     NULL,
     NULL,
     "200",
     GRPC_UNIMPLEMENTED,
     "unknown method Other for service test.Echo"},
    {"no method", {.path = "/test.Echo"}, NULL, NULL, "200", GRPC_UNIMPLEMENTED, NULL},
    {"root", {.path = "/"}, NULL, NULL, "200", GRPC_UNIMPLEMENTED, NULL},
    {"GET", {.path = "/test.Echo/Echo", .method = "GET"}, NULL, NULL, "405", GRPC_INTERNAL, NULL},
    {"JSON",
     {.path = "/test.Echo/Echo", .content_type = "application/json"},
     NULL,
     NULL,
     "415",
     GRPC_INVALID_ARGUMENT,
     NULL},
    {"gRPC-Web",
     {.path = "/test.Echo/Echo", .content_type = "application/grpc-web"},
     NULL,
     NULL,
     "415",
     GRPC_INVALID_ARGUMENT,
     NULL},
    {"unknown encoding",
     {.path = "/test.Echo/Echo"},
     "grpc-encoding",
     "br",
     "200",
     GRPC_UNIMPLEMENTED,
     NULL},
    {"bad timeout", {.path = "/test.Echo/Echo"}, "grpc-timeout", "5x", "200", GRPC_INTERNAL, NULL},
    {"no message", {.path = "/test.Echo/Echo"}, NULL, NULL, "200", GRPC_INTERNAL, NULL},
    {"half a message",
     {.path = "/test.Echo/Echo", .wire = STR_INIT("\0\0\0\0\x05he")},
     NULL,
     NULL,
     "200",
     GRPC_INTERNAL,
     NULL},
    {"two messages",
     {.path = "/test.Echo/Echo",
      .wire = STR_INIT("\0\0\0\0\x01"
                       "a\0\0\0\0\x01"
                       "b")},
     NULL,
     NULL,
     "200",
     GRPC_INTERNAL,
     NULL},
    {"compressed without an encoding",
     {.path = "/test.Echo/Echo",
      .wire = STR_INIT("\x01\0\0\0\x01"
                       "a")},
     NULL,
     NULL,
     "200",
     GRPC_INTERNAL,
     NULL},
    {"bad gzip",
     {.path = "/test.Echo/Echo",
      .wire = STR_INIT("\x01\0\0\0\x01"
                       "a")},
     "grpc-encoding",
     "gzip",
     "200",
     GRPC_INTERNAL,
     NULL},
    {"above the method's limit",
     {.path = "/test.Echo/Small",
      .wire = STR_INIT("\0\0\0\0\x11"
                       "a"),
      .open = true},
     NULL,
     NULL,
     "200",
     GRPC_RESOURCE_EXHAUSTED,
     NULL},
    {"above the budget",
     {.path = "/test.Echo/Echo",
      .wire = STR_INIT("\0\x7f\xff\xff\xff"
                       "a"),
      .open = true},
     NULL,
     NULL,
     "200",
     GRPC_RESOURCE_EXHAUSTED,
     NULL},
    {"above any limit",
     {.path = "/test.Echo/Echo",
      .wire = STR_INIT("\0\xff\xff\xff\xff"
                       "a"),
      .open = true},
     NULL,
     NULL,
     "200",
     GRPC_RESOURCE_EXHAUSTED,
     NULL},
};

/* Each ends at once, also with the request still open, and the connection goes on. */
START_TEST(test_refusal)
{
    const struct refusal *r = &refusals[_i];
    struct grpc_peer_request q = r->request;
    struct h2_header header = {str_of_cstr(r->header ? r->header : ""),
                               str_of_cstr(r->value ? r->value : "")};
    q.headers = &header;
    q.header_count = r->header ? 1 : 0;
    struct grpc_peer_call *c = grpc_peer_start(peer, &q);
    grpc_peer_wait(c);
    check_status(c, r->code, r->text);
    ROW_ASSERT(r->name, str_eq(grpc_peer_field(c, ":status"), str_of_cstr(r->http_status)));
    ROW_ASSERT(r->name, c->wire.n == 0);
    c = grpc_peer_ask(peer, "/test.Echo/Echo", STR("still here"));
    check_status(c, GRPC_OK, NULL);
}
END_TEST

START_TEST(test_content_type_with_subtype)
{
    AUTO(buf_fini) struct buf wire = BUF_INIT;
    grpc_wire_put(&wire, STR("x"));
    struct grpc_peer_call *c =
        grpc_peer_start(peer, &(struct grpc_peer_request){.path = "/test.Echo/Echo",
                                                          .content_type = "application/grpc+proto",
                                                          .wire = buf_str(&wire)});
    grpc_peer_wait(c);
    check_status(c, GRPC_OK, NULL);
}
END_TEST

/* Two at the gate, four in the queue, and the seventh is turned away. */
START_TEST(test_full_queue)
{
    struct grpc_peer_call *calls[6];
    AUTO(buf_fini) struct buf wire = BUF_INIT;
    grpc_wire_put(&wire, STR(""));
    struct grpc_peer_request q = {.path = "/test.Echo/Gate", .wire = buf_str(&wire)};
    for (int i = 0; i < 2; i++)
        calls[i] = grpc_peer_start(peer, &q);
    grpc_fixture_wait_at_gate(&f, 2);
    for (int i = 2; i < 6; i++)
        calls[i] = grpc_peer_start(peer, &q);
    check_status(grpc_peer_ask(peer, "/test.Echo/Gate", STR("")), GRPC_UNAVAILABLE, NULL);
    grpc_fixture_open_gate(&f);
    for (int i = 0; i < 6; i++) {
        grpc_peer_wait(calls[i]);
        check_status(calls[i], GRPC_OK, NULL);
        check_message(calls[i], STR("through"));
    }
    grpc_fixture_wait_metric(&f, "mneme_grpc_refused_total{reason=\"queue\"} 1");
}
END_TEST

static uint64_t used_bytes;

static uint64_t
read_used(void *arg)
{
    (void)arg;
    return used_bytes;
}

/* Full memory keeps out what would stay, and nothing else. */
START_TEST(test_full_memory)
{
    static struct memory_limit memory; /* outlives the server, which the teardown stops */
    used_bytes = (uint64_t)2 << 30;
    memory_limit_init(&memory, 1 << 30, clock_system(), read_used, NULL);
    start((struct grpc_server_opts){.memory = &memory});
    check_status(grpc_peer_ask(peer, "/test.Echo/Keep", STR("x")), GRPC_UNAVAILABLE, NULL);
    check_status(grpc_peer_ask(peer, "/test.Echo/Echo", STR("x")), GRPC_OK, NULL);
    grpc_fixture_wait_metric(&f, "mneme_grpc_refused_total{reason=\"memory\"} 1");
}
END_TEST

/* What calls and connections took of the budget is given back to the last byte. */
START_TEST(test_budget)
{
    static struct memory_limit memory; /* outlives the server, which the teardown stops */
    memory_limit_init(&memory, 0, clock_system(), NULL, NULL);
    start((struct grpc_server_opts){.memory = &memory});
    check_status(grpc_peer_ask(peer, "/test.Echo/Echo", STR("some bytes")), GRPC_OK, NULL);
    check_status(grpc_peer_ask(peer, "/test.Echo/Stream", STR("10 1000")), GRPC_OK, NULL);
    check_status(grpc_peer_ask(peer, "/test.Echo/Small", STR("far more than sixteen bytes")),
                 GRPC_RESOURCE_EXHAUSTED, NULL);
    ck_assert_uint_gt(budget_used(&memory.requests), 0); /* the connection */
    AUTO(buf_fini) struct buf wire = BUF_INIT;
    grpc_wire_put(&wire, STR("1000 100000"));
    struct grpc_peer_call *c = grpc_peer_start(
        peer, &(struct grpc_peer_request){
                  .path = "/test.Echo/Stream", .wire = buf_str(&wire), .hold = true});
    grpc_peer_wait_bytes(c, 100000);
    grpc_peer_close(TAKE(peer));
    grpc_fixture_wait_streams_ended(&f, 2);
    grpc_fixture_stop_server(&f, 2000);
    ck_assert_uint_eq(budget_used(&memory.requests), 0);
}
END_TEST

/* --- streams ---------------------------------------------------------------------------------- */

START_TEST(test_stream)
{
    struct grpc_peer_call *c = grpc_peer_ask(peer, "/test.Echo/Stream", STR("1000 100"));
    check_status(c, GRPC_OK, NULL);
    ck_assert_uint_eq(c->wire.n, 1000 * 105);
    ck_assert_uint_eq(c->heads, 2);
    c = grpc_peer_ask(peer, "/test.Echo/Stream", STR("0 0"));
    check_status(c, GRPC_OK, NULL);
    ck_assert_uint_eq(c->wire.n, 0);
}
END_TEST

/* A reader that takes nothing holds the handler, and costs no more than windows and a queue. */
START_TEST(test_stream_back_pressure)
{
    AUTO(buf_fini) struct buf wire = BUF_INIT;
    grpc_wire_put(&wire, STR("1000 100000"));
    struct grpc_peer_call *c = grpc_peer_start(
        peer, &(struct grpc_peer_request){
                  .path = "/test.Echo/Stream", .wire = buf_str(&wire), .hold = true});
    grpc_peer_wait_bytes(c, 4 << 20); /* the client's window */
    ck_assert_uint_eq(c->wire.n, 4 << 20);
    grpc_fixture_wait_metric(&f, "grpc_server_msg_sent_total{grpc_type=\"server_stream\",grpc_"
                                 "service=\"test.Echo\",grpc_method=\"Stream\"} 53");
    {
        LOCKED(f.lock);
        ck_assert_uint_eq(f.streams_ended, 0);
    }
    grpc_peer_reset(c);
    grpc_fixture_wait_streams_ended(&f, 1);
    ck_assert_int_eq(f.stream_end, ERR_CANCELED);
}
END_TEST

/* And loses the stream when it takes nothing for too long. */
START_TEST(test_stream_stalls)
{
    start((struct grpc_server_opts){.stall_ms = 200});
    AUTO(buf_fini) struct buf wire = BUF_INIT;
    grpc_wire_put(&wire, STR("1000 100000"));
    struct grpc_peer_call *c = grpc_peer_start(
        peer, &(struct grpc_peer_request){
                  .path = "/test.Echo/Stream", .wire = buf_str(&wire), .hold = true});
    grpc_peer_wait(c);
    ck_assert_uint_eq(c->close_code, H2_CANCEL);
    grpc_fixture_wait_streams_ended(&f, 1);
    ck_assert_int_eq(f.stream_end, ERR_CANCELED);
}
END_TEST

/* --- cancellation ----------------------------------------------------------------------------- */

static struct grpc_peer_call *
start_gate(const struct h2_header *header)
{
    AUTO(buf_fini) struct buf wire = BUF_INIT;
    grpc_wire_put(&wire, STR(""));
    struct grpc_peer_call *c =
        grpc_peer_start(peer, &(struct grpc_peer_request){.path = "/test.Echo/Gate",
                                                          .wire = buf_str(&wire),
                                                          .headers = header,
                                                          .header_count = header != NULL});
    grpc_fixture_wait_at_gate(&f, 1);
    return c;
}

#define GATE_LABELS "{grpc_type=\"unary\",grpc_service=\"test.Echo\",grpc_method=\"Gate\""

START_TEST(test_reset_cancels)
{
    grpc_peer_reset(start_gate(NULL));
    grpc_fixture_wait_canceled(&f, 1);
    grpc_fixture_wait_metric(&f,
                             "grpc_server_handled_total" GATE_LABELS ",grpc_code=\"Canceled\"} 1");
}
END_TEST

START_TEST(test_disconnect_cancels)
{
    start_gate(NULL);
    grpc_peer_close(TAKE(peer));
    grpc_fixture_wait_canceled(&f, 1);
    grpc_fixture_wait_metric(&f, "mneme_grpc_connections 0");
}
END_TEST

START_TEST(test_deadline_cancels)
{
    struct grpc_peer_call *c = start_gate(&(struct h2_header){STR("grpc-timeout"), STR("100m")});
    grpc_fixture_wait_canceled(&f, 1);
    grpc_peer_wait(c);
    check_status(c, GRPC_CANCELED, "gone"); /* as the handler said */
}
END_TEST

/* A request that never ends is not waited for. */
START_TEST(test_deadline_of_reading)
{
    struct grpc_peer_call *c = grpc_peer_start(
        peer,
        &(struct grpc_peer_request){.path = "/test.Echo/Echo",
                                    .headers = &(struct h2_header){STR("grpc-timeout"), STR("1m")},
                                    .header_count = 1,
                                    .open = true});
    grpc_peer_wait(c);
    check_status(c, GRPC_DEADLINE_EXCEEDED, NULL);
}
END_TEST

START_TEST(test_slow_request)
{
    start((struct grpc_server_opts){.read_timeout_ms = 200});
    struct grpc_peer_call *c =
        grpc_peer_start(peer, &(struct grpc_peer_request){.path = "/test.Echo/Echo", .open = true});
    grpc_peer_wait(c);
    check_status(c, GRPC_DEADLINE_EXCEEDED, NULL);
    grpc_fixture_wait_metric(&f, "mneme_grpc_refused_total{reason=\"timeout\"} 1");
}
END_TEST

/* --- connections ------------------------------------------------------------------------------ */

START_TEST(test_thousand_streams)
{
    grpc_fixture_start(&f, (struct grpc_server_opts){0}, 2, 2000);
    peer = grpc_peer_open(f.port, NULL);
    AUTO(buf_fini) struct buf wire = BUF_INIT;
    grpc_wire_put(&wire, STR(""));
    struct grpc_peer_request q = {.path = "/test.Echo/Gate", .wire = buf_str(&wire)};
    static struct grpc_peer_call *calls[1000];
    for (size_t i = 0; i < ARRAY_LEN(calls); i++)
        calls[i] = grpc_peer_start(peer, &q);
    grpc_fixture_wait_at_gate(&f, 2);
    grpc_fixture_open_gate(&f);
    for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
        grpc_peer_wait(calls[i]);
        check_status(calls[i], GRPC_OK, NULL);
    }
}
END_TEST

/* Calls that were taken back count until their handlers have let go of them. */
START_TEST(test_canceled_calls_count)
{
    start((struct grpc_server_opts){.streams_max = 2});
    AUTO(buf_fini) struct buf wire = BUF_INIT;
    grpc_wire_put(&wire, STR(""));
    struct grpc_peer_request q = {.path = "/test.Echo/Deaf", .wire = buf_str(&wire)};
    for (int i = 0; i < 4; i++) {
        struct grpc_peer_call *c = grpc_peer_start(peer, &q);
        grpc_fixture_wait_at_gate(&f, i < 2 ? (unsigned)i + 1 : 2);
        grpc_peer_reset(c);
        grpc_peer_wait(c);
    }
    struct grpc_peer_call *c = grpc_peer_ask(peer, "/test.Echo/Echo", STR("x"));
    ck_assert_uint_eq(c->close_code, H2_REFUSED_STREAM);
    grpc_fixture_wait_metric(&f, "mneme_grpc_refused_total{reason=\"calls\"} 1");
    grpc_fixture_open_gate(&f);
    grpc_fixture_wait_metric(
        &f, "grpc_server_handled_total{grpc_type=\"unary\",grpc_service=\"test.Echo\",grpc_method="
            "\"Deaf\",grpc_code=\"Canceled\"} 2");
    check_status(grpc_peer_ask(peer, "/test.Echo/Echo", STR("x")), GRPC_OK, NULL);
}
END_TEST

START_TEST(test_connection_limit)
{
    start((struct grpc_server_opts){.connections_max = 1});
    struct grpc_peer *second = grpc_peer_open(f.port, NULL);
    ck_assert_uint_eq(grpc_peer_wait_end(second, NULL), UINT32_MAX);
    grpc_peer_close(second);
    check_status(grpc_peer_ask(peer, "/test.Echo/Echo", STR("x")), GRPC_OK, NULL);
    grpc_fixture_wait_metric(&f, "mneme_grpc_refused_total{reason=\"connections\"} 1");
}
END_TEST

START_TEST(test_too_many_pings)
{
    struct str text;
    for (int i = 0; i < 20; i++)
        grpc_peer_ping(peer);
    ck_assert_uint_eq(grpc_peer_wait_end(peer, &text), H2_ENHANCE_YOUR_CALM);
    ck_assert(str_eq(text, STR("too_many_pings")));
    grpc_fixture_wait_metric(&f, "mneme_grpc_refused_total{reason=\"protocol\"} 1");
}
END_TEST

/* PINGs between calls are how clients measure the line. */
START_TEST(test_pings_between_calls)
{
    for (int i = 0; i < 20; i++) {
        grpc_peer_ping(peer);
        check_status(grpc_peer_ask(peer, "/test.Echo/Echo", STR("x")), GRPC_OK, NULL);
    }
}
END_TEST

START_TEST(test_age)
{
    start((struct grpc_server_opts){.connection_age_ms = 100, .connection_age_grace_ms = 60000});
    struct grpc_peer_call *c = start_gate(NULL);
    grpc_fixture_wait_metric(&f, "mneme_grpc_connections 1");
    grpc_fixture_open_gate(&f);
    grpc_peer_wait(c);
    check_status(c, GRPC_OK, NULL);
    ck_assert_uint_eq(grpc_peer_wait_end(peer, NULL), H2_NO_ERROR);
}
END_TEST

/* --- stopping --------------------------------------------------------------------------------- */

static void *
open_gate_later(void *arg)
{
    (void)arg;
    nanosleep(&(struct timespec){0, 300 * 1000 * 1000}, NULL);
    grpc_fixture_open_gate(&f);
    return NULL;
}

/* What is in flight is finished. */
START_TEST(test_stop_is_graceful)
{
    struct grpc_peer_call *c = start_gate(NULL);
    pthread_t opener;
    ck_assert_int_eq(pthread_create(&opener, NULL, open_gate_later, NULL), 0);
    grpc_fixture_stop_server(&f, 10 * 1000);
    pthread_join(opener, NULL);
    grpc_peer_wait(c);
    check_status(c, GRPC_OK, NULL);
    ck_assert_uint_eq(grpc_peer_wait_end(peer, NULL), H2_NO_ERROR);
}
END_TEST

/* What takes longer than the grace time is cut and canceled. */
START_TEST(test_stop_cuts)
{
    struct grpc_peer_call *c = start_gate(NULL);
    grpc_fixture_stop_server(&f, 100);
    ck_assert_uint_eq(f.canceled, 1);
    grpc_peer_wait(c);
    ck_assert_uint_eq(c->close_code, H2_LOST);
}
END_TEST

START_TEST(test_metrics_from_the_start)
{
    static const char *const lines[] = {
        "grpc_server_started_total" GATE_LABELS "} 0",
        "grpc_server_handled_total" GATE_LABELS ",grpc_code=\"OK\"} 0",
        "grpc_server_handled_total" GATE_LABELS ",grpc_code=\"AlreadyExists\"} 0",
        "grpc_server_msg_received_total" GATE_LABELS "} 0",
        "grpc_server_msg_sent_total" GATE_LABELS "} 0",
        "grpc_server_handling_seconds_count" GATE_LABELS "} 0",
        "grpc_server_handling_seconds_bucket" GATE_LABELS ",le=\"120\"} 0",
        ("grpc_server_started_total{grpc_type=\"bidi_stream\","
         "grpc_service=\"grpc.reflection.v1.ServerReflection\","
         "grpc_method=\"ServerReflectionInfo\"} 0"),
    };
    for (size_t i = 0; i < ARRAY_LEN(lines); i++)
        grpc_fixture_wait_metric(&f, lines[i]);
    grpc_peer_ask(peer, "/test.Echo/Echo", STR("x"));
#define ECHO_LABELS "{grpc_type=\"unary\",grpc_service=\"test.Echo\",grpc_method=\"Echo\""
    grpc_fixture_wait_metric(&f, "grpc_server_started_total" ECHO_LABELS "} 1");
    grpc_fixture_wait_metric(&f, "grpc_server_handled_total" ECHO_LABELS ",grpc_code=\"OK\"} 1");
    grpc_fixture_wait_metric(&f, "grpc_server_msg_received_total" ECHO_LABELS "} 1");
    grpc_fixture_wait_metric(&f, "grpc_server_msg_sent_total" ECHO_LABELS "} 1");
    grpc_fixture_wait_metric(&f, "grpc_server_handling_seconds_count" ECHO_LABELS "} 1");
}
END_TEST

Suite *
grpc_server_suite(void)
{
    Suite *s = suite_create("grpc_server");
    TCase *t = tcase_create("grpc_server");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 30);
    tcase_add_test(t, test_unary);
    tcase_add_test(t, test_unary_on_the_loop);
    tcase_add_test(t, test_large_message);
    tcase_add_test(t, test_failure);
    tcase_add_loop_test(t, test_encoding, 0, ARRAY_LEN(encoding_cases));
    tcase_add_loop_test(t, test_refusal, 0, ARRAY_LEN(refusals));
    tcase_add_test(t, test_content_type_with_subtype);
    tcase_add_test(t, test_full_queue);
    tcase_add_test(t, test_stream);
    tcase_add_test(t, test_stream_back_pressure);
    tcase_add_test(t, test_reset_cancels);
    tcase_add_test(t, test_disconnect_cancels);
    tcase_add_test(t, test_deadline_cancels);
    tcase_add_test(t, test_deadline_of_reading);
    tcase_add_test(t, test_too_many_pings);
    tcase_add_test(t, test_pings_between_calls);
    tcase_add_test(t, test_stop_is_graceful);
    tcase_add_test(t, test_stop_cuts);
    tcase_add_test(t, test_metrics_from_the_start);
    suite_add_tcase(s, t);
    TCase *o = tcase_create("options"); /* each starts the server with its own */
    tcase_add_checked_fixture(o, NULL, teardown);
    tcase_set_timeout(o, 30);
    tcase_add_test(o, test_full_memory);
    tcase_add_test(o, test_budget);
    tcase_add_test(o, test_stream_stalls);
    tcase_add_test(o, test_slow_request);
    tcase_add_test(o, test_thousand_streams);
    tcase_add_test(o, test_canceled_calls_count);
    tcase_add_test(o, test_connection_limit);
    tcase_add_test(o, test_age);
    suite_add_tcase(s, o);
    return s;
}
