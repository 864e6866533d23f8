/* A listener whose clients bring tokens: who comes in and as whom, what is remembered and for how
 * long, and that neither strangers nor one address take all checks. */
#include "tests/harness.h"

#include <jansson.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fs.h"
#include "base/lock.h"
#include "net/http_guard.h"
#include "net/jwt_guard.h"
#include "tests/net/client.h"
#include "tests/net/fixture.h"

static json_t *data; /* tests/data/net/make_jwt.py */
static struct clock_manual now;
static struct metrics *metrics;
static struct jwt_guard *jwt;
static struct http_guard *guard;
static struct fixture f;
static char key_path[512], web_path[512];

static void
write_file(const char *path, const char *text)
{
    CK_OK(fs_write_file(fs_posix(), path, str_of_cstr(text)));
}

static const char *
keys_of(const char *set)
{
    return json_string_value(json_object_get(json_object_get(data, "sets"), set));
}

static const char *
token_of(const char *row_name)
{
    const json_t *rows = json_object_get(data, "rows");
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        if (strcmp(json_string_value(json_object_get(row, "name")), row_name) == 0)
            return json_string_value(json_object_get(row, "token"));
    }
    ck_abort_msg("no row \"%s\"", row_name);
}

static void
setup(void)
{
    AUTO(buf_fini) struct buf path = BUF_INIT;
    json_error_t fault;
    const char *dir = test_dir();
    buf_printf(&path, "%s/tests/data/net/jwt.json", getenv("srcdir") ? getenv("srcdir") : ".");
    data = json_load_file(buf_cstr(&path), 0, &fault);
    ck_assert_ptr_nonnull(data);
    snprintf(key_path, sizeof key_path, "%s/keys", dir);
    snprintf(web_path, sizeof web_path, "%s/web.yml", dir);
    clock_manual_init(&now, json_integer_value(json_object_get(data, "now_ms")));
    metrics = metrics_open();
    write_file(key_path, keys_of("every"));
    struct jwt_guard_opts opts = {.key_file = key_path,
                                  .want = {.claim = STR("tenant")},
                                  .metrics = metrics,
                                  .clock = &now.clock,
                                  .threads = 1};
    CK_OK(jwt_guard_open(&opts, &jwt));
}

static void
teardown(void)
{
    jwt_guard_close(jwt);
    metrics_close(metrics);
    json_decref(data);
}

static struct err
open_guard(const char *web_text)
{
    write_file(web_path, web_text);
    struct http_guard_opts opts = {.web_file = web_path,
                                   .jwt = jwt,
                                   .metrics = metrics,
                                   .clock = clock_system(),
                                   .password_threads = 1};
    return http_guard_open(&opts, &guard);
}

static void
start(void)
{
    CK_OK(open_guard(""));
    fixture_start(&f, (struct http_server_opts){.guard = guard}, 2, 2, 8);
}

static void
stop(void)
{
    fixture_stop(&f, 2000);
    http_guard_close(guard);
}

static struct reply
get(const char *target, const char *authorization)
{
    AUTO(buf_fini) struct buf text = BUF_INIT;
    buf_printf(&text, "GET %s HTTP/1.1\r\nHost: x\r\nTHANOS-TENANT: forged\r\n", target);
    if (authorization)
        buf_printf(&text, "Authorization: %s\r\n", authorization);
    buf_printf(&text, "\r\n");
    return client_ask(f.port, buf_str(&text));
}

/* Asks as the bearer of a row's token. */
static struct reply
ask(const char *row_name)
{
    AUTO(buf_fini) struct buf field = BUF_INIT;
    buf_printf(&field, "Bearer %s", token_of(row_name));
    return get("/identity", buf_cstr(&field));
}

