/* A listener behind a web file: who comes in, what the others are told, and what a changed file
 * changes. */
#include "tests/harness.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "base/fs.h"
#include "net/http_guard.h"
#include "tests/net/client.h"
#include "tests/net/fixture.h"

#define OF_SECRET        "$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW"
#define OF_SESAME        "$2b$04$abcdefghijklmnopqrstuu/LVz6MZlItEy42I2juLihZ66HnQx/cy"
#define OF_SLOW          "$2b$10$abcdefghijklmnopqrstuuTL3rBAB2FTLNnpGNZhAYflp5RzALnWK"
#define SHA_OF_TOKEN_ONE "75c5c10f256c75b650c6ffc2e83c6588af02766efd2de28f4de34547006e8d1a"
#define AS_ALICE         "Authorization: Basic YWxpY2U6c2VjcmV0\r\n"     /* alice:secret */
#define AS_LIAR          "Authorization: Basic YWxpY2U6Z3Vlc3M=\r\n"     /* alice:guess */
#define AS_NOBODY        "Authorization: Basic bm9ib2R5OnNlY3JldA==\r\n" /* nobody:secret */
#define AS_TOKEN         "Authorization: Bearer token-one\r\n"
#define AS_FILE_TOKEN    "Authorization: Bearer token-two\r\n"
#define USERS            "basic_auth_users: {alice: " OF_SECRET "}\n"
#define TOKENS                                                                                     \
    "bearer_tokens:\n- {name: one, sha256: " SHA_OF_TOKEN_ONE "}\n"                                \
    "- {name: two, token_file: two.token}\n"

static struct fixture f;
static struct metrics *metrics;
static struct http_guard *guard;
static char path[512], token_path[512];

static void
write_file(const char *to, const char *text)
{
    CK_OK(fs_write_file(fs_posix(), to, str_of_cstr(text)));
}

static void
setup(void)
{
    const char *dir = test_dir();
    snprintf(path, sizeof path, "%s/web.yml", dir);
    snprintf(token_path, sizeof token_path, "%s/two.token", dir);
    write_file(token_path, " token-two\n");
    metrics = metrics_open();
    guard = NULL;
}

static struct err
open_guard(const char *text)
{
    struct http_guard_opts opts = {
        .web_file = path, .metrics = metrics, .clock = clock_system(), .password_threads = 1};
    write_file(path, text);
    return http_guard_open(&opts, &guard);
}

static void
start(const char *text)
{
    CK_OK(open_guard(text));
    fixture_start(&f, (struct http_server_opts){.guard = guard}, 2, 2, 8);
}

static void
stop(void)
{
    fixture_stop(&f, 2000);
    http_guard_close(guard);
    guard = NULL;
    metrics_close(metrics);
    metrics = metrics_open();
}

static void
teardown(void)
{
    http_guard_close(guard);
    metrics_close(metrics);
}

static struct reply
get(const char *target, const char *fields)
{
    char text[512];
    snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: x\r\n%s\r\n", target, fields);
    return client_ask(f.port, str_of_cstr(text));
}

static int
status_of(const char *target, const char *fields)
{
    AUTO(reply_fini) struct reply r = get(target, fields);
    return r.status;
}

static const struct admission {
    const char *config, *fields;
    int status;
    const char *challenge; /* of the first WWW-Authenticate */
} admissions[] = {
    {"", "", 200, NULL},
    {"", AS_LIAR, 200, NULL}, /* nobody asks */
    {USERS, AS_ALICE, 200, NULL},
    {USERS, "", 401, "Basic"},
    {USERS, AS_LIAR, 401, "Basic"},
    {USERS, AS_NOBODY, 401, "Basic"},
    {USERS, AS_TOKEN, 401, "Basic"},
    {USERS, "Authorization: Basic !\r\n", 401, "Basic"},
    {TOKENS, AS_TOKEN, 200, NULL},
    {TOKENS, AS_FILE_TOKEN, 200, NULL},
    {TOKENS, AS_ALICE, 401, "Bearer"},
    {TOKENS, "Authorization: Bearer token-on\r\n", 401, "Bearer"},
    {USERS TOKENS, AS_ALICE, 200, NULL},
    {USERS TOKENS, AS_TOKEN, 200, NULL},
    {USERS TOKENS, AS_LIAR, 401, "Basic"},
};

