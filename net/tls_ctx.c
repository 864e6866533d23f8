/* tls_ctx.c - OpenSSL 3, the settings of a server, and which clients' certificates are taken. */
#include "net/tls_ctx.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdatomic.h>
#include <stdio.h>

#include "base/assert.h"
#include "base/mem.h"
#include "net/tls_pem.h"

struct tls_ctx {
    _Atomic(unsigned) refs; /* relaxed up, acq_rel down: the last one frees */
    SSL_CTX *ctx;
    enum tls_client_auth auth;
    enum tls_alpn alpn;
    const struct tls_names *sans; /* in `arena`; NULL: any */
    struct arena arena;
};

/* --- material ------------------------------------------------------------------------------- */

struct err
tls_material_read(const struct tls_server_opts *opts, struct tls_material *ret_material)
{
    AUTO(tls_material_fini) struct tls_material m = {0};
    TRY(tls_pem_read(&opts->cert, "certificate", &m.cert));
    TRY(tls_pem_read(&opts->key, "key", &m.key));
    TRY(tls_pem_read(&opts->client_ca, "client CA", &m.client_ca));
    *ret_material = m;
    m = (struct tls_material){0};
    return OK;
}

void
tls_material_fini(struct tls_material *m)
{
    if (m->key.cap > 0)
        explicit_bzero(m->key.p, m->key.cap);
    buf_fini(&m->cert);
    buf_fini(&m->key);
    buf_fini(&m->client_ca);
}

/* --- clients ---------------------------------------------------------------------------------- */

static bool
san_is(const GENERAL_NAME *have, struct str want)
{
    int type;
    const ASN1_STRING *value = GENERAL_NAME_get0_value(have, &type);
    if (type != GEN_DNS && type != GEN_EMAIL && type != GEN_URI && type != GEN_IPADD)
        return false;
    struct str bytes =
        str_of((const char *)ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value));
    if (type != GEN_IPADD)
        return str_eq(bytes, want);
    char text[INET6_ADDRSTRLEN], address[16];
    if (want.n >= sizeof text)
        return false;
    snprintf(text, sizeof text, "%.*s", STR_FMT(want));
    return (bytes.n == 4 && inet_pton(AF_INET, text, address) == 1 &&
            memcmp(address, bytes.p, 4) == 0) ||
           (bytes.n == 16 && inet_pton(AF_INET6, text, address) == 1 &&
            memcmp(address, bytes.p, 16) == 0);
}

/* One of the names of the certificate is one of those that may come. */
static bool
san_allowed(X509 *cert, const struct tls_names *allowed)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
    bool found = false;
    for (int i = 0; !found && i < sk_GENERAL_NAME_num(names); i++) {
        for (size_t k = 0; !found && k < allowed->n; k++)
            found = san_is(sk_GENERAL_NAME_value(names, i), allowed->v[k]);
    }
    GENERAL_NAMES_free(names);
    return found;
}

/* Called with the certificate that a client has shown. What was not verified is marked, so that
 * nobody takes its subject for proven. */
static int
verify_client(X509_STORE_CTX *store, void *arg)
{
    (void)arg;
    const SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    const struct tls_ctx *c = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    bool verifies =
        c->auth == TLS_CLIENT_VERIFY_IF_GIVEN || c->auth == TLS_CLIENT_REQUIRE_AND_VERIFY;
    if (verifies && X509_verify_cert(store) != 1)
        return 0;
    if (c->sans && !san_allowed(X509_STORE_CTX_get0_cert(store), c->sans)) {
        X509_STORE_CTX_set_error(store, X509_V_ERR_HOSTNAME_MISMATCH);
        return 0;
    }
    if (!verifies)
        X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
    return 1;
}

static struct err
set_clients(struct tls_ctx *c, const struct tls_server_opts *opts, const struct tls_material *m)
{
    static const int modes[] = {
        [TLS_CLIENT_NONE] = SSL_VERIFY_NONE,
        [TLS_CLIENT_REQUEST] = SSL_VERIFY_PEER,
        [TLS_CLIENT_REQUIRE_ANY] = SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
        [TLS_CLIENT_VERIFY_IF_GIVEN] = SSL_VERIFY_PEER,
        [TLS_CLIENT_REQUIRE_AND_VERIFY] = SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
    };
    TRY(tls_client_auth_of(str_of_cstr(opts->client_auth ? opts->client_auth : ""), &c->auth));
    if (opts->client_sans) {
        struct tls_names *sans = ARENA_NEW(&c->arena, struct tls_names);
        struct str *v = ARENA_ARRAY(&c->arena, struct str, opts->client_sans->n);
        for (size_t i = 0; i < opts->client_sans->n; i++)
            v[i] = arena_str(&c->arena, opts->client_sans->v[i]);
        *sans = (struct tls_names){v, opts->client_sans->n};
        c->sans = sans;
    }
    SSL_CTX_set_verify(c->ctx, modes[c->auth], NULL);
    SSL_CTX_set_cert_verify_callback(c->ctx, verify_client, NULL);
    if (m->client_ca.n > 0)
        return tls_pem_load_ca(c->ctx, "client CA", &opts->client_ca, &m->client_ca);
    SSL_CTX_set_default_verify_paths(c->ctx); /* a system without CAs verifies nobody */
    ERR_clear_error();
    return OK;
}

