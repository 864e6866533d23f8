/* tls_client.c - OpenSSL's settings of a client, made anew when a file is a different one. */
#include "net/tls_client.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdatomic.h>

#include "base/arena.h"
#include "base/assert.h"
#include "base/fs.h"
#include "base/lock.h"
#include "net/tls_int.h"
#include "net/tls_names.h"
#include "net/tls_pem.h"

enum { PEM_CERT, PEM_KEY, PEM_CA, PEM_COUNT };
static const char *const pem_names[PEM_COUNT] = {"client certificate", "client key", "CA"};

/* What tells that a file has changed. */
struct stamp {
    uint64_t bytes;
    int64_t modified_ms;
};

struct tls_client {
    _Atomic(unsigned) refs; /* relaxed up, acq_rel down: the last one frees */
    /* configuration (immutable) */
    struct arena arena; /* the options */
    struct tls_pem pems[PEM_COUNT];
    struct str server_name; /* with a NUL; {NULL, 0}: the host's */
    int min_version;
    bool skip_verify;
    /* state */
    struct lock lock;
    SSL_CTX *ctx GUARDED_BY(lock); /* one reference; sessions hold more */
    struct stamp stamps[PEM_COUNT] GUARDED_BY(lock);
};

/* --- files ------------------------------------------------------------------------------------ */

static bool
is_file(const struct tls_pem *pem)
{
    return pem->file && pem->file[0];
}

static bool
is_given(const struct tls_pem *pem)
{
    return is_file(pem) || pem->text.n > 0;
}

static struct err
take_stamps(const struct tls_client *t, struct stamp ret_stamps[PEM_COUNT])
{
    for (size_t i = 0; i < PEM_COUNT; i++) {
        ret_stamps[i] = (struct stamp){0};
        if (!is_file(&t->pems[i]))
            continue;
        struct fs_stat st;
        TRY_IN(fs_stat(fs_posix(), t->pems[i].file, &st), "tls: %s", pem_names[i]);
        ret_stamps[i] = (struct stamp){st.size_bytes, st.modified_ms};
    }
    return OK;
}

struct material {
    struct buf texts[PEM_COUNT];
};

static void
material_fini(struct material *m)
{
    for (size_t i = 0; i < PEM_COUNT; i++) {
        if (i == PEM_KEY && m->texts[i].cap > 0)
            explicit_bzero(m->texts[i].p, m->texts[i].cap);
        buf_fini(&m->texts[i]);
    }
}
static void
auto_material_fini(struct material *m)
{
    material_fini(m);
}

/* --- settings --------------------------------------------------------------------------------- */

static struct err
load(const struct tls_client *t, SSL_CTX *ctx, const struct material *m)
{
    if (is_given(&t->pems[PEM_CERT])) {
        TRY(tls_pem_load_chain(ctx, &t->pems[PEM_CERT], &m->texts[PEM_CERT]));
        TRY(tls_pem_load_key(ctx, &t->pems[PEM_KEY], &m->texts[PEM_KEY]));
    }
    if (is_given(&t->pems[PEM_CA]))
        return tls_pem_load_ca(ctx, pem_names[PEM_CA], &t->pems[PEM_CA], &m->texts[PEM_CA]);
    SSL_CTX_set_default_verify_paths(ctx); /* a system without CAs believes nobody */
    ERR_clear_error();
    return OK;
}

