/* tls_client.h - the client's side of TLS: whom to believe, who we are; PEM files are read again
 * when they change. Handshakes ask for HTTP/2 (ALPN "h2") and fail without it.
 * Threads: any. */
#pragma once
#include <stdbool.h>

#include "base/err.h"
#include "base/mem.h"
#include "net/tls.h"

struct tls_client;
struct tls_session; /* tls_int.h */

/* All of it is copied. */
struct tls_client_opts {
    struct tls_pem cert, key; /* both or none; the certificate may have its chain behind it */
    struct tls_pem ca;        /* none: the CAs of the system */
    const char *server_name;  /* in the server's certificate; NULL or "": the host connected to */
    const char *min_version;  /* "1.2" or "TLS12"; NULL or "": 1.2 */
    bool skip_verify;         /* anybody is believed */
};
/* The caller owns one reference. */
struct err tls_client_open(const struct tls_client_opts *opts, struct tls_client **ret_tls);
struct tls_client *tls_client_ref(struct tls_client *t);
/* Gives one reference back; NULL is allowed. Sessions live on. */
void tls_client_close(struct tls_client *t);
DEFINE_AUTO(struct tls_client *, tls_client_close)

/* Looks whether a file has changed, and reads them again; on failure everything stays as it was.
 * Blocks on the files. */
struct err tls_client_refresh(struct tls_client *t);
/* The name in the server's certificate when the options say one; {NULL, 0}: the host's. Borrowed
 * from `t`. */
struct str tls_client_server_name(const struct tls_client *t);
/* One connection to `host` (a name or an address), for transport_open(). `fd` stays the caller's.
 * NULL: OpenSSL has no memory for it. */
struct tls_session *tls_client_session(struct tls_client *t, int fd, const char *host);
void tls_client_session_close(struct tls_session *s); /* one that transport_open() did not take */