static unsigned
checks(void)
{
    AUTO(buf_fini) struct buf text = BUF_INIT;
    unsigned count = 0;
    metrics_write(metrics, METRICS_TEXT, &text);
    const char *line = strstr(buf_cstr(&text), "\nmneme_http_token_checks_total ");
    ck_assert_ptr_nonnull(line);
    ck_assert_int_eq(sscanf(line, "\nmneme_http_token_checks_total %u", &count), 1);
    return count;
}

static void
expect_let_in(const char *row_name)
{
    AUTO(reply_fini) struct reply r = ask(row_name);
    ck_assert_msg(r.status == 200 && str_eq(buf_str(&r.body), STR("team-a")), "%s: %d %s", row_name,
                  r.status, buf_cstr(&r.body));
}

static void
expect_refused(const char *row_name, const char *why)
{
    char challenge[256], body[256];
    AUTO(reply_fini) struct reply r = ask(row_name);
    snprintf(challenge, sizeof challenge,
             "Bearer error=\"invalid_token\", error_description=\"%s\"", why);
    snprintf(body, sizeof body, "Unauthorized: %s\n", why);
    ck_assert_msg(r.status == 401, "%s: %d", row_name, r.status);
    ck_assert_msg(str_eq(reply_header(&r, "WWW-Authenticate"), str_of_cstr(challenge)), "%s: %s",
                  row_name, buf_cstr(&r.head));
    ck_assert_str_eq(buf_cstr(&r.body), body);
}

START_TEST(test_admission)
{
    static const char *const others[] = {NULL, "Basic YWxpY2U6c2VjcmV0", "Bearer ", "Token abc"};
    start();
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        AUTO(reply_fini) struct reply r = get("/identity", others[i]);
        ck_assert_int_eq(r.status, 401);
        ck_assert(str_eq(reply_header(&r, "WWW-Authenticate"), STR("Bearer")));
        ck_assert_str_eq(buf_cstr(&r.body), "Unauthorized: a bearer token is wanted\n");
    }
    AUTO(reply_fini) struct reply nowhere = get("/nowhere", NULL);
    ck_assert_int_eq(nowhere.status, 401);
    expect_let_in("ES256 by PEM");
    expect_let_in("EdDSA by PEM");
    expect_refused("none", "the token's algorithm is not taken");
    expect_refused("other claims", "the token's signature is wrong");
    expect_refused("claim: expired", "the token has expired");
    expect_refused("one part", "not a JSON Web Token of three parts");
    fixture_wait_metric(&f, "mneme_http_refused_total{reason=\"unauthorized\"} 9\n");
    fixture_wait_metric(&f, "code=\"200\",handler=\"identity\",method=\"get\","
                            "tenant=\"team-a\"} 2");
    fixture_wait_metric(&f, "tenant=\"default-tenant\"} 8"); /* strangers name no series */
    stop();
}
END_TEST

START_TEST(test_remembers)
{
    start();
    for (int i = 0; i < 20; i++)
        expect_let_in("claim: all times"); /* for 300 s */
    ck_assert_uint_eq(checks(), 1);
    clock_manual_advance_ms(&now, 360 * 1000);
    expect_let_in("claim: all times"); /* the last moment of the leeway */
    ck_assert_uint_eq(checks(), 1);
    clock_manual_advance_ms(&now, 1);
    expect_refused("claim: all times", "the token has expired");
    ck_assert_uint_eq(checks(), 2);
    stop();
}
END_TEST

/* No verdict against a token is remembered. */
START_TEST(test_becomes_valid)
{
    start();
    expect_refused("claim: begins later", "the token is not valid yet");
    clock_manual_advance_ms(&now, 1000);
    expect_let_in("claim: begins later");
    stop();
}
END_TEST

START_TEST(test_reload)
{
    start();
    expect_let_in("ES256 by PEM");
    write_file(key_path, "no keys");
    CK_ERR(ERR_INVALID, jwt_guard_reload(jwt));
    expect_let_in("ES256 by PEM");
    ck_assert_uint_eq(checks(), 1);
    write_file(key_path, keys_of("others"));
    CK_OK(jwt_guard_reload(jwt));
    expect_refused("ES256 by PEM", "the token's signature is wrong"); /* remembered no more */
    write_file(key_path, keys_of("jwks"));
    CK_OK(jwt_guard_reload(jwt));
    expect_let_in("ES256 by its id in the set");
    stop();
}
END_TEST

