/* The first source that names a tenant wins, and what it names must be a safe name. */
#include "tests/harness.h"

#include "base/mem.h"
#include "ingest/tenant.h"

#define HEADERS(own, thanos, dflt)                                                                 \
    {                                                                                              \
        .header = own, .thanos_header = thanos, .fallback = dflt                                   \
    }
#define ABSENT                                                                                     \
    {                                                                                              \
        NULL, 0                                                                                    \
    }

static const struct tenant_case {
    const char *name;
    struct tenant_sources from;
    const char *want; /* NULL: refused */
} tenant_cases[] = {
    {"own header", HEADERS(STR_INIT("a"), STR_INIT("b"), STR_INIT("c")), "a"},
    {"Thanos' header", HEADERS(STR_INIT(""), STR_INIT("b"), STR_INIT("c")), "b"},
    {"absent headers", HEADERS(ABSENT, ABSENT, STR_INIT("c")), "c"},
    {"every kind of byte", HEADERS(STR_INIT("Team-1_a.b@c:d=e+f"), STR_INIT(""), STR_INIT("c")),
     "Team-1_a.b@c:d=e+f"},
    {"bad header, good default", HEADERS(STR_INIT("a/b"), STR_INIT("b"), STR_INIT("c")), NULL},
    {"parent directory", HEADERS(STR_INIT(".."), STR_INIT(""), STR_INIT("c")), NULL},
    {"own directory", HEADERS(STR_INIT("."), STR_INIT(""), STR_INIT("c")), NULL},
    {"path", HEADERS(STR_INIT("../../etc"), STR_INIT(""), STR_INIT("c")), NULL},
    {"absolute path", HEADERS(STR_INIT(""), STR_INIT("/etc"), STR_INIT("c")), NULL},
    {"backslash", HEADERS(STR_INIT("a\\b"), STR_INIT(""), STR_INIT("c")), NULL},
    {"NUL", HEADERS(STR_INIT("a\0b"), STR_INIT(""), STR_INIT("c")), NULL},
    {"line end", HEADERS(STR_INIT("a\nb"), STR_INIT(""), STR_INIT("c")), NULL},
    {"blank", HEADERS(STR_INIT(" "), STR_INIT(""), STR_INIT("c")), NULL},
    {"not ASCII", HEADERS(STR_INIT("t\xc3\xa4st"), STR_INIT(""), STR_INIT("c")), NULL},
    {"no name anywhere", HEADERS(STR_INIT(""), STR_INIT(""), STR_INIT("")), NULL},
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

static const struct token_case {
    const char *name, *token, *header, *thanos_header;
    enum err_code want;
} token_cases[] = {
    {"no header", "team-a", "", "", ERR_NONE},
    {"the same in headers", "team-a", "team-a", "team-a", ERR_NONE},
    {"another in the header", "team-a", "team-b", "", ERR_FORBIDDEN},
    {"another in Thanos' header", "team-a", "team-a", "team-b", ERR_FORBIDDEN},
    {"no token", "", "team-a", "", ERR_UNAUTHORIZED},
    {"unsafe", "../team-a", "", "", ERR_INVALID},
};

/* Where tokens bind senders, nothing else names a tenant, and no sender means another. */
START_TEST(test_token)
{
    const struct token_case *c = &token_cases[_i];
    struct tenant_sources from = {.by_token = true,
                                  .token = str_of_cstr(c->token),
                                  .header = str_of_cstr(c->header),
                                  .thanos_header = str_of_cstr(c->thanos_header),
                                  .fallback = STR("fallback")};
    struct str got = STR("");
    struct err e = ingest_tenant(&from, &got);
    ROW_ASSERT(c->name, e.code == c->want);
    ROW_ASSERT(c->name, str_eq(got, str_of_cstr(c->want == ERR_NONE ? c->token : "")));
    err_drop(e);
}
END_TEST

static const struct certificate_case {
    const char *name, *field, *value; /* "": no certificate, or none of this field */
    const char *want, *fault;
} certificate_cases[] = {
    {"name", "commonName", "team-a", "team-a", NULL},
    {"organization", "organization", "team-b", "team-b", NULL},
    {"unit", "organizationalUnit", "team-c", "team-c", NULL},
    {"no name", "commonName", "", NULL, "could not get commonName field from client cert"},
    {"no unit", "organizationalUnit", "", NULL,
     "could not get organizationalUnit field from client cert"},
    {"unsafe", "organization", "Team A/B", NULL, "tenant name not valid"},
    {"no field is asked", "", "team-a", "header", NULL},
};

/* Where a field is asked for, headers count for nothing. */
START_TEST(test_certificate)
{
    const struct certificate_case *c = &certificate_cases[_i];
    struct tenant_sources from = {
        .header = STR("header"), .certificate = str_of_cstr(c->value), .fallback = STR("fallback")};
    struct str got = STR("");
    CK_OK(tenant_field_parse(str_of_cstr(c->field), &from.field));
    ck_assert_str_eq(tenant_field_name(from.field), c->field);
    struct err e = ingest_tenant(&from, &got);
    ROW_ASSERT(c->name, e.code == (c->want ? ERR_NONE : ERR_INVALID));
    ROW_ASSERT(c->name, str_eq(got, str_of_cstr(c->want ? c->want : "")));
    ROW_ASSERT(c->name, !c->fault || strstr(err_text(&e), c->fault));
    err_drop(e);
}
END_TEST

START_TEST(test_no_field)
{
    enum tenant_field field;
    CK_ERR(ERR_INVALID, tenant_field_parse(STR("CN"), &field));
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
    tcase_add_loop_test(t, test_certificate, 0, ARRAY_LEN(certificate_cases));
    tcase_add_loop_test(t, test_token, 0, ARRAY_LEN(token_cases));
    tcase_add_test(t, test_no_field);
    suite_add_tcase(s, t);
    return s;
}
