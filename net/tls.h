/* tls.h - server-side TLS: certificate, key and client CA, replaceable while connections live.
 * OpenSSL is seen by net/ only.
 * Threads: any. */
#pragma once
#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"

struct tls_server;

/* Fields of a certificate's subject that may say who somebody is. */
enum tls_subject_field {
    TLS_SUBJECT_ORGANIZATION,
    TLS_SUBJECT_ORGANIZATIONAL_UNIT,
    TLS_SUBJECT_COMMON_NAME,
    TLS_SUBJECT_FIELD_COUNT
};

enum { TLS_FILE_BYTES_MAX = 4 << 20 }; /* of a PEM file; larger: ERR_TOO_LARGE */

/* PEM: of a file when `file` names one, else the text itself; both empty: none. */
struct tls_pem {
    const char *file; /* may be NULL or "" */
    struct str text;
};
struct tls_names {
    const struct str *v;
    size_t n;
};

/* What the connections carry. An offer of other protocols only is refused by TLS_ALPN_H2; a client
 * that offers none is taken at its word. */
enum tls_alpn { TLS_ALPN_HTTP1, TLS_ALPN_H2 };

/* All of it is copied. Versions, suites and curves go by the names that Go has for them. */
struct tls_server_opts {
    struct tls_pem cert, key; /* the certificate may have its chain behind it */
    struct tls_pem client_ca; /* none: the CAs of the system, where clients are verified */
    const char *client_auth;  /* "RequireAndVerifyClientCert", ...; NULL or "": "NoClientCert" */
    const struct tls_names *client_sans;   /* one of them must be in a client's certificate, if it
                                            * shows one; NULL: any */
    const char *min_version, *max_version; /* "1.2" or "TLS12"; NULL: 1.3 both */
    struct tls_names ciphers;              /* up to TLS 1.2, best first; none: Go's own choice */
    struct tls_names curves;               /* best first; none: OpenSSL's choice */
    enum tls_alpn alpn;
    bool client_order; /* the client's favourite suite is taken, not ours */
};
struct err tls_server_open(const struct tls_server_opts *opts, struct tls_server **ret_tls);
void tls_server_close(struct tls_server *t); /* NULL is allowed */

/* --- changes: on failure everything stays as it was; new connections see the new state ------- */

/* Reads the files again. Threads: one at a time, as the one below. */
struct err tls_server_reload(struct tls_server *t);
/* Other options. */
struct err tls_server_replace(struct tls_server *t, const struct tls_server_opts *opts);
