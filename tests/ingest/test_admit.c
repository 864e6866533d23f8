/* A count at its limit is admitted, one more is not, and 0 means no limit. */
#include "tests/harness.h"

#include "base/mem.h"
#include "ingest/admit.h"

static const struct admit_case {
    const char *name;
    struct ingest_limits limits;
    size_t series, samples;
    enum err_code code;
    const char *want;
} admit_cases[] = {
    {"no limits", {0, 0}, 1000000, 1000000, ERR_NONE, ""},
    {"empty", {1, 1}, 0, 0, ERR_NONE, ""},
    {"at both limits", {5, 7}, 5, 7, ERR_NONE, ""},
    {"series above", {5, 7}, 6, 7, ERR_TOO_LARGE, "too many timeseries: 6 in one request, limit 5"},
    {"samples above", {5, 7}, 5, 8, ERR_TOO_LARGE, "too many samples: 8 in one request, limit 7"},
    {"both above", {5, 7}, 6, 8, ERR_TOO_LARGE, "too many timeseries"},
    {"series above, no limit of samples", {5, 0}, 6, 8, ERR_TOO_LARGE, "too many timeseries"},
    {"samples above, no limit of series", {0, 7}, 6, 8, ERR_TOO_LARGE, "too many samples"},
};

START_TEST(test_admit)
{
    const struct admit_case *c = &admit_cases[_i];
    struct batch batch = {.series_count = c->series, .request = {.sample_count = c->samples}};
    struct err e = ingest_admit(&c->limits, &batch);
    ROW_ASSERT(c->name, e.code == c->code);
    ck_assert_msg(!e.msg || strstr(e.msg, c->want), "row \"%s\": %s", c->name, err_text(&e));
    err_drop(e);
}
END_TEST

Suite *
admit_suite(void)
{
    Suite *s = suite_create("admit");
    TCase *t = tcase_create("all");
    tcase_add_loop_test(t, test_admit, 0, ARRAY_LEN(admit_cases));
    suite_add_tcase(s, t);
    return s;
}
