/* tls.c - OpenSSL 3, server side. */
#include "net/tls_int.h"

#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include "base/assert.h"
#include "base/lock.h"
#include "base/mem.h"

struct tls_server {
    struct lock lock;
    SSL_CTX *ctx GUARDED_BY(lock);               /* replaced on reload; sessions hold references */
    char *cert_file, *key_file, *client_ca_file; /* owned; the last may be NULL */
    int min_version;
};

struct tls_session {
    SSL *ssl;
};

/* OpenSSL's newest complaint; its queue is a thread's and must be empty before the next call. */
static struct err
tls_error(const char *what, const char *file)
{
    char reason[160] = "no reason given";
    unsigned long code = ERR_peek_last_error();
    if (code)
        ERR_error_string_n(code, reason, sizeof reason);
    ERR_clear_error();
    return ERR(ERR_INVALID, "tls: %s %s: %s", what, file, reason);
}

static struct err
parse_version(const char *text, int *ret_version)
{
    static const struct {
        const char *text;
        int version;
    } versions[] = {{"1.0", TLS1_VERSION},
                    {"1.1", TLS1_1_VERSION},
                    {"1.2", TLS1_2_VERSION},
                    {"1.3", TLS1_3_VERSION}};
    for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
        if (strcmp(text, versions[i].text) == 0) {
            *ret_version = versions[i].version;
            return OK;
        }
    }
    return ERR(ERR_INVALID, "tls: unknown version \"%s\", want 1.0 to 1.3", text);
}

