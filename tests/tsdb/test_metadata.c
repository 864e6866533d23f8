/* Metadata of families: the newest wins, limits hold, and names lead to families and back. */
#include <stdio.h>

#include "base/mem.h"
#include "tests/harness.h"
#include "tsdb/head/metadata_family.h"
#include "tsdb/head/metadata_store.h"

static struct family_metadata
metadata_of(const char *family, enum metric_kind kind, const char *help, const char *unit)
{
    return (struct family_metadata){str_of_cstr(family),
                                    {kind, str_of_cstr(help), str_of_cstr(unit)}};
}

static void
show(struct metadata_store *m, const char *family, size_t limit, struct buf *to)
{
    AUTO(arena_fini) struct arena a = {0};
    struct family_metadata_list l;
    CK_OK(metadata_store_list(m, str_of_cstr(family), limit, &a, &l));
    for (size_t i = 0; i < l.n; i++)
        buf_printf(to, "%.*s|%s|%.*s|%.*s;", STR_FMT(l.v[i].family),
                   metric_kind_text(l.v[i].value.kind), STR_FMT(l.v[i].value.help),
                   STR_FMT(l.v[i].value.unit));
}

static char too_long[METADATA_FAMILY_BYTES_MAX + 2];

static const struct put_case {
    const char *name;
    const char *family;
    enum metric_kind kind;
    const char *help, *unit;
    enum metadata_outcome want;
} put_cases[] = {
    /* one after the other into one store */
    {"new", "b", METRIC_KIND_COUNTER, "help", "s", METADATA_CHANGED},
    {"again", "b", METRIC_KIND_COUNTER, "help", "s", METADATA_KNOWN},
    {"another", "a", METRIC_KIND_GAUGE, "", "", METADATA_CHANGED},
    {"other kind", "a", METRIC_KIND_HISTOGRAM, "", "", METADATA_CHANGED},
    {"other help", "b", METRIC_KIND_COUNTER, "new help", "s", METADATA_CHANGED},
    {"other unit", "b", METRIC_KIND_COUNTER, "new help", "m", METADATA_CHANGED},
    {"no name", "", METRIC_KIND_COUNTER, "help", "s", METADATA_REFUSED},
    {"name is not UTF-8", "\xff", METRIC_KIND_COUNTER, "help", "s", METADATA_REFUSED},
    {"help too long", "b", METRIC_KIND_COUNTER, too_long, "", METADATA_REFUSED},
    {"name too long", too_long, METRIC_KIND_COUNTER, "", "", METADATA_REFUSED},
    {"unit too long", "c", METRIC_KIND_COUNTER, "", too_long, METADATA_REFUSED},
    {"help of bytes", "c", METRIC_KIND_UNKNOWN, "\xff", "", METADATA_CHANGED},
};

