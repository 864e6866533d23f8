/* The real curl against the server, in plain text and over TLS, with certificates made here.
 * Where curl or openssl is not installed the tests say so and pass. */
#include <stdio.h>

#include "base/fs.h"
#include "net/tls.h"
#include "tests/harness.h"
#include "tests/net/fixture.h"

static struct fixture f;
static char dir[256];

/* Runs a shell line in the test's directory; its output goes to *out. */
static PRINTF_LIKE(2, 3) int run(struct buf *out, const char *fmt, ...)
{
    AUTO(buf_fini) struct buf line = BUF_INIT;
    va_list ap;
    va_start(ap, fmt);
    buf_printf(&line, "cd %s && ", dir);
    buf_vprintf(&line, fmt, ap);
    va_end(ap);
    FILE *p = popen(buf_cstr(&line), "r");
    ck_assert_ptr_nonnull(p);
    buf_clear(out);
    char bytes[4096];
    for (size_t n; (n = fread(bytes, 1, sizeof bytes, p)) > 0;)
        buf_append(out, str_of(bytes, n));
    return pclose(p);
}

static bool
have(const char *tool)
{
    AUTO(buf_fini) struct buf out = BUF_INIT;
    if (run(&out, "command -v %s", tool) == 0)
        return true;
    printf("%s is not installed: its tests are skipped\n", tool);
    return false;
}

static uint64_t
number(const struct buf *out)
{
    uint64_t value = 0;
    CK_OK(str_parse_u64(str_trim(buf_str(out)), &value));
    return value;
}

static void
setup(void)
{
    snprintf(dir, sizeof dir, "%s", test_dir());
}

/* Its own CA. `subject` is as openssl takes it: "/O=one/CN=two". */
static void
make_certificate_of(const char *name, const char *subject)
{
    AUTO(buf_fini) struct buf out = BUF_INIT;
    int failed = run(&out,
                     "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes "
                     "-days 2 -utf8 -subj '%s' -addext subjectAltName="
                     "DNS:localhost,IP:127.0.0.1,IP:::1,email:me@example.org,URI:spiffe://a/b "
                     "-keyout %s.key -out %s.crt 2>&1",
                     subject, name, name);
    ck_assert_msg(failed == 0, "%s", buf_cstr(&out));
}

static void
make_certificate(const char *name)
{
    char subject[64];
    snprintf(subject, sizeof subject, "/CN=%s", name);
    make_certificate_of(name, subject);
}

static const char *
path_of(const char *file, char *to, size_t bytes)
{
    snprintf(to, bytes, "%s/%s", dir, file);
    return to;
}

START_TEST(test_plain)
{
    AUTO(buf_fini) struct buf out = BUF_INIT;
    if (!have("curl"))
        return;
    fixture_start(&f, (struct http_server_opts){0}, 2, 2, 8);
    ck_assert_int_eq(run(&out, "curl -sS http://127.0.0.1:%u/hello", f.port), 0);
    ck_assert(str_eq(buf_str(&out), STR("hello")));
    /* Above 1 MiB curl sends Expect: 100-continue by itself; chunked when it reads a pipe. */
    run(&out, "head -c 1000000 /dev/zero | tr '\\0' x > up");
    ck_assert_int_eq(run(&out,
                         "curl -sS --data-binary @up -o down http://127.0.0.1:%u/echo && "
                         "cmp up down && curl -sS -T - -X POST -H 'Expect: 100-continue' "
                         "-o down2 http://127.0.0.1:%u/echo <up && cmp up down2",
                         f.port, f.port),
                     0);
    ck_assert_int_eq(run(&out, "curl -sS --compressed http://127.0.0.1:%u/big | wc -c", f.port), 0);
    ck_assert_uint_eq(number(&out), BIG_BYTES);
    run(&out,
        "head -c 2000000 /dev/zero > much; curl -sS --data-binary @much "
        "-w ' %%{http_code}' http://127.0.0.1:%u/echo",
        f.port);
    ck_assert(str_eq(buf_str(&out), STR("http: request body too large\n 413")));
    fixture_stop(&f, 2000);
}
END_TEST

