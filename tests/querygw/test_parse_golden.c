/* What Prometheus itself says of selectors, durations and regexes, and every expression of its
 * own test scripts. Skipped where the shared data is absent. */
#include "tests/harness.h"

#include <ctype.h>
#include <dirent.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/quote.h"
#include "querygw/promql/parse.h"
#include "querygw/promql/print.h"
#include "tests/querygw/shared.h"

static const struct promql_parse_opts all = {true, true, true, true};

/* NULL: skip. Free with json_decref(). */
static json_t *
load(const char *relative)
{
    json_error_t error;
    const char *path = shared_path(relative);
    if (!path)
        return NULL;
    json_t *root = json_load_file(path, 0, &error);
    ck_assert_msg(root != NULL, "%s: %s", path, error.text);
    return root;
}

static struct str
field(const json_t *row, const char *name)
{
    const json_t *v = json_object_get(row, name);
    return v ? str_of(json_string_value(v), json_string_length(v)) : STR("");
}

static void
put_hex(struct str hex, struct buf *to)
{
    for (size_t i = 0; i + 1 < hex.n; i += 2) {
        const char digits[3] = {hex.p[i], hex.p[i + 1], 0};
        buf_put_u8(to, (uint8_t)strtoul(digits, NULL, 16));
    }
}

static void
check_selector(const json_t *row)
{
    AUTO(buf_fini) struct buf input = BUF_INIT;
    struct arena a;
    struct matchers m;
    put_hex(field(row, "input_hex"), &input);
    const char *name = buf_cstr(&input);
    arena_init(&a, 0);
    struct err e = promql_parse_selector(&a, buf_str(&input), &m);
    if (json_object_get(row, "error")) {
        ck_assert_msg(e.code == ERR_INVALID, "%s: accepted", name);
        ck_assert_msg(str_eq(field(row, "error"), str_of_cstr(err_text(&e))), "%s: %s", name,
                      err_text(&e));
    } else {
        ck_assert_msg(e.code == ERR_NONE, "%s: %s", name, err_text(&e));
        const json_t *want = json_object_get(row, "matchers"), *one;
        size_t i;
        ROW_ASSERT(name, json_array_size(want) == m.n);
        json_array_foreach(want, i, one)
        {
            ROW_ASSERT(name,
                       str_eq(m.v[i].name, str_of_cstr(json_string_value(json_array_get(one, 0)))));
            ROW_ASSERT(name, strcmp(matcher_type_text(m.v[i].type),
                                    json_string_value(json_array_get(one, 1))) == 0);
            const json_t *value = json_array_get(one, 2);
            ROW_ASSERT(name, str_eq(m.v[i].value,
                                    str_of(json_string_value(value), json_string_length(value))));
        }
        ROW_ASSERT(name, promql_matchers_restrict(m) ==
                             json_is_true(json_object_get(row, "has_non_empty_matcher")));
    }
    err_drop(e);
    arena_fini(&a);
}

START_TEST(test_selectors)
{
    json_t *root = load("golden/json/selectors.json");
    const json_t *row;
    size_t i, n = 0;
    json_array_foreach(json_object_get(root, "cases"), i, row)
    {
        check_selector(row);
        n++;
    }
    ck_assert(!root || n > 50);
    json_decref(root);
}
END_TEST

/* Digits and letters by turns: what the lexer takes for a duration. */
static bool
looks_like_duration(struct str s)
{
    if (s.n == 0 || !isdigit((unsigned char)s.p[0]) || !strchr("smhdwy", s.p[s.n - 1]))
        return false;
    for (size_t i = 0; i < s.n; i++) {
        if (!isdigit((unsigned char)s.p[i]) && !strchr("smhdwy", s.p[i]))
            return false;
    }
    return true;
}

START_TEST(test_durations)
{
    json_t *root = load("golden/json/durations.json");
    const json_t *row;
    size_t i, n = 0;
    json_array_foreach(json_object_get(root, "cases"), i, row)
    {
        struct str input = field(row, "input"), ns = field(row, "model_ns");
        struct promql_node *node;
        struct arena a;
        if (!looks_like_duration(input))
            continue;
        n++;
        arena_init(&a, 0);
        struct err e = promql_parse(&a, input, NULL, &node);
        ck_assert_msg((e.code == ERR_NONE) == (ns.n > 0), "%.*s: %s", STR_FMT(input), err_text(&e));
        if (e.code == ERR_NONE) {
            AUTO(buf_fini) struct buf text = BUF_INIT;
            promql_print(node, &text);
            ck_assert(node->number.is_duration);
            ck_assert_msg(llround(node->number.value * 1000) == strtoll(ns.p, NULL, 10) / 1000000,
                          "%.*s", STR_FMT(input));
            ck_assert_msg(str_eq(buf_str(&text), field(row, "model_text")), "%.*s: %s",
                          STR_FMT(input), buf_cstr(&text));
        }
        err_drop(e);
        arena_fini(&a);
    }
    ck_assert(!root || n > 50);
    json_decref(root);
}
END_TEST

