/* http.h - requests and replies, whichever server brought them.
 *
 * A request belongs to its handler from the call until it has been answered exactly once; the
 * answer may be given from any thread. Views of the request (path, body, ...) live until then.
 * Threads: as each function says. */
#pragma once
#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "net/tls.h"

enum http_method {
    HTTP_GET,
    HTTP_HEAD,
    HTTP_POST,
    HTTP_PUT,
    HTTP_DELETE,
    HTTP_OPTIONS,
    HTTP_PATCH
};

struct http_request; /* opaque */
struct trace;

enum http_method http_method(const struct http_request *r);
struct str http_path(const struct http_request *r);         /* decoded, without the query */
struct str http_query_string(const struct http_request *r); /* raw, without '?' */
/* Value of the first such header (case ignored), or {NULL, 0} when absent. */
struct str http_header(const struct http_request *r, const char *name);
struct str http_body(const struct http_request *r); /* contiguous */
struct str http_peer(const struct http_request *r); /* "addr:port" of the other side */
/* Absolute monotonic ns: handlers stop working then. */
uint64_t http_deadline_ns(const struct http_request *r);
/* A field of the subject of the client's TLS certificate, if that was verified; else {NULL, 0}. */
struct str http_peer_subject(const struct http_request *r, enum tls_subject_field field);
/* What the token that let the request in says its sender is (http_guard.h); {NULL, 0} where no
 * tokens are asked for. */
struct str http_identity(const struct http_request *r);
/* The client is gone: queries look at it now and then. Threads: any. */
bool http_canceled(const struct http_request *r);
/* Spans of the request's work go here; NULL when it is not traced (trace/trace.h). The handler may
 * use it until it answers. */
struct trace *http_trace(const struct http_request *r);
/* Memory of this request, dropped with it; one thread at a time. */
struct arena *http_arena(struct http_request *r);
/* For wildcard routes ("/api/v1/label/:name/values"): the decoded segment. */
struct str http_path_param(const struct http_request *r, const char *name);

/* --- answering: once; any thread ----------------------------------------------------------- */

/* Adds a header to the answer; before the reply call. Copied. */
void http_set_header(struct http_request *r, const char *name, struct str value);
/* Answers and gives the request up. `body` is copied; compressed when the client accepts it
 * and it is worth it. `content_type` may be NULL when the body is empty. */
void http_reply(struct http_request *r, int status, const char *content_type, struct str body);
/* As http_reply(), but takes the buffer's memory instead of copying: *body is empty after. */
void http_reply_buf(struct http_request *r, int status, const char *content_type, struct buf *body);
/* text/plain "message\n" with nosniff, as Go's http.Error. */
void http_reply_text(struct http_request *r, int status, struct str message);
/* The error's text with the status of its code; Retry-After for retryable ones. Consumes e. */
void http_reply_err(struct http_request *r, struct err e);

/* Streaming answers from a worker thread: begin, write..., then end (good) or abort (the
 * connection is cut so that the client sees the answer is incomplete). A write blocks while
 * more than HTTP_STREAM_BYTES_MAX wait for a slow client and fails with ERR_CANCELED or
 * ERR_TIMEOUT when the client is gone or too slow; the answer must still be ended or aborted. */
enum { HTTP_STREAM_BYTES_MAX = 1 << 20 };
enum http_stream_coding { HTTP_STREAM_COMPRESSED, HTTP_STREAM_IDENTITY };
void http_reply_begin(struct http_request *r, int status, const char *content_type,
                      enum http_stream_coding coding);
struct err http_reply_write(struct http_request *r, struct str bytes);
void http_reply_end(struct http_request *r);
void http_reply_abort(struct http_request *r);

/* --- parameters ------------------------------------------------------------------------------ */

struct http_param {
    struct str name, value; /* decoded; in the request's arena */
};
struct http_params {
    struct http_param *v;
    size_t n;
};
enum { HTTP_PARAMS_MAX = 10000 };
/* Of the URL, and of an urlencoded body for POST (body first, as Go's r.Form). ERR_INVALID for
 * bad escapes, ERR_LIMIT above HTTP_PARAMS_MAX. */
struct err http_parse_params(struct http_request *r, struct http_params *ret_params);
/* First value, or {NULL, 0}. */
struct str http_param(const struct http_params *p, const char *name);
/* The decoder itself, for fuzzing: appends to *ret_params; `a` holds the decoded text. */
struct err http_params_decode(struct arena *a, struct str text, struct http_params *ret_params);
