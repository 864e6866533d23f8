/* tls_ctx.h - options and PEM texts made into what OpenSSL opens sessions from: immutable and
 * counted, so that sessions outlive its replacement.
 * Threads: any. */
#pragma once
#include <openssl/ssl.h>

#include "base/arena.h"
#include "net/tls_names.h"

struct tls_ctx;

/* What the files hold; empty where there is none. Wiped when it is given up. */
struct tls_material {
    struct buf cert, key, client_ca;
};
struct err tls_material_read(const struct tls_server_opts *opts, struct tls_material *ret_material);
void tls_material_fini(struct tls_material *m);
static inline void
auto_tls_material_fini(struct tls_material *m)
{
    tls_material_fini(m);
}

/* The caller owns one reference. */
struct err tls_ctx_new(const struct tls_server_opts *opts, const struct tls_material *m,
                       struct tls_ctx **ret_ctx);
struct tls_ctx *tls_ctx_ref(struct tls_ctx *c);
void tls_ctx_unref(struct tls_ctx *c); /* NULL is allowed */
/* A server's side of a connection, which must not outlive the context; NULL: no memory. */
SSL *tls_ctx_session(struct tls_ctx *c);
