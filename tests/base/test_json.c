/* Text escapes as Go's encoding/json escapes it, commas stand where they must, and the result
 * is JSON for another reader (jansson) whatever bytes go in. */
#include "tests/harness.h"

#include <jansson.h>
#include <signal.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/rand.h"

static const struct escape_case {
    const char *name;
    struct str in;
    const char *plain, *html; /* html NULL: the same */
} escape_cases[] = {
    {"empty", STR_INIT(""), "", NULL},
    {"letters", STR_INIT("abc 09~\x7f"), "abc 09~\x7f", NULL},
    {"quotes", STR_INIT("\"\\/"), "\\\"\\\\/", NULL},
    {"short forms", STR_INIT("\b\f\n\r\t"), "\\b\\f\\n\\r\\t", NULL},
    {"other controls", STR_INIT("\0\x01\x1f"), "\\u0000\\u0001\\u001f", NULL},
    {"html", STR_INIT("<a&b>"), "<a&b>", "\\u003ca\\u0026b\\u003e"},
    {"wide", STR_INIT("é日😀"), "é日😀", NULL},
    {"line separators", STR_INIT("\xE2\x80\xA8\xE2\x80\xA9\xE2\x80\xAA"),
     "\\u2028\\u2029\xE2\x80\xAA", NULL},
    {"bad byte",
     STR_INIT("a\xff"
              "b"),
     "a\\ufffdb", NULL},
    {"cut sequence", STR_INIT("\xe6\x97"), "\\ufffd\\ufffd", NULL},
    {"surrogate", STR_INIT("\xed\xa0\x80"), "\\ufffd\\ufffd\\ufffd", NULL},
    {"overlong", STR_INIT("\xc0\x80"), "\\ufffd\\ufffd", NULL},
    {"above unicode", STR_INIT("\xf4\x90\x80\x80"), "\\ufffd\\ufffd\\ufffd\\ufffd", NULL},
};

START_TEST(test_escape)
{
    const struct escape_case *c = &escape_cases[_i];
    AUTO(buf_fini) struct buf plain = BUF_INIT, html = BUF_INIT;
    json_escape_to(&plain, c->in, JSON_PLAIN);
    json_escape_to(&html, c->in, JSON_HTML);
    ROW_ASSERT(c->name, str_eq(buf_str(&plain), str_of_cstr(c->plain)));
    ROW_ASSERT(c->name, str_eq(buf_str(&html), str_of_cstr(c->html ? c->html : c->plain)));
}
END_TEST

START_TEST(test_any_bytes_are_json)
{
    struct rand_gen g = rand_gen_of(3);
    for (int i = 0; i < 2000; i++) {
        AUTO(buf_fini) struct buf text = BUF_INIT, out = BUF_INIT;
        for (size_t n = rand_below(&g, 12); n > 0; n--)
            buf_put_u8(&text, (uint8_t)rand_u64(&g));
        struct json_writer w;
        json_init(&w, &out, i % 2 ? JSON_HTML : JSON_PLAIN);
        json_str(&w, buf_str(&text));
        json_t *back = json_loadb(out.p, out.n, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
        ck_assert_msg(back != NULL, "%.*s", STR_FMT(buf_str(&out)));
        if (str_is_utf8(buf_str(&text)))
            ck_assert(
                str_eq(buf_str(&text), str_of(json_string_value(back), json_string_length(back))));
        json_decref(back);
    }
}
END_TEST

/* One document with every kind of item. */
static void
write_all_kinds(struct json_writer *w)
{
    json_begin_object(w);
    json_key(w, STR("a"));
    json_begin_array(w);
    json_i64(w, INT64_MIN);
    json_u64(w, UINT64_MAX);
    json_begin_array(w);
    json_end_array(w);
    json_begin_object(w);
    json_end_object(w);
    json_null_value(w);
    json_end_array(w);
    json_key(w, STR("b\n"));
    json_bool(w, true);
    json_key(w, STR(""));
    json_begin_object(w);
    json_key(w, STR("c"));
    json_raw(w, STR("1.5"));
    json_end_object(w);
    json_key(w, STR("d"));
    json_bool(w, false);
    json_end_object(w);
}

START_TEST(test_commas)
{
    AUTO(buf_fini) struct buf b = BUF_INIT;
    struct json_writer w;
    json_init(&w, &b, JSON_PLAIN);
    write_all_kinds(&w);
    ck_assert_str_eq(buf_cstr(&b), "{\"a\":[-9223372036854775808,18446744073709551615,[],{},null],"
                                   "\"b\\n\":true,\"\":{\"c\":1.5},\"d\":false}");
}
END_TEST

/* As Go's MarshalIndent writes it. */
START_TEST(test_tabs)
{
    AUTO(buf_fini) struct buf b = BUF_INIT;
    struct json_writer w;
    json_init_tabs(&w, &b, JSON_HTML);
    write_all_kinds(&w);
    ck_assert_str_eq(buf_cstr(&b), "{\n\t\"a\": [\n\t\t-9223372036854775808,\n"
                                   "\t\t18446744073709551615,\n\t\t[],\n\t\t{},\n\t\tnull\n\t],\n"
                                   "\t\"b\\n\": true,\n\t\"\": {\n\t\t\"c\": 1.5\n\t},\n"
                                   "\t\"d\": false\n}");
}
END_TEST

START_TEST(test_deepest)
{
    AUTO(buf_fini) struct buf b = BUF_INIT;
    struct json_writer w;
    json_init(&w, &b, JSON_PLAIN);
    for (int i = 0; i < JSON_DEPTH_MAX - 1; i++) {
        json_begin_array(&w);
        json_null_value(&w);
    }
    for (int i = 0; i < JSON_DEPTH_MAX - 1; i++)
        json_end_array(&w);
    json_t *back = json_loadb(b.p, b.n, 0, NULL);
    ck_assert_ptr_nonnull(back);
    json_decref(back);
}
END_TEST

enum misuse { TOO_DEEP, TWO_VALUES, END_AT_TOP, KEY_AT_TOP, KEY_WITHOUT_VALUE, MISUSES };

START_TEST(test_misuse_is_a_bug)
{
    struct buf b = BUF_INIT;
    struct json_writer w;
    json_init(&w, &b, JSON_PLAIN);
    for (int i = 0; _i == TOO_DEEP && i < JSON_DEPTH_MAX; i++)
        json_begin_array(&w);
    if (_i == KEY_AT_TOP)
        json_key(&w, STR("k"));
    json_begin_object(&w);
    if (_i == KEY_WITHOUT_VALUE)
        json_key(&w, STR("k"));
    json_end_object(&w);
    if (_i == TWO_VALUES)
        json_null_value(&w);
    if (_i == END_AT_TOP)
        json_end_object(&w);
}
END_TEST

Suite *
json_suite(void)
{
    Suite *s = suite_create("json");
    TCase *t = tcase_create("json");
    tcase_add_loop_test(t, test_escape, 0, ARRAY_LEN(escape_cases));
    tcase_add_test(t, test_any_bytes_are_json);
    tcase_add_test(t, test_commas);
    tcase_add_test(t, test_tabs);
    tcase_add_test(t, test_deepest);
    if (test_forks())
        tcase_add_loop_test_raise_signal(t, test_misuse_is_a_bug, SIGABRT, 0, MISUSES);
    suite_add_tcase(s, t);
    return s;
}
