/* The connection behind the calls: made when it is needed, made again when it is lost, backed off
 * from when it cannot be had, left when the server says so. */
#include "tests/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/lock.h"
#include "net/listen.h"
#include "net/tls.h"
#include "net/tls_client.h"
#include "tests/net/grpc_caller.h"
#include "tests/net/grpc_fixture.h"

static const struct grpc_unary echo = {.method = "/test.Echo/Echo"};

static void
ask_good(struct grpc_caller *c)
{
    struct grpc_asked *a = grpc_caller_ask(c, echo, STR("hello"));
    ck_assert_msg(a->code == GRPC_OK, "%s: %s", grpc_code_name(a->code), buf_cstr(&a->text));
    grpc_asked_free(a);
}

static unsigned
free_port(void)
{
    int fd;
    unsigned port;
    CK_OK(listen_open(STR("127.0.0.1:0"), &fd, 1, &port));
    close(fd);
    return port;
}

/* A call that cannot wait ends at once while the channel backs off; one that can ends by its
 * deadline. */
START_TEST(test_backoff)
{
    struct grpc_caller c;
    grpc_caller_open(&c, free_port(), (struct grpc_channel_opts){0});
    struct grpc_asked *first = grpc_caller_ask(&c, echo, STR("x"));
    ck_assert_int_eq(first->code, GRPC_UNAVAILABLE);
    ck_assert_msg(strstr(buf_cstr(&first->text), "connection error: connect to 127.0.0.1:"), "%s",
                  buf_cstr(&first->text));
    struct grpc_asked *second = grpc_caller_ask(&c, echo, STR("x"));
    ck_assert(str_eq(buf_str(&second->text), buf_str(&first->text)));
    struct grpc_unary patient = echo;
    patient.wait_for_ready = true;
    patient.timeout_ms = 100;
    struct grpc_asked *third = grpc_caller_ask(&c, patient, STR("x"));
    ck_assert_int_eq(third->code, GRPC_DEADLINE_EXCEEDED);
    ck_assert_ptr_nonnull(strstr(buf_cstr(&third->text), "last error: connect to"));
    grpc_caller_close(&c);
    grpc_asked_free(first);
    grpc_asked_free(second);
    grpc_asked_free(third);
}
END_TEST

/* A peer that greets the second time only. */
START_TEST(test_who_waits_is_served_behind_the_backoff)
{
    AUTO(buf_fini) struct buf good = BUF_INIT;
    bad_good_answer(&good, 1);
    struct bad_script scripts[] = {{.greeting = STR(""), .end = BAD_CLOSE},
                                   {.answers = {buf_str(&good)}, .end = BAD_HOLD}};
    struct bad_peer *peer = bad_peer_start(scripts, ARRAY_LEN(scripts));
    struct grpc_caller c;
    grpc_caller_open(&c, bad_peer_port(peer), (struct grpc_channel_opts){.backoff_max_ms = 50});
    struct grpc_unary patient = echo;
    patient.wait_for_ready = true;
    struct grpc_asked *a = grpc_caller_ask(&c, patient, STR("x"));
    ck_assert_int_eq(a->code, GRPC_OK);
    ck_assert_uint_eq(bad_peer_accepted(peer), 2);
    grpc_caller_close(&c);
    grpc_asked_free(a);
    bad_peer_stop(peer);
}
END_TEST

START_TEST(test_server_restarts)
{
    struct grpc_fixture f;
    struct grpc_caller c;
    grpc_fixture_start(&f, (struct grpc_server_opts){0}, 2, 10);
    grpc_caller_open(&c, f.port, (struct grpc_channel_opts){.backoff_max_ms = 20});
    ask_good(&c);
    grpc_fixture_stop_server(&f, 2000);
    struct grpc_asked *a = grpc_caller_ask(&c, echo, STR("x"));
    ck_assert_int_eq(a->code, GRPC_UNAVAILABLE);
    grpc_asked_free(a);
    grpc_caller_close(&c);
    grpc_fixture_stop(&f, 0);
}
END_TEST

/* --- GOAWAY and refusals ---------------------------------------------------------------------- */

static void
refuse_by_goaway(struct buf *b)
{
    bad_goaway(b, 0, 0);
}

static void
refuse_by_reset(struct buf *b)
{
    bad_reset(b, 1, 0x7);
}

