/* Counts of pairs and names, churn; bars as promtool 3.14 draws them. */
#include "tests/harness.h"

#include <string.h>

#include "base/mem.h"
#include "tsdb/inspect/label_stats.h"

#define LABELS(...)                                                                                \
    ((struct labels){(const struct label[]){__VA_ARGS__},                                          \
                     sizeof((const struct label[]){__VA_ARGS__}) / sizeof(struct label)})
#define LABEL(n, v)                                                                                \
    {                                                                                              \
        STR_INIT(n), STR_INIT(v)                                                                   \
    }

static const struct label_stat *
stat_of(const struct map *in, const char *key)
{
    const struct label_stat *stat = map_get(in, str_of_cstr(key));
    ck_assert_msg(stat != NULL, "no %s", key);
    return stat;
}

START_TEST(test_counts)
{
    enum { RANGE_MS = 1000 };
    AUTO(label_stats_fini) struct label_stats s;
    label_stats_init(&s);
    label_stats_add(&s, LABELS(LABEL("__name__", "up"), LABEL("job", "a")), 0, RANGE_MS);
    label_stats_add(&s, LABELS(LABEL("__name__", "up"), LABEL("job", "bcd")), 0, 100);
    label_stats_add(&s, LABELS(LABEL("__name__", "down"), LABEL("job", "a")), 900, 900);
    ck_assert_uint_eq(s.series, 3);
    ck_assert_uint_eq(s.entries, 6);
    ck_assert_uint_eq(s.pairs.count, 4);
    ck_assert_uint_eq(s.names.count, 2);
    ck_assert_uint_eq(stat_of(&s.pairs, "__name__=up")->series, 2);
    ck_assert_uint_eq(stat_of(&s.pairs, "job=a")->series, 2);
    ck_assert_uint_eq(stat_of(&s.names, "job")->values, 2);
    ck_assert_uint_eq(stat_of(&s.names, "job")->value_bytes, 4);
    ck_assert_uint_eq(stat_of(&s.names, "__name__")->value_bytes, 6);
    ck_assert_uint_eq(label_stat_churn(stat_of(&s.pairs, "__name__=up"), RANGE_MS), 0); /* 0.9 */
    ck_assert_uint_eq(label_stat_churn(stat_of(&s.pairs, "job=a"), RANGE_MS), 1);
    ck_assert_uint_eq(label_stat_churn(stat_of(&s.names, "job"), RANGE_MS), 1); /* 1.9 */
    ck_assert_uint_eq(label_stat_churn(stat_of(&s.names, "job"), 0), 0);
    ck_assert(map_get(&s.pairs, STR("job=")) == NULL);
}
END_TEST

enum { AMOUNTS_MAX = 4 };
static const struct bars_case {
    const char *name;
    size_t amounts[AMOUNTS_MAX];
    size_t n;
    const char *want;
} bars_cases[] = {
    {"nothing", {0}, 0, "x: N/A\n\n"},
    {"one", {3}, 1, "x (min/avg/max): 3/3/3\n[ 1, 10]: 1 ##########\n[11, 20]: 0 \n\n"},
    {"the end of a range",
     {10},
     1,
     "x (min/avg/max): 10/10/10\n[11, 20]: 1 ##########\n[21, 30]: 0 \n\n"},
    {"wide ranges",
     {5, 120, 130},
     3,
     "x (min/avg/max): 5/85/130\n[  1, 100]: 1 ##########\n[101, 200]: 2 ####################\n"
     "[201, 300]: 0 \n\n"},
};

START_TEST(test_bars)
{
    const struct bars_case *c = &bars_cases[_i];
    struct distribution d = {.counts = VEC_INIT};
    AUTO(buf_fini) struct buf got = BUF_INIT;
    for (size_t i = 0; i < c->n; i++)
        distribution_add(&d, c->amounts[i]);
    distribution_format(&d, "x", 10, &got);
    ck_assert_msg(strcmp(buf_cstr(&got), c->want) == 0, "row \"%s\":\n%s", c->name, buf_cstr(&got));
    distribution_fini(&d);
}
END_TEST

START_TEST(test_huge_amounts)
{
    struct distribution d = {.counts = VEC_INIT};
    AUTO(buf_fini) struct buf got = BUF_INIT;
    distribution_add(&d, 1);
    distribution_add(&d, (size_t)DISTRIBUTION_VALUES_MAX * 3);
    distribution_format(&d, "x", 2, &got);
    ck_assert(strstr(buf_cstr(&got), "x (min/avg/max): 1/1572864/3145728\n") != NULL);
    distribution_fini(&d);
}
END_TEST

START_TEST(test_fullness)
{
    struct distribution d = {.counts = VEC_INIT};
    AUTO(buf_fini) struct buf got = BUF_INIT;
    static const size_t amounts[] = {0, 11, 12, 13, 108, 109, 120, 500};
    for (size_t i = 0; i < ARRAY_LEN(amounts); i++)
        distribution_add(&d, amounts[i]);
    distribution_format_fullness(&d, 100, &got);
    ck_assert_str_eq(buf_cstr(&got),
                     "Fullness: Amount of samples in chunks (100% is 120 samples)\n"
                     "     10%: ###\n     20%: #\n     30%: \n     40%: \n     50%: \n"
                     "     60%: \n     70%: \n     80%: \n     90%: #\n    100%: ###\n");
    distribution_fini(&d);
}
END_TEST

Suite *
label_stats_suite(void)
{
    Suite *s = suite_create("label_stats");
    TCase *t = tcase_create("label_stats");
    tcase_add_test(t, test_counts);
    tcase_add_loop_test(t, test_bars, 0, ARRAY_LEN(bars_cases));
    tcase_add_test(t, test_huge_amounts);
    tcase_add_test(t, test_fullness);
    suite_add_tcase(s, t);
    return s;
}