START_TEST(test_tls)
{
    AUTO(buf_fini) struct buf out = BUF_INIT;
    char cert[512], key[512];
    if (!have("curl") || !have("openssl"))
        return;
    make_certificate("one");
    make_certificate("two");
    run(&out, "cp one.crt use.crt && cp one.key use.key");
    struct tls_server *tls = NULL;
    struct tls_server_opts opts = {.cert.file = path_of("use.crt", cert, sizeof cert),
                                   .key.file = path_of("use.key", key, sizeof key)};
    CK_OK(tls_server_open(&opts, &tls));
    fixture_start(&f, (struct http_server_opts){.tls = tls}, 2, 2, 8);
    const char *ask = "curl -sS --cacert %s.crt https://127.0.0.1:%u/hello 2>&1";
    ck_assert_int_eq(run(&out, ask, "one", f.port), 0);
    ck_assert(str_eq(buf_str(&out), STR("hello")));
    ck_assert_int_ne(run(&out, ask, "two", f.port), 0);
    ck_assert_int_ne(run(&out, "curl -sSk --tls-max 1.2 https://127.0.0.1:%u/ 2>&1", f.port), 0);
    ck_assert_int_ne(run(&out, "curl -sS http://127.0.0.1:%u/hello 2>&1", f.port), 0);

    run(&out, "head -c 1000000 /dev/urandom > up");
    ck_assert_int_eq(run(&out,
                         "curl -sSk --data-binary @up -o down https://127.0.0.1:%u/echo "
                         "--next -sSk -o big https://127.0.0.1:%u/big "
                         "--next -sSk -o stream 'https://127.0.0.1:%u/stream?pieces=90&bytes="
                         "65536' && cmp up down && cat big stream | wc -c",
                         f.port, f.port, f.port),
                     0);
    ck_assert_uint_eq(number(&out), BIG_BYTES + 90 * 65536);

    run(&out, "cp two.crt use.crt"); /* the key does not fit: the old pair stays */
    CK_ERR(ERR_INVALID, tls_server_reload(tls));
    ck_assert_int_eq(run(&out, ask, "one", f.port), 0);
    run(&out, "cp two.key use.key");
    CK_OK(tls_server_reload(tls));
    ck_assert_int_eq(run(&out, ask, "two", f.port), 0);
    ck_assert_int_ne(run(&out, ask, "one", f.port), 0);
    fixture_stop(&f, 2000);
    tls_server_close(tls);
}
END_TEST

START_TEST(test_client_certificates)
{
    AUTO(buf_fini) struct buf out = BUF_INIT;
    char cert[512], key[512], ca[512];
    if (!have("curl") || !have("openssl"))
        return;
    make_certificate("server");
    make_certificate_of("friend", "/O=first/O=second/OU=unit/CN=old/CN=caf\xc3\xa9");
    make_certificate("stranger");
    struct tls_server *tls = NULL;
    struct tls_server_opts opts = {.cert.file = path_of("server.crt", cert, sizeof cert),
                                   .key.file = path_of("server.key", key, sizeof key),
                                   .client_ca.file = path_of("friend.crt", ca, sizeof ca),
                                   .client_auth = "RequireAndVerifyClientCert",
                                   .min_version = "1.2"};
    CK_OK(tls_server_open(&opts, &tls));
    fixture_start(&f, (struct http_server_opts){.tls = tls}, 1, 2, 8);
    const char *ask = "curl -sS --cacert server.crt --cert %s.crt --key %s.key --tls-max %s "
                      "https://127.0.0.1:%u/who 2>&1";
    ck_assert_int_eq(run(&out, ask, "friend", "friend", "1.3", f.port), 0);
    ck_assert_str_eq(buf_cstr(&out), "first|unit|caf\xc3\xa9");
    ck_assert_int_eq(run(&out, ask, "friend", "friend", "1.2", f.port), 0);
    ck_assert_str_eq(buf_cstr(&out), "first|unit|caf\xc3\xa9");
    ck_assert_int_ne(run(&out, ask, "stranger", "stranger", "1.3", f.port), 0);
    ck_assert_int_ne(run(&out, "curl -sSk https://127.0.0.1:%u/hello 2>&1", f.port), 0);
    fixture_stop(&f, 2000);
    tls_server_close(tls);
}
END_TEST

