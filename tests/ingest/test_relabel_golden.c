/* Random rules over random labels give what Prometheus gives: tests/data/relabel.go. */
#include "tests/harness.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "ingest/relabel.h"

static const char *
text_of(const json_t *row, const char *key)
{
    return json_string_value(json_object_get(row, key));
}

static struct labels
labels_of(const json_t *row, struct label *v)
{
    size_t n = 0;
    const char *name;
    json_t *value;
    json_object_foreach(json_object_get(row, "labels"), name, value) v[n++] =
        (struct label){str_of_cstr(name), str_of_cstr(json_string_value(value))};
    labels_sort(v, n);
    return (struct labels){v, n};
}

/* Prometheus compiles all patterns and reads all actions of a list before it checks its first rule,
 * and shows the pattern with its anchors. */
static bool
is_of_another_order(const char *text)
{
    return strncmp(text, "unknown relabel action", 22) == 0 ||
           strncmp(text, "error parsing regexp", 20) == 0;
}

static void
check_fault(size_t line, const char *want, const struct err *e)
{
    ck_assert_msg(e->code == ERR_INVALID, "line %zu: taken, want %s", line, want);
    ck_assert_msg(is_of_another_order(want) || strstr(err_text(e), want), "line %zu: %s, want %s",
                  line, err_text(e), want);
}

static void
check_result(size_t line, const json_t *row, struct labels before, struct relabel_result r)
{
    const json_t *want = json_object_get(row, "want");
    bool drop = json_is_true(json_object_get(row, "drop"));
    struct labels got = r.outcome == RELABEL_KEPT ? before : r.labels;
    ck_assert_msg((r.outcome == RELABEL_DROPPED) == drop, "line %zu: outcome %d", line, r.outcome);
    if (drop)
        return;
    if (r.outcome == RELABEL_REFUSED) { /* a name that is empty comes first */
        const char *first = json_string_value(json_array_get(json_array_get(want, 0), 0));
        ck_assert_msg(first && !*first, "line %zu: fault %d", line, r.fault);
        return;
    }
    ck_assert_msg(got.n == json_array_size(want), "line %zu: %zu labels", line, got.n);
    for (size_t i = 0; i < got.n; i++) {
        const json_t *pair = json_array_get(want, i);
        struct str name = str_of_cstr(json_string_value(json_array_get(pair, 0)));
        struct str value = str_of_cstr(json_string_value(json_array_get(pair, 1)));
        ck_assert_msg(str_eq(got.v[i].name, name) && str_eq(got.v[i].value, value),
                      "line %zu: %.*s=%.*s", line, STR_FMT(got.v[i].name), STR_FMT(got.v[i].value));
    }
}

static void
check_row(size_t line, const json_t *row)
{
    AUTO(arena_fini) struct arena a = {0};
    AUTO(relabel_free) struct relabel_rules *rules = NULL;
    struct label v[LABELS_COUNT_MAX];
    struct labels labels = labels_of(row, v);
    const char *fault = text_of(row, "err");
    struct err e = relabel_parse(str_of_cstr(text_of(row, "rules")), &rules);
    if (fault)
        check_fault(line, fault, &e);
    else
        ck_assert_msg(e.code == ERR_NONE, "line %zu: %s", line, err_text(&e));
    if (rules)
        check_result(line, row, labels, relabel_apply(rules, &a, labels));
    err_drop(e);
}

START_TEST(test_golden)
{
    FILE *f = fopen(test_data("ingest/relabel.jsonl"), "r");
    char *text = NULL;
    size_t room = 0, line = 0;
    ck_assert_ptr_nonnull(f);
    for (ssize_t n; (n = getline(&text, &room, f)) > 0;) {
        json_t *row = json_loadb(text, (size_t)n, 0, NULL);
        ck_assert_ptr_nonnull(row);
        check_row(++line, row);
        json_decref(row);
    }
    ck_assert_uint_ge(line, 1000);
    free(text);
    fclose(f);
}
END_TEST

Suite *
relabel_golden_suite(void)
{
    Suite *s = suite_create("relabel_golden");
    TCase *t = tcase_create("relabel_golden");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, test_golden);
    suite_add_tcase(s, t);
    return s;
}
