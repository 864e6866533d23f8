/* router_match.h - looking a request up, for the server.
 * Threads: any, once the table is complete. */
#pragma once
#include "net/router.h"

enum { ROUTER_PARAMS_MAX = 4 }; /* ":name" segments of one path */

enum router_verdict { ROUTER_FOUND, ROUTER_NO_PATH, ROUTER_NO_METHOD, ROUTER_OPTIONS };

struct router_match {
    const struct route *route; /* FOUND: the handler; NO_METHOD, OPTIONS: any of the path */
    unsigned methods;          /* ROUTE_* bits that the path answers */
    struct http_param params[ROUTER_PARAMS_MAX]; /* values unescaped */
    size_t param_count;
};

/* Exact paths win over ":name" paths; an empty segment matches no ":name". `raw_path` is still
 * escaped, so that an escaped '/' stays inside its segment. ERR_INVALID: bad escapes. */
struct err router_find(const struct router *r, struct arena *a, enum http_method method,
                       struct str raw_path, enum router_verdict *ret_verdict,
                       struct router_match *ret_match);
/* "GET, HEAD, OPTIONS": the value of Allow. In the arena. */
struct str router_allow(struct arena *a, unsigned methods);
