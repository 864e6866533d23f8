/* tls.h - server-side TLS: certificate, key and client CA from files, replaceable while
 * connections live. OpenSSL is seen by net/ only.
 * Threads: any. */
#pragma once
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

struct tls_server_opts {
    const char *cert_file, *key_file; /* PEM; copied */
    const char *client_ca_file;       /* PEM or NULL: no client certificates */
    const char *min_version;          /* "1.0" .. "1.3"; NULL: "1.3" */
};
struct err tls_server_open(const struct tls_server_opts *opts, struct tls_server **ret_tls);
void tls_server_close(struct tls_server *t); /* NULL is allowed */
/* Reads the files again; on failure the old ones stay. New connections use the new ones. */
struct err tls_server_reload(struct tls_server *t);
