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

/* What a pattern is parsed to, each text in brackets, joined by ","; in globs, "?" stands for a
 * gap of one character and "*" for any. "" when RE2 has to answer. */
static const struct pattern_case {
    const char *pattern, *want;
} pattern_cases[] = {
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
    {"colou?r", "[color],[colour]"},
    {"a?", "[],[a]"},
    {"a\\.?", "[a],[a.]"},
    {"x\xc3\xa9?", "[x],[x\xc3\xa9]"},
    {"a(b|c)?", "[a],[ab],[ac]"},
    {"[ab]", "[a],[b]"},
    {"n[0-2x]", "[n0],[n1],[n2],[nx]"},
    {"[ab]?c", "[ac],[bc],[c]"},
    {"[.*]", "[*],[.]"},
    /* globs */
    {".*", "[*]"},
    {".+", "[?*]"},
    {"foo.*", "[foo*]"},
    {".*foo", "[*foo]"},
    {".+foo.*", "[?*foo*]"},
    {"^foo\\..+$", "[foo.?*]"},
    {".*\\*", "[**]"},
    {"5..", "[5??]"},
    {"a.?", "[a],[a?]"},
    {".*a.*b", "[*a*b]"},
    {"foo.*|bar", "[bar],[foo*]"},
    {"(foo).*", "[foo*]"},
    {"(a|b)-.+", "[a-?*],[b-?*]"},
    {"a.c.*d", "[a?c*d]"},
    {".+.+", "[?*?*]"},
    {"[45]..", "[4??],[5??]"},
    /* RE2's */
    {"a*", ""},
    {"ab+", ""},
    {"(a|b)*", ""},
    {"[ab]+", ""},
    {"a{2}", ""},
    {"a??", ""},
    {"[^a]", ""},
    {"[]a]", ""},
    {"[a-]", ""},
    {"[-a]", ""},
    {"[b-a]", ""},
    {"[xb-a]", ""},
    {"[a-c-e]", ""},
    {"[[:alpha:]]", ""},
    {"[\\d]", ""},
    {"[\xc3\xa9]", ""},
    {"[a", ""},
    {"[]", ""},
    {"foo.*?", ""},
    {"foo.+?", ""},
    {"foo.**", ""},
    {".{3}", ""},
    {".*{3}", ""},
    {".*a.b", ""},
    {".*a.", ""},
    {"foo*", ""},
    {".*$a", ""},
    {"\xff.*", ""},
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
    {"?", ""},
    {"\\Qa\\E", ""},
    {"\xff", ""},
    {"(((((((((a)))))))))", ""},
};

/* The texts of either kind. */
static enum pattern_kind
parse(struct arena *a, struct str pattern, struct pattern_set *ret_texts)
{
    struct pattern_set set = {NULL, 0};
    struct pattern_globs globs = {NULL, 0, {NULL, 0}};
    enum pattern_kind kind = pattern_parse(a, pattern, &set, &globs);
    if (kind == PATTERN_GLOBS) {
        struct str *v = ARENA_ARRAY(a, struct str, globs.n);
        for (size_t i = 0; i < globs.n; i++)
            v[i] = globs.v[i].text;
        set = (struct pattern_set){v, globs.n};
    }
    *ret_texts = set;
    return kind;
}

START_TEST(test_patterns)
{
    const struct pattern_case *c = &pattern_cases[_i];
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct pattern_set set;
    AUTO(buf_fini) struct buf got = BUF_INIT;
    enum pattern_kind kind = parse(&a, str_of_cstr(c->pattern), &set);
    for (size_t i = 0; i < set.n; i++)
        buf_printf(&got, "%s[%.*s]", i ? "," : "", STR_FMT(set.v[i]));
    bool gaps = false;
    for (size_t i = 0; i < got.n; i++) {
        gaps |= (uint8_t)got.p[i] >= 0xfe;
        if ((uint8_t)got.p[i] >= 0xfe)
            got.p[i] = (uint8_t)got.p[i] == 0xfe ? '?' : '*';
    }
    ROW_ASSERT(c->pattern, strcmp(buf_cstr(&got), c->want) == 0);
    ROW_ASSERT(c->pattern, kind == (!c->want[0] ? PATTERN_OTHER
                                    : gaps      ? PATTERN_GLOBS
                                                : PATTERN_SET));
}
END_TEST

