/* Patterns match what they match in Prometheus, and what Go refuses is refused. The rows of
 * regex.json were made by Go; a larger file of the same form is used where it stands beside
 * the sources. */
#include "tests/harness.h"

#include <jansson.h>

#include "base/regex.h"
#include "tests/base/golden.h"

static struct str
json_text(const json_t *value)
{
    return str_of(json_string_value(value), json_string_length(value));
}

static bool
json_has(const json_t *array, struct str text)
{
    for (size_t i = 0; i < json_array_size(array); i++) {
        if (str_eq(json_text(json_array_get(array, i)), text))
            return true;
    }
    return false;
}

static void
check_row(const json_t *row, const json_t *subjects)
{
    struct str pattern = json_text(json_object_get(row, "pattern"));
    AUTO(regex_free) struct regex *r = NULL;
    struct err e = regex_compile(pattern, &r);
    bool refused = e.code != ERR_NONE;
    err_drop(e);
    ck_assert_msg(refused == (json_object_get(row, "error") != NULL), "%.*s: refused %d",
                  STR_FMT(pattern), refused);
    if (refused)
        return;
    for (size_t i = 0; i < json_array_size(subjects); i++) {
        struct str subject = json_text(json_array_get(subjects, i));
        bool want = json_has(json_object_get(row, "matches"), subject);
        ck_assert_msg(regex_match(r, subject) == want, "pattern %.*s subject %.*s, want %d",
                      STR_FMT(pattern), STR_FMT(subject), want);
        if (want)
            ck_assert_msg(str_starts_with(subject, regex_prefix(r)), "%.*s", STR_FMT(pattern));
    }
}

START_TEST(test_golden)
{
    json_t *root = golden_load("regex.json", (enum golden)_i);
    json_t *row;
    size_t i;
    json_array_foreach(json_object_get(root, "cases"), i, row)
    {
        check_row(row, json_object_get(root, "subjects"));
    }
    json_decref(root);
}
END_TEST

/* The texts that people look up on the web are Go's. */
static const struct error_case {
    const char *pattern, *want;
} error_cases[] = {
    {"(", "error parsing regexp: missing closing ): `(`"},
    {"a)", "error parsing regexp: unexpected ): `a)`"},
    {"[z-a]", "error parsing regexp: invalid character class range: `z-a`"},
    {"a**", "error parsing regexp: invalid nested repetition operator: `**`"},
    {"*", "error parsing regexp: missing argument to repetition operator: `*`"},
    {"a{1001}", "error parsing regexp: invalid repeat count: `{1001}`"},
    {"\\8", "error parsing regexp: invalid escape sequence: `\\8`"},
    {"x\\C", "error parsing regexp: invalid escape sequence: `\\C`"},
    {"a\\", "error parsing regexp: trailing backslash at end of expression: ``"},
    {"(?=a)", "error parsing regexp: invalid or unsupported Perl syntax: `(?=`"},
    {"(?<=a)b", "error parsing regexp: invalid named capture: `(?<=a)b`"},
    {"\xff", "error parsing regexp: invalid UTF-8"},
};

START_TEST(test_error_texts)
{
    const struct error_case *c = &error_cases[_i];
    struct regex *r = NULL;
    struct err e = regex_compile(str_of_cstr(c->pattern), &r);
    ROW_ASSERT(c->pattern, e.code == ERR_INVALID && r == NULL);
    ck_assert_str_eq(err_text(&e), c->want);
    err_drop(e);
}
END_TEST

/* A malformed byte is one character, U+FFFD. */
static const struct utf8_case {
    const char *name, *pattern;
    struct str text;
    bool want;
} utf8_cases[] = {
    {"any", ".*", STR_INIT("\xff\xfe"), true},
    {"two characters", "(..)", STR_INIT("\xff\xfe"), true},
    {"cut sequence is two characters", "[^a]{2}", STR_INIT("\xe6\x97"), true},
    {"replacement character", "\\x{FFFD}", STR_INIT("\xff"), true},
    {"between good ones", "é.日", STR_INIT("é\xff日"), true},
    {"not one", "[^a]", STR_INIT("\xff\xfe"), false},
    {"not three", "...", STR_INIT("\xe6\x97"), false},
    {"not a digit", "\\d", STR_INIT("\xff"), false},
    {"literal", "a", STR_INIT("\xff"), false},
    {"zero byte", "a.b", STR_INIT("a\0b"), true},
};

START_TEST(test_malformed_text)
{
    const struct utf8_case *c = &utf8_cases[_i];
    AUTO(regex_free) struct regex *r = NULL;
    CK_OK(regex_compile(str_of_cstr(c->pattern), &r));
    ROW_ASSERT(c->name, regex_match(r, c->text) == c->want);
}
END_TEST

static const struct shape_case {
    const char *pattern;
    int set_count; /* -1: not a set */
    const char *prefix;
} shape_cases[] = {
    {"", 1, ""},         {"a", 1, "a"},        {"b|a|b", 2, ""},
    {"(a|b)", 2, ""},    {"(?:a|)", 2, ""},    {"()", 1, ""},
    {"a.b", -1, "a"},    {"foo.*", -1, "foo"}, {"foo.+", -1, "foo"},
    {".*", -1, ""},      {"foo?", -1, "fo"},   {"fé*", -1, "f"},
    {"foo|ba.", -1, ""}, {"(a|b)c", -1, ""},   {"(?i)a", -1, ""},
    {"^a", -1, ""},      {"a{2}", -1, ""},     {"foo\\.bar", -1, "foo"},
    {"(a)|(b)", -1, ""}, {"foo[|]", -1, ""},
};

