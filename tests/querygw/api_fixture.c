/* api_fixture.c - loops, a pool, a server and the API. */
#include "tests/querygw/api_fixture.h"

#include "tests/harness.h"

static struct store *
store_of(void *arg, struct arena *a, struct str tenant)
{
    struct api_fixture *f = arg;
    (void)a;
    if (str_eq(tenant, STR("default-tenant")))
        return &f->store.store;
    return str_eq(tenant, STR("other")) ? &f->other.store : NULL;
}

static struct err
list_tenants(void *arg, struct arena *a, struct str_list *ret_names)
{
    (void)arg;
    ret_names->v = ARENA_ARRAY(a, struct str, 3);
    ret_names->v[0] = STR("default-tenant");
    ret_names->v[1] = STR("gone");
    ret_names->v[2] = STR("other");
    ret_names->n = 3;
    return OK;
}

static struct http_server *
serve(struct api_fixture *f, struct router *router)
{
    struct http_server *server;
    struct http_server_opts opts = {.address = STR("127.0.0.1:0"),
                                    .loops = f->loops,
                                    .router = router,
                                    .metrics = f->metrics,
                                    .clock = clock_system()};
    CK_OK(http_server_start(&opts, &server));
    return server;
}

void
api_fixture_start(struct api_fixture *f, struct api_opts opts)
{
    *f = (struct api_fixture){
        .metrics = metrics_open(), .router = router_open(), .receive_router = router_open()};
    fake_store_init(&f->store);
    fake_store_init(&f->other);
    struct pool_opts pool = {.name = "query", .threads = 2, .queued_limit = 8};
    CK_OK(pool_start(&pool, &f->pool));
    CK_OK(loops_start(1, &f->loops));
    opts.store_of_tenant = store_of;
    opts.list_tenants = list_tenants;
    opts.metrics = f->metrics;
    opts.arg = f;
    opts.tenant_header = "THANOS-TENANT";
    opts.default_tenant = "default-tenant";
    opts.write_tenant_header = "WRITE-TENANT";
    opts.write_default_tenant = "default-tenant";
    opts.pool = f->pool;
    if (!opts.clock)
        opts.clock = clock_system();
    f->api = api_open(&opts);
    api_add_routes(f->api, f->router);
    api_add_receive_routes(f->api, f->receive_router);
    f->server = serve(f, f->router);
    f->receive_server = serve(f, f->receive_router);
    f->port = http_server_port(f->server);
    f->receive_port = http_server_port(f->receive_server);
}

void
api_fixture_stop(struct api_fixture *f)
{
    http_server_stop(f->server, 2000);
    http_server_stop(f->receive_server, 2000);
    loops_stop(f->loops);
    pool_stop(f->pool);
    router_close(f->router);
    router_close(f->receive_router);
    api_close(f->api);
    metrics_close(f->metrics);
    fake_store_fini(&f->store);
    fake_store_fini(&f->other);
}

struct reply
api_get(const struct api_fixture *f, const char *target, const char *headers)
{
    AUTO(buf_fini) struct buf request = BUF_INIT;
    buf_printf(&request, "GET %s HTTP/1.1\r\nHost: x\r\n%s\r\n", target, headers);
    return client_ask(f->port, buf_str(&request));
}

struct reply
api_send(const struct api_fixture *f, const char *method, const char *target, const char *headers,
         struct str body)
{
    AUTO(buf_fini) struct buf request = BUF_INIT;
    buf_printf(&request, "%s %s HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n%s\r\n", method,
               target, body.n, headers);
    buf_append(&request, body);
    return client_ask(f->port, buf_str(&request));
}

struct reply
api_post(const struct api_fixture *f, const char *target, const char *type, struct str body)
{
    AUTO(buf_fini) struct buf headers = BUF_INIT;
    buf_printf(&headers, "Content-Type: %s\r\n", type);
    return api_send(f, "POST", target, buf_cstr(&headers), body);
}