START_TEST(test_limits)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct pattern_set set;
    AUTO(buf_fini) struct buf most = BUF_INIT;
    for (int i = 0; i < PATTERN_LITERALS_MAX; i++)
        buf_printf(&most, "%sv%d", i ? "|" : "", i);
    ck_assert(parse(&a, buf_str(&most), &set) == PATTERN_SET);
    ck_assert_uint_eq(set.n, PATTERN_LITERALS_MAX);
    ck_assert(pattern_set_match(&set, STR("v9999")));
    ck_assert(!pattern_set_match(&set, STR("v10000")));
    buf_append(&most, STR("|x"));
    ck_assert(parse(&a, buf_str(&most), &set) == PATTERN_OTHER);
/* 10^3 texts are the most that groups may make, 10^4 are too many */
#define TEN "(0|1|2|3|4|5|6|7|8|9)"
    ck_assert(parse(&a, STR(TEN TEN TEN "[0-9]"), &set) == PATTERN_OTHER);
    ck_assert(parse(&a, STR(TEN "[0-9]"), &set) == PATTERN_SET);
    ck_assert_uint_eq(set.n, 100);
    ck_assert(parse(&a, STR("[0-7][0-7].*"), &set) == PATTERN_GLOBS);
    ck_assert_uint_eq(set.n, PATTERN_GLOBS_MAX);
    ck_assert(parse(&a, STR("[0-7][0-7].*|x"), &set) == PATTERN_OTHER);
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
    "a",   "b",   "ab", "\xc3\xa9", ".*",   ".+",         ".",  "|",  "|",  "(",    ")",     "(?:",
    "\\.", "\\|", "^",  "$",        "a",    "b",          "*",  "+",  "\\", "[ab]", "(a|b)", "(a|)",
    "",    "?",   "?",  "[a-b]",    "[^a]", "[\xc3\xa9]", ".*", ".+", ".",  "-",
};
static const char *const text_pieces[] = {
    "a", "b", "ab", "\xc3\xa9", ".", "|", "\n", "", "a", "b", "\xf0\x9f\x99\x82", "-",
};

static void
random_text(const char *const *from, size_t count, size_t pieces_max, uint64_t *seed,
            struct buf *to)
{
    buf_clear(to);
    for (uint64_t n = next_random(seed) % (pieces_max + 1); n > 0; n--)
        buf_append(to, str_of_cstr(from[next_random(seed) % count]));
}

/* What matcher_prefixes() and matcher_values() say of a text on that side. */
static void
check_side(const struct matcher *m, enum matcher_side side, struct str text)
{
    const struct str *v = NULL;
    size_t n = 0;
    bool covered = false;
    matcher_prefixes(m, side, &v, &n);
    for (size_t i = 0; i < n; i++) {
        covered |= str_starts_with(text, v[i]);
        if (i > 0)
            ck_assert(str_cmp(v[i - 1], v[i]) < 0 && !str_starts_with(v[i], v[i - 1]));
    }
    ck_assert_msg(covered, "%.*s: no prefix of \"%.*s\"", STR_FMT(m->value), STR_FMT(text));
    if (!matcher_values(m, side, &v, &n))
        return;
    bool listed = false;
    for (size_t i = 0; i < n; i++)
        listed |= str_eq(v[i], text);
    ck_assert_msg(listed, "%.*s: \"%.*s\" is not listed", STR_FMT(m->value), STR_FMT(text));
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
            check_side(&m, want ? MATCHER_SELECTS : MATCHER_REFUSES, buf_str(&text));
            check_side(&not, want ? MATCHER_REFUSES : MATCHER_SELECTS, buf_str(&text));
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

START_TEST(test_values)
{
    static const struct {
        enum matcher_type type;
        const char *value;
        int selected, refused; /* listed values; -1: all have to be tried */
    } rows[] = {
        {MATCH_EQUAL, "a", 1, -1},       {MATCH_EQUAL, "", 1, -1},
        {MATCH_NOT_EQUAL, "a", -1, 1},   {MATCH_NOT_EQUAL, "", -1, 1},
        {MATCH_REGEX, "a|b", 2, -1},     {MATCH_REGEX, "", 1, -1},
        {MATCH_REGEX, "x[0-9]", 10, -1}, {MATCH_NOT_REGEX, "a|b", -1, 2},
        {MATCH_REGEX, "a.*", -1, -1},    {MATCH_NOT_REGEX, "a.*", -1, -1},
        {MATCH_REGEX, ".*", -1, 0},      {MATCH_NOT_REGEX, ".*", 0, -1},
        {MATCH_REGEX, "a|.*", -1, 0},    {MATCH_REGEX, ".+", -1, -1},
        {MATCH_REGEX, "a+", -1, -1},     {MATCH_REGEX, ".*.*", -1, 0},
    };
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct matcher m;
        CK_OK(matcher_make(&a, rows[i].type, STR("n"), str_of_cstr(rows[i].value), &m));
        for (int side = MATCHER_SELECTS; side <= MATCHER_REFUSES; side++) {
            int want = side == MATCHER_SELECTS ? rows[i].selected : rows[i].refused;
            const struct str *values = NULL;
            size_t count = 0;
            bool listed = matcher_values(&m, (enum matcher_side)side, &values, &count);
            ROW_ASSERT(rows[i].value, listed == (want >= 0));
            ROW_ASSERT(rows[i].value, !listed || (int)count == want);
            for (size_t j = 0; listed && j < count; j++)
                ROW_ASSERT(rows[i].value,
                           matcher_match(&m, values[j]) == (side == MATCHER_SELECTS));
        }
    }
}
END_TEST

