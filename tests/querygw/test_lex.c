/* Tokens as error texts name them: keywords in any case, what braces and brackets change, and
 * every lexical error with the place that it is about. */
#include "tests/harness.h"

#include "base/mem.h"
#include "querygw/promql/lex.h"

/* Every token of `text`, described, one space between; an error ends it as start:message. */
static void
lex_all(struct str text, struct buf *to)
{
    struct arena a;
    struct lexer l;
    arena_init(&a, 0);
    lex_init(&l, &a, text);
    for (;;) {
        struct lex_token t = lex_next(&l);
        if (to->n > 0)
            buf_put_u8(to, ' ');
        if (t.kind == LEX_ERROR)
            buf_printf(to, "%u:%.*s", t.start, STR_FMT(t.text));
        else
            lex_describe(&t, to);
        if (t.kind == LEX_ERROR || t.kind == LEX_EOF)
            break;
    }
    arena_fini(&a);
}

static const struct lex_case {
    const char *in, *want; /* " end of input" is left out of want */
} good_cases[] = {
    {"1 0x1F 1_0 .5 1. 1e3 1e-3 0x_f", "number \"1\" number \"0x1F\" number \"1_0\" number \".5\" "
                                       "number \"1.\" number \"1e3\" number \"1e-3\" "
                                       "number \"0x_f\""},
    {"Inf nan NaN", "number \"Inf\" number \"nan\" number \"NaN\""},
    {"5m 1h30m 90ms 5hs", "duration \"5m\" duration \"1h30m\" duration \"90ms\" duration \"5hs\""},
    {"12345678901 12345678", "number \"1234567890\"... number \"12345678\""},
    {"foo _x a1 a:b :c", "identifier \"foo\" identifier \"_x\" identifier \"a1\" "
                         "metric identifier \"a:b\" metric identifier \":c\""},
    {"by BY Without on ignoring", "<by> <BY> <Without> <on> <ignoring>"},
    {"group_left group_right bool offset", "<group_left> <group_right> <bool> <offset>"},
    {"anchored smoothed", "<anchored> <smoothed>"},
    {"start end step range max_of", "\"start\" \"end\" \"step\" \"range\" \"max_of\""},
    {"sum TopK count_values", "<aggr:sum> <aggr:TopK> <aggr:count_values>"},
    {"and or unless atan2 AND", "<op:and> <op:or> <op:unless> <op:atan2> <op:AND>"},
    {"+ - * / % ^", "<op:+> <op:-> <op:*> <op:/> <op:%> <op:^>"},
    {"== != < <= > >= </ >/", "<op:==> <op:!=> <op:<> <op:<=> <op:>> <op:>=> <op:</> <op:>/>"},
    {"a<b", "identifier \"a\" <op:<> identifier \"b\""},
    {"( ) , = @", "\"(\" \")\" \",\" \"=\" <op:@>"},
    {"fill fill(", "identifier \"fill\" <fill> \"(\" 10:unclosed left parenthesis"},
    {"fill_left \n (1)", "<fill_left> \"(\" number \"1\" \")\""},
    {"fill # c\n (", "identifier \"fill\" \"(\" 11:unclosed left parenthesis"},
    {"a # comment ( [\n b", "identifier \"a\" identifier \"b\""},
    {"a # comment\r b", "identifier \"a\" identifier \"b\""},
    {"# only", ""},
    {" \t\r\n", ""},
    {"\"a b\" 'c' `d`", "string \"\\\"a b\\\"\" string \"'c'\" string \"`d`\""},
    {"`a\nb`", "string \"`a\\nb`\""},
    {"{a=\"b\",c!=\"d\"}", "\"{\" identifier \"a\" \"=\" string \"\\\"b\\\"\" \",\" "
                           "identifier \"c\" <op:!=> string \"\\\"d\\\"\" \"}\""},
    {"{by=~`x`,inf!~`y`}", "\"{\" identifier \"by\" <op:=~> string \"`x`\" \",\" "
                           "identifier \"inf\" <op:!~> string \"`y`\" \"}\""},
    {"{a # }\n}", "\"{\" identifier \"a\" \"}\""},
    {"{} by", "\"{\" \"}\" <by>"},
    {"[5m]", "\"[\" duration \"5m\" \"]\""},
    {"[ 5m : 1m ]", "\"[\" duration \"5m\" \":\" duration \"1m\" \"]\""},
    {"[5m:]", "\"[\" duration \"5m\" \":\" \"]\""},
    {"[(1+2)*-3^4%5/6]", "\"[\" \"(\" number \"1\" <op:+> number \"2\" \")\" <op:*> <op:-> "
                         "number \"3\" <op:^> number \"4\" <op:%> number \"5\" <op:/> "
                         "number \"6\" \"]\""},
    {"[step()]", "\"[\" \"step\" \"(\" \")\" \"]\""},
    {"[Max_Of(1,range())]", "\"[\" \"Max_Of\" \"(\" number \"1\" \",\" \"range\" \"(\" \")\" "
                            "\")\" \"]\""},
    {"[5m] a:b", "\"[\" duration \"5m\" \"]\" metric identifier \"a:b\""},
};

