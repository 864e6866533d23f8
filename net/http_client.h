/* http_client.h - requests of ours to other servers, over libcurl: one at a time, the caller waits.
 * For threads in the background, never for a loop or a worker that serves.
 *
 * Redirects are not followed. Files of secrets are read for each request, so that they may change;
 * certificates with each connection. Errors tell neither secrets nor the URL's credentials.
 * Threads: one at a time; http_client_cancel() any. */
#pragma once
#include <stdbool.h>

#include "base/bytes.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"

enum { HTTP_CLIENT_SECRET_BYTES_MAX = 64 << 10, HTTP_CLIENT_CONNECT_MS_MAX = 5000 };

struct http_client;

struct http_client_header {
    struct str name, value;
};

/* Empty texts: nothing of the kind. */
struct http_client_opts {
    const struct http_client_header *headers; /* with each request */
    size_t header_count;
    struct {
        struct str user, password, password_file;
    } basic;
    struct {
        struct str token, token_file;
    } bearer;
    struct str proxy_url;
    bool environment_proxy; /* http_proxy and friends count where there is no proxy_url */
    struct {
        struct str ca_file, cert_file, key_file;
        struct str server_name; /* in the certificate, instead of the URL's host */
        bool skip_verify;
    } tls;
};
/* Copies what it needs. */
struct err http_client_open(const struct http_client_opts *opts, struct http_client **ret_client);
void http_client_close(struct http_client *c); /* NULL is allowed */
DEFINE_AUTO(struct http_client *, http_client_close)

struct http_client_request {
    struct str url;
    struct str post; /* {NULL, 0}: a GET */
    int64_t timeout_ms;
    size_t answer_bytes_max; /* ERR_TOO_LARGE above it */
};
/* *ret_answer, which may be NULL, gets the body of whatever status. ERR_UNAVAILABLE when there is
 * no answer. */
struct err http_client_send(struct http_client *c, const struct http_client_request *q,
                            int *ret_status, struct buf *ret_answer);
/* The request under way, and every later one, ends soon. */
void http_client_cancel(struct http_client *c);