START_TEST(test_shape)
{
    const struct shape_case *c = &shape_cases[_i];
    AUTO(regex_free) struct regex *r = NULL;
    CK_OK(regex_compile(str_of_cstr(c->pattern), &r));
    size_t count = 0;
    const struct str *set = regex_set(r, &count);
    ROW_ASSERT(c->pattern, (set != NULL) == (c->set_count >= 0));
    ROW_ASSERT(c->pattern, !set || (int)count == c->set_count);
    for (size_t i = 0; i < count; i++) {
        ROW_ASSERT(c->pattern, regex_match(r, set[i]));
        ROW_ASSERT(c->pattern, i == 0 || str_cmp(set[i - 1], set[i]) < 0);
    }
    ROW_ASSERT(c->pattern, str_eq(regex_prefix(r), str_of_cstr(c->prefix)));
}
END_TEST

static const struct expand_case {
    const char *pattern, *text, *template, *want; /* NULL: does not match */
} expand_cases[] = {
    {"(.*)-(.*)", "a-b", "$2$1", "ba"},
    {"(.*)-(.*)", "a-b", "${2}x$1", "bxa"},
    {"(.*)-(.*)", "a-b", "$1x", ""}, /* a group named 1x */
    {"(.*)-(.*)", "a-b", "$0", "a-b"},
    {"(.*)-(.*)", "a-b", "$3|$01|$99999999999999999999|", "|||"},
    {"(?P<x>.*)-(?<y_1>.*)", "a-b", "$y_1-${x}", "b-a"},
    {"(?P<x>.*)", "a", "$y$\xc3\xa9", ""},
    {"a", "a", "$$1 $ ${ ${1 ${} ${1-} $", "$1 $ ${ ${1 ${} ${1-} $"},
    {"(a|b)", "b", "<$1>", "<b>"},
    {"(a)|(b)", "b", "<$1$2>", "<b>"},
    {"foo(.*)", "foobar", "$1", "bar"},
    {".*", "", "x", "x"},
    {"", "", "", ""},
    {"(.)", "\xff", "$1", "\xEF\xBF\xBD"},
    {"a", "ab", "x", NULL},
    {"(b)", "ab", "$1", NULL},
    {"a+", "", "x", NULL},
};

START_TEST(test_expand)
{
    const struct expand_case *c = &expand_cases[_i];
    AUTO(regex_free) struct regex *r = NULL;
    AUTO(buf_fini) struct buf b = BUF_INIT;
    CK_OK(regex_compile_groups(str_of_cstr(c->pattern), &r));
    bool matches = regex_expand(r, str_of_cstr(c->text), str_of_cstr(c->template), &b);
    ROW_ASSERT(c->template, matches == (c->want != NULL));
    ck_assert_str_eq(buf_cstr(&b), c->want ? c->want : "");
    ROW_ASSERT(c->template, regex_match(r, str_of_cstr(c->text)) == matches);
}
END_TEST

START_TEST(test_group_limit)
{
    AUTO(buf_fini) struct buf b = BUF_INIT;
    for (size_t i = 0; i < REGEX_GROUPS_MAX; i++)
        buf_append(&b, STR("(a)"));
    AUTO(regex_free) struct regex *r = NULL;
    CK_OK(regex_compile_groups(buf_str(&b), &r));
    buf_append(&b, STR("()"));
    struct regex *more = NULL;
    CK_ERR(ERR_INVALID, regex_compile_groups(buf_str(&b), &more));
    CK_ERR(ERR_INVALID, regex_compile_groups(STR("(a"), &more));
}
END_TEST

START_TEST(test_size_limit)
{
    AUTO(buf_fini) struct buf b = BUF_INIT;
    for (size_t i = 0; i < REGEX_PATTERN_BYTES_MAX; i++)
        buf_put_u8(&b, 'a');
    AUTO(regex_free) struct regex *r = NULL;
    CK_OK(regex_compile(buf_str(&b), &r));
    buf_put_u8(&b, 'a');
    CK_ERR(ERR_INVALID, regex_compile(buf_str(&b), &r));
    struct regex *large = NULL; /* small text, large program */
    CK_ERR(ERR_INVALID, regex_compile(STR("((\\pL{100}){10}x){1000}"), &large));
}
END_TEST

Suite *
regex_suite(void)
{
    Suite *s = suite_create("regex");
    TCase *t = tcase_create("regex");
    tcase_add_loop_test(t, test_golden, 0, golden_count("regex.json"));
    tcase_add_loop_test(t, test_error_texts, 0, ARRAY_LEN(error_cases));
    tcase_add_loop_test(t, test_malformed_text, 0, ARRAY_LEN(utf8_cases));
    tcase_add_loop_test(t, test_shape, 0, ARRAY_LEN(shape_cases));
    tcase_add_loop_test(t, test_expand, 0, ARRAY_LEN(expand_cases));
    tcase_add_test(t, test_group_limit);
    tcase_add_test(t, test_size_limit);
    suite_add_tcase(s, t);
    return s;
}