/* --- protocol --------------------------------------------------------------------------------- */

/* Of what the client offers we take the one protocol that is spoken here. Without an offer of it:
 * HTTP/1.1 needs no agreement, HTTP/2 does (RFC 9113 section 3.2). */
static int
choose_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_bytes,
            const unsigned char *offered, unsigned offered_bytes, void *arg)
{
    (void)ssl;
    static const struct str ours[] = {
        [TLS_ALPN_HTTP1] = STR_INIT("\x08http/1.1"), [TLS_ALPN_H2] = STR_INIT("\x02h2")};
    enum tls_alpn alpn = ((const struct tls_ctx *)arg)->alpn;
    unsigned char *chosen = NULL;
    int found = SSL_select_next_proto(&chosen, out_bytes, (const unsigned char *)ours[alpn].p,
                                      (unsigned)ours[alpn].n, offered, offered_bytes);
    *out = chosen;
    if (found == OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_OK;
    return alpn == TLS_ALPN_H2 ? SSL_TLSEXT_ERR_ALERT_FATAL : SSL_TLSEXT_ERR_NOACK;
}

static struct err
set_versions(struct tls_ctx *c, const struct tls_server_opts *opts, const char *ciphers)
{
    int min, max;
    TRY(tls_version_of(str_of_cstr(opts->min_version ? opts->min_version : "1.3"), &min));
    TRY(tls_version_of(str_of_cstr(opts->max_version ? opts->max_version : "1.3"), &max));
    if (ciphers[0] == '\0')
        min = TLS1_3_VERSION; /* all older versions are left without a suite */
    if (min > max)
        return ERR(ERR_INVALID, "tls: no TLS version is left: the least one is above the "
                                "highest, or has no cipher suite");
    SSL_CTX_set_min_proto_version(c->ctx, min);
    SSL_CTX_set_max_proto_version(c->ctx, max);
    if (min < TLS1_2_VERSION)
        SSL_CTX_set_security_level(c->ctx, 0); /* OpenSSL 3 counts SHA-1 in handshakes as nothing */
    return OK;
}

static struct err
set_protocol(struct tls_ctx *c, const struct tls_server_opts *opts)
{
    static const unsigned char session_id[] = "mneme";
    char ciphers[TLS_LIST_BYTES_MAX], groups[TLS_LIST_BYTES_MAX];
    TRY(tls_cipher_list(opts->ciphers, ciphers));
    TRY(tls_group_list(opts->curves, groups));
    TRY(set_versions(c, opts, ciphers));
    if (ciphers[0] && SSL_CTX_set_cipher_list(c->ctx, ciphers) != 1)
        return tls_pem_error("cipher suites", NULL);
    if (groups[0] && SSL_CTX_set1_groups_list(c->ctx, groups) != 1)
        return tls_pem_error("curves", NULL);
    uint64_t options = SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                       SSL_OP_IGNORE_UNEXPECTED_EOF |
                       (opts->client_order ? 0 : SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_options(c->ctx, options);
    SSL_CTX_set_mode(c->ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                 SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(c->ctx, SSL_SESS_CACHE_OFF); /* tickets do: no memory of ours */
    SSL_CTX_set_session_id_context(c->ctx, session_id, sizeof session_id - 1);
    c->alpn = opts->alpn;
    SSL_CTX_set_alpn_select_cb(c->ctx, choose_alpn, c);
    return OK;
}

/* --- life cycle ------------------------------------------------------------------------------- */

DEFINE_AUTO(struct tls_ctx *, tls_ctx_unref)

struct err
tls_ctx_new(const struct tls_server_opts *opts, const struct tls_material *m,
            struct tls_ctx **ret_ctx)
{
    AUTO(tls_ctx_unref) struct tls_ctx *c = mem_alloc_zero(sizeof *c);
    atomic_init(&c->refs, 1);
    arena_init(&c->arena, 0);
    c->ctx = SSL_CTX_new(TLS_server_method());
    if (!c->ctx)
        return tls_pem_error("context", NULL);
    SSL_CTX_set_app_data(c->ctx, c);
    TRY(set_protocol(c, opts));
    TRY(tls_pem_load_chain(c->ctx, &opts->cert, &m->cert));
    TRY(tls_pem_load_key(c->ctx, &opts->key, &m->key));
    TRY(set_clients(c, opts, m));
    *ret_ctx = TAKE(c);
    return OK;
}

struct tls_ctx *
tls_ctx_ref(struct tls_ctx *c)
{
    atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
    return c;
}

void
tls_ctx_unref(struct tls_ctx *c)
{
    if (!c || atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) != 1)
        return;
    SSL_CTX_free(c->ctx);
    arena_fini(&c->arena);
    mem_free(c);
}

SSL *
tls_ctx_session(struct tls_ctx *c)
{
    return SSL_new(c->ctx);
}
