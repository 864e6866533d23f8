/* A map fills its struct, or nothing is taken and the place of the fault is told. */
#include "tests/harness.h"

#include "base/mem.h"
#include "conf/yaml_read.h"

struct inner {
    int64_t depth;
    int64_t wait_ms;
};
struct outer {
    struct str name, note;
    bool on;
    int64_t count;
    uint64_t size;
    double share;
    struct yaml_texts words;
    struct inner inner;
    const struct yaml_node *rest;
};
static const struct yaml_field inner_fields[] = {
    YAML_FIELD(inner, depth, "depth", I64, .min = 0, .max = 9)
        YAML_FIELD(inner, wait_ms, "wait", DURATION, .dflt = "1m")};
static const struct yaml_field outer_fields[] = {
    YAML_FIELD(outer, name, "name", TEXT, .notes = YAML_REQUIRED)
        YAML_FIELD(outer, note, "note", TEXT, .dflt = "none") YAML_FIELD(outer, on, "on", BOOL)
            YAML_FIELD(outer, count, "count", I64) YAML_FIELD(outer, size, "size", U64)
                YAML_FIELD(outer, share, "share", F64, .min = 0, .max = 1)
                    YAML_FIELD(outer, words, "words", TEXTS)
                        YAML_FIELD(outer, inner, "inner", STRUCT,
                                   .fields = {inner_fields, ARRAY_LEN(inner_fields)})
                            YAML_FIELD(outer, rest, "rest", ANY)};

static struct err
read_text(struct arena *a, const char *text, struct outer *ret_outer)
{
    const struct yaml_node *root = NULL;
    TRY(yaml_parse(a, str_of_cstr(text), &root));
    return yaml_read(root, YAML_FIELDS(outer_fields), a, ret_outer);
}

START_TEST(test_all_fields)
{
    AUTO(arena_fini) struct arena a = {0};
    struct outer o = {.on = false};
    CK_OK(read_text(&a,
                    "name: true\nnote: 'x'\non: yes\ncount: -1_000\nsize: 1e6\nshare: .25\n"
                    "words: [a, 1, '']\ninner: {depth: 9, wait: 1h30m}\nrest: {any: [thing]}\n",
                    &o));
    ck_assert(str_eq(o.name, STR("true")) && str_eq(o.note, STR("x")) && o.on);
    ck_assert(o.count == -1000 && o.size == 1000000 && o.share == .25);
    ck_assert(o.words.n == 3 && str_eq(o.words.v[1], STR("1")) && o.words.v[2].n == 0);
    ck_assert(o.inner.depth == 9 && o.inner.wait_ms == 5400000);
    ck_assert(o.rest->kind == YAML_MAP && o.rest->line == 9);
}
END_TEST

START_TEST(test_absent_fields)
{
    AUTO(arena_fini) struct arena a = {0};
    struct outer o = {.count = 7, .words = {&STR("kept"), 1}};
    CK_OK(read_text(&a, "name: n\n", &o));
    ck_assert(str_eq(o.note, STR("none")) && o.count == 7 && o.words.n == 1);
    ck_assert_int_eq(o.inner.wait_ms, 60000);
    o.inner.depth = 3;
    CK_OK(read_text(&a, "name: n\ninner:\ncount: ~\nnote:\nwords: null\n", &o));
    ck_assert(o.inner.depth == 3 && o.count == 7 && o.note.n == 0 && o.words.n == 0);
}
END_TEST

static const struct fault_case {
    const char *text, *want;
} fault_cases[] = {
    {"name: n\ncoun: 1\n", "line 2, column 1: unknown key \"coun\", did you mean \"count\"?"},
    {"name: n\nzzzzzz: x\n", "line 2, column 1: unknown key \"zzzzzz\""},
    {"note: n\n", "line 1, column 1: \"name\" is missing"},
    {"", "\"name\" is missing"},
    {"[name]", "line 1, column 1: a map of keys and values is expected"},
    {"name: [n]", "line 1, column 7: name: a list where a single value"},
    {"name: n\non: maybe\n", "line 2, column 5: on: \"maybe\" is neither true nor false"},
    {"name: n\ncount: 1.5\n", "line 2, column 8: count: \"1.5\" is not a whole number"},
    {"name: n\ncount: 9223372036854775808\n", "is not a whole number of 64 bits"},
    {"name: n\nsize: -1\n", "line 2, column 7: size: \"-1\" is not a whole number from 0 on"},
    {"name: n\nsize: x\n", "size: \"x\""},
    {"name: n\nshare: 2\n", "share: 2 is not within 0 and 1"},
    {"name: n\nshare: .inf\n", "share: \".inf\" is not a finite number"},
    {"name: n\nshare: NaN\n", "share: \"NaN\" is not a finite number"},
    {"name: n\nwords: a\n", "line 2, column 8: a list is expected"},
    {"name: n\nwords: [a, {}]\n", "line 2, column 12: a text is expected"},
    {"name: n\ninner: {deep: 1}\n", "line 2, column 9: unknown key \"deep\""},
    {"name: n\ninner: {depth: 10}\n", "depth: 10 is not within 0 and 9"},
    {"name: n\ninner: {wait: 5}\n", "line 2, column 15: wait: "},
    {"name: n\ninner: 5\n", "line 2, column 8: a map of keys and values"},
};

START_TEST(test_faults)
{
    const struct fault_case *c = &fault_cases[_i];
    AUTO(arena_fini) struct arena a = {0};
    struct outer o = {.on = false};
    struct err e = read_text(&a, c->text, &o);
    ROW_ASSERT(c->text, e.code == ERR_INVALID);
    ck_assert_msg(strstr(err_text(&e), c->want), "row \"%s\": %s", c->text, err_text(&e));
    err_drop(e);
}
END_TEST

Suite *
yaml_read_suite(void)
{
    Suite *s = suite_create("yaml_read");
    TCase *t = tcase_create("yaml_read");
    tcase_add_test(t, test_all_fields);
    tcase_add_test(t, test_absent_fields);
    tcase_add_loop_test(t, test_faults, 0, ARRAY_LEN(fault_cases));
    suite_add_tcase(s, t);
    return s;
}
