/* http_authorization.h - what an Authorization field says (RFC 7617, RFC 6750).
 * Threads: any (pure). */
#pragma once
#include "base/arena.h"
#include "base/str.h"

enum http_scheme {
    HTTP_SCHEME_NONE, /* no field, another scheme, or what cannot be read */
    HTTP_SCHEME_BASIC,
    HTTP_SCHEME_BEARER,
};

struct http_authorization {
    enum http_scheme scheme;
    struct str user, password; /* BASIC */
    struct str token;          /* BEARER; not empty */
};

/* Decoded text stands in the arena, the rest are views of `value`. */
struct http_authorization http_authorization_parse(struct arena *a, struct str value);
