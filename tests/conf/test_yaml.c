/* What YAML texts look like as trees, which are refused and where, and that aliases neither loop
 * nor blow up. */
#include "tests/harness.h"

#include "base/mem.h"
#include "conf/yaml.h"

/* [a,b] for lists, {k:v} for maps; texts that are not plain in quotes. */
static void
print(const struct yaml_node *n, struct buf *to)
{
    if (n->kind == YAML_SCALAR) {
        buf_printf(to, n->plain ? "%.*s" : "'%.*s'", STR_FMT(n->text));
        return;
    }
    buf_put_u8(to, n->kind == YAML_LIST ? '[' : '{');
    for (size_t i = 0; i < n->count; i++) {
        if (i > 0)
            buf_put_u8(to, ',');
        if (n->kind == YAML_MAP) {
            print(n->pairs[i].key, to);
            buf_put_u8(to, ':');
        }
        print(n->kind == YAML_MAP ? n->pairs[i].value : n->items[i], to);
    }
    buf_put_u8(to, n->kind == YAML_LIST ? ']' : '}');
}

static const struct tree_case {
    const char *name, *text;
    const char *want;  /* NULL: no document */
    const char *fault; /* part of the error; NULL: none */
} tree_cases[] = {
    {"scalar", "a", "a", NULL},
    {"quoted", "\"a\\n\"", "'a\n'", NULL},
    {"tagged text", "!!str 12", "'12'", NULL},
    {"list", "- a\n- 'b'\n-\n", "[a,'b',]", NULL},
    {"flow", "{a: [1, 2], b: {}}", "{a:[1,2],b:{}}", NULL},
    {"block", "a:\n  b: |\n    x\n    y\n", "{a:{b:'x\ny\n'}}", NULL},
    {"one document", "---\na: 1\n...\n", "{a:1}", NULL},
    {"comment", "# nothing\n", NULL, NULL},
    {"empty", "", NULL, NULL},
    {"null", "~", NULL, NULL},
    {"alias", "a: &x [1]\nb: *x\n", "{a:[1],b:[1]}", NULL},
    {"anchor again", "a: &x 1\nb: &x 2\nc: *x\n", "{a:1,b:2,c:2}", NULL},
    {"merged", "a: &x {p: 1, q: 2}\nb: {<<: *x, q: 3}\n", "{a:{p:1,q:2},b:{q:3,p:1}}", NULL},
    {"merged behind", "a: &x {p: 1}\nb: {q: 3, <<: *x}\n", "{a:{p:1},b:{q:3,p:1}}", NULL},
    {"merged list", "- &x {p: 1}\n- &y {p: 2, q: 3}\n- <<: [*x, *y]\n",
     "[{p:1},{p:2,q:3},{p:1,q:3}]", NULL},
    {"quoted arrows are a key", "{'<<': 1}", "{'<<':1}", NULL},
    {"duplicate key", "a: 1\nb: 2\na: 3\n", NULL,
     "line 3, column 1: key \"a\" already set in line 1"},
    {"duplicate quoted", "{a: 1, 'a': 2}", NULL, "line 1, column 8: key \"a\" already set"},
    {"two merges", "x: &x {}\ny: {<<: *x, <<: *x}", NULL, "line 2, column 13: key \"<<\""},
    {"merged scalar", "{<<: 1}", NULL, "line 1, column 6: only maps can be merged"},
    {"key is a list", "{[a]: 1}", NULL, "line 1, column 2: a key must be a text"},
    {"two documents", "a\n---\nb\n", NULL, "line 3, column 1: more than one document"},
    {"unknown anchor", "a: *x\n", NULL, "line 1, column 4: unknown anchor"},
    {"contains itself", "a: &x [*x]\n", NULL, "line 1, column 8: unknown anchor"},
    {"other tag", "!!int 12", NULL, "line 1, column 1: tags other than !!str"},
    {"bad indentation", "a:\n  b: 1\n c: 2\n", NULL, "line 3, column 2: did not find expected key"},
    {"tab", "a:\n\t- b\n", NULL, "line 2, column 1: found character that cannot start any token"},
    {"open bracket", "[a", NULL, "line 2, column 1: did not find expected ',' or ']'"},
    {"not UTF-8", "a: \xff\n", NULL, "offset 3: invalid leading UTF-8 octet"},
};

START_TEST(test_tree)
{
    const struct tree_case *c = &tree_cases[_i];
    AUTO(arena_fini) struct arena a = {0};
    AUTO(buf_fini) struct buf got = BUF_INIT;
    const struct yaml_node *root = NULL;
    struct err e = yaml_parse(&a, str_of_cstr(c->text), &root);
    ROW_ASSERT(c->name, e.code == (c->fault ? ERR_INVALID : ERR_NONE));
    if (c->fault)
        ck_assert_msg(strstr(err_text(&e), c->fault), "row \"%s\": %s", c->name, err_text(&e));
    err_drop(e);
    ROW_ASSERT(c->name, (root != NULL) == (c->want != NULL));
    if (root)
        print(root, &got);
    ck_assert_msg(!root || strcmp(buf_cstr(&got), c->want) == 0, "row \"%s\": %s", c->name,
                  buf_cstr(&got));
}
END_TEST

