/* Percent escapes as Go's net/url unescapes them. */
#include "base/mem.h"
#include "net/url.h"
#include "tests/harness.h"

static const struct url_case {
    const char *name;
    enum url_part part;
    struct str in, want; /* want.p NULL: refused */
} url_cases[] = {
    {"empty", URL_QUERY, STR_INIT(""), STR_INIT("")},
    {"plain", URL_QUERY, STR_INIT("abc"), STR_INIT("abc")},
    {"plus in a query", URL_QUERY, STR_INIT("a+b"), STR_INIT("a b")},
    {"plus in a path", URL_PATH, STR_INIT("a+b%20"), STR_INIT("a+b ")},
    {"both cases", URL_PATH, STR_INIT("%c3%A4"), STR_INIT("\xc3\xa4")},
    {"nul", URL_QUERY, STR_INIT("%00"), STR_INIT("\0")},
    {"escaped percent", URL_QUERY, STR_INIT("%2541"), STR_INIT("%41")},
    {"lone percent", URL_QUERY, STR_INIT("%"), {NULL, 0}},
    {"cut short", URL_QUERY, STR_INIT("a%4"), {NULL, 0}},
    {"bad first digit", URL_PATH, STR_INIT("%g0"), {NULL, 0}},
    {"bad second digit", URL_PATH, STR_INIT("%0x"), {NULL, 0}},
    {"sign", URL_QUERY, STR_INIT("%+1"), {NULL, 0}},
    {"good then bad", URL_QUERY, STR_INIT("%41%"), {NULL, 0}},
};

START_TEST(test_unescape)
{
    const struct url_case *c = &url_cases[_i];
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct str got = STR("untouched");
    struct err e = url_unescape(&a, c->in, c->part, &got);
    ROW_ASSERT(c->name, e.code == (c->want.p ? ERR_NONE : ERR_INVALID));
    ROW_ASSERT(c->name, str_eq(got, c->want.p ? c->want : STR("untouched")));
    err_drop(e);
}
END_TEST

START_TEST(test_error_names_the_escape)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct str got;
    struct err e = url_unescape(&a, STR("ab%zzcd"), URL_QUERY, &got);
    ck_assert_str_eq(err_text(&e), "invalid URL escape \"%zz\"");
    err_drop(e);
}
END_TEST

Suite *
url_suite(void)
{
    Suite *s = suite_create("url");
    TCase *t = tcase_create("url");
    tcase_add_loop_test(t, test_unescape, 0, ARRAY_LEN(url_cases));
    tcase_add_test(t, test_error_names_the_escape);
    suite_add_tcase(s, t);
    return s;
}
