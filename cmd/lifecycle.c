/* lifecycle.c - see lifecycle.h. */
#include "cmd/lifecycle.h"

static void
serve_reload(void *arg, struct http_request *r)
{
    struct reloads *reloads = arg;
    struct err e = reloads_run(reloads);
    if (e.code == ERR_NONE) {
        http_reply(r, 200, NULL, STR(""));
        return;
    }
    AUTO(buf_fini) struct buf text = BUF_INIT;
    buf_printf(&text, "failed to reload config: %s", err_text(&e));
    err_drop(e);
    http_reply_text(r, 500, buf_str(&text));
}

void
lifecycle_add_routes(struct reloads *reloads, struct pool *pool, struct router *router)
{
    router_add(router, &(struct route){.path = "/-/reload",
                                       .methods = ROUTE_POST | ROUTE_PUT,
                                       .name = "reload",
                                       .handler = serve_reload,
                                       .arg = reloads,
                                       .pool = pool});
}