START_TEST(test_admission)
{
    const struct admission *c = &admissions[_i];
    start(c->config);
    for (int again = 0; again < 2; again++) { /* checked, then remembered */
        AUTO(reply_fini) struct reply r = get("/hello", c->fields);
        ck_assert_msg(r.status == c->status, "%s%s: %d", c->config, c->fields, r.status);
        ck_assert(str_eq(reply_header(&r, "WWW-Authenticate"),
                         str_of_cstr(c->challenge ? c->challenge : "")));
        ck_assert(c->status == 200 || str_eq(buf_str(&r.body), STR("Unauthorized\n")));
    }
    stop();
}
END_TEST

/* A stranger learns nothing of the paths, and no series is made of his words. */
START_TEST(test_before_all_else)
{
    start(USERS);
    ck_assert_int_eq(status_of("/nowhere", ""), 401);
    ck_assert_int_eq(status_of("/nowhere", AS_ALICE), 404);
    ck_assert_int_eq(status_of("/echo", ""), 401);
    ck_assert_int_eq(status_of("/echo", AS_ALICE), 405);
    ck_assert_int_eq(status_of("/hello", "THANOS-TENANT: forged\r\n"), 401);
    ck_assert_int_eq(status_of("/hello", "THANOS-TENANT: mine\r\n" AS_ALICE), 200);
    fixture_wait_metric(&f, "mneme_http_refused_total{reason=\"unauthorized\"} 3\n");
    fixture_wait_metric(&f, "http_requests_total{code=\"401\",handler=\"hello\",method=\"get\","
                            "tenant=\"default-tenant\"} 1\n");
    fixture_wait_metric(&f, "code=\"200\",handler=\"hello\",method=\"get\",tenant=\"mine\"} 1\n");
    stop();
}
END_TEST

/* The body is not read, so the connection ends; without one it goes on. */
START_TEST(test_unread_body)
{
    start(USERS);
    struct client *c = client_open(f.port);
    client_send(c, STR("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n"));
    AUTO(reply_fini) struct reply first = client_read(c, CLIENT_BODY);
    ck_assert_int_eq(first.status, 401);
    client_send(c, STR("GET /hello HTTP/1.1\r\nHost: x\r\n" AS_ALICE "\r\n"));
    AUTO(reply_fini) struct reply second = client_read(c, CLIENT_BODY);
    ck_assert_int_eq(second.status, 200);
    client_send(c, STR("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n" AS_LIAR
                       "Expect: 100-continue\r\n\r\n"));
    AUTO(reply_fini) struct reply third = client_read(c, CLIENT_BODY);
    ck_assert_int_eq(third.status, 401); /* and not 100 before */
    ck_assert(client_is_closed(c));
    client_close(c);
    stop();
}
END_TEST

/* While a password is checked its body waits, pipelined requests too; then all are served. */
START_TEST(test_waits)
{
    start("basic_auth_users: {alice: " OF_SLOW "}\n");
    struct client *c = client_open(f.port);
    client_send(c, STR("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n"
                       "Authorization: Basic YWxpY2U6c2xvdw==\r\n\r\nhello"
                       "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n"));
    AUTO(reply_fini) struct reply first = client_read(c, CLIENT_BODY);
    ck_assert_int_eq(first.status, 200);
    ck_assert(str_eq(buf_str(&first.body), STR("hello")));
    AUTO(reply_fini) struct reply second = client_read(c, CLIENT_BODY);
    ck_assert_int_eq(second.status, 401);
    client_close(c);
    stop();
}
END_TEST

/* A flood of guesses: most are turned away unread, whoever is known comes in, and clients that
 * leave while their guess waits leave nothing behind (the stop would hang, ASan would see). */