/* Above the last stream, or refused: it is sent again, unseen; once. */
START_TEST(test_sent_again)
{
    AUTO(buf_fini) struct buf away = BUF_INIT, good = BUF_INIT, again = BUF_INIT;
    (_i == 0 ? refuse_by_goaway : refuse_by_reset)(&away);
    bad_good_answer(&good, 1);
    bad_good_answer(&again, 3);
    struct bad_script scripts[] = {{.answers = {buf_str(&away), buf_str(&again)}, .end = BAD_HOLD},
                                   {.answers = {buf_str(&good)}, .end = BAD_HOLD}};
    struct bad_peer *peer = bad_peer_start(scripts, ARRAY_LEN(scripts));
    struct grpc_caller c;
    grpc_caller_open(&c, bad_peer_port(peer), (struct grpc_channel_opts){0});
    struct grpc_asked *a = grpc_caller_ask(&c, echo, STR("x"));
    ck_assert_msg(a->code == GRPC_OK, "%s: %s", grpc_code_name(a->code), buf_cstr(&a->text));
    ck_assert_uint_eq(bad_peer_accepted(peer), _i == 0 ? 2 : 1);
    ck_assert(grpc_caller_metric(&c, "grpc_client_started_total{grpc_type=\"unary\",grpc_service="
                                     "\"test.Echo\",grpc_method=\"Echo\"} ") == 1);
    grpc_caller_close(&c);
    grpc_asked_free(a);
    bad_peer_stop(peer);
}
END_TEST

START_TEST(test_refused_twice)
{
    AUTO(buf_fini) struct buf first = BUF_INIT, second = BUF_INIT;
    bad_reset(&first, 1, 0x7);
    bad_reset(&second, 3, 0x7);
    struct bad_script script = {.answers = {buf_str(&first), buf_str(&second)}, .end = BAD_HOLD};
    struct bad_peer *peer = bad_peer_start(&script, 1);
    struct grpc_caller c;
    grpc_caller_open(&c, bad_peer_port(peer), (struct grpc_channel_opts){0});
    struct grpc_asked *a = grpc_caller_ask(&c, echo, STR("x"));
    ck_assert_int_eq(a->code, GRPC_UNAVAILABLE);
    grpc_caller_close(&c);
    grpc_asked_free(a);
    bad_peer_stop(peer);
}
END_TEST

/* The stream that the server has seen is finished there; the next call goes to a new connection. */
START_TEST(test_goaway_lets_others_finish)
{
    AUTO(buf_fini) struct buf away = BUF_INIT, good = BUF_INIT;
    bad_goaway(&away, 1, 0);
    bad_good_answer(&away, 1);
    bad_good_answer(&good, 1);
    struct bad_script scripts[] = {{.answers = {buf_str(&away)}, .end = BAD_HOLD},
                                   {.answers = {buf_str(&good)}, .end = BAD_HOLD}};
    struct bad_peer *peer = bad_peer_start(scripts, ARRAY_LEN(scripts));
    struct grpc_caller c;
    grpc_caller_open(&c, bad_peer_port(peer), (struct grpc_channel_opts){0});
    ask_good(&c);
    ask_good(&c);
    ck_assert_uint_eq(bad_peer_accepted(peer), 2);
    grpc_caller_close(&c);
    bad_peer_stop(peer);
}
END_TEST

/* Connections of a server that ages them quickly: calls go on over all of them. */
START_TEST(test_aging_connections)
{
    struct grpc_fixture f;
    struct grpc_caller c;
    grpc_fixture_start(&f, (struct grpc_server_opts){.connection_age_ms = 1}, 4, 1000);
    grpc_caller_open(&c, f.port, (struct grpc_channel_opts){0});
    uint64_t until_ns = clock_mono_ns(clock_system()) + 2500000000ull;
    while (clock_mono_ns(clock_system()) < until_ns)
        ask_good(&c);
    grpc_caller_close(&c);
    grpc_fixture_stop(&f, 2000);
}
END_TEST

/* --- deadlines of connections ------------------------------------------------------------------
 */

START_TEST(test_keepalive)
{
    struct bad_script script = {.answers = {STR("")}, .end = BAD_HOLD}; /* answers no PING either */
    struct bad_peer *peer = bad_peer_start(&script, 1);
    struct grpc_caller c;
    grpc_caller_open(&c, bad_peer_port(peer),
                     (struct grpc_channel_opts){.keepalive_ms = 100, .keepalive_timeout_ms = 100});
    struct grpc_asked *a = grpc_caller_ask(&c, echo, STR("x"));
    ck_assert_msg(a->code == GRPC_UNAVAILABLE, "%s: %s", grpc_code_name(a->code),
                  buf_cstr(&a->text));
    grpc_caller_close(&c);
    grpc_asked_free(a);
    bad_peer_stop(peer);
}
END_TEST