START_TEST(test_places)
{
    AUTO(arena_fini) struct arena a = {0};
    const struct yaml_node *root = NULL;
    CK_OK(yaml_parse(&a, STR("a: 1\nlist:\n  - x\n  - k: v\n"), &root));
    const struct yaml_node *list = yaml_get(root, STR("list"));
    ck_assert_uint_eq(root->pairs[1].key->line, 2);
    ck_assert_uint_eq(list->items[1]->pairs[0].value->line, 4);
    ck_assert_uint_eq(list->items[1]->pairs[0].value->column, 8);
    ck_assert_ptr_null(yaml_get(root, STR("b")));
}
END_TEST

static const struct null_case {
    const char *text;
    bool is_null;
} null_cases[] = {
    {"-", true},     {"- ~", true},      {"- null", true},  {"- NULL", true},
    {"- ''", false}, {"- \"~\"", false}, {"- nil", false},  {"- []", false},
    {"- {}", false}, {"- Null", true},   {"- nULL", false},
};

START_TEST(test_null)
{
    AUTO(arena_fini) struct arena a = {0};
    const struct yaml_node *root = NULL;
    CK_OK(yaml_parse(&a, str_of_cstr(null_cases[_i].text), &root));
    ROW_ASSERT(null_cases[_i].text, yaml_is_null(root->items[0]) == null_cases[_i].is_null);
}
END_TEST

static void
repeat(struct buf *to, const char *text, size_t times)
{
    for (size_t i = 0; i < times; i++)
        buf_append(to, str_of_cstr(text));
}

START_TEST(test_depth)
{
    AUTO(arena_fini) struct arena a = {0};
    AUTO(buf_fini) struct buf text = BUF_INIT;
    const struct yaml_node *root = NULL;
    repeat(&text, "[", YAML_DEPTH_MAX);
    repeat(&text, "]", YAML_DEPTH_MAX);
    CK_OK(yaml_parse(&a, buf_str(&text), &root));
    ck_assert_uint_eq(root->height, YAML_DEPTH_MAX);
    buf_clear(&text);
    repeat(&text, "[", YAML_DEPTH_MAX + 1);
    repeat(&text, "]", YAML_DEPTH_MAX + 1);
    CK_ERR(ERR_INVALID, yaml_parse(&a, buf_str(&text), &root));
    /* Aliases hide half of it. */
    buf_clear(&text);
    buf_append(&text, STR("- &x "));
    repeat(&text, "[", YAML_DEPTH_MAX / 2);
    repeat(&text, "]", YAML_DEPTH_MAX / 2);
    buf_append(&text, STR("\n- "));
    repeat(&text, "[", YAML_DEPTH_MAX / 2);
    buf_append(&text, STR("*x"));
    repeat(&text, "]", YAML_DEPTH_MAX / 2);
    CK_ERR(ERR_INVALID, yaml_parse(&a, buf_str(&text), &root));
}
END_TEST

START_TEST(test_billion_laughs)
{
    AUTO(arena_fini) struct arena a = {0};
    AUTO(buf_fini) struct buf text = BUF_INIT;
    const struct yaml_node *root = NULL;
    buf_append(&text, STR("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"));
    for (int i = 1; i <= 9; i++) {
        buf_printf(&text, "a%d: &a%d [", i, i);
        for (int k = 0; k < 10; k++)
            buf_printf(&text, "%s*a%d", k ? ", " : "", i - 1);
        buf_append(&text, STR("]\n"));
    }
    struct err e = yaml_parse(&a, buf_str(&text), &root);
    ck_assert_int_eq(e.code, ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(err_text(&e), "too many values"));
    err_drop(e);
    ck_assert_uint_lt(a.used_bytes, 1 << 20);
}
END_TEST

START_TEST(test_size)
{
    AUTO(arena_fini) struct arena a = {0};
    AUTO(buf_fini) struct buf text = BUF_INIT;
    const struct yaml_node *root = NULL;
    repeat(&text, "# comment only..", YAML_BYTES_MAX / 16);
    CK_OK(yaml_parse(&a, buf_str(&text), &root));
    buf_put_u8(&text, '\n');
    CK_ERR(ERR_TOO_LARGE, yaml_parse(&a, buf_str(&text), &root));
}
END_TEST

Suite *
yaml_suite(void)
{
    Suite *s = suite_create("yaml");
    TCase *t = tcase_create("yaml");
    tcase_add_loop_test(t, test_tree, 0, ARRAY_LEN(tree_cases));
    tcase_add_test(t, test_places);
    tcase_add_loop_test(t, test_null, 0, ARRAY_LEN(null_cases));
    tcase_add_test(t, test_depth);
    tcase_add_test(t, test_billion_laughs);
    tcase_add_test(t, test_size);
    suite_add_tcase(s, t);
    return s;
}
