/* Tenants have only names that are safe in a path, and no directory of ours is one. */
#include "tests/tsdb/head_kit.h"

#include "tsdb/tenant_name.h"

static const struct name_case {
    const char *name;
    bool ok;
} name_cases[] = {
    {"default-tenant", true},
    {"a", true},
    {"team_1.prod@eu", true},
    {"(x)!*'", true},
    {"..a", true},
    {"", false},
    {".", false},
    {"..", false},
    {"lost+found", false},
    {"a/b", false},
    {"a b", false},
    {"a\\b", false},
    {"t\xc3\xa4", false},
    {"a\n", false},
    {"%2e%2e", false},
    {TENANT_GONE_PREFIX "a", false},
};

START_TEST(test_names)
{
    const struct name_case *c = &name_cases[_i];
    struct err e = tenant_name_check(str_of_cstr(c->name));
    ROW_ASSERT(c->name, (e.code == ERR_NONE) == c->ok);
    ROW_ASSERT(c->name, c->ok || e.code == ERR_INVALID);
    err_drop(e);
}
END_TEST

START_TEST(test_length)
{
    char name[TENANT_NAME_BYTES_MAX + 1];
    memset(name, 'x', sizeof name);
    CK_OK(tenant_name_check(str_of(name, TENANT_NAME_BYTES_MAX)));
    CK_ERR(ERR_INVALID, tenant_name_check(str_of(name, sizeof name)));
    CK_ERR(ERR_INVALID, tenant_name_check(STR("a\0b")));
}
END_TEST

Suite *
tenant_name_suite(void)
{
    Suite *s = suite_create("tenant_name");
    TCase *t = tcase_create("tenant_name");
    tcase_add_loop_test(t, test_names, 0, ARRAY_LEN(name_cases));
    tcase_add_test(t, test_length);
    suite_add_tcase(s, t);
    return s;
}