static bool
holds(const json_t *list, struct str s)
{
    const json_t *one;
    size_t i;
    json_array_foreach(list, i, one)
    {
        if (str_eq(s, str_of(json_string_value(one), json_string_length(one))))
            return true;
    }
    return false;
}

START_TEST(test_regexes)
{
    json_t *root = load("golden/json/regex.json");
    const json_t *row, *subject;
    size_t i, j;
    json_array_foreach(json_object_get(root, "cases"), i, row)
    {
        AUTO(buf_fini) struct buf query = BUF_INIT;
        struct matchers m;
        struct arena a;
        buf_append(&query, STR("{a=~"));
        quote_text(field(row, "pattern"), &query);
        buf_append(&query, STR("}"));
        arena_init(&a, 0);
        struct err e = promql_parse_selector(&a, buf_str(&query), &m);
        bool want = json_object_get(row, "error") == NULL;
        ck_assert_msg((e.code == ERR_NONE) == want, "%s: %s", buf_cstr(&query), err_text(&e));
        json_array_foreach(json_object_get(root, "subjects"), j, subject)
        {
            struct str s = str_of(json_string_value(subject), json_string_length(subject));
            if (want)
                ck_assert_msg(matcher_match(&m.v[0], s) ==
                                  holds(json_object_get(row, "matches"), s),
                              "%s on \"%.*s\"", buf_cstr(&query), STR_FMT(s));
        }
        err_drop(e);
        arena_fini(&a);
    }
    json_decref(root);
}
END_TEST

/* --- Prometheus' scripts: eval instant at T EXPR, eval range from A to B step S EXPR ------- */

static struct str
next_word(struct str *rest)
{
    size_t n = 0;
    *rest = str_trim(*rest);
    while (n < rest->n && !isspace((unsigned char)rest->p[n]))
        n++;
    return str_take(rest, n);
}

/* The expression of a line that evaluates one. */
static bool
eval_expression(struct str line, struct str *ret_expression)
{
    struct str rest = line;
    struct str word = next_word(&rest);
    if (!str_eq(word, STR("eval")) && !str_starts_with(word, STR("eval_")))
        return false;
    word = next_word(&rest);
    int words = str_eq(word, STR("instant")) ? 2 : str_eq(word, STR("range")) ? 6 : 0;
    if (words == 0)
        return false;
    while (words-- > 0)
        next_word(&rest);
    *ret_expression = str_trim(rest);
    return true;
}

static size_t
check_script(const char *path)
{
    char *line = NULL;
    size_t room = 0, n = 0;
    ssize_t bytes;
    FILE *f = fopen(path, "r");
    ck_assert_ptr_nonnull(f);
    while ((bytes = getline(&line, &room, f)) >= 0) {
        AUTO(buf_fini) struct buf once = BUF_INIT;
        AUTO(buf_fini) struct buf twice = BUF_INIT;
        struct promql_node *node;
        struct str query;
        struct arena a;
        if (!eval_expression(str_of(line, (size_t)bytes), &query))
            continue;
        arena_init(&a, 0);
        struct err e = promql_parse(&a, query, &all, &node);
        ck_assert_msg(e.code == ERR_NONE, "%s: %.*s: %s", path, STR_FMT(query), err_text(&e));
        promql_print(node, &once);
        CK_OK(promql_parse(&a, buf_str(&once), &all, &node));
        promql_print(node, &twice);
        ck_assert_msg(str_eq(buf_str(&once), buf_str(&twice)), "%s: %s", path, buf_cstr(&once));
        arena_fini(&a);
        n++;
    }
    free(line);
    fclose(f);
    return n;
}

/* No expression of the scripts fails to parse: what they expect to fail fails when it runs. */
START_TEST(test_scripts)
{
    const char *path = shared_path("promqltest");
    if (!path)
        return;
    char dir[1024], file[1400];
    size_t n = 0;
    snprintf(dir, sizeof dir, "%s", path);
    DIR *d = opendir(dir);
    ck_assert_ptr_nonnull(d);
    for (struct dirent *entry; (entry = readdir(d));) {
        if (!str_ends_with(str_of_cstr(entry->d_name), STR(".test")))
            continue;
        snprintf(file, sizeof file, "%s/%s", dir, entry->d_name);
        n += check_script(file);
    }
    closedir(d);
    ck_assert_uint_gt(n, 2000);
}
END_TEST

Suite *
parse_golden_suite(void)
{
    Suite *s = suite_create("parse_golden");
    TCase *t = tcase_create("parse_golden");
    tcase_add_test(t, test_selectors);
    tcase_add_test(t, test_durations);
    tcase_add_test(t, test_regexes);
    tcase_add_test(t, test_scripts);
    suite_add_tcase(s, t);
    return s;
}
