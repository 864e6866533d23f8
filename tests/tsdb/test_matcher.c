/* Matchers answer as RE2 does, by whichever way they go; what can be looked up exactly is. */
#include "tests/harness.h"

#include "base/mem.h"
#include "base/regex.h"
#include "tsdb/model/matcher.h"
#include "tsdb/model/pattern.h"

static uint64_t
next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

/* The literals, joined by "," and each in brackets; "" when the pattern is no set. */
static const struct set_case {
    const char *pattern, *want;
} set_cases[] = {
    {"a", "[a]"},
    {"", "[]"},
    {"a|b|c", "[a],[b],[c]"},
    {"c|a|b|a", "[a],[b],[c]"},
    {"a|", "[],[a]"},
    {"(a|b)", "[a],[b]"},
    {"(?:a|b)", "[a],[b]"},
    {"((a)|(?:(b)))", "[a],[b]"},
    {"foo\\.bar", "[foo.bar]"},
    {"a\\|b|c", "[a|b],[c]"},
    {"\\(\\)\\-\\_", "[()-_]"},
    {"x(a|b)y(c|)", "[xay],[xayc],[xby],[xbyc]"},
    {"^a|b$", "[a],[b]"},
    {"^(a|b)$", "[a],[b]"},
    {"\xc3\xa9|e", "[e],[\xc3\xa9]"},
    {"a b-c/d:e", "[a b-c/d:e]"},
    /* not sets */
    {"a.", ""},
    {"a*", ""},
    {"ab+", ""},
    {"(a|b)*", ""},
    {"a?", ""},
    {"a{2}", ""},
    {"[ab]", ""},
    {"(?i)a", ""},
    {"(?i:a)", ""},
    {"(?P<n>a)", ""},
    {"\\d", ""},
    {"\\n", ""},
    {"a\\", ""},
    {"a$b", ""},
    {"a^b", ""},
    {"(^a)", ""},
    {"(a$)", ""},
    {"(a", ""},
    {"a)", ""},
    {"\\Qa\\E", ""},
    {"\xff", ""},
    {"(((((((((a)))))))))", ""},
};

START_TEST(test_sets)
{
    const struct set_case *c = &set_cases[_i];
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct pattern_set set;
    AUTO(buf_fini) struct buf got = BUF_INIT;
    if (pattern_parse_set(&a, str_of_cstr(c->pattern), &set)) {
        for (size_t i = 0; i < set.n; i++)
            buf_printf(&got, "%s[%.*s]", i ? "," : "", STR_FMT(set.v[i]));
    }
    ck_assert_str_eq(buf_cstr(&got), c->want);
}
END_TEST

START_TEST(test_set_limits)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct pattern_set set;
    AUTO(buf_fini) struct buf most = BUF_INIT;
    for (int i = 0; i < PATTERN_LITERALS_MAX; i++)
        buf_printf(&most, "%sv%d", i ? "|" : "", i);
    ck_assert(pattern_parse_set(&a, buf_str(&most), &set));
    ck_assert_uint_eq(set.n, PATTERN_LITERALS_MAX);
    ck_assert(pattern_set_match(&set, STR("v9999")));
    ck_assert(!pattern_set_match(&set, STR("v10000")));
    buf_append(&most, STR("|x"));
    ck_assert(!pattern_parse_set(&a, buf_str(&most), &set));
/* 10^3 texts are the most that groups may make, 10^4 are too many */
#define TEN "(0|1|2|3|4|5|6|7|8|9)"
    ck_assert(!pattern_parse_set(&a, STR(TEN TEN TEN TEN), &set));
    ck_assert(pattern_parse_set(&a, STR(TEN TEN), &set));
    ck_assert_uint_eq(set.n, 100);
}
END_TEST

static const struct affix_case {
    const char *pattern;
    bool want;
    enum pattern_gap before;
    const char *literal;
    enum pattern_gap after;
} affix_cases[] = {
    {".*", true, PATTERN_ANYTHING, "", PATTERN_NOTHING},
    {".+", true, PATTERN_SOMETHING, "", PATTERN_NOTHING},
    {"foo.*", true, PATTERN_NOTHING, "foo", PATTERN_ANYTHING},
    {".*foo", true, PATTERN_ANYTHING, "foo", PATTERN_NOTHING},
    {".+foo.*", true, PATTERN_SOMETHING, "foo", PATTERN_ANYTHING},
    {"^foo\\..+$", true, PATTERN_NOTHING, "foo.", PATTERN_SOMETHING},
    {".*\\*", true, PATTERN_ANYTHING, "*", PATTERN_NOTHING},
    {".*.*", false, 0, "", 0},
    {".+.+", false, 0, "", 0},
    {".*a.*b", false, 0, "", 0},
    {"foo.*|bar", false, 0, "", 0},
    {"foo.*?", false, 0, "", 0},
    {"foo*", false, 0, "", 0},
    {"foo\\.*", false, 0, "", 0},
    {".foo", false, 0, "", 0},
    {"(foo).*", false, 0, "", 0},
    {"\xff.*", false, 0, "", 0},
    {".*$a", false, 0, "", 0},
    {".{3}", false, 0, "", 0},
};

