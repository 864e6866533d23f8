/* The health service: one state of all services, and who is told of its changes. */
#include "base/pb.h"
#include "tests/harness.h"
#include "tests/net/grpc_fixture.h"

#define HEALTH "/grpc.health.v1.Health/"

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

/* The status that Check tells; 0 and the code in *ret_code when it fails. */
static int
check(const char *service, unsigned *ret_code)
{
    AUTO(buf_fini) struct buf request = BUF_INIT;
    pb_put_bytes(&request, 1, str_of_cstr(service));
    struct grpc_peer_call *c = grpc_peer_ask(peer, HEALTH "Check", buf_str(&request));
    *ret_code = grpc_peer_status(c);
    if (*ret_code != GRPC_OK)
        return 0;
    AUTO(buf_fini) struct buf reply = grpc_peer_message(c);
    ck_assert_uint_eq(reply.n, 2);
    return reply.p[1];
}

static const char *const services[] = {"", "test.Echo", "grpc.health.v1.Health"};

START_TEST(test_check)
{
    unsigned code;
    ck_assert_int_eq(check(services[_i], &code), 2);
    grpc_server_set_serving(f.server, true);
    ck_assert_int_eq(check(services[_i], &code), 1);
    grpc_server_set_serving(f.server, false);
    ck_assert_int_eq(check(services[_i], &code), 2);
}
END_TEST

START_TEST(test_unknown)
{
    unsigned code;
    check("test.Other", &code);
    ck_assert_uint_eq(code, GRPC_NOT_FOUND);
    struct grpc_peer_call *c = grpc_peer_ask(peer, HEALTH "Check", STR("\x0a\x7f"));
    ck_assert_uint_eq(grpc_peer_status(c), GRPC_INVALID_ARGUMENT);
}
END_TEST

START_TEST(test_list)
{
    grpc_server_set_serving(f.server, true);
    struct grpc_peer_call *c = grpc_peer_ask(peer, HEALTH "List", STR(""));
    ck_assert_uint_eq(grpc_peer_status(c), GRPC_OK);
    AUTO(buf_fini) struct buf reply = grpc_peer_message(c);
    struct reader r = reader_of(buf_str(&reply));
    struct pb_field entry;
    bool seen_all = false, seen_echo = false;
    unsigned count = 0;
    while (pb_next(&r, &entry)) {
        ck_assert_uint_eq(entry.number, 1);
        count++;
        seen_all |= str_eq(entry.bytes, STR("\x0a\x00\x12\x02\x08\x01"));
        seen_echo |= str_eq(entry.bytes, STR("\x0a\x09test.Echo\x12\x02\x08\x01"));
    }
    ck_assert_uint_eq(count, 5); /* with health and both versions of reflection */
    ck_assert(seen_all && seen_echo);
}
END_TEST

static struct grpc_peer_call *
start_watch(const char *service)
{
    AUTO(buf_fini) struct buf request = BUF_INIT;
    AUTO(buf_fini) struct buf wire = BUF_INIT;
    pb_put_bytes(&request, 1, str_of_cstr(service));
    grpc_wire_put(&wire, buf_str(&request));
    return grpc_peer_start(
        peer, &(struct grpc_peer_request){.path = HEALTH "Watch", .wire = buf_str(&wire)});
}

enum { STATUS_BYTES = 7 }; /* prefix and {1: status} */

static void
check_statuses(struct grpc_peer_call *c, struct str want)
{
    grpc_peer_wait_bytes(c, want.n * STATUS_BYTES);
    ck_assert_uint_eq(c->wire.n, want.n * STATUS_BYTES);
    for (size_t i = 0; i < want.n; i++)
        ck_assert_int_eq(c->wire.p[i * STATUS_BYTES + 6], want.p[i]);
}

START_TEST(test_watch)
{
    struct grpc_peer_call *all = start_watch(""), *echo = start_watch("test.Echo");
    struct grpc_peer_call *unknown = start_watch("test.Other");
    check_statuses(all, STR("\2"));
    check_statuses(echo, STR("\2"));
    check_statuses(unknown, STR("\3"));
    grpc_server_set_serving(f.server, true);
    grpc_server_set_serving(f.server, true); /* no change */
    grpc_server_set_serving(f.server, false);
    check_statuses(all, STR("\2\1\2"));
    check_statuses(echo, STR("\2\1\2"));
    grpc_peer_reset(all);
    grpc_peer_wait(all);
    grpc_server_set_serving(f.server, true);
    check_statuses(echo, STR("\2\1\2\1"));
    check_statuses(unknown, STR("\3"));
}
END_TEST

/* Watches do not hold the stop up. */
START_TEST(test_watch_ends_with_the_server)
{
    struct grpc_peer_call *c = start_watch("");
    check_statuses(c, STR("\2"));
    grpc_fixture_stop_server(&f, 60 * 1000);
    grpc_peer_wait(c);
    ck_assert_uint_eq(grpc_peer_status(c), GRPC_UNAVAILABLE);
}
END_TEST

Suite *
grpc_health_suite(void)
{
    Suite *s = suite_create("grpc_health");
    TCase *t = tcase_create("grpc_health");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, test_check, 0, ARRAY_LEN(services));
    tcase_add_test(t, test_unknown);
    tcase_add_test(t, test_list);
    tcase_add_test(t, test_watch);
    tcase_add_test(t, test_watch_ends_with_the_server);
    suite_add_tcase(s, t);
    return s;
}