/* Of what is selected; refused values of a positive matcher start with anything. */
START_TEST(test_prefixes)
{
    static const struct {
        const char *value, *want;
    } rows[] = {
        {"foo.*", "[foo]"},
        {"foo-(a|b).*", "[foo-a],[foo-b]"},
        {"ab.*|a.*|b.+|ac", "[a],[b]"},
        {"ab.*|ac.*|a.", "[a]"},
        {"ab|a|b.*", "[a],[b]"},
        {".*foo", "[]"},
        {"foo.*|.*bar", "[]"},
        {"foo[0-9]+", "[foo]"},
        {"(?i)foo", "[]"},
    };
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        for (int type = MATCH_REGEX; type <= MATCH_NOT_REGEX; type++) {
            struct matcher m;
            CK_OK(matcher_make(&a, (enum matcher_type)type, STR("n"), str_of_cstr(rows[i].value),
                               &m));
            enum matcher_side side = type == MATCH_REGEX ? MATCHER_SELECTS : MATCHER_REFUSES;
            const struct str *v;
            size_t n;
            AUTO(buf_fini) struct buf got = BUF_INIT;
            matcher_prefixes(&m, side, &v, &n);
            for (size_t j = 0; j < n; j++)
                buf_printf(&got, "%s[%.*s]", j ? "," : "", STR_FMT(v[j]));
            ROW_ASSERT(rows[i].value, strcmp(buf_cstr(&got), rows[i].want) == 0);
            matcher_prefixes(&m, side == MATCHER_SELECTS ? MATCHER_REFUSES : MATCHER_SELECTS, &v,
                             &n);
            ROW_ASSERT(rows[i].value, n == 1 && v[0].n == 0);
        }
    }
}
END_TEST

/* Gaps in time linear in the text: this would take hours by trying all ways. */
START_TEST(test_many_gaps)
{
    enum { TEXT_BYTES = 1 << 20, GAPS = PATTERN_EXPANDED_MAX / 2 - 10 };
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    AUTO(buf_fini) struct buf pattern = BUF_INIT, text = BUF_INIT;
    for (int i = 0; i < GAPS; i++)
        buf_append(&pattern, STR("a.*a"));
    buf_append(&pattern, STR("b.*"));
    struct pattern_set set;
    ck_assert(parse(&a, buf_str(&pattern), &set) == PATTERN_GLOBS);
    for (int i = 0; i < TEXT_BYTES; i++)
        buf_put_u8(&text, 'a');
    struct matcher m;
    CK_OK(matcher_make(&a, MATCH_REGEX, STR("n"), buf_str(&pattern), &m));
    ck_assert(!matcher_match(&m, buf_str(&text)));
    buf_append(&text, STR("b"));
    ck_assert(matcher_match(&m, buf_str(&text)));
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
    tcase_add_loop_test(t, test_patterns, 0, ARRAY_LEN(pattern_cases));
    tcase_add_test(t, test_limits);
    tcase_add_loop_test(t, test_match, 0, ARRAY_LEN(match_cases));
    tcase_add_test(t, test_values);
    tcase_add_test(t, test_prefixes);
    tcase_add_test(t, test_many_gaps);
    tcase_add_test(t, test_bad_patterns);
    tcase_add_test(t, test_format);
    tcase_add_loop_test(t, test_as_re2, 0, 4);
    suite_add_tcase(s, t);
    return s;
}