START_TEST(test_tokens)
{
    const struct lex_case *c = &good_cases[_i];
    AUTO(buf_fini) struct buf got = BUF_INIT;
    AUTO(buf_fini) struct buf want = BUF_INIT;
    lex_all(str_of_cstr(c->in), &got);
    buf_printf(&want, "%s", c->want);
    if (!strstr(c->want, "unclosed"))
        buf_printf(&want, "%send of input", want.n > 0 ? " " : "");
    ck_assert_msg(str_eq(buf_str(&got), buf_str(&want)), "%s: got %s", c->in, buf_cstr(&got));
}
END_TEST

/* The last token only. */
static const struct lex_case bad_cases[] = {
    {"$", "0:unexpected character: '$'"},
    {"a ;", "2:unexpected character: ';'"},
    {"\xc3\xbc", "0:unexpected character: '\xc3\xbc'"},
    {"\xff", "0:unexpected character: '\xef\xbf\xbd'"},
    {"a =~ b", "2:unexpected character after '=': '~'"},
    {"a !~ b", "2:unexpected character after '!': '~'"},
    {"a !", "2:unexpected character after '!': '\xef\xbf\xbd'"},
    {"(", "1:unclosed left parenthesis"},
    {"(()", "3:unclosed left parenthesis"},
    {")", "1:unexpected right parenthesis ')'"},
    {"())", "3:unexpected right parenthesis ')'"},
    {"]", "0:unexpected right bracket ']'"},
    {"[5m", "3:unclosed left bracket"},
    {"[5m[", "3:unexpected left bracket '['"},
    {"[", "1:unexpected end of input in duration expression"},
    {"[:", "2:unexpected colon before duration in duration expression"},
    {"[5m:1m:", "6:unexpected colon ':'"},
    {"[5m][::", "7:unexpected repeated colon in duration expression"},
    {"[x", "1:unexpected character in duration expression: 'x'"},
    {"[start", "1:unexpected character in duration expression: 's'"},
    {"[#", "1:unexpected character in duration expression: '#'"},
    {"[\"", "1:unexpected character in duration expression: '\"'"},
    {"[)", "2:unexpected right parenthesis ')'"},
    {"[5m x", "4:unexpected character: 'x', expected ':'"},
    {"[5m start", "4:unexpected character: 's', expected ':'"},
    {"}", "0:unexpected character: '}'"},
    {"{", "1:unexpected end of input inside braces"},
    {"{a", "2:unexpected end of input inside braces"},
    {"{{", "1:unexpected left brace '{'"},
    {"{1", "1:unexpected character inside braces: '1'"},
    {"{a:b", "2:unexpected character inside braces: ':'"},
    {"{a!b", "2:unexpected character after '!' inside braces: 'b'"},
    {"{a!", "2:unexpected character after '!' inside braces: '\xef\xbf\xbd'"},
    {"{[", "1:unexpected character inside braces: '['"},
    {"\"a", "0:unterminated quoted string"},
    {"'a\n'", "0:unterminated quoted string"},
    {"`a", "0:unterminated raw string"},
    {"\"a\xff\"", "0:invalid UTF-8 rune"},
    {"`\xff`", "0:invalid UTF-8 rune"},
    {"\"\\", "0:escape sequence not terminated"},
    {"\"\\x", "0:escape sequence not terminated"},
    {"\"\\u12", "0:escape sequence not terminated"},
    {"\"\\z\"", "0:unknown escape sequence U+007A 'z'"},
    {"\"\\'\"", "0:unknown escape sequence U+0027 '''"},
    {"'\\\"'", "0:unknown escape sequence U+0022 '\"'"},
    {"\"\\8\"", "0:unknown escape sequence U+0038 '8'"},
    {"\"\\\x01\"", "0:unknown escape sequence U+0001"},
    {"\"\\xg0\"", "0:illegal character U+0067 'g' in escape sequence"},
    {"\"\\09\"", "0:illegal character U+0039 '9' in escape sequence"},
    {"\"\\400\"", "0:escape sequence is an invalid Unicode code point"},
    {"\"\\ud800\"", "0:escape sequence is an invalid Unicode code point"},
    {"\"\\U00110000\"", "0:escape sequence is an invalid Unicode code point"},
    {"1a", "0:bad number or duration syntax: \"1\""},
    {"1.2.3", "0:bad number or duration syntax: \"1.2.\""},
    {"1__0", "0:bad number or duration syntax: \"1__\""},
    {"1e", "0:bad number or duration syntax: \"1e\""},
    {"1e2e3", "0:bad number or duration syntax: \"1e2e\""},
    {"0x1.8", "0:bad number or duration syntax: \"0x1.\""},
    {"0xg", "0:bad number or duration syntax: \"0x\""},
    {"5m3", "0:bad number or duration syntax: \"5m3\""},
    {"5mx", "0:bad number or duration syntax: \"5mx\""},
    {"1h5y", "0:bad number or duration syntax: \"1h5\""},
};