START_TEST(test_put_and_list)
{
    memset(too_long, 'x', METADATA_FAMILY_BYTES_MAX + 1);
    struct metadata_store *m = metadata_store_open();
    for (size_t i = 0; i < ARRAY_LEN(put_cases); i++) {
        const struct put_case *c = &put_cases[i];
        struct family_metadata d = metadata_of(c->family, c->kind, c->help, c->unit);
        ROW_ASSERT(c->name, metadata_store_put(m, &d) == c->want);
    }
    static const struct list_case {
        const char *family;
        size_t limit;
        const char *want;
    } list_cases[] = {
        {"", SIZE_MAX, "a|histogram||;b|counter|new help|m;c|unknown|\xff|;"},
        {"", 2, "a|histogram||;b|counter|new help|m;"},
        {"", 0, ""},
        {"b", SIZE_MAX, "b|counter|new help|m;"},
        {"b", 0, ""},
        {"d", SIZE_MAX, ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(list_cases); i++) {
        AUTO(buf_fini) struct buf got = BUF_INIT;
        show(m, list_cases[i].family, list_cases[i].limit, &got);
        ck_assert_str_eq(buf_cstr(&got), list_cases[i].want);
    }
    ck_assert_uint_eq(metadata_store_count(m), 3);
    struct arena tight;
    arena_init(&tight, 1);
    struct family_metadata_list l;
    CK_ERR(ERR_LIMIT, metadata_store_list(m, STR(""), SIZE_MAX, &tight, &l));
    arena_fini(&tight);
    metadata_store_close(m);
}
END_TEST

START_TEST(test_families_limit)
{
    struct metadata_store *m = metadata_store_open();
    char name[32];
    for (int i = 0; i < METADATA_FAMILIES_MAX; i++) {
        snprintf(name, sizeof name, "m%d", i);
        struct family_metadata d = metadata_of(name, METRIC_KIND_GAUGE, "", "");
        ck_assert_int_eq(metadata_store_put(m, &d), METADATA_CHANGED);
    }
    struct family_metadata one_more = metadata_of("n", METRIC_KIND_GAUGE, "", "");
    struct family_metadata known = metadata_of("m0", METRIC_KIND_GAUGE, "new", "");
    ck_assert_int_eq(metadata_store_put(m, &one_more), METADATA_REFUSED);
    ck_assert_int_eq(metadata_store_put(m, &known), METADATA_CHANGED);
    ck_assert_uint_eq(metadata_store_count(m), METADATA_FAMILIES_MAX);
    metadata_store_close(m);
}
END_TEST

START_TEST(test_bytes_limit)
{
    enum { FIT = METADATA_BYTES_MAX / METADATA_FAMILY_BYTES_MAX };
    struct metadata_store *m = metadata_store_open();
    char name[8], help[METADATA_FAMILY_BYTES_MAX + 1];
    memset(help, 'h', sizeof help);
    help[METADATA_FAMILY_BYTES_MAX - 4] = '\0';
    for (int i = 0; i < FIT; i++) {
        snprintf(name, sizeof name, "%04d", i);
        struct family_metadata d = metadata_of(name, METRIC_KIND_GAUGE, help, "");
        ck_assert_int_eq(metadata_store_put(m, &d), METADATA_CHANGED);
    }
    struct family_metadata small = metadata_of("n", METRIC_KIND_GAUGE, "", "");
    struct family_metadata shorter = metadata_of("0000", METRIC_KIND_GAUGE, "h", "");
    ck_assert_int_eq(metadata_store_put(m, &small), METADATA_REFUSED);
    ck_assert_int_eq(metadata_store_put(m, &shorter), METADATA_CHANGED);
    ck_assert_int_eq(metadata_store_put(m, &small), METADATA_CHANGED);
    metadata_store_close(m);
}
END_TEST

/* --- families and the names of their series --------------------------------------------------- */

static const struct family_case {
    const char *metric;
    enum metric_kind kind;
    const char *family;
} family_cases[] = {
    {"x_bucket", METRIC_KIND_HISTOGRAM, "x"},
    {"x_sum", METRIC_KIND_HISTOGRAM, "x"},
    {"x_count", METRIC_KIND_HISTOGRAM, "x"},
    {"x", METRIC_KIND_HISTOGRAM, "x"}, /* a native one */
    {"x_total", METRIC_KIND_HISTOGRAM, "x_total"},
    {"x_count_count", METRIC_KIND_HISTOGRAM, "x_count"},
    {"_count", METRIC_KIND_HISTOGRAM, "_count"}, /* nothing would be left */
    {"", METRIC_KIND_HISTOGRAM, ""},
    {"x_bucket", METRIC_KIND_GAUGE_HISTOGRAM, "x"},
    {"x_gsum", METRIC_KIND_GAUGE_HISTOGRAM, "x"},
    {"x_gcount", METRIC_KIND_GAUGE_HISTOGRAM, "x"},
    {"x_count", METRIC_KIND_GAUGE_HISTOGRAM, "x_count"},
    {"x_sum", METRIC_KIND_SUMMARY, "x"},
    {"x_count", METRIC_KIND_SUMMARY, "x"},
    {"x_bucket", METRIC_KIND_SUMMARY, "x_bucket"},
    {"x", METRIC_KIND_SUMMARY, "x"},
    {"x_info", METRIC_KIND_INFO, "x"},
    {"x", METRIC_KIND_INFO, "x"},
    {"x_total", METRIC_KIND_COUNTER, "x_total"},
    {"x_count", METRIC_KIND_COUNTER, "x_count"},
    {"x_count", METRIC_KIND_GAUGE, "x_count"},
    {"x_info", METRIC_KIND_GAUGE, "x_info"},
    {"x_sum", METRIC_KIND_UNKNOWN, "x_sum"},
    {"x", METRIC_KIND_STATESET, "x"},
};

START_TEST(test_family_of)
{
    const struct family_case *c = &family_cases[_i];
    struct str got = metadata_family_of(str_of_cstr(c->metric), c->kind);
    ck_assert_msg(str_eq(got, str_of_cstr(c->family)), "%s, %s: %.*s", c->metric,
                  metric_kind_text(c->kind), STR_FMT(got));
}
END_TEST

static const struct names_case {
    enum metric_kind kind;
    const char *names;
} names_cases[] = {
    {METRIC_KIND_UNKNOWN, "x "},
    {METRIC_KIND_COUNTER, "x x_total "},
    {METRIC_KIND_GAUGE, "x "},
    {METRIC_KIND_HISTOGRAM, "x x_count x_sum x_bucket "},
    {METRIC_KIND_GAUGE_HISTOGRAM, "x x_gcount x_gsum x_bucket "},
    {METRIC_KIND_SUMMARY, "x_count x_sum x "},
    {METRIC_KIND_INFO, "x_info x "},
    {METRIC_KIND_STATESET, "x "},
};

/* Every name leads back to its family, but "_total": see metadata_family.h. */
START_TEST(test_names_of_family)
{
    const struct names_case *c = &names_cases[_i];
    AUTO(arena_fini) struct arena a = {0};
    AUTO(buf_fini) struct buf got = BUF_INIT;
    struct metadata_metric_names names = metadata_metric_names(&a, STR("x"), c->kind);
    for (size_t i = 0; i < names.n; i++) {
        buf_printf(&got, "%.*s ", STR_FMT(names.v[i]));
        struct str family = metadata_family_of(names.v[i], c->kind);
        ck_assert(str_eq(family, str_ends_with(names.v[i], STR("_total")) ? names.v[i] : STR("x")));
    }
    ck_assert_str_eq(buf_cstr(&got), c->names);
}
END_TEST

Suite *
metadata_suite(void)
{
    Suite *s = suite_create("metadata");
    TCase *t = tcase_create("all");
    tcase_add_test(t, test_put_and_list);
    tcase_add_test(t, test_families_limit);
    tcase_add_test(t, test_bytes_limit);
    tcase_add_loop_test(t, test_family_of, 0, ARRAY_LEN(family_cases));
    tcase_add_loop_test(t, test_names_of_family, 0, ARRAY_LEN(names_cases));
    suite_add_tcase(s, t);
    return s;
}