/* One field Authorization: passwords and plain tokens have no place beside these. */
START_TEST(test_beside_web_file)
{
    CK_ERR(ERR_INVALID,
           open_guard("basic_auth_users: {alice: "
                      "$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW}"));
    CK_ERR(ERR_INVALID, open_guard("bearer_tokens:\n- {name: one, sha256: "
                                   "75c5c10f256c75b650c6ffc2e83c6588af02766efd2de28f4de34547006e8d1"
                                   "a}\n"));
    CK_OK(open_guard("http_server_config: {headers: {X-Frame-Options: deny}}\n"));
    http_guard_close(guard);
}
END_TEST

/* --- without a server ------------------------------------------------------------------------- */

static struct lock lock;
static struct cond told;
static unsigned told_count;
static bool held; /* done() waits: the only thread is busy */

struct question {
    struct jwt_ask ask;
    char address[32];
};

static void
on_done(struct jwt_ask *one, enum password_verdict verdict)
{
    ck_assert_int_eq(verdict, PASSWORD_GOOD);
    mem_free(container_of(one, struct question, ask));
    LOCKED(&lock);
    told_count++;
    cond_broadcast(&told);
    while (held)
        cond_wait(&told, &lock);
}

static enum password_verdict
ask_from(const char *address, const char *row_name)
{
    struct question *q = mem_alloc_zero(sizeof *q);
    snprintf(q->address, sizeof q->address, "%s", address);
    q->ask.token = str_of_cstr(token_of(row_name));
    q->ask.address = str_of_cstr(q->address);
    q->ask.done = on_done;
    enum password_verdict verdict = jwt_guard_ask(jwt, &q->ask);
    if (verdict != PASSWORD_LATER)
        mem_free(q);
    return verdict;
}

static void
wait_told(unsigned count)
{
    uint64_t end_ns = clock_mono_ns(clock_system()) + 120000000000u; /* its threads are nice */
    LOCKED(&lock);
    while (told_count < count)
        ck_assert(cond_wait_until(&told, &lock, end_ns));
}

START_TEST(test_shares)
{
    lock_init(&lock, LOCK_RANK_LEAF);
    cond_init(&told);
    told_count = 0;
    held = true;
    ck_assert_int_eq(ask_from("10.0.0.1", "ES256 by PEM"), PASSWORD_LATER);
    wait_told(1);
    for (int i = 0; i < JWT_CHECKS_ADDRESS_MAX; i++)
        ck_assert_int_eq(ask_from("10.0.0.1", "EdDSA by PEM"), PASSWORD_LATER);
    ck_assert_int_eq(ask_from("10.0.0.1", "EdDSA by PEM"), PASSWORD_BUSY);
    ck_assert_int_eq(ask_from("10.0.0.1", "ES256 by PEM"), PASSWORD_GOOD); /* remembered */
    int others = 0;
    char address[32];
    do
        snprintf(address, sizeof address, "10.0.1.%d", others++);
    while (ask_from(address, "RS256 by PEM") == PASSWORD_LATER);
    ck_assert_int_eq(others - 1 + JWT_CHECKS_ADDRESS_MAX, JWT_CHECKS_MAX);
    {
        LOCKED(&lock);
        held = false;
        cond_broadcast(&told);
    }
    wait_told(1 + JWT_CHECKS_MAX);
    jwt_guard_close(TAKE(jwt)); /* its thread is behind the lock now */
    cond_fini(&told);
    lock_fini(&lock);
}
END_TEST

/* --- many tokens ------------------------------------------------------------------------------ */

