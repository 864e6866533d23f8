/* Reflection: questions on one stream, answered in order. */
#include "base/pb.h"
#include "net/grpc/grpc_descriptors.h"
#include "tests/harness.h"
#include "tests/net/grpc_fixture.h"

static struct grpc_fixture f;
static struct grpc_peer *peer;

static void
setup(void)
{
    grpc_fixture_start(&f, (struct grpc_server_opts){0}, 1, 1);
    peer = grpc_peer_open(f.port, NULL);
}

static void
teardown(void)
{
    grpc_peer_close(peer);
    grpc_fixture_stop(&f, 2000);
}

static const char *const versions[] = {"/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
                                       "/grpc.reflection.v1alpha.ServerReflection/"
                                       "ServerReflectionInfo"};

static void
put_question(struct buf *wire, uint32_t number, const char *what)
{
    AUTO(buf_fini) struct buf request = BUF_INIT;
    pb_put_message(&request, number, strlen(what));
    buf_append(&request, str_of_cstr(what));
    grpc_wire_put(wire, buf_str(&request));
}

/* The i-th answer's oneof: its field number, and what is in it. */
static uint32_t
answer(const struct grpc_peer_call *c, unsigned i, struct str *ret_bytes)
{
    struct str rest = buf_str(&c->wire), message = {NULL, 0};
    for (unsigned k = 0; k <= i; k++) {
        ck_assert_uint_ge(rest.n, 5);
        struct str prefix = str_take(&rest, 5);
        size_t n = (size_t)(unsigned char)prefix.p[3] << 8 | (unsigned char)prefix.p[4];
        message = str_take(&rest, n);
    }
    struct reader r = reader_of(message);
    struct pb_field field;
    uint32_t number = 0;
    while (pb_next(&r, &field)) {
        if (field.number < 4)
            continue;
        number = field.number;
        *ret_bytes = field.bytes;
    }
    ck_assert_int_eq(r.code, ERR_NONE);
    return number;
}

static bool
holds(struct str s, struct str part)
{
    return memmem(s.p, s.n, part.p, part.n) != NULL;
}

START_TEST(test_questions)
{
    AUTO(buf_fini) struct buf wire = BUF_INIT;
    put_question(&wire, 7, "");
    put_question(&wire, 3, "grpc/health/v1/health.proto");
    put_question(&wire, 4, "grpc.health.v1.Health");
    put_question(&wire, 4, "grpc.health.v1.Health.Watch");
    put_question(&wire, 4, "grpc.health.v1.HealthCheckResponse.SERVING");
    put_question(&wire, 4, "grpc.health.v1.Nothing");
    put_question(&wire, 3, "nothing.proto");
    put_question(&wire, 6, "grpc.health.v1.HealthCheckRequest");
    put_question(&wire, 6, "nothing");
    put_question(&wire, 5, "");
    struct grpc_peer_call *c = grpc_peer_start(
        peer, &(struct grpc_peer_request){.path = versions[_i], .wire = buf_str(&wire)});
    grpc_peer_wait(c);
    ck_assert_uint_eq(grpc_peer_status(c), GRPC_OK);
    static const uint32_t want[] = {6, 4, 4, 4, 4, 7, 7, 5, 7, 7};
    struct str bytes[ARRAY_LEN(want)];
    for (unsigned i = 0; i < ARRAY_LEN(want); i++)
        ck_assert_uint_eq(answer(c, i, &bytes[i]), want[i]);
    ck_assert(holds(bytes[0], STR("\x0a\x0b\x0a\x09test.Echo")));
    ck_assert(holds(bytes[0], STR("grpc.reflection.v1alpha.ServerReflection")));
    for (int i = 1; i <= 4; i++)
        ck_assert(holds(bytes[i], STR("HealthListResponse")));
    ck_assert(holds(bytes[5], STR("\x08\x05")) && holds(bytes[5], STR("grpc.health.v1.Nothing")));
    ck_assert(holds(bytes[7], STR("grpc.health.v1.HealthCheckRequest")));
}
END_TEST

/* An answer comes before the next question, too. */
START_TEST(test_one_by_one)
{
    struct grpc_peer_call *c =
        grpc_peer_start(peer, &(struct grpc_peer_request){.path = versions[0], .open = true});
    AUTO(buf_fini) struct buf wire = BUF_INIT;
    put_question(&wire, 7, "");
    size_t bytes = 0;
    for (int i = 0; i < 3; i++) {
        grpc_peer_send(c, buf_str(&wire));
        grpc_peer_wait_bytes(c, bytes + 1);
        bytes = c->wire.n;
    }
    grpc_peer_end(c);
    grpc_peer_wait(c);
    ck_assert_uint_eq(grpc_peer_status(c), GRPC_OK);
}
END_TEST

static const struct bad {
    const char *name;
    struct str wire;
    enum grpc_code code;
} bads[] = {
    {"empty question", STR_INIT("\0\0\0\0\0"), GRPC_INVALID_ARGUMENT},
    {"malformed", STR_INIT("\0\0\0\0\2\x3a\x7f"), GRPC_INVALID_ARGUMENT},
    {"half a message", STR_INIT("\0\0\0\0\5\x3a"), GRPC_INTERNAL},
    {"too large", STR_INIT("\0\0\1\0\0\x3a"), GRPC_RESOURCE_EXHAUSTED},
};

START_TEST(test_bad)
{
    struct grpc_peer_call *c = grpc_peer_start(
        peer, &(struct grpc_peer_request){.path = versions[0], .wire = bads[_i].wire});
    grpc_peer_wait(c);
    ck_assert_msg(grpc_peer_status(c) == (unsigned)bads[_i].code, "row \"%s\": got %u",
                  bads[_i].name, grpc_peer_status(c));
}
END_TEST

/* Questions by the thousand of one who does not read the answers wait unanswered. */
START_TEST(test_flood)
{
    static struct memory_limit memory; /* outlives the server, which the teardown stops */
    memory_limit_init(&memory, 0, clock_system(), NULL, NULL);
    grpc_fixture_start(&f, (struct grpc_server_opts){.memory = &memory}, 1, 1);
    peer = grpc_peer_open(f.port, &(struct h2_conn_opts){.stream_window_bytes = 65535});
    AUTO(buf_fini) struct buf wire = BUF_INIT;
    for (int i = 0; i < 200 * 1000; i++)
        put_question(&wire, 7, "");
    struct grpc_peer_call *c = grpc_peer_start(
        peer, &(struct grpc_peer_request){
                  .path = versions[0], .wire = buf_str(&wire), .open = true, .hold = true});
    grpc_peer_wait_bytes(c, 65535);
    /* Its queue, and what it asked; all answers would be 30 MB. */
    ck_assert_uint_lt(budget_used(&memory.requests), 4 << 20);
    grpc_fixture_wait_metric(&f, "mneme_grpc_connections 1");
    grpc_peer_reset(c);
    grpc_peer_wait(c);
    ck_assert_uint_eq(c->wire.n, 65535);
}
END_TEST

Suite *
grpc_reflection_suite(void)
{
    Suite *s = suite_create("grpc_reflection");
    TCase *t = tcase_create("grpc_reflection");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, test_questions, 0, ARRAY_LEN(versions));
    tcase_add_test(t, test_one_by_one);
    tcase_add_loop_test(t, test_bad, 0, ARRAY_LEN(bads));
    suite_add_tcase(s, t);
    TCase *m = tcase_create("flood");
    tcase_add_checked_fixture(m, NULL, teardown);
    tcase_add_test(m, test_flood);
    suite_add_tcase(s, m);
    return s;
}
