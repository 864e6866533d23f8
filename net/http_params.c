/* http_params.c - parameters of URLs and urlencoded bodies, as Go's url.ParseQuery reads them:
 * cut at '&', an empty piece is skipped, one with ';' is an error, '=' splits once. */
#include "net/http_int.h"

#include "base/assert.h"
#include "base/mem.h"
#include "net/url.h"

enum { PARAMS_ROOM_FIRST = 8 };

/* The table doubles inside the arena; what it leaves behind is at most as large as it is. */
static struct err
add_param(struct arena *a, struct http_params *params, struct http_param one)
{
    size_t n = params->n;
    if (n == HTTP_PARAMS_MAX)
        return ERR(ERR_LIMIT, "more than %d parameters", HTTP_PARAMS_MAX);
    bool full = n == 0 || (n >= PARAMS_ROOM_FIRST && (n & (n - 1)) == 0);
    if (full) {
        struct http_param *more =
            ARENA_ARRAY(a, struct http_param, size_max(PARAMS_ROOM_FIRST, 2 * n));
        if (n > 0)
            memcpy(more, params->v, n * sizeof *more);
        params->v = more;
    }
    params->v[params->n++] = one;
    return OK;
}

struct err
http_params_decode(struct arena *a, struct str text, struct http_params *ret_params)
{
    while (text.n > 0) {
        struct str value = str_split(&text, '&');
        if (value.n == 0)
            continue;
        if (str_find_byte(value, ';') < value.n)
            return ERR(ERR_INVALID, "invalid semicolon separator in query");
        struct http_param one;
        TRY(url_unescape(a, str_split(&value, '='), URL_QUERY, &one.name));
        TRY(url_unescape(a, value, URL_QUERY, &one.value));
        TRY(add_param(a, ret_params, one));
    }
    return OK;
}

/* The body is a form: Go looks at these methods and at the media type without parameters. */
static bool
has_form(const struct http_request *r)
{
    enum http_method m = http_method(r);
    if (m != HTTP_POST && m != HTTP_PUT && m != HTTP_PATCH)
        return false;
    struct str type = http_header(r, "Content-Type");
    struct str media = str_trim(str_split(&type, ';'));
    return str_eq_nocase(media, STR("application/x-www-form-urlencoded"));
}

struct err
http_parse_params(struct http_request *r, struct http_params *ret_params)
{
    struct http_params params = {0};
    if (has_form(r))
        TRY(http_params_decode(&r->arena, http_body(r), &params));
    TRY(http_params_decode(&r->arena, http_query_string(r), &params));
    *ret_params = params;
    return OK;
}

struct str
http_param(const struct http_params *p, const char *name)
{
    for (size_t i = 0; i < p->n; i++) {
        if (str_eq(p->v[i].name, str_of_cstr(name)))
            return p->v[i].value;
    }
    return (struct str){NULL, 0};
}
