/* http_head.h - the request line and header fields of HTTP/1.1 (RFC 9112), parsed strictly.
 *
 * Whatever two parsers could read in two ways is refused, so that no proxy in front of us can
 * be made to see other requests than we do: bare CR or LF, folded lines, spaces around a field
 * name, repeated or signed Content-Length, Content-Length next to Transfer-Encoding, any
 * coding but a single "chunked", a missing or second Host.
 * Pure. Threads: any. */
#pragma once
#include "net/http.h"

enum {
    HTTP_HEADERS_MAX = 128,        /* fields of one request */
    HTTP_BODY_BYTES_MAX = 1 << 30, /* above it a Content-Length is not even compared */
};

struct http_field {
    struct str name, value; /* without the white space around */
};

enum http_framing { HTTP_BODY_NONE, HTTP_BODY_LENGTH, HTTP_BODY_CHUNKED };
enum http_reuse { HTTP_CLOSE, HTTP_KEEP_ALIVE };
enum http_expect { HTTP_EXPECT_NOTHING, HTTP_EXPECT_CONTINUE };

struct http_head {
    enum http_method method;
    unsigned minor;      /* HTTP/1.minor: 0 or 1 */
    struct str raw_path; /* still escaped, begins with '/' (or is "*") */
    struct str query;    /* raw, without '?' */
    struct http_field *fields;
    size_t field_count;
    enum http_framing framing;
    uint64_t body_bytes; /* for HTTP_BODY_LENGTH */
    enum http_reuse reuse;
    enum http_expect expect;
};

/* `text` is the whole head up to and including the empty line; the views of *ret_head point
 * into it, the field table stands in the arena. Returns 0, or the HTTP status to refuse with
 * and in *ret_why a static text for humans. */
int http_head_parse(struct arena *a, struct str text, struct http_head *ret_head,
                    const char **ret_why);
/* Value of the first field of that name (case ignored), or {NULL, 0}. */
struct str http_head_find(const struct http_head *h, struct str name);
/* The comma-separated list `value` holds `token` (case ignored). */
bool http_list_has(struct str value, struct str token);
const char *http_method_name(enum http_method method);
