/* tls_pem.c - PEM texts, read and given to OpenSSL. */
#include "net/tls_pem.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/assert.h"
#include "base/fs.h"
#include "base/mem.h"

struct err
tls_pem_read(const struct tls_pem *pem, const char *what, struct buf *to)
{
    if (!pem->file || pem->file[0] == '\0') {
        buf_append(to, pem->text);
        return OK;
    }
    TRY_IN(fs_read_file(fs_posix(), pem->file, TLS_FILE_BYTES_MAX, to), "tls: %s", what);
    return OK;
}

/* --- errors --------------------------------------------------------------------------------- */

/* Where a PEM text came from, for humans. */
static const char *
name_of(const struct tls_pem *pem)
{
    return pem->file && pem->file[0] ? pem->file : "(given as text)";
}

struct err
tls_pem_error(const char *what, const struct tls_pem *pem)
{
    char reason[160] = "no reason given";
    unsigned long code = ERR_peek_last_error();
    if (code)
        ERR_error_string_n(code, reason, sizeof reason);
    ERR_clear_error();
    return ERR(ERR_INVALID, "tls: %s%s%s: %s", what, pem ? " " : "", pem ? name_of(pem) : "",
               reason);
}

/* --- certificates and key --------------------------------------------------------------------- */

static void
free_bio(BIO **bio)
{
    BIO_free(*bio);
}
static void
free_cert(X509 **cert)
{
    X509_free(*cert);
}
static void
free_key(EVP_PKEY **key)
{
    EVP_PKEY_free(*key);
}
#define FREED_BY(fn) __attribute__((cleanup(fn)))

static BIO *
bio_of(const struct buf *text)
{
    ASSERT(text->n <= TLS_FILE_BYTES_MAX);
    BIO *bio = BIO_new_mem_buf(text->n ? text->p : "", (int)text->n);
    ASSERT(bio); /* fails only for want of memory */
    return bio;
}

/* Nobody can be asked: an encrypted key is an error. */
static int
no_password(char *to, int bytes, int writing, void *arg)
{
    (void)to, (void)bytes, (void)writing, (void)arg;
    return -1;
}

/* The end of the text is reached when no further PEM block begins. */
static bool
is_at_end(void)
{
    unsigned long code = ERR_peek_last_error();
    bool end = ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE;
    if (end)
        ERR_clear_error();
    return end;
}

struct err
tls_pem_load_chain(SSL_CTX *ctx, const struct tls_pem *pem, const struct buf *text)
{
    FREED_BY(free_bio) BIO *bio = bio_of(text);
    FREED_BY(free_cert) X509 *leaf = PEM_read_bio_X509(bio, NULL, no_password, NULL);
    if (!leaf || SSL_CTX_use_certificate(ctx, leaf) != 1)
        return tls_pem_error("certificate", pem);
    for (X509 *next; (next = PEM_read_bio_X509(bio, NULL, no_password, NULL));) {
        if (SSL_CTX_add0_chain_cert(ctx, next) != 1) { /* takes it */
            X509_free(next);
            return tls_pem_error("certificate chain", pem);
        }
    }
    return is_at_end() ? OK : tls_pem_error("certificate chain", pem);
}

struct err
tls_pem_load_key(SSL_CTX *ctx, const struct tls_pem *pem, const struct buf *text)
{
    FREED_BY(free_bio) BIO *bio = bio_of(text);
    FREED_BY(free_key) EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);
    if (!key)
        return tls_pem_error("key", pem);
    if (SSL_CTX_use_PrivateKey(ctx, key) != 1 || SSL_CTX_check_private_key(ctx) != 1)
        return tls_pem_error("key does not fit the certificate:", pem);
    return OK;
}

struct err
tls_pem_load_ca(SSL_CTX *ctx, const char *what, const struct tls_pem *pem, const struct buf *text)
{
    FREED_BY(free_bio) BIO *bio = bio_of(text);
    size_t count = 0;
    for (X509 *ca; (ca = PEM_read_bio_X509(bio, NULL, no_password, NULL)); count++) {
        bool added = X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), ca) == 1 &&
                     SSL_CTX_add_client_CA(ctx, ca) == 1;
        X509_free(ca);
        if (!added)
            return tls_pem_error(what, pem);
    }
    return count > 0 && is_at_end() ? OK : tls_pem_error(what, pem);
}
