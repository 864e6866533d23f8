/* What Go 1.24's strings.ToLower and strings.ToUpper make of these texts. */
#include "tests/harness.h"

#include "base/case.h"
#include "base/mem.h"

static const struct case_case {
    const char *text, *lower, *upper;
} case_cases[] = {
    {"", "", ""},
    {"bAr123Foo", "bar123foo", "BAR123FOO"},
    {"@[`{", "@[`{", "@[`{"},
    {"ÀÉÿß", "àéÿß", "ÀÉŸß"},
    {"ǅǄǆ", "ǆǆǆ", "ǄǄǄ"},
    {"İıſK", "iıſk", "İISK"},
    {"ΑΣς", "ασς", "ΑΣΣ"},
    {"Ⴀა", "ⴀა", "ႠᲐ"},
    {"Ꭰꭰ", "ꭰꭰ", "ᎠᎠ"},
    {"𐐀𐐨ⓐⒶ", "𐐨𐐨ⓐⓐ", "𐐀𐐀ⒶⒶ"},
    {"ĀāĹĺ×÷", "āāĺĺ×÷", "ĀĀĹĹ×÷"},
    {"a\xffÉ", "a\xef\xbf\xbdé", "A\xef\xbf\xbdÉ"},
};

START_TEST(test_case)
{
    const struct case_case *c = &case_cases[_i];
    AUTO(buf_fini) struct buf lower = BUF_INIT, upper = BUF_INIT;
    case_lower(str_of_cstr(c->text), &lower);
    case_upper(str_of_cstr(c->text), &upper);
    ck_assert_str_eq(buf_cstr(&lower), c->lower);
    ck_assert_str_eq(buf_cstr(&upper), c->upper);
}
END_TEST

Suite *
case_suite(void)
{
    Suite *s = suite_create("case");
    TCase *t = tcase_create("case");
    tcase_add_loop_test(t, test_case, 0, ARRAY_LEN(case_cases));
    suite_add_tcase(s, t);
    return s;
}
