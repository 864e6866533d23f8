/* api_fixture.h - a live server with the query API over two fake stores.
 *
 * Tenant "default-tenant" has `store`, tenant "other" has `other`, nobody else has anything; a
 * list of tenants also names "gone". */
#pragma once
#include "net/http_server.h"
#include "querygw/api/api.h"
#include "tests/net/client.h"
#include "tests/querygw/fake_store.h"

struct api_fixture {
    struct fake_store store, other;
    struct loops *loops;
    struct pool *pool;
    struct metrics *metrics;
    struct router *router, *receive_router;
    struct http_server *server, *receive_server;
    struct api *api;
    unsigned port, receive_port; /* of api_add_routes(), of api_add_receive_routes() */
};

/* Zero fields of *opts get what every test needs. */
void api_fixture_start(struct api_fixture *f, struct api_opts opts);
void api_fixture_stop(struct api_fixture *f);
/* GET of path and query as written; `headers` are whole lines or "". */
struct reply api_get(const struct api_fixture *f, const char *target, const char *headers);
/* Any method; `headers` as above. */
struct reply api_send(const struct api_fixture *f, const char *method, const char *target,
                      const char *headers, struct str body);
/* POST of a body with a content type. */
struct reply api_post(const struct api_fixture *f, const char *target, const char *type,
                      struct str body);