/* Which client gets in, and who it is taken for, under each policy. "": shows no certificate. */
static const struct policy_case {
    const char *auth, *sans, *client;
    const char *who; /* NULL: refused */
} policies[] = {
    {"", NULL, "friend", "||"},
    {"NoClientCert", NULL, "", "||"},
    {"RequestClientCert", NULL, "", "||"},
    {"RequestClientCert", NULL, "stranger", "||"},
    {"RequestClientCert", NULL, "friend", "||"},
    {"RequireAnyClientCert", NULL, "", NULL},
    {"RequireAnyClientCert", NULL, "stranger", "||"},
    {"RequireClientCert", NULL, "", NULL},
    {"VerifyClientCertIfGiven", NULL, "", "||"},
    {"VerifyClientCertIfGiven", NULL, "friend", "||friend"},
    {"VerifyClientCertIfGiven", NULL, "stranger", NULL},
    {"RequireAndVerifyClientCert", NULL, "", NULL},
    {"RequireAndVerifyClientCert", NULL, "friend", "||friend"},
    {"RequireAndVerifyClientCert", NULL, "stranger", NULL},
    {"RequireAndVerifyClientCert", "localhost", "friend", "||friend"},
    {"RequireAndVerifyClientCert", "127.0.0.1", "friend", "||friend"},
    {"RequireAndVerifyClientCert", "::1", "friend", "||friend"},
    {"RequireAndVerifyClientCert", "me@example.org", "friend", "||friend"},
    {"RequireAndVerifyClientCert", "spiffe://a/b", "friend", "||friend"},
    {"RequireAndVerifyClientCert", "friend", "friend", NULL}, /* the common name is no SAN */
    {"RequireAndVerifyClientCert", "127.0.0.2", "friend", NULL},
    {"RequireAndVerifyClientCert", "localhost", "stranger", NULL},
    {"RequireAnyClientCert", "elsewhere", "stranger", NULL},
    {"VerifyClientCertIfGiven", "elsewhere", "", "||"},
};

static void
check_policy(struct tls_server *tls, struct tls_server_opts opts, const struct policy_case *c)
{
    AUTO(buf_fini) struct buf out = BUF_INIT;
    struct str san = str_of_cstr(c->sans ? c->sans : "");
    opts.client_auth = c->auth;
    opts.client_sans = c->sans ? &(struct tls_names){&san, 1} : NULL;
    CK_OK(tls_server_replace(tls, &opts));
    char me[64] = "";
    if (c->client[0])
        snprintf(me, sizeof me, "--cert %s.crt --key %s.key", c->client, c->client);
    int failed =
        run(&out, "curl -sS --cacert server.crt %s https://127.0.0.1:%u/who 2>&1", me, f.port);
    ck_assert_msg((failed != 0) == !c->who &&
                      (!c->who || str_eq(buf_str(&out), str_of_cstr(c->who))),
                  "%s %s %s: %s", c->auth, c->sans ? c->sans : "any", c->client, buf_cstr(&out));
}

START_TEST(test_client_policies)
{
    char cert[512], key[512], ca[512];
    if (!have("curl") || !have("openssl"))
        return;
    make_certificate("server");
    make_certificate("friend");
    make_certificate("stranger");
    struct tls_server *tls = NULL;
    struct tls_server_opts opts = {.cert.file = path_of("server.crt", cert, sizeof cert),
                                   .key.file = path_of("server.key", key, sizeof key),
                                   .client_ca.file = path_of("friend.crt", ca, sizeof ca)};
    CK_OK(tls_server_open(&opts, &tls));
    fixture_start(&f, (struct http_server_opts){.tls = tls}, 1, 2, 8);
    for (size_t i = 0; i < ARRAY_LEN(policies); i++)
        check_policy(tls, opts, &policies[i]);
    opts.client_auth = "RequireAnything";
    CK_ERR(ERR_INVALID, tls_server_replace(tls, &opts));
    fixture_wait_metric(&f, "mneme_http_refused_total{reason=\"tls_handshake\"} 9\n");
    fixture_stop(&f, 2000);
    tls_server_close(tls);
}
END_TEST

