/* --enable-feature: every name of Prometheus and Thanos that is about queries, and what it does to
 * the routes that parse expressions. */
#include <string.h>

#include "base/mem.h"
#include "tests/harness.h"
#include "tests/querygw/api_fixture.h"
#include "tests/querygw/series_notation.h"

static struct api_fixture f;

static const struct word_case {
    const char *name;
    enum api_feature_word word;
    struct api_features want; /* of what is off by default */
} word_cases[] = {
    {"promql-experimental-functions", API_FEATURE_ON, {.parse.experimental_functions = true}},
    {"promql-extended-range-selectors", API_FEATURE_ON, {.parse.extended_range_selectors = true}},
    {"promql-binop-fill-modifiers", API_FEATURE_ON, {.parse.fill_modifiers = true}},
    {"promql-delayed-name-removal", API_FEATURE_ON, {.delayed_name_removal = true}},
    {"promql-per-step-stats", API_FEATURE_ON, {.per_step_stats = true}},
    {"use-start-timestamps", API_FEATURE_ON, {.use_start_timestamps = true}},
    {"promql-duration-expr", API_FEATURE_PERMANENT, {.delayed_name_removal = false}},
    {"promql-at-modifier", API_FEATURE_PERMANENT, {.delayed_name_removal = false}},
    {"promql-negative-offset", API_FEATURE_PERMANENT, {.delayed_name_removal = false}},
    {"query-pushdown", API_FEATURE_GONE, {.delayed_name_removal = false}},
    {"metric-names-filter", API_FEATURE_NOT_YET, {.delayed_name_removal = false}},
    {"promql-experimental-function", API_FEATURE_UNKNOWN, {.delayed_name_removal = false}},
    {"PROMQL-AT-MODIFIER", API_FEATURE_UNKNOWN, {.delayed_name_removal = false}},
    {"", API_FEATURE_UNKNOWN, {.delayed_name_removal = false}},
};

START_TEST(test_words)
{
    const struct word_case *c = &word_cases[_i];
    struct api_features got = api_features_default();
    ROW_ASSERT(c->name, api_features_enable(&got, str_of_cstr(c->name)) == c->word);
    ROW_ASSERT(c->name,
               got.parse.experimental_functions == c->want.parse.experimental_functions &&
                   got.parse.extended_range_selectors == c->want.parse.extended_range_selectors &&
                   got.parse.fill_modifiers == c->want.parse.fill_modifiers &&
                   got.parse.duration_expressions &&
                   got.delayed_name_removal == c->want.delayed_name_removal &&
                   got.per_step_stats == c->want.per_step_stats &&
                   got.use_start_timestamps == c->want.use_start_timestamps);
}
END_TEST

static void
start(struct api_features features)
{
    api_fixture_start(&f, (struct api_opts){.features = features});
    notation_load_text(&f.store, "up{job=\"a\"} 1\n", 0, 60000);
}

static void
setup_off(void)
{
    start(api_features_default());
}

static void
setup_on(void)
{
    struct api_features features = api_features_default();
    features.parse.experimental_functions = true;
    features.delayed_name_removal = true;
    features.per_step_stats = true;
    features.use_start_timestamps = true;
    start(features);
}

static void
teardown(void)
{
    api_fixture_stop(&f);
}

static const struct route_case {
    const char *target;
    bool invalid_parameter; /* the error is about the parameter "query" by name */
} route_cases[] = {
    {"/api/v1/query?time=0&query=limitk(1,up)", true},
    {"/api/v1/query_range?start=0&end=0&step=1&query=limitk(1,up)", true},
    {"/api/v1/format_query?query=limitk(1,up)", true},
    {"/api/v1/parse_query?query=limitk(1,up)", true},
    {"/api/v1/query_exemplars?query=limitk(1,up)", false},
};
#define NOT_ENABLED                                                                                \
    "1:1: parse error: limitk() is experimental and must be enabled with "                         \
    "--enable-feature=promql-experimental-functions\"}"

START_TEST(test_routes_off)
{
    const struct route_case *c = &route_cases[_i];
    AUTO(reply_fini) struct reply r = api_get(&f, c->target, "");
    AUTO(buf_fini) struct buf want = BUF_INIT;
    buf_printf(&want, "{\"status\":\"error\",\"errorType\":\"bad_data\",\"error\":\"%s" NOT_ENABLED,
               c->invalid_parameter ? "invalid parameter \\\"query\\\": " : "");
    ck_assert_int_eq(r.status, 400);
    ck_assert_str_eq(buf_cstr(&r.body), buf_cstr(&want));
}
END_TEST

START_TEST(test_routes_on)
{
    AUTO(reply_fini) struct reply r = api_get(&f, route_cases[_i].target, "");
    ck_assert_msg(r.status == 200, "%s: %d %s", route_cases[_i].target, r.status,
                  buf_cstr(&r.body));
}
END_TEST

/* What the engine does otherwise: the row's text is in the answer only when it is on. */
static const struct engine_case {
    const char *target, *text;
} engine_cases[] = {
    {"/api/v1/"
     "query?time=0&query=label_replace(abs(up),%22n%22,%22$1%22,%22__name__%22,%22(.%2B)%22)",
     "\"n\":\"up\""},
    {"/api/v1/query?time=0&query=start_timestamp(up)", "\"value\":[0,\"0\"]"},
    {"/api/v1/query_range?start=0&end=30&step=15&query=up&stats=all",
     "\"totalQueryableSamplesPerStep\":[[0,1],[15,1],[30,1]],\"totalQueryableSamples\":3,"
     "\"samplesReadPerStep\":[[0,1],[15,1],[30,1]],\"samplesRead\":3,"},
};

START_TEST(test_engine_off)
{
    AUTO(reply_fini) struct reply r = api_get(&f, engine_cases[_i].target, "");
    ck_assert_ptr_null(strstr(buf_cstr(&r.body), engine_cases[_i].text));
}
END_TEST

START_TEST(test_engine_on)
{
    AUTO(reply_fini) struct reply r = api_get(&f, engine_cases[_i].target, "");
    ck_assert_msg(strstr(buf_cstr(&r.body), engine_cases[_i].text) != NULL, "%s",
                  buf_cstr(&r.body));
}
END_TEST

Suite *
features_suite(void)
{
    Suite *s = suite_create("features");
    TCase *words = tcase_create("words");
    tcase_add_loop_test(words, test_words, 0, ARRAY_LEN(word_cases));
    suite_add_tcase(s, words);
    TCase *off = tcase_create("off");
    tcase_add_checked_fixture(off, setup_off, teardown);
    tcase_add_loop_test(off, test_routes_off, 0, ARRAY_LEN(route_cases));
    tcase_add_loop_test(off, test_engine_off, 0, ARRAY_LEN(engine_cases));
    suite_add_tcase(s, off);
    TCase *on = tcase_create("on");
    tcase_add_checked_fixture(on, setup_on, teardown);
    tcase_add_loop_test(on, test_routes_on, 0, ARRAY_LEN(route_cases));
    tcase_add_loop_test(on, test_engine_on, 0, ARRAY_LEN(engine_cases));
    suite_add_tcase(s, on);
    return s;
}
