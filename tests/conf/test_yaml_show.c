/* What is shown reads as the tree that it shows, and no secret stands in it. */
#include "tests/harness.h"

#include "base/mem.h"
#include "conf/yaml_show.h"

static struct buf
shown(const char *text)
{
    AUTO(arena_fini) struct arena a = {0};
    const struct yaml_node *root;
    struct buf b = BUF_INIT;
    CK_OK(yaml_parse(&a, str_of_cstr(text), &root));
    yaml_show(root, &b);
    return b;
}

static const struct show_case {
    const char *name, *text, *want;
} cases[] = {
    {"empty", "", ""},
    {"scalar", "a", "a\n"},
    {"empty list", "[]", "[]\n"},
    {"empty map", "{}", "{}\n"},
    {"map", "{a: 1, b: 'x y', c: [], d: {}, e: }", "a: 1\nb: \"x y\"\nc: []\nd: {}\ne:\n"},
    {"list", "- a\n- [b, {c: d}]\n- ''\n", "- a\n-\n  - b\n  -\n    c: d\n- \"\"\n"},
    {"nested", "a: {b: {c: [d]}}", "a:\n  b:\n    c:\n      - d\n"},
    {"quoted number", "a: '1'", "a: \"1\"\n"},
    {"line end", "a: \"x\\ny\"", "a: \"x\\ny\"\n"},
    {"plain with a colon", "a: x:y", "a: \"x:y\"\n"},
    {"regex", "regex: '(.*);\\d+'", "regex: \"(.*);\\\\d+\"\n"},
    {"alias", "a: &x [1]\nb: *x", "a:\n  - 1\nb:\n  - 1\n"},
    {"secret", "{password: hunter2, b: 1}", "password: <secret>\nb: 1\n"},
    {"nested secret",
     "http:\n  basic_auth:\n    username: u\n    Password: |\n      hunter2\n      more\n",
     "http:\n  basic_auth:\n    username: u\n    Password: <secret>\n"},
    {"secret map", "headers: {X-Token: hunter2}", "headers: <secret>\n"},
    {"no secret", "password:\nurl: http://x:1/y", "password:\nurl: \"http://x:1/y\"\n"},
    {"URL with a user", "proxy_url: http://u:hunter2@x:1", "proxy_url: <secret>\n"},
};

START_TEST(test_text)
{
    const struct show_case *c = &cases[_i];
    AUTO(buf_fini) struct buf b = shown(c->text);
    ck_assert_msg(str_eq(buf_str(&b), str_of_cstr(c->want)), "row \"%s\": %s", c->name,
                  buf_cstr(&b));
}
END_TEST

/* Shown once more it is the same. */
START_TEST(test_reads_back)
{
    const struct show_case *c = &cases[_i];
    AUTO(buf_fini) struct buf once = shown(c->text), twice = shown(buf_cstr(&once));
    ck_assert_msg(str_eq(buf_str(&once), buf_str(&twice)), "row \"%s\": %s", c->name,
                  buf_cstr(&twice));
}
END_TEST

START_TEST(test_cut)
{
    AUTO(buf_fini) struct buf text = BUF_INIT;
    buf_append(&text, STR("a: &x ["));
    for (size_t i = 0; i < 1000; i++)
        buf_append(&text, STR("abcdefghij, "));
    buf_append(&text, STR("z]\nb: ["));
    for (size_t i = 0; i < 400; i++)
        buf_append(&text, STR("*x, "));
    buf_append(&text, STR("z]\n"));
    AUTO(buf_fini) struct buf b = shown(buf_cstr(&text));
    ck_assert_uint_lt(b.n, YAML_SHOW_BYTES_MAX + 1000);
    ck_assert(str_ends_with(buf_str(&b), STR("\n# cut: the rest is too long to be shown\n")));
}
END_TEST

Suite *
yaml_show_suite(void)
{
    Suite *s = suite_create("yaml_show");
    TCase *t = tcase_create("yaml_show");
    tcase_add_loop_test(t, test_text, 0, ARRAY_LEN(cases));
    tcase_add_loop_test(t, test_reads_back, 0, ARRAY_LEN(cases));
    tcase_add_test(t, test_cut);
    suite_add_tcase(s, t);
    return s;
}
