/* Heads are taken or refused with a status and a reason; a path that is taken can be routed. */
#include "base/assert.h"
#include "base/mem.h"
#include "net/http_head.h"
#include "net/router_match.h"
#include "tests/fuzz/fuzz.h"

static const struct route routes[] = {
    {.path = "/", .methods = ROUTE_GET, .name = "root"},
    {.path = "/a", .methods = ROUTE_GET | ROUTE_POST, .name = "a"},
    {.path = "/a/:b", .methods = ROUTE_PUT, .name = "b"},
    {.path = "/:a/x/:c", .methods = ROUTE_GET, .name = "c"},
};

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct http_head h;
    const char *why = NULL;
    int status = http_head_parse(&a, str_of((const char *)data, size), &h, &why);
    ASSERT(status == 0 || (status >= 400 && status < 600 && why));
    if (status != 0)
        return 0;
    struct router *r = router_open();
    for (size_t i = 0; i < ARRAY_LEN(routes); i++)
        router_add(r, &routes[i]);
    enum router_verdict verdict;
    struct router_match m;
    struct err e = router_find(r, &a, h.method, h.raw_path, &verdict, &m);
    ASSERT(e.code == ERR_INVALID || (verdict == ROUTER_NO_PATH) == (m.route == NULL));
    err_drop(e);
    router_close(r);
    return 0;
}
