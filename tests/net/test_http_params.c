/* Parameters as Go's url.ParseQuery reads them. */
#include "base/mem.h"
#include "net/http.h"
#include "tests/harness.h"

static const struct params_case {
    const char *name;
    struct str in;
    enum err_code code;
    struct str want; /* "name=value|" for each */
} params_cases[] = {
    {"empty", STR_INIT(""), ERR_NONE, STR_INIT("")},
    {"one", STR_INIT("a=b"), ERR_NONE, STR_INIT("a=b|")},
    {"order and repetition", STR_INIT("b=1&a=2&b=3"), ERR_NONE, STR_INIT("b=1|a=2|b=3|")},
    {"no value", STR_INIT("a&b="), ERR_NONE, STR_INIT("a=|b=|")},
    {"no name", STR_INIT("=x"), ERR_NONE, STR_INIT("=x|")},
    {"second equals sign", STR_INIT("a=b=c"), ERR_NONE, STR_INIT("a=b=c|")},
    {"empty pieces", STR_INIT("&&a=1&"), ERR_NONE, STR_INIT("a=1|")},
    {"escapes", STR_INIT("a%5B%5d=x%26y+z%2B"), ERR_NONE, STR_INIT("a[]=x&y z+|")},
    {"escaped semicolon", STR_INIT("a=1%3B2"), ERR_NONE, STR_INIT("a=1;2|")},
    {"semicolon", STR_INIT("a=1;b=2"), ERR_INVALID, STR_INIT("")},
    {"bad name", STR_INIT("%=1"), ERR_INVALID, STR_INIT("")},
    {"bad value", STR_INIT("a=%4"), ERR_INVALID, STR_INIT("")},
    {"bad second one", STR_INIT("a=1&b=%xy"), ERR_INVALID, STR_INIT("a=1|")},
};

START_TEST(test_decode)
{
    const struct params_case *c = &params_cases[_i];
    AUTO(arena_fini) struct arena a;
    AUTO(buf_fini) struct buf got = BUF_INIT;
    arena_init(&a, 0);
    struct http_params p = {0};
    struct err e = http_params_decode(&a, c->in, &p);
    ROW_ASSERT(c->name, e.code == c->code);
    err_drop(e);
    for (size_t i = 0; i < p.n; i++)
        buf_printf(&got, "%.*s=%.*s|", STR_FMT(p.v[i].name), STR_FMT(p.v[i].value));
    ROW_ASSERT(c->name, str_eq(buf_str(&got), c->want));
}
END_TEST

START_TEST(test_count_is_limited)
{
    AUTO(arena_fini) struct arena a;
    AUTO(buf_fini) struct buf text = BUF_INIT;
    arena_init(&a, 0);
    for (int i = 0; i < HTTP_PARAMS_MAX; i++)
        buf_printf(&text, "n%d=v%d&", i, i);
    struct http_params p = {0};
    CK_OK(http_params_decode(&a, buf_str(&text), &p));
    ck_assert_uint_eq(p.n, HTTP_PARAMS_MAX);
    ck_assert(str_eq(http_param(&p, "n9999"), STR("v9999")));
    ck_assert(http_param(&p, "n10000").p == NULL);
    CK_ERR(ERR_LIMIT, http_params_decode(&a, STR("one=more"), &p));
}
END_TEST

Suite *
http_params_suite(void)
{
    Suite *s = suite_create("http_params");
    TCase *t = tcase_create("http_params");
    tcase_add_loop_test(t, test_decode, 0, ARRAY_LEN(params_cases));
    tcase_add_test(t, test_count_is_limited);
    suite_add_tcase(s, t);
    return s;
}
