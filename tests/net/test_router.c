/* Paths and methods find their route, or the right way to refuse. */
#include "base/mem.h"
#include "net/router_match.h"
#include "tests/harness.h"

static void
no_handler(void *arg, struct http_request *r)
{
    (void)arg, (void)r;
    ck_abort_msg("a look-up calls nothing");
}

static struct router *
make_router(void)
{
    static const struct route routes[] = {
        {"/b", ROUTE_GET | ROUTE_POST, "b", no_handler, NULL, NULL, 0, 0},
        {"/", ROUTE_GET, "root", no_handler, NULL, NULL, 0, 0},
        {"/a/b", ROUTE_GET, "ab", no_handler, NULL, NULL, 0, 0},
        {"/label/:name/values", ROUTE_GET, "values", no_handler, NULL, NULL, 0, 0},
        {"/label/all/values", ROUTE_GET, "all", no_handler, NULL, NULL, 0, 0},
        {"/a", ROUTE_PUT, "a put", no_handler, NULL, NULL, 0, 0},
        {"/a", ROUTE_GET, "a get", no_handler, NULL, NULL, 0, 0},
        {"/:x/:y", ROUTE_POST, "two", no_handler, NULL, NULL, 0, 0},
    };
    struct router *r = router_open();
    for (size_t i = 0; i < ARRAY_LEN(routes); i++)
        router_add(r, &routes[i]);
    return r;
}

static const struct router_case {
    const char *name;
    enum http_method method;
    const char *path;
    enum router_verdict verdict;
    const char *route, *param; /* of the first parameter; NULL: none */
} router_cases[] = {
    {"exact", HTTP_GET, "/b", ROUTER_FOUND, "b", NULL},
    {"root", HTTP_GET, "/", ROUTER_FOUND, "root", NULL},
    {"head is get", HTTP_HEAD, "/a/b", ROUTER_FOUND, "ab", NULL},
    {"second method", HTTP_POST, "/b", ROUTER_FOUND, "b", NULL},
    {"two routes of a path: put", HTTP_PUT, "/a", ROUTER_FOUND, "a put", NULL},
    {"two routes of a path: get", HTTP_GET, "/a", ROUTER_FOUND, "a get", NULL},
    {"escaped", HTTP_GET, "/%61/%62", ROUTER_FOUND, "ab", NULL},
    {"parameter", HTTP_GET, "/label/job/values", ROUTER_FOUND, "values", "job"},
    {"escaped parameter", HTTP_GET, "/label/a%2Fb%20/values", ROUTER_FOUND, "values", "a/b "},
    {"exact wins", HTTP_GET, "/label/all/values", ROUTER_FOUND, "all", NULL},
    {"two parameters", HTTP_POST, "/p/q", ROUTER_FOUND, "two", "p"},
    {"options", HTTP_OPTIONS, "/a", ROUTER_OPTIONS, NULL, NULL},
    {"unknown", HTTP_GET, "/c", ROUTER_NO_PATH, NULL, NULL},
    {"empty", HTTP_GET, "", ROUTER_NO_PATH, NULL, NULL},
    {"star", HTTP_OPTIONS, "*", ROUTER_NO_PATH, NULL, NULL},
    {"trailing slash", HTTP_GET, "/b/", ROUTER_NO_PATH, NULL, NULL},
    {"longer", HTTP_GET, "/label/job/values/x", ROUTER_NO_PATH, NULL, NULL},
    {"shorter", HTTP_GET, "/label/job", ROUTER_NO_METHOD, NULL, NULL},
    {"empty parameter", HTTP_GET, "/label//values", ROUTER_NO_PATH, NULL, NULL},
    {"last parameter empty", HTTP_POST, "/p/", ROUTER_NO_PATH, NULL, NULL},
    {"case counts", HTTP_GET, "/B", ROUTER_NO_PATH, NULL, NULL},
    {"other method", HTTP_DELETE, "/b", ROUTER_NO_METHOD, NULL, NULL},
    {"other method of two", HTTP_POST, "/a", ROUTER_NO_METHOD, NULL, NULL},
};

START_TEST(test_find)
{
    const struct router_case *c = &router_cases[_i];
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct router *r = make_router();
    enum router_verdict verdict;
    struct router_match m;
    CK_OK(router_find(r, &a, c->method, str_of_cstr(c->path), &verdict, &m));
    ROW_ASSERT(c->name, verdict == c->verdict);
    ROW_ASSERT(c->name, (m.route != NULL) == (verdict != ROUTER_NO_PATH));
    if (c->route)
        ROW_ASSERT(c->name, strcmp(m.route->name, c->route) == 0);
    if (c->param)
        ROW_ASSERT(c->name, str_eq(m.params[0].value, str_of_cstr(c->param)));
    router_close(r);
}
END_TEST

START_TEST(test_bad_escapes_are_refused)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct router *r = make_router();
    enum router_verdict verdict;
    struct router_match m;
    CK_ERR(ERR_INVALID, router_find(r, &a, HTTP_GET, STR("/label/%g/values"), &verdict, &m));
    router_close(r);
}
END_TEST

START_TEST(test_allow)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    ck_assert(str_eq(router_allow(&a, ROUTE_GET), STR("GET, HEAD, OPTIONS")));
    ck_assert(str_eq(router_allow(&a, ROUTE_POST | ROUTE_PUT), STR("OPTIONS, POST, PUT")));
}
END_TEST

Suite *
router_suite(void)
{
    Suite *s = suite_create("router");
    TCase *t = tcase_create("router");
    tcase_add_loop_test(t, test_find, 0, ARRAY_LEN(router_cases));
    tcase_add_test(t, test_bad_escapes_are_refused);
    tcase_add_test(t, test_allow);
    suite_add_tcase(s, t);
    return s;
}
