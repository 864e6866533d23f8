/* router.c - the route table: paths in order for a binary search, patterns after them. */
#include "net/router_match.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/mem.h"
#include "base/vec.h"
#include "net/url.h"

enum { METHOD_KINDS = 3 }; /* GET, POST, PUT: bit numbers of ROUTE_* */

/* One path with what it does for each method. */
struct router_path {
    struct str path;
    unsigned methods; /* ROUTE_* bits of the routes below */
    struct route routes[METHOD_KINDS];
};
VEC_TYPE(router_paths, struct router_path);

struct router {
    struct router_paths exact;    /* sorted by path */
    struct router_paths patterns; /* in order of adding */
};

struct router *
router_open(void)
{
    return mem_alloc_zero(sizeof(struct router));
}

void
router_close(struct router *r)
{
    if (!r)
        return;
    vec_fini(&r->exact);
    vec_fini(&r->patterns);
    mem_free(r);
}

static bool
is_pattern(struct str path)
{
    return str_find_byte(path, ':') < path.n;
}

static struct router_path *
find_path(const struct router_paths *paths, struct str path)
{
    for (size_t i = 0; i < paths->n; i++) {
        if (str_eq(paths->v[i].path, path))
            return &paths->v[i];
    }
    return NULL;
}

/* Room for a new path: behind the patterns, or where its order wants it. */
static struct router_path *
insert_path(struct router_paths *paths, struct str path)
{
    size_t at = paths->n;
    vec_push(paths, ((struct router_path){0}));
    for (; !is_pattern(path) && at > 0 && str_cmp(paths->v[at - 1].path, path) > 0; at--)
        paths->v[at] = paths->v[at - 1];
    paths->v[at] = (struct router_path){.path = path};
    return &paths->v[at];
}

void
router_add(struct router *r, const struct route *route)
{
    struct str path = str_of_cstr(route->path);
    ASSERT(path.n > 0 && path.p[0] == '/');
    ASSERT(route->methods != 0 && route->methods < 1u << METHOD_KINDS);
    struct router_paths *paths = is_pattern(path) ? &r->patterns : &r->exact;
    struct router_path *p = find_path(paths, path);
    if (!p)
        p = insert_path(paths, path);
    ASSERT((p->methods & route->methods) == 0); /* the same method and path twice */
    p->methods |= route->methods;
    for (unsigned i = 0; i < METHOD_KINDS; i++) {
        if (route->methods & 1u << i)
            p->routes[i] = *route;
    }
}

static const struct router_path *
find_exact(const struct router *r, struct str path)
{
    size_t from = 0, to = r->exact.n;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        int order = str_cmp(path, r->exact.v[middle].path);
        if (order == 0)
            return &r->exact.v[middle];
        if (order < 0)
            to = middle;
        else
            from = middle + 1;
    }
    return NULL;
}

/* The pattern and the raw path have the same segments, ":name" standing for any. */
static struct err
match_pattern(struct str pattern, struct str path, struct arena *a, struct router_match *m,
              bool *ret_matches)
{
    *ret_matches = false;
    m->param_count = 0;
    while (pattern.n > 0 && path.n > 0) {
        bool last = str_find_byte(pattern, '/') == pattern.n;
        if (last != (str_find_byte(path, '/') == path.n))
            return OK; /* one of them has more segments */
        struct str want = str_split(&pattern, '/');
        struct str got;
        TRY(url_unescape(a, str_split(&path, '/'), URL_PATH, &got));
        if (want.n > 0 && want.p[0] == ':') {
            if (got.n == 0)
                return OK;
            ASSERT(m->param_count < ROUTER_PARAMS_MAX);
            m->params[m->param_count++] = (struct http_param){str_skip(want, 1), got};
        } else if (!str_eq(want, got)) {
            return OK;
        }
    }
    *ret_matches = pattern.n == 0 && path.n == 0;
    return OK;
}

static struct err
find_any(const struct router *r, struct arena *a, struct str raw_path, struct router_match *m,
         const struct router_path **ret_path)
{
    struct str path;
    TRY(url_unescape(a, raw_path, URL_PATH, &path));
    *ret_path = find_exact(r, path);
    for (size_t i = 0; !*ret_path && i < r->patterns.n; i++) {
        bool matches;
        TRY(match_pattern(r->patterns.v[i].path, raw_path, a, m, &matches));
        if (matches)
            *ret_path = &r->patterns.v[i];
    }
    return OK;
}

static const struct route *
route_of_method(const struct router_path *p, unsigned method)
{
    for (unsigned i = 0; i < METHOD_KINDS; i++) {
        if (p->methods & method & 1u << i)
            return &p->routes[i];
    }
    return NULL;
}

static unsigned
route_bit(enum http_method method)
{
    switch (method) {
    case HTTP_GET:
    case HTTP_HEAD:
        return ROUTE_GET;
    case HTTP_POST:
        return ROUTE_POST;
    case HTTP_PUT:
        return ROUTE_PUT;
    case HTTP_DELETE:
    case HTTP_OPTIONS:
    case HTTP_PATCH:
        break;
    }
    return 0;
}

struct err
router_find(const struct router *r, struct arena *a, enum http_method method, struct str raw_path,
            enum router_verdict *ret_verdict, struct router_match *ret_match)
{
    struct router_match m = {0};
    const struct router_path *p = NULL;
    TRY(find_any(r, a, raw_path, &m, &p));
    enum router_verdict verdict = ROUTER_NO_PATH;
    if (p) {
        m.methods = p->methods;
        m.route = route_of_method(p, route_bit(method));
        verdict = m.route                  ? ROUTER_FOUND
                  : method == HTTP_OPTIONS ? ROUTER_OPTIONS
                                           : ROUTER_NO_METHOD;
        if (!m.route)
            m.route = route_of_method(p, p->methods);
    }
    *ret_verdict = verdict;
    *ret_match = m;
    return OK;
}

struct str
router_allow(struct arena *a, unsigned methods)
{
    return arena_printf(a, "%sOPTIONS%s%s", methods & ROUTE_GET ? "GET, HEAD, " : "",
                        methods & ROUTE_POST ? ", POST" : "", methods & ROUTE_PUT ? ", PUT" : "");
}