static void
encode(struct str bytes, struct buf *to)
{
    unsigned char text[256];
    int n = EVP_EncodeBlock(text, (const unsigned char *)bytes.p, (int)bytes.n);
    for (int i = 0; i < n && text[i] != '='; i++)
        buf_put_u8(to, text[i] == '+' ? '-' : text[i] == '/' ? '_' : text[i]);
}

static void
sign(EVP_PKEY *key, unsigned number, struct buf *to)
{
    char claims[64];
    unsigned char signature[64];
    size_t n = sizeof signature;
    EVP_MD_CTX *c = EVP_MD_CTX_new();
    snprintf(claims, sizeof claims, "{\"tenant\":\"t%u\"}", number);
    buf_clear(to);
    encode(STR("{\"alg\":\"EdDSA\"}"), to);
    buf_put_u8(to, '.');
    encode(str_of_cstr(claims), to);
    ck_assert_int_eq(EVP_DigestSignInit(c, NULL, NULL, NULL, key), 1);
    ck_assert_int_eq(EVP_DigestSign(c, signature, &n, (const unsigned char *)to->p, to->n), 1);
    EVP_MD_CTX_free(c);
    buf_put_u8(to, '.');
    encode(str_of((const char *)signature, n), to);
}

static void
write_key(EVP_PKEY *key)
{
    char *pem;
    BIO *bio = BIO_new(BIO_s_mem());
    ck_assert_int_eq(PEM_write_bio_PUBKEY(bio, key), 1);
    long n = BIO_get_mem_data(bio, &pem);
    CK_OK(fs_write_file(fs_posix(), key_path, str_of(pem, (size_t)n)));
    BIO_free(bio);
}

/* Waits for its verdict; true when it was remembered. */
static bool
ask_whole(EVP_PKEY *key, unsigned number)
{
    AUTO(buf_fini) struct buf token = BUF_INIT;
    char identity[16];
    struct question *q = mem_alloc_zero(sizeof *q);
    unsigned before = told_count;
    sign(key, number, &token);
    snprintf(identity, sizeof identity, "t%u", number);
    q->ask.token = buf_str(&token);
    q->ask.address = STR("10.0.0.1");
    q->ask.done = on_done;
    if (jwt_guard_ask(jwt, &q->ask) == PASSWORD_LATER) {
        wait_told(before + 1);
        return false;
    }
    ck_assert_str_eq(q->ask.identity, identity);
    mem_free(q);
    return true;
}

/* Whoever makes up tenants cannot make us keep them all. */
START_TEST(test_keeps_so_many)
{
    EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    lock_init(&lock, LOCK_RANK_LEAF);
    cond_init(&told);
    told_count = 0;
    held = false;
    write_key(key);
    CK_OK(jwt_guard_reload(jwt));
    for (unsigned i = 1; i <= JWT_KEPT_MAX; i++) {
        ck_assert(!ask_whole(key, i));
        ck_assert(i % 1000 != 0 || ask_whole(key, i)); /* the last one is remembered */
    }
    ck_assert(ask_whole(key, 1)); /* as many fit; it counts as used now */
    for (unsigned i = 1; i <= JWT_KEPT_MAX / 2; i++)
        ck_assert(!ask_whole(key, JWT_KEPT_MAX + i));
    ck_assert(ask_whole(key, 1));
    ck_assert(!ask_whole(key, 2));
    jwt_guard_close(TAKE(jwt));
    EVP_PKEY_free(key);
    cond_fini(&told);
    lock_fini(&lock);
}
END_TEST

Suite *
jwt_guard_suite(void)
{
    Suite *s = suite_create("jwt_guard");
    TCase *t = tcase_create("jwt_guard");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, test_admission);
    tcase_add_test(t, test_remembers);
    tcase_add_test(t, test_becomes_valid);
    tcase_add_test(t, test_reload);
    tcase_add_test(t, test_beside_web_file);
    tcase_add_test(t, test_shares);
    tcase_add_test(t, test_keeps_so_many);
    suite_add_tcase(s, t);
    return s;
}