/* Of what the client offers we take HTTP/1.1; without an offer of it, none. */
static int
choose_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_bytes,
            const unsigned char *offered, unsigned offered_bytes, void *arg)
{
    (void)ssl, (void)arg;
    static const unsigned char ours[] = "\x08http/1.1";
    unsigned char *chosen = NULL;
    int found =
        SSL_select_next_proto(&chosen, out_bytes, ours, sizeof ours - 1, offered, offered_bytes);
    *out = chosen;
    return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

static struct err
load_files(const struct tls_server *t, SSL_CTX *ctx)
{
    if (SSL_CTX_use_certificate_chain_file(ctx, t->cert_file) != 1)
        return tls_error("certificate", t->cert_file);
    if (SSL_CTX_use_PrivateKey_file(ctx, t->key_file, SSL_FILETYPE_PEM) != 1)
        return tls_error("key", t->key_file);
    if (SSL_CTX_check_private_key(ctx) != 1)
        return tls_error("key does not fit the certificate:", t->key_file);
    if (!t->client_ca_file)
        return OK;
    STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(t->client_ca_file);
    if (!names || SSL_CTX_load_verify_file(ctx, t->client_ca_file) != 1) {
        sk_X509_NAME_pop_free(names, X509_NAME_free);
        return tls_error("client CA", t->client_ca_file);
    }
    SSL_CTX_set_client_CA_list(ctx, names); /* takes them */
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    return OK;
}

static struct err
make_ctx(const struct tls_server *t, SSL_CTX **ret_ctx)
{
    static const unsigned char session_id[] = "mneme";
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    if (!ctx)
        return tls_error("context", "");
    SSL_CTX_set_min_proto_version(ctx, t->min_version);
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                 SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                              SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_id_context(ctx, session_id, sizeof session_id - 1);
    SSL_CTX_set_alpn_select_cb(ctx, choose_alpn, NULL);
    struct err e = load_files(t, ctx);
    if (e.code != ERR_NONE) {
        SSL_CTX_free(ctx);
        return e;
    }
    *ret_ctx = ctx;
    return OK;
}

static char *
copy_text(const char *text)
{
    return text ? mem_dup_text(text, strlen(text)) : NULL;
}

struct err
tls_server_open(const struct tls_server_opts *opts, struct tls_server **ret_tls)
{
    int min_version = 0;
    TRY(parse_version(opts->min_version ? opts->min_version : "1.3", &min_version));
    struct tls_server *t = mem_alloc_zero(sizeof *t);
    lock_init(&t->lock, LOCK_RANK_LEAF);
    t->cert_file = copy_text(opts->cert_file);
    t->key_file = copy_text(opts->key_file);
    t->client_ca_file = copy_text(opts->client_ca_file);
    t->min_version = min_version;
    struct err e = make_ctx(t, &t->ctx);
    if (e.code != ERR_NONE) {
        tls_server_close(t);
        return e;
    }
    *ret_tls = t;
    return OK;
}

void
tls_server_close(struct tls_server *t)
{
    if (!t)
        return;
    SSL_CTX_free(t->ctx);
    lock_fini(&t->lock);
    mem_free(t->cert_file);
    mem_free(t->key_file);
    mem_free(t->client_ca_file);
    mem_free(t);
}

struct err
tls_server_reload(struct tls_server *t)
{
    SSL_CTX *fresh;
    TRY(make_ctx(t, &fresh));
    SSL_CTX *old;
    {
        LOCKED(&t->lock);
        old = t->ctx;
        t->ctx = fresh;
    }
    SSL_CTX_free(old); /* lives on in the sessions that use it */
    return OK;
}

/* --- sessions ------------------------------------------------------------------------------- */

struct tls_session *
tls_session_open(struct tls_server *t, int fd)
{
    SSL *ssl;
    {
        LOCKED(&t->lock);
        ssl = SSL_new(t->ctx);
    }
    if (!ssl || SSL_set_fd(ssl, fd) != 1) {
        SSL_free(ssl);
        ERR_clear_error();
        return NULL;
    }
    SSL_set_accept_state(ssl);
    struct tls_session *s = mem_alloc_zero(sizeof *s);
    s->ssl = ssl;
    return s;
}

void
tls_session_close(struct tls_session *s)
{
    if (!s)
        return;
    SSL_free(s->ssl);
    mem_free(s);
}

static enum io
io_of_failure(struct tls_session *s, int result, enum tls_need *ret_need)
{
    int why = SSL_get_error(s->ssl, result);
    *ret_need = why == SSL_ERROR_WANT_READ    ? TLS_NEED_INPUT
                : why == SSL_ERROR_WANT_WRITE ? TLS_NEED_OUTPUT
                                              : TLS_NEED_NOTHING;
    if (*ret_need != TLS_NEED_NOTHING)
        return IO_AGAIN;
    return why == SSL_ERROR_ZERO_RETURN ? IO_END : IO_FAILED;
}

enum io
tls_session_read(struct tls_session *s, char *to, size_t n, size_t *ret_n, enum tls_need *ret_need)
{
    ERR_clear_error(); /* SSL_get_error() looks at the thread's whole queue */
    int got = SSL_read(s->ssl, to, (int)size_min(n, INT_MAX));
    if (got <= 0)
        return io_of_failure(s, got, ret_need);
    *ret_need = TLS_NEED_NOTHING;
    *ret_n = (size_t)got;
    return IO_OK;
}

enum io
tls_session_write(struct tls_session *s, struct str bytes, size_t *ret_n, enum tls_need *ret_need)
{
    ERR_clear_error();
    int put = SSL_write(s->ssl, bytes.p, (int)size_min(bytes.n, INT_MAX));
    if (put <= 0)
        return io_of_failure(s, put, ret_need);
    *ret_need = TLS_NEED_NOTHING;
    *ret_n = (size_t)put;
    return IO_OK;
}

/* One value of a subject, which may be stored in any of ASN.1's string types. */
static struct str
subject_value(const X509_NAME *subject, int nid, bool last, struct arena *a)
{
    int at = X509_NAME_get_index_by_NID(subject, nid, -1);
    for (int next = at; last && next >= 0;) {
        at = next;
        next = X509_NAME_get_index_by_NID(subject, nid, next);
    }
    unsigned char *text = NULL;
    int bytes = at < 0 ? -1
                       : ASN1_STRING_to_UTF8(
                             &text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
    if (bytes < 0) {
        ERR_clear_error();
        return (struct str){NULL, 0};
    }
    struct str value = arena_str(a, str_of((const char *)text, (size_t)bytes));
    OPENSSL_free(text);
    return value;
}

void
tls_session_subject(struct tls_session *s, struct arena *a,
                    struct str ret_fields[TLS_SUBJECT_FIELD_COUNT])
{
    static const int nids[TLS_SUBJECT_FIELD_COUNT] = {
        [TLS_SUBJECT_ORGANIZATION] = NID_organizationName,
        [TLS_SUBJECT_ORGANIZATIONAL_UNIT] = NID_organizationalUnitName,
        [TLS_SUBJECT_COMMON_NAME] = NID_commonName,
    };
    const X509 *cert = SSL_is_init_finished(s->ssl) ? SSL_get0_peer_certificate(s->ssl) : NULL;
    bool proven = cert && SSL_get_verify_result(s->ssl) == X509_V_OK;
    for (size_t i = 0; i < ARRAY_LEN(nids); i++)
        ret_fields[i] = proven ? subject_value(X509_get_subject_name(cert), nids[i],
                                               nids[i] == NID_commonName, a)
                               : (struct str){NULL, 0};
}

void
tls_session_shut(struct tls_session *s)
{
    ERR_clear_error();
    if (SSL_is_init_finished(s->ssl))
        SSL_shutdown(s->ssl); /* one try: the close of the socket follows anyway */
    ERR_clear_error();
}
