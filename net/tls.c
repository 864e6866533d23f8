/* tls.c - a server's TLS and its sessions. */
#include "net/tls_int.h"

#include <limits.h>
#include <openssl/err.h>

#include "base/assert.h"
#include "base/lock.h"
#include "base/mem.h"
#include "net/tls_ctx.h"

/* Everything but `ctx` belongs to whoever opens and changes the server. */
struct tls_server {
    struct lock lock;
    struct tls_ctx *ctx GUARDED_BY(lock); /* one reference; sessions hold more */
    struct arena arena;                   /* the options */
    struct tls_server_opts opts;
};

struct tls_session {
    SSL *ssl;
    struct tls_ctx *ctx; /* one reference; NULL: a client's */
    struct str alpn;     /* that the server must choose; static; {NULL, 0}: any, or checked */
    const char *failure; /* of the handshake; static, NULL: none */
};

/* --- options ---------------------------------------------------------------------------------- */

static const char *
copy_text(struct arena *a, const char *text)
{
    return text ? arena_str(a, str_of_cstr(text)).p : NULL;
}

static struct tls_pem
copy_pem(struct arena *a, struct tls_pem pem)
{
    return (struct tls_pem){copy_text(a, pem.file), arena_str(a, pem.text)};
}

static struct tls_names
copy_names(struct arena *a, struct tls_names names)
{
    struct str *v = ARENA_ARRAY(a, struct str, names.n);
    for (size_t i = 0; i < names.n; i++)
        v[i] = arena_str(a, names.v[i]);
    return (struct tls_names){v, names.n};
}

static struct tls_server_opts
copy_opts(struct arena *a, const struct tls_server_opts *o)
{
    struct tls_names *sans = o->client_sans ? ARENA_NEW(a, struct tls_names) : NULL;
    if (sans)
        *sans = copy_names(a, *o->client_sans);
    return (struct tls_server_opts){
        .cert = copy_pem(a, o->cert),
        .key = copy_pem(a, o->key),
        .client_ca = copy_pem(a, o->client_ca),
        .client_auth = copy_text(a, o->client_auth),
        .client_sans = sans,
        .min_version = copy_text(a, o->min_version),
        .max_version = copy_text(a, o->max_version),
        .ciphers = copy_names(a, o->ciphers),
        .curves = copy_names(a, o->curves),
        .alpn = o->alpn,
        .client_order = o->client_order,
    };
}

/* --- loading ---------------------------------------------------------------------------------- */

static void
install(struct tls_server *t, struct tls_ctx *fresh)
{
    struct tls_ctx *old;
    {
        LOCKED(&t->lock);
        old = t->ctx;
        t->ctx = fresh;
    }
    tls_ctx_unref(old); /* lives on in the sessions that use it */
}

static struct err
load(struct tls_server *t, const struct tls_server_opts *opts)
{
    AUTO(tls_material_fini) struct tls_material m = {0};
    struct tls_ctx *fresh = NULL;
    TRY(tls_material_read(opts, &m));
    TRY(tls_ctx_new(opts, &m, &fresh));
    install(t, fresh);
    return OK;
}

DEFINE_AUTO(struct tls_server *, tls_server_close)

struct err
tls_server_open(const struct tls_server_opts *opts, struct tls_server **ret_tls)
{
    AUTO(tls_server_close) struct tls_server *t = mem_alloc_zero(sizeof *t);
    lock_init(&t->lock, LOCK_RANK_LEAF);
    TRY(tls_server_replace(t, opts));
    *ret_tls = TAKE(t);
    return OK;
}

void
tls_server_close(struct tls_server *t)
{
    if (!t)
        return;
    tls_ctx_unref(t->ctx);
    arena_fini(&t->arena);
    lock_fini(&t->lock);
    mem_free(t);
}

struct err
tls_server_reload(struct tls_server *t)
{
    return load(t, &t->opts);
}

struct err
tls_server_replace(struct tls_server *t, const struct tls_server_opts *opts)
{
    TRY(load(t, opts));
    struct arena old = t->arena;
    t->arena = (struct arena){0};
    t->opts = copy_opts(&t->arena, opts);
    arena_fini(&old); /* `opts` may have been in it */
    return OK;
}

/* --- sessions ------------------------------------------------------------------------------- */

struct tls_session *
tls_session_open(struct tls_server *t, int fd)
{
    struct tls_session *s = mem_alloc_zero(sizeof *s);
    {
        LOCKED(&t->lock);
        s->ctx = tls_ctx_ref(t->ctx);
    }
    s->ssl = tls_ctx_session(s->ctx);
    if (!s->ssl || SSL_set_fd(s->ssl, fd) != 1) {
        tls_session_close(s);
        ERR_clear_error();
        return NULL;
    }
    SSL_set_accept_state(s->ssl);
    return s;
}

struct tls_session *
tls_session_adopt(SSL *ssl, struct str alpn)
{
    struct tls_session *s = mem_alloc_zero(sizeof *s);
    s->ssl = ssl;
    s->alpn = alpn;
    return s;
}

void
tls_session_close(struct tls_session *s)
{
    if (!s)
        return;
    SSL_free(s->ssl);
    tls_ctx_unref(s->ctx);
    mem_free(s);
}

/* A certificate's fault says more than that its verification failed. */
static void
note_failure(struct tls_session *s)
{
    long verdict = SSL_get_verify_result(s->ssl);
    const char *reason = verdict != X509_V_OK ? X509_verify_cert_error_string(verdict)
                                              : ERR_reason_error_string(ERR_peek_last_error());
    s->failure = reason ? reason : "no reason given";
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
    if (why == SSL_ERROR_SSL && !SSL_is_init_finished(s->ssl))
        note_failure(s);
    return why == SSL_ERROR_ZERO_RETURN ? IO_END : IO_FAILED;
}

/* Of the first call that got through the handshake. */
static enum io
check_alpn(struct tls_session *s)
{
    const unsigned char *chosen = NULL;
    unsigned n = 0;
    SSL_get0_alpn_selected(s->ssl, &chosen, &n);
    struct str want = s->alpn;
    s->alpn = (struct str){NULL, 0};
    if (str_eq(str_of((const char *)chosen, n), want))
        return IO_OK;
    s->failure = "the server has not chosen the protocol that was asked for (ALPN)";
    return IO_FAILED;
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
    return s->alpn.n > 0 ? check_alpn(s) : IO_OK;
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
    return s->alpn.n > 0 ? check_alpn(s) : IO_OK;
}

const char *
tls_session_failure(const struct tls_session *s)
{
    return s->failure;
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
