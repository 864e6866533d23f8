/* Patterns match what Go's filepath.Match matches (tests/data/ring/glob.json has Go's answers). */
#include "tests/harness.h"

#include <jansson.h>

#include "base/glob.h"
#include "base/mem.h"

START_TEST(test_golden)
{
    json_error_t error;
    json_t *root = json_load_file(test_data("ring/glob.json"), 0, &error);
    ck_assert_msg(root != NULL, "%s", error.text);
    size_t at;
    const json_t *c;
    json_array_foreach(json_object_get(root, "cases"), at, c)
    {
        const char *pattern = json_string_value(json_object_get(c, "pattern"));
        const char *text = json_string_value(json_object_get(c, "tenant"));
        enum glob_result want = json_object_get(c, "error")                 ? GLOB_BAD
                                : json_is_true(json_object_get(c, "match")) ? GLOB_YES
                                                                            : GLOB_NO;
        enum glob_result got = glob_match(str_of_cstr(pattern), str_of_cstr(text));
        ck_assert_msg(got == want, "%s against %s: got %d", pattern, text, got);
    }
    ck_assert(at > 400);
    json_decref(root);
}
END_TEST

/* What the golden leaves out; by Go 1.26. */
static const struct glob_case {
    const char *pattern, *text;
    enum glob_result want;
} glob_cases[] = {
    {"\\[", "[", GLOB_YES},
    {"[\\]]", "]", GLOB_YES},
    {"[\\-]", "-", GLOB_YES},
    {"[^a]", "/", GLOB_YES},     /* a class may cross what a star may not */
    {"*[/a]*b", "a/b", GLOB_NO}, /* no way back to the first star */
    {"*[/]*b", "a/b", GLOB_YES},
    {"?", "\xff", GLOB_YES},
    {"[\xef\xbf\xbd]", "\xff", GLOB_YES},
    {"[\xff]", "\xff", GLOB_BAD},
    {"a*[", "b", GLOB_NO}, /* nobody looked at the class */
    {"a*[", "ab", GLOB_BAD},
    {"[b-a]", "a", GLOB_NO},
    {"[a-b-c]", "-", GLOB_BAD},
    {"a?", "a", GLOB_NO},
    {"a]", "a]", GLOB_YES},
    {"*a*a*a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", GLOB_NO},
};

START_TEST(test_cases)
{
    const struct glob_case *c = &glob_cases[_i];
    ROW_ASSERT(c->pattern, glob_match(str_of_cstr(c->pattern), str_of_cstr(c->text)) == c->want);
}
END_TEST

Suite *
glob_suite(void)
{
    Suite *s = suite_create("glob");
    TCase *t = tcase_create("glob");
    tcase_add_test(t, test_golden);
    tcase_add_loop_test(t, test_cases, 0, ARRAY_LEN(glob_cases));
    suite_add_tcase(s, t);
    return s;
}
