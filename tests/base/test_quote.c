/* Quoted texts equal Go's strconv.Quote; runes decode and encode both ways. */
#include "tests/harness.h"

#include "base/mem.h"
#include "base/quote.h"

static const struct quote_case {
    const char *name;
    struct str in;
    const char *want;
} quote_cases[] = {
    {"empty", STR_INIT(""), "\"\""},
    {"plain", STR_INIT("up"), "\"up\""},
    {"quote", STR_INIT("a\"b"), "\"a\\\"b\""},
    {"single quote", STR_INIT("a'b"), "\"a'b\""},
    {"backslash", STR_INIT("a\\b"), "\"a\\\\b\""},
    {"letters", STR_INIT("\a\b\t\n\v\f\r"), "\"\\a\\b\\t\\n\\v\\f\\r\""},
    {"nul", STR_INIT("\0"), "\"\\x00\""},
    {"escape", STR_INIT("\x1b"), "\"\\x1b\""},
    {"delete", STR_INIT("\x7f"), "\"\\x7f\""},
    {"space", STR_INIT(" "), "\" \""},
    {"umlaut", STR_INIT("\xc3\xbc"), "\"\xc3\xbc\""},
    {"c1 control", STR_INIT("\xc2\x80"), "\"\\u0080\""},
    {"no-break space", STR_INIT("\xc2\xa0"), "\"\\u00a0\""},
    {"zero width", STR_INIT("\xe2\x80\x8b"), "\"\\u200b\""},
    {"emoji", STR_INIT("\xf0\x9f\x98\x80"), "\"\xf0\x9f\x98\x80\""},
    {"tag", STR_INIT("\xf3\xa0\x80\x81"), "\"\\U000e0001\""},
    {"replacement", STR_INIT("\xef\xbf\xbd"), "\"\xef\xbf\xbd\""},
    {"bad byte", STR_INIT("a\xff z"), "\"a\\xff z\""},
    {"cut", STR_INIT("\xe2\x82"), "\"\\xe2\\x82\""},
    {"surrogate", STR_INIT("\xed\xa0\x80"), "\"\\xed\\xa0\\x80\""},
};

START_TEST(test_quote)
{
    const struct quote_case *c = &quote_cases[_i];
    AUTO(buf_fini) struct buf b = BUF_INIT;
    quote_text(c->in, &b);
    ck_assert_msg(str_eq(buf_str(&b), str_of_cstr(c->want)), "%s: got %s", c->name, buf_cstr(&b));
}
END_TEST

static const struct rune_case {
    const char *name;
    uint32_t rune;
    const char *want;
} rune_cases[] = {
    {"letter", 'a', "'a'"},       {"single quote", '\'', "'\\''"}, {"double quote", '"', "'\"'"},
    {"newline", '\n', "'\\n'"},   {"euro", 0x20AC, "'\xe2\x82\xac'"}, {"nbsp", 0xA0, "'\\u00a0'"},
    {"end", UINT32_MAX, "'\xef\xbf\xbd'"}, {"surrogate", 0xD800, "'\xef\xbf\xbd'"},
};

START_TEST(test_rune)
{
    const struct rune_case *c = &rune_cases[_i];
    AUTO(buf_fini) struct buf b = BUF_INIT;
    quote_rune(c->rune, &b);
    ck_assert_msg(str_eq(buf_str(&b), str_of_cstr(c->want)), "%s: got %s", c->name, buf_cstr(&b));
}
END_TEST

enum { RUNES_PRINTABLE = 148998 }; /* as many as Go's strconv.IsPrint accepts */

START_TEST(test_every_rune)
{
    AUTO(buf_fini) struct buf b = BUF_INIT;
    size_t printable = 0;
    for (uint32_t rune = 0; rune <= RUNE_MAX; rune++) {
        bool surrogate = rune >= 0xD800 && rune <= 0xDFFF;
        uint32_t got;
        buf_clear(&b);
        buf_put_rune(&b, rune);
        size_t len = rune_decode(buf_str(&b), &got);
        ck_assert_msg(len == b.n && got == (surrogate ? RUNE_BAD : rune), "rune %x", rune);
        printable += rune_is_printable(rune);
    }
    ck_assert_uint_eq(printable, RUNES_PRINTABLE);
}
END_TEST

Suite *
quote_suite(void)
{
    Suite *s = suite_create("quote");
    TCase *t = tcase_create("quote");
    tcase_add_loop_test(t, test_quote, 0, (int)ARRAY_LEN(quote_cases));
    tcase_add_loop_test(t, test_rune, 0, (int)ARRAY_LEN(rune_cases));
    tcase_add_test(t, test_every_rune);
    suite_add_tcase(s, t);
    return s;
}
