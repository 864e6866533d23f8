/* What a well-formed field says is understood; everything else says nothing. */
#include "tests/harness.h"

#include "base/mem.h"
#include "net/http_authorization.h"

static const struct field {
    const char *value;
    enum http_scheme scheme;
    const char *user, *rest; /* password or token */
} fields[] = {
    {"Basic YWxpY2U6c2VjcmV0", HTTP_SCHEME_BASIC, "alice", "secret"},
    {"bASIC YWxpY2U6c2VjcmV0", HTTP_SCHEME_BASIC, "alice", "secret"},
    {"Basic YTpiOmM=", HTTP_SCHEME_BASIC, "a", "b:c"},
    {"Basic Og==", HTTP_SCHEME_BASIC, "", ""},
    {"Basic YTo=", HTTP_SCHEME_BASIC, "a", ""},
    {"Basic w6Q6w7z/", HTTP_SCHEME_BASIC, "\xc3\xa4", "\xc3\xbc\xff"},
    {"Bearer token-one", HTTP_SCHEME_BEARER, "", "token-one"},
    {"bearer  token-one ", HTTP_SCHEME_BEARER, "", "token-one"},
    {"", HTTP_SCHEME_NONE, "", ""},
    {"Basic", HTTP_SCHEME_NONE, "", ""},
    {"Basic ", HTTP_SCHEME_NONE, "", ""},
    {"Basic YWxpY2U=", HTTP_SCHEME_NONE, "", ""}, /* no colon */
    {"Basic YTpi!mM=", HTTP_SCHEME_NONE, "", ""},
    {"Basic YTpiOmM", HTTP_SCHEME_NONE, "", ""}, /* not padded */
    {"Basic YT=iOmM=", HTTP_SCHEME_NONE, "", ""},
    {"Basic ====", HTTP_SCHEME_NONE, "", ""},
    {"Basic  YTpiOmM=", HTTP_SCHEME_NONE, "", ""},
    {"Bearer ", HTTP_SCHEME_NONE, "", ""},
    {"Digest username=a", HTTP_SCHEME_NONE, "", ""},
    {"YTpiOmM=", HTTP_SCHEME_NONE, "", ""},
};

START_TEST(test_field)
{
    AUTO(arena_fini) struct arena a = {0};
    const struct field *f = &fields[_i];
    struct http_authorization said = http_authorization_parse(&a, str_of_cstr(f->value));
    struct str rest = said.scheme == HTTP_SCHEME_BASIC ? said.password : said.token;
    ROW_ASSERT(f->value, said.scheme == f->scheme);
    ROW_ASSERT(f->value, str_eq(said.user, str_of_cstr(f->user)));
    ROW_ASSERT(f->value, str_eq(rest, str_of_cstr(f->rest)));
}
END_TEST

Suite *
http_authorization_suite(void)
{
    Suite *s = suite_create("http_authorization");
    TCase *t = tcase_create("http_authorization");
    tcase_add_loop_test(t, test_field, 0, ARRAY_LEN(fields));
    suite_add_tcase(s, t);
    return s;
}
