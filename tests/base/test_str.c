/* Views compare and split as Go's strings do; numbers and UTF-8 are refused when malformed. */
#include "tests/harness.h"

#include "base/str.h"
#include "base/mem.h"

static const struct utf8_case {
    const char *name;
    struct str in;
    bool want;
} utf8_cases[] = {
    {"empty", STR_INIT(""), true},
    {"ascii", STR_INIT("up"), true},
    {"nul", STR_INIT("\0"), true},
    {"two bytes", STR_INIT("\xc3\xbc"), true},
    {"three bytes", STR_INIT("\xe2\x82\xac"), true},
    {"four bytes", STR_INIT("\xf0\x9f\x98\x80"), true},
    {"last", STR_INIT("\xf4\x8f\xbf\xbf"), true},
    {"stray continuation", STR_INIT("\x80"), false},
    {"cut", STR_INIT("a\xe2\x82"), false},
    {"overlong slash", STR_INIT("\xc0\xaf"), false},
    {"overlong three", STR_INIT("\xe0\x80\xaf"), false},
    {"overlong four", STR_INIT("\xf0\x80\x80\xaf"), false},
    {"surrogate", STR_INIT("\xed\xa0\x80"), false},
    {"past the last", STR_INIT("\xf4\x90\x80\x80"), false},
    {"byte ff", STR_INIT("\xff"), false},
};

START_TEST(test_utf8)
{
    ROW_ASSERT(utf8_cases[_i].name, str_is_utf8(utf8_cases[_i].in) == utf8_cases[_i].want);
}
END_TEST

static const struct i64_case {
    const char *text;
    bool ok;
    int64_t want;
} i64_cases[] = {
    {"0", true, 0},
    {"-1", true, -1},
    {"9223372036854775807", true, INT64_MAX},
    {"-9223372036854775808", true, INT64_MIN},
    {"9223372036854775808", false, 0},
    {"-9223372036854775809", false, 0},
    {"99999999999999999999", false, 0},
    {"", false, 0},
    {"-", false, 0},
    {"+1", false, 0},
    {"1 ", false, 0},
    {"0x1", false, 0},
};

START_TEST(test_parse_i64)
{
    const struct i64_case *c = &i64_cases[_i];
    int64_t got = 77;
    struct err e = str_parse_i64(str_of_cstr(c->text), &got);
    ROW_ASSERT(c->text, (e.code == ERR_NONE) == c->ok);
    ROW_ASSERT(c->text, got == (c->ok ? c->want : 77)); /* untouched on failure */
    err_drop(e);
}
END_TEST

START_TEST(test_cmp_and_split)
{
    ck_assert_int_lt(str_cmp(STR("a"), STR("ab")), 0);
    ck_assert_int_gt(str_cmp(STR("b"), STR("ab")), 0);
    ck_assert_int_gt(str_cmp(STR("\xff"), STR("a")), 0); /* bytes are unsigned */
    ck_assert(str_eq(STR("x"), STR("x")) && !str_eq(STR("x"), STR("X")));
    ck_assert(str_eq_nocase(STR("Content-Type"), STR("content-type")));
    ck_assert(!str_eq_nocase(STR("ab"), STR("abc")));
    struct str rest = STR("a,b,");
    ck_assert(str_eq(str_split(&rest, ','), STR("a")));
    ck_assert(str_eq(str_split(&rest, ','), STR("b")));
    ck_assert_uint_eq(rest.n, 0);
    ck_assert(str_eq(str_trim(STR(" \tx y\r\n")), STR("x y")));
}
END_TEST

START_TEST(test_copy_to)
{
    char room[8], *at = room;
    struct str first = str_copy_to(&at, STR("ab")), none = str_copy_to(&at, (struct str){NULL, 0});
    struct str second = str_copy_to(&at, STR("c"));
    ck_assert(str_eq(first, STR("ab")) && first.p == room);
    ck_assert_uint_eq(none.n, 0);
    ck_assert(str_eq(second, STR("c")) && second.p == room + 2);
    ck_assert_ptr_eq(at, room + 3);
}
END_TEST

START_TEST(test_sort)
{
    struct str v[] = {STR("b"), STR(""), STR("\xff"), STR("ab"), STR("a")};
    static const char *const want[] = {"", "a", "ab", "b", "\xff"};
    str_sort(v, ARRAY_LEN(v));
    for (size_t i = 0; i < ARRAY_LEN(v); i++)
        ck_assert(str_eq(v[i], str_of_cstr(want[i])));
    str_sort(NULL, 0);
}
END_TEST

START_TEST(test_buf)
{
    AUTO(buf_fini) struct buf b = BUF_INIT;
    for (int i = 0; i < 100; i++)
        buf_printf(&b, "%d,", i);
    buf_put_u8(&b, '!');
    ck_assert_uint_eq(b.n, 10 * 2 + 90 * 3 + 1);
    ck_assert(str_starts_with(buf_str(&b), STR("0,1,2,")));
    ck_assert(str_ends_with(buf_str(&b), STR("99,!")));
    ck_assert_int_eq(buf_cstr(&b)[b.n], 0);
}
END_TEST

Suite *
str_suite(void)
{
    Suite *s = suite_create("str");
    TCase *t = tcase_create("str");
    tcase_add_loop_test(t, test_utf8, 0, ARRAY_LEN(utf8_cases));
    tcase_add_loop_test(t, test_parse_i64, 0, ARRAY_LEN(i64_cases));
    tcase_add_test(t, test_cmp_and_split);
    tcase_add_test(t, test_copy_to);
    tcase_add_test(t, test_sort);
    tcase_add_test(t, test_buf);
    suite_add_tcase(s, t);
    return s;
}