START_TEST(test_affixes)
{
    const struct affix_case *c = &affix_cases[_i];
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct pattern_affix p;
    ROW_ASSERT(c->pattern, pattern_parse_affix(&a, str_of_cstr(c->pattern), &p) == c->want);
    if (!c->want)
        return;
    ROW_ASSERT(c->pattern, p.before == c->before && p.after == c->after);
    ROW_ASSERT(c->pattern, str_eq(p.literal, str_of_cstr(c->literal)));
}
END_TEST

/* The pattern by RE2 alone; NULL when it is malformed. The class in front keeps base/regex from
 * its own short cuts. */
static struct regex *
compile_plainly(struct str pattern)
{
    struct regex *r = NULL;
    struct err e = regex_compile(pattern, &r);
    regex_free(r);
    if (e.code) {
        err_drop(e);
        return NULL;
    }
    AUTO(buf_fini) struct buf wrapped = BUF_INIT;
    buf_printf(&wrapped, "[z]{0}(?:%.*s)", STR_FMT(pattern));
    CK_OK(regex_compile(buf_str(&wrapped), &r));
    return r;
}

static const char *const pieces[] = {
    "a",   "b", "ab", "\xc3\xa9", ".*", ".+", ".", "|",  "|",    "(",     ")",    "(?:", "\\.",
    "\\|", "^", "$",  "a",        "b",  "*",  "+", "\\", "[ab]", "(a|b)", "(a|)", "",
};
static const char *const text_pieces[] = {"a", "b", "ab", "\xc3\xa9", ".", "|", "\n", "", "a", "b"};

static void
random_text(const char *const *from, size_t count, size_t pieces_max, uint64_t *seed,
            struct buf *to)
{
    buf_clear(to);
    for (uint64_t n = next_random(seed) % (pieces_max + 1); n > 0; n--)
        buf_append(to, str_of_cstr(from[next_random(seed) % count]));
}

START_TEST(test_as_re2)
{
    uint64_t seed = 1000 + (uint64_t)_i;
    AUTO(buf_fini) struct buf pattern = BUF_INIT, text = BUF_INIT;
    for (int round = 0; round < 800; round++) {
        AUTO(arena_fini) struct arena a;
        arena_init(&a, 0);
        random_text(pieces, ARRAY_LEN(pieces), 7, &seed, &pattern);
        AUTO(regex_free) struct regex *plain = compile_plainly(buf_str(&pattern));
        struct matcher m, not ;
        struct err e = matcher_make(&a, MATCH_REGEX, STR("n"), buf_str(&pattern), &m);
        ck_assert_msg((e.code == ERR_NONE) == (plain != NULL), "%s", buf_cstr(&pattern));
        err_drop(e);
        if (!plain)
            continue;
        CK_OK(matcher_make(&a, MATCH_NOT_REGEX, STR("n"), buf_str(&pattern), &not ));
        for (int i = 0; i < 25; i++) {
            random_text(text_pieces, ARRAY_LEN(text_pieces), 6, &seed, &text);
            bool want = regex_match(plain, buf_str(&text));
            ck_assert_msg(matcher_match(&m, buf_str(&text)) == want, "\"%s\" on \"%s\": not %d",
                          buf_cstr(&pattern), buf_cstr(&text), want);
            ck_assert(matcher_match(&not, buf_str(&text)) == !want);
        }
    }
}
END_TEST

static const struct match_case {
    enum matcher_type type;
    const char *value, *text;
    bool want;
} match_cases[] = {
    {MATCH_EQUAL, "a", "a", true},       {MATCH_EQUAL, "a", "ab", false},
    {MATCH_EQUAL, "", "", true},         {MATCH_EQUAL, "", "a", false},
    {MATCH_NOT_EQUAL, "a", "a", false},  {MATCH_NOT_EQUAL, "a", "", true},
    {MATCH_NOT_EQUAL, "", "", false},    {MATCH_NOT_EQUAL, "", "a", true},
    {MATCH_REGEX, "a|b", "b", true},     {MATCH_REGEX, "a|b", "ab", false},
    {MATCH_REGEX, ".*", "", true},       {MATCH_REGEX, ".*", "a\nb", true},
    {MATCH_REGEX, ".+", "", false},      {MATCH_REGEX, ".+", "\n", true},
    {MATCH_REGEX, "a.*", "ab", true},    {MATCH_REGEX, "a.*", "ba", false},
    {MATCH_REGEX, "[0-9]+", "42", true}, {MATCH_REGEX, "[0-9]+", "4a", false},
    {MATCH_REGEX, "A", "a", false},      {MATCH_REGEX, "(?i)A", "a", true},
    {MATCH_NOT_REGEX, "a|", "", false},  {MATCH_NOT_REGEX, "a|b", "", true},
    {MATCH_NOT_REGEX, ".*", "x", false}, {MATCH_NOT_REGEX, ".+", "", true},
};