/* What is negotiated; "" when nothing is. */
static const struct protocol_case {
    const char *min, *max, *cipher, *curve; /* NULL: not set */
    const char *client;                     /* arguments of openssl s_client */
    const char *want;                       /* of "Protocol : x" or "Cipher is x" */
} protocols[] = {
    {NULL, NULL, NULL, NULL, "-tls1_3", "New, TLSv1.3, Cipher is TLS_AES_256_GCM_SHA384"},
    {NULL, NULL, NULL, NULL, "-tls1_2", ""},
    {"TLS12", NULL, NULL, NULL, "-tls1_2", "New, TLSv1.2, Cipher is ECDHE-ECDSA-AES128-GCM-SHA256"},
    {"TLS12", "TLS12", NULL, NULL, "-tls1_3", ""},
    {"1.2", "1.2", "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", NULL, "",
     "New, TLSv1.2, Cipher is ECDHE-ECDSA-CHACHA20-POLY1305"},
    {"1.2", "1.2", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", NULL, "", ""}, /* no RSA key here */
    {"1.2", NULL, "TLS_AES_128_GCM_SHA256", NULL, "-tls1_2", ""}, /* leaves TLS 1.2 without any */
    {"1.0", "1.1", NULL, NULL, "-tls1_1 -cipher DEFAULT@SECLEVEL=0",
     "New, TLSv1.0, Cipher is ECDHE-ECDSA-AES128-SHA"},
    {NULL, NULL, NULL, "CurveP384", "-groups P-384:P-256",
     "Server Temp Key: ECDH, secp384r1, 384 bits"},
    {NULL, NULL, NULL, "CurveP384", "-groups P-256", ""},
};

static void
check_protocol(struct tls_server *tls, struct tls_server_opts opts, const struct protocol_case *c)
{
    AUTO(buf_fini) struct buf out = BUF_INIT;
    struct str cipher = str_of_cstr(c->cipher ? c->cipher : "");
    struct str curve = str_of_cstr(c->curve ? c->curve : "");
    opts.min_version = c->min;
    opts.max_version = c->max;
    opts.ciphers = (struct tls_names){&cipher, c->cipher ? 1 : 0};
    opts.curves = (struct tls_names){&curve, c->curve ? 1 : 0};
    CK_OK(tls_server_replace(tls, &opts));
    run(&out, "openssl s_client -connect 127.0.0.1:%u %s </dev/null 2>&1", f.port, c->client);
    const char *want = c->want[0] ? c->want : "Cipher is (NONE)";
    ck_assert_msg(strstr(buf_cstr(&out), want) != NULL, "want %s with %s, got\n%s", want, c->client,
                  buf_cstr(&out));
}

START_TEST(test_protocols)
{
    char cert[512], key[512];
    if (!have("openssl"))
        return;
    make_certificate("server");
    struct tls_server *tls = NULL;
    struct tls_server_opts opts = {.cert.file = path_of("server.crt", cert, sizeof cert),
                                   .key.file = path_of("server.key", key, sizeof key)};
    CK_OK(tls_server_open(&opts, &tls));
    fixture_start(&f, (struct http_server_opts){.tls = tls}, 1, 2, 8);
    for (size_t i = 0; i < ARRAY_LEN(protocols); i++)
        check_protocol(tls, opts, &protocols[i]);
    opts.min_version = "1.3";
    opts.max_version = "1.2";
    CK_ERR(ERR_INVALID, tls_server_replace(tls, &opts));
    fixture_stop(&f, 2000);
    tls_server_close(tls);
}
END_TEST

START_TEST(test_bad_tls_files)
{
    struct tls_server *tls = NULL;
    struct tls_server_opts opts = {.cert.file = "/nonexistent", .key.file = "/nonexistent"};
    CK_ERR(ERR_NOT_FOUND, tls_server_open(&opts, &tls));
    opts.cert = opts.key = (struct tls_pem){.text = STR("-----BEGIN NOTHING-----\n")};
    CK_ERR(ERR_INVALID, tls_server_open(&opts, &tls));
    ck_assert_ptr_null(tls);
    tls_server_close(NULL);
}
END_TEST

Suite *
tls_suite(void)
{
    Suite *s = suite_create("tls");
    TCase *t = tcase_create("tls");
    tcase_add_checked_fixture(t, setup, NULL);
    tcase_set_timeout(t, 30);
    tcase_add_test(t, test_plain);
    tcase_add_test(t, test_tls);
    tcase_add_test(t, test_client_certificates);
    tcase_add_test(t, test_client_policies);
    tcase_add_test(t, test_protocols);
    tcase_add_test(t, test_bad_tls_files);
    suite_add_tcase(s, t);
    return s;
}
