/* Requests of ours, against a server of ours: what is sent, what comes back, and what ends them. */
#include "tests/harness.h"

#include <pthread.h>
#include <stdio.h>

#include "base/fs.h"
#include "net/http_client.h"
#include "net/http_guard.h"
#include "tests/net/fixture.h"

#define OF_SECRET        "$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW"
#define SHA_OF_TOKEN_ONE "75c5c10f256c75b650c6ffc2e83c6588af02766efd2de28f4de34547006e8d1a"

static struct fixture f;
static struct metrics *metrics;
static struct http_guard *guard;
static struct http_client *client;
static char secret_path[512];
static struct buf answer;

static void
start(const char *web_text, struct http_client_opts opts)
{
    char path[512];
    snprintf(path, sizeof path, "%s/web.yml", test_dir());
    CK_OK(fs_write_file(fs_posix(), path, str_of_cstr(web_text)));
    metrics = metrics_open();
    struct http_guard_opts guard_opts = {
        .web_file = path, .metrics = metrics, .clock = clock_system(), .password_threads = 1};
    CK_OK(http_guard_open(&guard_opts, &guard));
    fixture_start(&f, (struct http_server_opts){.guard = guard}, 1, 2, 8);
    CK_OK(http_client_open(&opts, &client));
    answer = (struct buf)BUF_INIT;
}

static void
stop(void)
{
    http_client_close(client);
    fixture_stop(&f, 2000);
    http_guard_close(guard);
    metrics_close(metrics);
    buf_fini(&answer);
}

static struct err
ask(const char *target, struct str post, int *ret_status)
{
    AUTO(buf_fini) struct buf url = BUF_INIT;
    buf_printf(&url, "http://127.0.0.1:%u%s", f.port, target);
    buf_clear(&answer);
    struct http_client_request q = {
        .url = buf_str(&url), .post = post, .timeout_ms = 20000, .answer_bytes_max = 1000};
    return http_client_send(client, &q, ret_status, &answer);
}

static int
status_of(const char *target)
{
    int status = 0;
    CK_OK(ask(target, (struct str){NULL, 0}, &status));
    return status;
}

START_TEST(test_requests)
{
    const struct http_client_header headers[] = {{STR("THANOS-TENANT"), STR("team-a")},
                                                 {STR("X-Empty"), STR("")}};
    int status = 0;
    start("", (struct http_client_opts){.headers = headers, .header_count = 2});
    ck_assert_int_eq(status_of("/hello"), 200);
    ck_assert_str_eq(buf_cstr(&answer), "hello");
    CK_OK(ask("/echo", STR("a body"), &status)); /* and back to GET */
    ck_assert_str_eq(buf_cstr(&answer), "a body");
    CK_OK(ask("/echo", STR(""), &status));
    ck_assert(status == 200 && answer.n == 0);
    ck_assert_int_eq(status_of("/nowhere"), 404);
    ck_assert_int_eq(status_of("/hello"), 200);
    fixture_wait_metric(&f, "handler=\"hello\",method=\"get\",tenant=\"team-a\"} 2");
    stop();
}
END_TEST

START_TEST(test_failures)
{
    int status = 0;
    start("", (struct http_client_opts){.headers = NULL});
    CK_ERR(ERR_TOO_LARGE, ask("/big", (struct str){NULL, 0}, &status));
    ck_assert_uint_le(answer.n, 1000);
    struct http_client_request q = {.timeout_ms = 1000, .answer_bytes_max = 1000};
    q.url = STR("http://127.0.0.1:1/");
    CK_ERR(ERR_UNAVAILABLE, http_client_send(client, &q, &status, NULL));
    q.url = STR("file:///etc/passwd");
    CK_ERR(ERR_UNAVAILABLE, http_client_send(client, &q, &status, NULL));
    q.url = STR("not a url");
    CK_ERR(ERR_INVALID, http_client_send(client, &q, &status, NULL));
    stop();
}
END_TEST

#define GUARDED                                                                                    \
    "basic_auth_users: {alice: " OF_SECRET "}\n"                                                   \
    "bearer_tokens:\n- {name: one, sha256: " SHA_OF_TOKEN_ONE "}\n"

START_TEST(test_authorization)
{
    snprintf(secret_path, sizeof secret_path, "%s/secret", test_dir());
    const struct http_client_opts all[] = {
        {.basic = {.user = STR("alice"), .password = STR("secret")}},
        {.basic = {.user = STR("alice"), .password_file = str_of_cstr(secret_path)}},
        {.bearer = {.token = STR("token-one")}},
        {.bearer = {.token_file = str_of_cstr(secret_path)}},
    };
    bool by_file = _i % 2 == 1;
    CK_OK(fs_write_file(fs_posix(), secret_path, STR("wrong\n")));
    start(GUARDED, all[_i]);
    if (by_file)
        ck_assert_int_eq(status_of("/hello"), 401);
    CK_OK(fs_write_file(fs_posix(), secret_path, _i == 1 ? STR(" secret\n") : STR("token-one\n")));
    ck_assert_int_eq(status_of("/hello"), 200);
    stop();
}
END_TEST

static void *
cancel_soon(void *arg)
{
    (void)arg;
    fixture_wait_at_gate(&f, 1);
    http_client_cancel(client);
    return NULL;
}

START_TEST(test_cancel)
{
    int status = 0;
    pthread_t thread;
    start("", (struct http_client_opts){.headers = NULL});
    uint64_t began_ns = clock_mono_ns(clock_system());
    ck_assert_int_eq(pthread_create(&thread, NULL, cancel_soon, NULL), 0);
    CK_ERR(ERR_UNAVAILABLE, ask("/gate", (struct str){NULL, 0}, &status));
    ck_assert_uint_lt(clock_mono_ns(clock_system()) - began_ns, 10000000000u);
    pthread_join(thread, NULL);
    fixture_open_gate(&f);
    stop();
}
END_TEST

Suite *
http_client_suite(void)
{
    Suite *s = suite_create("http_client");
    TCase *t = tcase_create("http_client");
    tcase_add_test(t, test_requests);
    tcase_add_test(t, test_failures);
    tcase_add_loop_test(t, test_authorization, 0, 4);
    tcase_add_test(t, test_cancel);
    suite_add_tcase(s, t);
    return s;
}