START_TEST(test_match)
{
    const struct match_case *c = &match_cases[_i];
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct matcher m;
    CK_OK(matcher_make(&a, c->type, STR("n"), str_of_cstr(c->value), &m));
    ck_assert_msg(matcher_match(&m, str_of_cstr(c->text)) == c->want, "row %d: %s%s on %s", _i,
                  matcher_type_text(c->type), c->value, c->text);
}
END_TEST

START_TEST(test_literals)
{
    static const struct {
        enum matcher_type type;
        const char *value;
        size_t want; /* 0: not a list */
    } rows[] = {
        {MATCH_EQUAL, "a", 1},   {MATCH_EQUAL, "", 1},      {MATCH_REGEX, "a|b", 2},
        {MATCH_REGEX, "", 1},    {MATCH_NOT_EQUAL, "a", 0}, {MATCH_NOT_REGEX, "a|b", 0},
        {MATCH_REGEX, "a.*", 0}, {MATCH_REGEX, "[ab]", 0},
    };
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct matcher m;
        CK_OK(matcher_make(&a, rows[i].type, STR("n"), str_of_cstr(rows[i].value), &m));
        const struct str *values = NULL;
        size_t count = 0;
        ROW_ASSERT(rows[i].value, matcher_literals(&m, &values, &count) == (rows[i].want > 0));
        ROW_ASSERT(rows[i].value, count == rows[i].want);
        for (size_t j = 0; j < count; j++)
            ROW_ASSERT(rows[i].value, matcher_match(&m, values[j]));
    }
}
END_TEST

START_TEST(test_bad_patterns)
{
    static const char *const rows[] = {"(",   ")",   "*",    "a**",  "[",
                                       "a\\", "\\8", "(?<n", "\xff", "a{1001}"};
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct matcher m = {.type = MATCH_EQUAL};
        CK_ERR(ERR_INVALID, matcher_make(&a, MATCH_REGEX, STR("n"), str_of_cstr(rows[i]), &m));
        ck_assert_int_eq(m.type, MATCH_EQUAL);                                    /* untouched */
        CK_OK(matcher_make(&a, MATCH_EQUAL, STR("n"), str_of_cstr(rows[i]), &m)); /* a plain text */
    }
}
END_TEST

START_TEST(test_format)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    AUTO(buf_fini) struct buf got = BUF_INIT;
    static const char *const want[] = {"n=\"a\\\"\"", "n!=\"a\\\"\"", "n=~\"a\\\"\"",
                                       "n!~\"a\\\"\""};
    for (int type = MATCH_EQUAL; type <= MATCH_NOT_REGEX; type++) {
        struct matcher m;
        CK_OK(matcher_make(&a, (enum matcher_type)type, STR("n"), STR("a\""), &m));
        buf_clear(&got);
        matcher_format(&m, &got);
        ck_assert_str_eq(buf_cstr(&got), want[type]);
    }
    struct matcher m;
    CK_OK(matcher_make(&a, MATCH_EQUAL, STR("a b"), STR("c"), &m));
    buf_clear(&got);
    matcher_format(&m, &got);
    ck_assert_str_eq(buf_cstr(&got), "\"a b\"=\"c\"");
}
END_TEST

Suite *
matcher_suite(void)
{
    Suite *s = suite_create("matcher");
    TCase *t = tcase_create("matcher");
    tcase_add_loop_test(t, test_sets, 0, ARRAY_LEN(set_cases));
    tcase_add_test(t, test_set_limits);
    tcase_add_loop_test(t, test_affixes, 0, ARRAY_LEN(affix_cases));
    tcase_add_loop_test(t, test_match, 0, ARRAY_LEN(match_cases));
    tcase_add_test(t, test_literals);
    tcase_add_test(t, test_bad_patterns);
    tcase_add_test(t, test_format);
    tcase_add_loop_test(t, test_as_re2, 0, 4);
    suite_add_tcase(s, t);
    return s;
}
