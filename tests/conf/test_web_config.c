/* A web file is read whole, and refused where the exporter toolkit refuses it. */
#include "tests/harness.h"

#include "base/mem.h"
#include "conf/web_config.h"

#define HASH "$2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi"
#define SHA  "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"

static struct err
parse(struct arena *a, const char *text, struct web_config *ret_config)
{
    return web_config_parse(a, str_of_cstr(text), STR("/etc/mneme"), ret_config);
}

START_TEST(test_whole)
{
    AUTO(arena_fini) struct arena a = {0};
    struct web_config c;
    CK_OK(parse(&a,
                "tls_server_config:\n"
                "  cert_file: server.crt\n"
                "  key_file: /abs/server.key\n"
                "  client_ca: |\n    PEM\n"
                "  client_auth_type: RequireAndVerifyClientCert\n"
                "  client_allowed_sans: [a.example, 10.0.0.1]\n"
                "  min_version: TLS13\n"
                "  cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]\n"
                "  curve_preferences: [X25519]\n"
                "  prefer_server_cipher_suites: false\n"
                "http_server_config:\n"
                "  http2: false\n"
                "  headers:\n"
                "    X-Frame-Options: deny\n"
                "    Content-Security-Policy: default-src 'self'\n"
                "    X-XSS-Protection:\n"
                "rate_limit: {interval: 1.5ms, burst: 20}\n"
                "basic_auth_users:\n  alice: " HASH "\n  'bob': x\n"
                "bearer_tokens:\n"
                "  - {name: ci, token_file: ci.token}\n"
                "  - {name: cd, sha256: " SHA "}\n",
                &c));
    ck_assert(web_config_has_tls(&c));
    ck_assert(str_eq(c.tls.cert_file, STR("/etc/mneme/server.crt")));
    ck_assert(str_eq(c.tls.key_file, STR("/abs/server.key")));
    ck_assert(str_eq(c.tls.client_ca, STR("PEM\n")) && c.tls.client_ca_file.n == 0);
    ck_assert(c.tls.client_allowed_sans.n == 2 && c.tls.cipher_suites.n == 1);
    ck_assert(str_eq(c.tls.min_version, STR("TLS13")) && str_eq(c.tls.max_version, STR("TLS13")));
    ck_assert(!c.tls.prefer_server_cipher_suites && c.tls.curve_preferences.n == 1);
    ck_assert_uint_eq(c.header_count, 2); /* a blank one is not set */
    ck_assert(str_eq(c.headers[1].value, STR("default-src 'self'")));
    ck_assert(c.rate_interval_ns == 1500000 && c.rate_burst == 20);
    ck_assert(c.user_count == 2 && str_eq(c.users[0].hash, STR(HASH)));
    ck_assert(c.token_count == 2 && str_eq(c.tokens[0].file, STR("/etc/mneme/ci.token")));
    ck_assert(c.tokens[1].sha256[0] == 0x2c && c.tokens[1].sha256[31] == 0x24);
}
END_TEST

static const char *const without_anything[] = {
    "",
    "# a comment\n",
    "~\n",
    "basic_auth_users:\nbearer_tokens:\ntls_server_config:\n",
    "tls_server_config: {min_version: TLS12, max_version: ~, client_allowed_sans: ~}\n",
    "basic_auth_users: {}\nbearer_tokens: []\nrate_limit: {interval: 0}\n"};

START_TEST(test_nothing)
{
    AUTO(arena_fini) struct arena a = {0};
    struct web_config c;
    CK_OK(parse(&a, without_anything[_i], &c));
    ck_assert(!web_config_has_tls(&c));
    ck_assert(str_eq(c.tls.min_version, STR("TLS12")) && c.tls.prefer_server_cipher_suites);
    ck_assert(str_eq(c.tls.max_version, STR("TLS13")) && !c.tls.client_allowed_sans.v);
    ck_assert_uint_eq(c.header_count + c.user_count + c.token_count, 0);
    ck_assert_int_eq(c.rate_interval_ns, 0);
}
END_TEST

