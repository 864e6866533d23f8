/* The first source that names a tenant wins, and what it names must be a safe name. */
#include "tests/harness.h"

#include "base/mem.h"
#include "ingest/tenant.h"

static const struct tenant_case {
    const char *name;
    struct tenant_sources from;
    const char *want; /* NULL: refused */
} tenant_cases[] = {
    {"own header", {STR_INIT("a"), STR_INIT("b"), STR_INIT("c")}, "a"},
    {"Thanos' header", {STR_INIT(""), STR_INIT("b"), STR_INIT("c")}, "b"},
    {"absent headers", {{NULL, 0}, {NULL, 0}, STR_INIT("c")}, "c"},
    {"every kind of byte",
     {STR_INIT("Team-1_a.b@c:d=e+f"), STR_INIT(""), STR_INIT("c")},
     "Team-1_a.b@c:d=e+f"},
    {"bad header, good default", {STR_INIT("a/b"), STR_INIT("b"), STR_INIT("c")}, NULL},
    {"parent directory", {STR_INIT(".."), STR_INIT(""), STR_INIT("c")}, NULL},
    {"own directory", {STR_INIT("."), STR_INIT(""), STR_INIT("c")}, NULL},
    {"path", {STR_INIT("../../etc"), STR_INIT(""), STR_INIT("c")}, NULL},
    {"absolute path", {STR_INIT(""), STR_INIT("/etc"), STR_INIT("c")}, NULL},
    {"backslash", {STR_INIT("a\\b"), STR_INIT(""), STR_INIT("c")}, NULL},
    {"NUL", {STR_INIT("a\0b"), STR_INIT(""), STR_INIT("c")}, NULL},
    {"line end", {STR_INIT("a\nb"), STR_INIT(""), STR_INIT("c")}, NULL},
    {"blank", {STR_INIT(" "), STR_INIT(""), STR_INIT("c")}, NULL},
    {"not ASCII", {STR_INIT("t\xc3\xa4st"), STR_INIT(""), STR_INIT("c")}, NULL},
    {"no name anywhere", {STR_INIT(""), STR_INIT(""), STR_INIT("")}, NULL},
};

START_TEST(test_tenant)
{
    const struct tenant_case *c = &tenant_cases[_i];
    struct str got = STR("untouched");
    struct err e = ingest_tenant(&c->from, &got);
    ROW_ASSERT(c->name, e.code == (c->want ? ERR_NONE : ERR_INVALID));
    ROW_ASSERT(c->name, str_eq(got, str_of_cstr(c->want ? c->want : "untouched")));
    ck_assert_msg(!e.msg || strstr(e.msg, "tenant name not valid"), "row \"%s\": %s", c->name,
                  err_text(&e));
    err_drop(e);
}
END_TEST

START_TEST(test_length)
{
    char name[200];
    memset(name, 'x', sizeof name);
    struct tenant_sources from = {.header = str_of(name, 150)};
    struct str got;
    CK_OK(ingest_tenant(&from, &got));
    ck_assert_uint_eq(got.n, 150);
    from.header.n = 151;
    CK_ERR(ERR_INVALID, ingest_tenant(&from, &got));
}
END_TEST

Suite *
tenant_suite(void)
{
    Suite *s = suite_create("tenant");
    TCase *t = tcase_create("all");
    tcase_add_loop_test(t, test_tenant, 0, ARRAY_LEN(tenant_cases));
    tcase_add_test(t, test_length);
    suite_add_tcase(s, t);
    return s;
}