START_TEST(test_idle_connection_is_left)
{
    AUTO(buf_fini) struct buf good = BUF_INIT;
    bad_good_answer(&good, 1);
    struct bad_script script = {.answers = {buf_str(&good)}, .end = BAD_HOLD};
    struct bad_peer *peer = bad_peer_start(&script, 1);
    struct grpc_caller c;
    grpc_caller_open(&c, bad_peer_port(peer), (struct grpc_channel_opts){.idle_ms = 50});
    ask_good(&c);
    clock_sleep_ns(clock_system(), 1200000000ull); /* two ticks */
    ask_good(&c);
    ck_assert_uint_eq(bad_peer_accepted(peer), 2);
    grpc_caller_close(&c);
    bad_peer_stop(peer);
}
END_TEST

/* --- TLS ---------------------------------------------------------------------------------------
 */

static const char *dir; /* of the running test */

static const char *
path_of(const char *file)
{
    static char paths[4][300];
    static unsigned next;
    char *to = paths[next++ % 4];
    snprintf(to, sizeof paths[0], "%s/%s", dir, file);
    return to;
}

START_TEST(test_tls)
{
    AUTO(buf_fini) struct buf line = BUF_INIT;
    dir = test_dir();
    buf_printf(&line,
               "command -v openssl >/dev/null && cd %s && openssl req -x509 -newkey ec -pkeyopt "
               "ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=one -addext "
               "subjectAltName=DNS:receive.example -keyout one.key -out one.crt 2>/dev/null",
               dir);
    if (system(buf_cstr(&line)) != 0) {
        printf("openssl is not installed: its tests are skipped\n");
        return;
    }
    struct tls_server *server = NULL;
    CK_OK(tls_server_open(&(struct tls_server_opts){.cert.file = path_of("one.crt"),
                                                    .key.file = path_of("one.key"),
                                                    .alpn = TLS_ALPN_H2},
                          &server));
    struct tls_client *named = NULL, *other = NULL;
    struct tls_client_opts opts = {.ca.file = path_of("one.crt"), .server_name = "receive.example"};
    CK_OK(tls_client_open(&opts, &named));
    opts.server_name = NULL;
    CK_OK(tls_client_open(&opts, &other));
    struct grpc_fixture f;
    struct grpc_caller c;
    grpc_fixture_start(&f, (struct grpc_server_opts){.tls = server}, 2, 10);
    grpc_caller_open(&c, f.port, (struct grpc_channel_opts){.tls = named});
    tls_client_close(named); /* the channel has a reference */
    ask_good(&c);
    grpc_caller_close(&c);
    grpc_caller_open(&c, f.port, (struct grpc_channel_opts){.tls = other});
    struct grpc_asked *a = grpc_caller_ask(&c, echo, STR("x"));
    ck_assert_int_eq(a->code, GRPC_UNAVAILABLE);
    ck_assert_msg(strstr(buf_cstr(&a->text), "TLS handshake: IP address mismatch"), "%s",
                  buf_cstr(&a->text));
    grpc_caller_close(&c);
    grpc_asked_free(a);
    tls_client_close(other);
    grpc_fixture_stop(&f, 2000);
    tls_server_close(server);
}
END_TEST

START_TEST(test_bad_address)
{
    struct grpc_channel *ch = NULL;
    struct grpc_channel_opts opts = {.address = STR("no port"), .clock = clock_system()};
    CK_ERR(ERR_INVALID, grpc_channel_open(&opts, &ch));
    grpc_channel_close(NULL);
}
END_TEST

Suite *
grpc_channel_suite(void)
{
    Suite *s = suite_create("grpc_channel");
    TCase *t = tcase_create("grpc_channel");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, test_backoff);
    tcase_add_test(t, test_who_waits_is_served_behind_the_backoff);
    tcase_add_test(t, test_server_restarts);
    tcase_add_loop_test(t, test_sent_again, 0, 2);
    tcase_add_test(t, test_refused_twice);
    tcase_add_test(t, test_goaway_lets_others_finish);
    tcase_add_test(t, test_aging_connections);
    tcase_add_test(t, test_keepalive);
    tcase_add_test(t, test_idle_connection_is_left);
    tcase_add_test(t, test_tls);
    tcase_add_test(t, test_bad_address);
    suite_add_tcase(s, t);
    return s;
}