START_TEST(test_errors)
{
    const struct lex_case *c = &bad_cases[_i];
    AUTO(buf_fini) struct buf got = BUF_INIT;
    lex_all(str_of_cstr(c->in), &got);
    ck_assert_msg(str_ends_with(buf_str(&got), str_of_cstr(c->want)), "%s: got %s", c->in,
                  buf_cstr(&got));
}
END_TEST

static const struct unquote_case {
    const char *in;
    struct str want;
} unquote_cases[] = {
    {"\"\"", STR_INIT("")},
    {"\"a\"", STR_INIT("a")},
    {"'a\"b'", STR_INIT("a\"b")},
    {"`a\\n'`", STR_INIT("a\\n'")},
    {"\"\\a\\b\\f\\n\\r\\t\\v\\\\\\\"\"", STR_INIT("\a\b\f\n\r\t\v\\\"")},
    {"'\\''", STR_INIT("'")},
    {"\"\\x00\\xff\"", STR_INIT("\0\xff")},
    {"\"\\101\\0001\"", STR_INIT("A\0001")},
    {"\"\\u00fc\\u20AC\\U0001F600\"", STR_INIT("\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80")},
    {"\"a\\tb\xc3\xbc\"", STR_INIT("a\tb\xc3\xbc")},
    {"\"\xef\xbf\xbd\"", STR_INIT("\xef\xbf\xbd")},
};

START_TEST(test_unquote)
{
    const struct unquote_case *c = &unquote_cases[_i];
    struct arena a;
    struct lexer l;
    arena_init(&a, 0);
    lex_init(&l, &a, str_of_cstr(c->in));
    struct lex_token t = lex_next(&l);
    ck_assert_msg(t.kind == LEX_STRING, "%s: %.*s", c->in, STR_FMT(t.text));
    ROW_ASSERT(c->in, str_eq(lex_unquote(&a, t.text), c->want));
    arena_fini(&a);
}
END_TEST

static const struct position_case {
    const char *text;
    size_t offset;
    const char *want;
} position_cases[] = {
    {"", 0, "unknown position"}, {"a", 0, "1:1"},      {"abc", 2, "1:3"},
    {"abc", 3, "1:4"},           {"a\nbc", 1, "1:2"},  {"a\nbc", 2, "2:1"},
    {"a\n\nb", 3, "3:1"},        {"\r\n x", 3, "2:2"}, {"\xc3\xbcx", 2, "1:3"},
};

START_TEST(test_position)
{
    const struct position_case *c = &position_cases[_i];
    AUTO(buf_fini) struct buf got = BUF_INIT;
    lex_position(str_of_cstr(c->text), c->offset, &got);
    ck_assert_str_eq(buf_cstr(&got), c->want);
}
END_TEST

Suite *
lex_suite(void)
{
    Suite *s = suite_create("lex");
    TCase *t = tcase_create("lex");
    tcase_add_loop_test(t, test_tokens, 0, (int)ARRAY_LEN(good_cases));
    tcase_add_loop_test(t, test_errors, 0, (int)ARRAY_LEN(bad_cases));
    tcase_add_loop_test(t, test_unquote, 0, (int)ARRAY_LEN(unquote_cases));
    tcase_add_loop_test(t, test_position, 0, (int)ARRAY_LEN(position_cases));
    suite_add_tcase(s, t);
    return s;
}
