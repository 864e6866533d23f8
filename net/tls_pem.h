/* tls_pem.h - certificates and keys of PEM texts, into what OpenSSL opens sessions from.
 * Threads: any. */
#pragma once
#include <openssl/ssl.h>

#include "net/tls.h"

/* Appends the text of the file, or the text itself. `what` is for messages. */
struct err tls_pem_read(const struct tls_pem *pem, const char *what, struct buf *to);
/* ERR_INVALID with OpenSSL's newest complaint, which quotes no input; its queue is a thread's and
 * must be empty before the next call. `pem` says where the text came from; NULL: from nowhere. */
struct err tls_pem_error(const char *what, const struct tls_pem *pem);

/* The leaf, and the chain behind it. */
struct err tls_pem_load_chain(SSL_CTX *ctx, const struct tls_pem *pem, const struct buf *text);
/* Of the leaf, which is loaded before. */
struct err tls_pem_load_key(SSL_CTX *ctx, const struct tls_pem *pem, const struct buf *text);
/* Authorities that the other side's certificate is held against; a server names them to clients. */
struct err tls_pem_load_ca(SSL_CTX *ctx, const char *what, const struct tls_pem *pem,
                           const struct buf *text);
