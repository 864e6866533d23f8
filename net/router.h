/* router.h - which handler answers which method and path. A table a server, immutable once the
 * server runs.
 *
 * Unknown path: 404; known path, other method: 405 with Allow. HEAD is answered by GET's
 * handler without the body; OPTIONS by the server (204 with Allow and the CORS headers of the
 * route).
 * Threads: building one; looking up any. */
#pragma once
#include "base/pool.h"
#include "net/http.h"

typedef void (*http_handler)(void *arg, struct http_request *r);

enum { ROUTE_GET = 1, ROUTE_POST = 2, ROUTE_PUT = 4 };
/* Headers for pages of other origins: in every answer, as Thanos; or where the request has an
 * Origin, as Prometheus. */
enum { ROUTE_CORS = 1, ROUTE_CORS_ORIGIN = 2 };
/* Something of the body stays in memory: refused before it is read once memory is full. */
enum { ROUTE_KEEPS_BODY = 4 };

struct route {
    const char *path; /* "/api/v1/label/:name/values"; static */
    unsigned methods; /* ROUTE_GET | ... */
    const char *name; /* handler label of the http_* metrics; static */
    http_handler handler;
    void *arg;
    struct pool *pool;     /* NULL: runs on the loop and must not block */
    size_t body_bytes_max; /* larger: 413 before the body is read whole */
    unsigned flags;        /* ROUTE_CORS, ... */
};

struct router;
struct router *router_open(void);
void router_close(struct router *r);
/* Copies *route. The same method and path twice is a bug. */
void router_add(struct router *r, const struct route *route);