START_TEST(test_flood)
{
    start("basic_auth_users: {alice: " OF_SLOW ", bob: " OF_SECRET "}\n");
    const char *as_bob = "Authorization: Basic Ym9iOnNlY3JldA==\r\n";
    ck_assert_int_eq(status_of("/hello", as_bob), 200);
    struct client *clients[100];
    for (size_t i = 0; i < ARRAY_LEN(clients); i++) {
        char text[256];
        snprintf(text, sizeof text,
                 "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n"
                 "Authorization: Basic YWxpY2U6%02zu==\r\n\r\n",
                 i); /* "alice:" and a byte */
        clients[i] = client_open(f.port);
        client_send(clients[i], str_of_cstr(text));
    }
    ck_assert_int_eq(status_of("/hello", as_bob), 200);
    fixture_wait_counted(&f, "mneme_http_refused_total{reason=\"password_checks\"}");
    for (size_t i = 0; i < ARRAY_LEN(clients); i++)
        client_close(clients[i]);
    ck_assert_int_eq(status_of("/hello", as_bob), 200);
    stop();
}
END_TEST

START_TEST(test_rate)
{
    start("rate_limit: {interval: 1h, burst: 3}\n" USERS);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(status_of("/hello", i == 0 ? "" : AS_ALICE), i == 0 ? 401 : 200);
    AUTO(reply_fini) struct reply r = get("/hello", AS_ALICE);
    ck_assert_int_eq(r.status, 429);
    ck_assert(reply_header(&r, "Retry-After").n > 0);
    fixture_wait_metric(&f, "mneme_http_refused_total{reason=\"rate_limit\"} 1\n");
    stop();
    start("rate_limit: {interval: 1s}\n"); /* a burst of nothing lets nothing through */
    ck_assert_int_eq(status_of("/hello", ""), 429);
    stop();
    start("rate_limit: {interval: 10ms, burst: 1}\n");
    ck_assert_int_eq(status_of("/hello", ""), 200);
    clock_sleep_ns(clock_system(), 20000000);
    ck_assert_int_eq(status_of("/hello", ""), 200);
    stop();
}
END_TEST

START_TEST(test_headers)
{
    start("http_server_config:\n  headers: {X-Frame-Options: sameorigin, "
          "X-Content-Type-Options: nosniff}\n" USERS);
    AUTO(reply_fini) struct reply r = get("/hello", AS_ALICE);
    ck_assert(str_eq(reply_header(&r, "X-Frame-Options"), STR("sameorigin")));
    ck_assert(str_eq(reply_header(&r, "X-Content-Type-Options"), STR("nosniff")));
    AUTO(reply_fini) struct reply refused = get("/hello", "");
    ck_assert(str_eq(reply_header(&refused, "X-Frame-Options"), STR("sameorigin")));
    const char *once = strstr(buf_cstr(&refused.head), "X-Content-Type-Options");
    ck_assert(once && !strstr(once + 1, "X-Content-Type-Options"));
    stop();
}
END_TEST

START_TEST(test_reload)
{
    start(USERS TOKENS);
    ck_assert_int_eq(status_of("/hello", AS_ALICE), 200);
    write_file(path, "basic_auth_users: {alice: " OF_SESAME "}\n" TOKENS);
    write_file(token_path, "token-three");
    CK_OK(http_guard_reload(guard));
    ck_assert_int_eq(status_of("/hello", AS_ALICE), 401);
    ck_assert_int_eq(status_of("/hello", "Authorization: Basic YWxpY2U6b3BlbiBzZXNhbWU=\r\n"), 200);
    ck_assert_int_eq(status_of("/hello", AS_FILE_TOKEN), 401);
    ck_assert_int_eq(status_of("/hello", "Authorization: Bearer token-three\r\n"), 200);

    write_file(path, "basic_auth_users: {alice: nohash}\n"); /* the old one stays */
    CK_ERR(ERR_INVALID, http_guard_reload(guard));
    ck_assert_int_eq(status_of("/hello", AS_TOKEN), 200);
    CK_OK(fs_remove_file(fs_posix(), path));
    CK_ERR(ERR_NOT_FOUND, http_guard_reload(guard));
    write_file(path, "tls_server_config: {cert: a, key: b}\n");
    CK_ERR(ERR_INVALID, http_guard_reload(guard));
    ck_assert_int_eq(status_of("/hello", ""), 401);
    write_file(path, "");
    CK_OK(http_guard_reload(guard));
    ck_assert_int_eq(status_of("/hello", ""), 200);
    stop();
}
END_TEST