/* An empty list of names lets nobody in, which is not the same as none given. */
START_TEST(test_empty_sans)
{
    AUTO(arena_fini) struct arena a = {0};
    struct web_config c;
    CK_OK(parse(&a, "tls_server_config: {cert: a, key: b, client_allowed_sans: []}\n", &c));
    ck_assert(c.tls.client_allowed_sans.v != NULL && c.tls.client_allowed_sans.n == 0);
}
END_TEST

static const struct fault {
    const char *text, *told;
} faults[] = {
    {"tls_server_config: {cert_file: a}\n", "key_file or key is missing"},
    {"tls_server_config: {key: a}\n", "cert_file or cert is missing"},
    {"tls_server_config: {client_auth_type: NoClientCert}\n", "cert_file or cert is missing"},
    {"tls_server_config: {cert: a, key: b, client_ca_file: c}\n", "without a client_auth_type"},
    {"tls_server_config: {cert: a, key: b, client_ca: c, client_auth_type: NoClientCert}\n",
     "without a client_auth_type"},
    {"tls_server_config: {cert_fil: a}\n", "did you mean \"cert_file\""},
    {"tls_server_config: [a]\n", "a map"},
    {"http_server_config:\n  headers: {Server: x}\n", "line 2, column 13: header \"Server\""},
    {"http_server_config: {headers: {x-frame-options: deny}}\n", "cannot be configured"},
    {"http_server_config: {headers: {X-Frame-Options: DENY}}\n", "no value of header"},
    {"http_server_config: {headers: {X-Content-Type-Options: }}\n", "no value of header"},
    {"http_server_config: {headers: [a]}\n", "a map is expected"},
    {"http_server_config: {headers: {X-XSS-Protection: [a]}}\n", "a text is expected"},
    {"rate_limit: {interval: 5}\nrate_limit: {}\n", "rate_limit"},
    {"rate_limit: {interval: soon}\n", "soon"},
    {"rate_limit: {interval: 1d}\n", "1d"}, /* a unit of Prometheus, not of Go */
    {"basic_auth_users: secret\n", "a map is expected"},
    {"basic_auth_users: {a: {secret: x}}\n", "a text is expected"},
    {"basic_auth_users: {a: secret, a: secret}\n", "line 1"},
    {"basic_auth: {a: secret}\n", "unknown key \"basic_auth\""},
    {"bearer_tokens: {a: secret}\n", "a list is expected"},
    {"bearer_tokens: [secret]\n", "a map"},
    {"bearer_tokens: [{name: a}]\n", "one of token_file and sha256"},
    {"bearer_tokens: [{name: a, token_file: x, sha256: " SHA "}]\n", "one of token_file"},
    {"bearer_tokens: [{token_file: x}]\n", "\"name\" is missing"},
    {"bearer_tokens: [{name: '', token_file: x}]\n", "a name is empty"},
    {"bearer_tokens: [{name: a, sha256: secret}]\n", "64 hexadecimal digits"},
    {"bearer_tokens: [{name: a, sha256: g" SHA "}]\n", "64 hexadecimal digits"},
    {"bearer_tokens: [{name: a, token: secret}]\n", "unknown key \"token\""},
};

START_TEST(test_fault)
{
    AUTO(arena_fini) struct arena a = {0};
    struct web_config c;
    struct err e = parse(&a, faults[_i].text, &c);
    ck_assert_int_eq(e.code, ERR_INVALID);
    ck_assert_msg(strstr(err_text(&e), faults[_i].told) != NULL, "%s: %s", faults[_i].text,
                  err_text(&e));
    ck_assert_msg(strstr(err_text(&e), "secret") == NULL, "%s", err_text(&e));
    err_drop(e);
}
END_TEST

Suite *
web_config_suite(void)
{
    Suite *s = suite_create("web_config");
    TCase *t = tcase_create("web_config");
    tcase_add_test(t, test_whole);
    tcase_add_loop_test(t, test_nothing, 0, ARRAY_LEN(without_anything));
    tcase_add_test(t, test_empty_sans);
    tcase_add_loop_test(t, test_fault, 0, ARRAY_LEN(faults));
    suite_add_tcase(s, t);
    return s;
}