static void
configure(const struct tls_client *t, SSL_CTX *ctx)
{
    static const unsigned char h2[] = "\x02h2";
    SSL_CTX_set_min_proto_version(ctx, t->min_version);
    if (t->min_version < TLS1_2_VERSION)
        SSL_CTX_set_security_level(ctx, 0); /* OpenSSL 3 counts SHA-1 in handshakes as nothing */
    SSL_CTX_set_verify(ctx, t->skip_verify ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                 SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                              SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    int failed = SSL_CTX_set_alpn_protos(ctx, h2, sizeof h2 - 1);
    ASSERT(!failed); /* fails only for want of memory */
}

/* Reads the files; the caller owns *ret_ctx. */
static struct err
make_ctx(const struct tls_client *t, SSL_CTX **ret_ctx)
{
    AUTO(material_fini) struct material m = {0};
    for (size_t i = 0; i < PEM_COUNT; i++)
        TRY(tls_pem_read(&t->pems[i], pem_names[i], &m.texts[i]));
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    if (!ctx)
        return tls_pem_error("context", NULL);
    configure(t, ctx);
    struct err e = load(t, ctx, &m);
    if (e.code != ERR_NONE) {
        SSL_CTX_free(ctx);
        return e;
    }
    *ret_ctx = ctx;
    return OK;
}

static bool
is_current(struct tls_client *t, const struct stamp stamps[PEM_COUNT])
{
    LOCKED(&t->lock);
    return t->ctx && memcmp(t->stamps, stamps, sizeof t->stamps) == 0;
}

struct err
tls_client_refresh(struct tls_client *t)
{
    struct stamp stamps[PEM_COUNT];
    TRY(take_stamps(t, stamps)); /* before the files are read: a change in between is seen next */
    if (is_current(t, stamps))
        return OK;
    SSL_CTX *fresh = NULL, *old;
    TRY(make_ctx(t, &fresh));
    {
        LOCKED(&t->lock);
        old = t->ctx;
        t->ctx = fresh;
        memcpy(t->stamps, stamps, sizeof t->stamps);
    }
    SSL_CTX_free(old); /* lives on in the sessions that use it */
    return OK;
}

/* --- life cycle ------------------------------------------------------------------------------- */

static void
copy_opts(struct tls_client *t, const struct tls_client_opts *opts)
{
    const struct tls_pem *given[PEM_COUNT] = {&opts->cert, &opts->key, &opts->ca};
    for (size_t i = 0; i < PEM_COUNT; i++) {
        const char *file = is_file(given[i]) ? given[i]->file : NULL;
        t->pems[i].file = file ? arena_str(&t->arena, str_of_cstr(file)).p : NULL;
        t->pems[i].text = arena_str(&t->arena, given[i]->text);
    }
    if (opts->server_name && opts->server_name[0])
        t->server_name = arena_str(&t->arena, str_of_cstr(opts->server_name));
    t->skip_verify = opts->skip_verify;
}

struct err
tls_client_open(const struct tls_client_opts *opts, struct tls_client **ret_tls)
{
    if (is_given(&opts->cert) != is_given(&opts->key))
        return ERR(ERR_INVALID, "tls: both client key and certificate must be provided");
    AUTO(tls_client_close) struct tls_client *t = mem_alloc_zero(sizeof *t);
    atomic_init(&t->refs, 1);
    lock_init(&t->lock, LOCK_RANK_LEAF);
    arena_init(&t->arena, 0);
    copy_opts(t, opts);
    bool named = opts->min_version && opts->min_version[0];
    TRY(tls_version_of(str_of_cstr(named ? opts->min_version : "1.2"), &t->min_version));
    TRY(tls_client_refresh(t));
    *ret_tls = TAKE(t);
    return OK;
}

struct tls_client *
tls_client_ref(struct tls_client *t)
{
    atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
    return t;
}

void
tls_client_close(struct tls_client *t)
{
    if (!t || atomic_fetch_sub_explicit(&t->refs, 1, memory_order_acq_rel) != 1)
        return;
    SSL_CTX_free(t->ctx);
    arena_fini(&t->arena);
    lock_fini(&t->lock);
    mem_free(t);
}

struct str
tls_client_server_name(const struct tls_client *t)
{
    return t->server_name;
}

/* --- sessions --------------------------------------------------------------------------------- */

/* Names of a certificate are compared as Go does it: never with its subject. An address is no name
 * that could be indicated (RFC 6066 section 3). */
static bool
expect_name(SSL *ssl, const char *name)
{
    char address[16];
    bool is_address =
        inet_pton(AF_INET, name, address) == 1 || inet_pton(AF_INET6, name, address) == 1;
    SSL_set_hostflags(ssl,
                      X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    if (is_address)
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) == 1;
    return SSL_set1_host(ssl, name) == 1 && SSL_set_tlsext_host_name(ssl, name) == 1;
}

struct tls_session *
tls_client_session(struct tls_client *t, int fd, const char *host)
{
    SSL *ssl;
    {
        LOCKED(&t->lock);
        ssl = SSL_new(t->ctx); /* with a reference of its own to the settings */
    }
    const char *name = t->server_name.n > 0 ? t->server_name.p : host;
    if (!ssl || SSL_set_fd(ssl, fd) != 1 || !expect_name(ssl, name)) {
        SSL_free(ssl);
        ERR_clear_error();
        return NULL;
    }
    SSL_set_connect_state(ssl);
    return tls_session_adopt(ssl, STR("h2"));
}

void
tls_client_session_close(struct tls_session *s)
{
    tls_session_close(s);
}