static void *
ask_until_told(void *arg)
{
    _Atomic(bool) *enough = arg;
    uintptr_t wrong = 0;
    while (!atomic_load(enough))
        wrong += status_of("/hello", AS_ALICE) != 200;
    return (void *)wrong;
}

/* Whoever is known by the old file and by the new one is never turned away in between. */
START_TEST(test_reload_under_load)
{
    _Atomic(bool) enough = false;
    pthread_t threads[3];
    start(USERS TOKENS);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, ask_until_told, &enough), 0);
    for (int i = 0; i < 100; i++) {
        write_file(path, i % 2 ? USERS TOKENS : USERS "rate_limit: {interval: 1us, burst: 1000}\n");
        CK_OK(http_guard_reload(guard));
        clock_sleep_ns(clock_system(), 2000000);
    }
    atomic_store(&enough, true);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
        void *wrong;
        ck_assert_int_eq(pthread_join(threads[i], &wrong), 0);
        ck_assert_ptr_null(wrong);
    }
    stop();
}
END_TEST

static void
add_line(void *arg, const char *file)
{
    buf_printf(arg, "%s\n", strrchr(file, '/') + 1);
}

START_TEST(test_files)
{
    AUTO(buf_fini) struct buf files = BUF_INIT;
    CK_OK(open_guard(USERS TOKENS));
    http_guard_each_file(guard, add_line, &files);
    ck_assert_str_eq(buf_cstr(&files), "web.yml\ntwo.token\n");
    ck_assert(!http_guard_asks_clients(guard));
}
END_TEST

static const struct bad_start {
    const char *text, *told;
    enum err_code code;
} bad_starts[] = {
    {"basic_auth_users: {alice: hunter2}\n", "basic_auth_users: alice: not a bcrypt hash",
     ERR_INVALID},
    {"bearer_tokens: [{name: x, token_file: nowhere}]\n", "bearer_tokens: x", ERR_NOT_FOUND},
    {"tls_server_config: {cert_file: nowhere, key: hunter2}\n", "nowhere", ERR_NOT_FOUND},
    {"tls_server_config: {cert: hunter2, key: hunter2}\n", "certificate", ERR_INVALID},
    {"tls_server_config: {cert: a, key: b, min_version: hunter}\n", "hunter", ERR_INVALID},
    {"nonsense: hunter2\n", "nonsense", ERR_INVALID},
};

START_TEST(test_bad_start)
{
    const struct bad_start *b = &bad_starts[_i];
    struct err e = open_guard(b->text);
    ROW_ASSERT(b->text, e.code == b->code);
    ck_assert_msg(strstr(err_text(&e), b->told) && strstr(err_text(&e), path), "%s", err_text(&e));
    ck_assert_msg(!strstr(err_text(&e), "hunter2"), "%s", err_text(&e));
    err_drop(e);
    ck_assert_ptr_null(guard);
}
END_TEST

Suite *
http_guard_suite(void)
{
    Suite *s = suite_create("http_guard");
    TCase *t = tcase_create("http_guard");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, test_admission, 0, ARRAY_LEN(admissions));
    tcase_add_test(t, test_before_all_else);
    tcase_add_test(t, test_unread_body);
    tcase_add_test(t, test_waits);
    tcase_add_test(t, test_flood);
    tcase_add_test(t, test_rate);
    tcase_add_test(t, test_headers);
    tcase_add_test(t, test_reload);
    tcase_add_test(t, test_reload_under_load);
    tcase_add_test(t, test_files);
    tcase_add_loop_test(t, test_bad_start, 0, ARRAY_LEN(bad_starts));
    suite_add_tcase(s, t);
    return s;
}
