/* What a query cost: durations as Go prints them, a node for each selection with what was read, and
 * that only those who ask pay for it. */
#include <stdio.h>

#include "base/mem.h"
#include "querygw/api/analysis.h"
#include "tests/harness.h"
#include "tests/querygw/api_fixture.h"
#include "tests/querygw/series_notation.h"

static const struct duration_case {
    uint64_t ns;
    const char *want;
} duration_cases[] = {
    {0, "0s"},
    {1, "1ns"},
    {999, "999ns"},
    {1000, "1\xc2\xb5s"},
    {1100, "1.1\xc2\xb5s"},
    {2200000, "2.2ms"},
    {999999999, "999.999999ms"},
    {1000000000, "1s"},
    {3300000000, "3.3s"},
    {60000000000, "1m0s"},
    {245000000000, "4m5s"},
    {245001000000, "4m5.001s"},
    {18367001000000, "5h6m7.001s"},
    {3600000000000, "1h0m0s"},
    {480000000001, "8m0.000000001s"},
};

START_TEST(test_duration)
{
    AUTO(buf_fini) struct buf got = BUF_INIT;
    analysis_put_duration(duration_cases[_i].ns, &got);
    ck_assert_str_eq(buf_cstr(&got), duration_cases[_i].want);
}
END_TEST

START_TEST(test_json)
{
    AUTO(buf_fini) struct buf got = BUF_INIT;
    struct arena arena;
    struct matcher m[2];
    arena_init(&arena, 0);
    CK_OK(matcher_make(&arena, MATCH_EQUAL, STR("__name__"), STR("up"), &m[0]));
    CK_OK(matcher_make(&arena, MATCH_NOT_REGEX, STR("job"), STR("a|<b>"), &m[1]));
    struct store_count second = {.matchers = {m, 2}};
    struct store_count first = {&second, {m, 1}, NULL, 1500, 2, 3, 40, 500};
    struct store_counts counts = {&first, NULL, NULL};
    struct measures measures;
    measures_init(&measures, &counts);
    struct analysis a = {.query = STR("up + 1"),
                         .seconds = 0.25,
                         .stats = {.samples_total = 7, .samples_peak = 5},
                         .counts = &counts,
                         .measures = &measures};
    analysis_write_json(&a, &got);
    ck_assert_str_eq(
        buf_cstr(&got),
        "{\"name\":\"[query] up + 1\",\"executionTime\":\"250ms\",\"peakSamples\":5,"
        "\"totalSamples\":7,\"children\":["
        "{\"name\":\"[select] {__name__=\\\"up\\\"}\",\"executionTime\":\"1.5\xc2\xb5s\","
        "\"totalSamples\":40,\"fanout\":[{\"endpointAddr\":\"local\",\"duration\":\"1.5\xc2\xb5s\","
        "\"bytesProcessed\":500,\"numResponses\":2,\"series\":2,\"chunks\":3,\"samples\":40}]},"
        "{\"name\":\"[select] {__name__=\\\"up\\\", job!~\\\"a|\\u003cb\\u003e\\\"}\","
        "\"executionTime\":\"0s\",\"fanout\":[{\"endpointAddr\":\"local\",\"duration\":\"0s\"}]}]"
        "}");
    buf_clear(&got);
    counts.first = NULL;
    a.stats = (struct promql_stats){0};
    analysis_write_json(&a, &got);
    ck_assert_str_eq(buf_cstr(&got), "{\"name\":\"[query] up + 1\",\"executionTime\":\"250ms\"}");
    arena_fini(&arena);
}
END_TEST

/* --- over the API ----------------------------------------------------------------------------- */

static struct api_fixture f;

static void
start(enum api_flavour flavour)
{
    api_fixture_start(&f, (struct api_opts){.flavour = flavour});
    notation_load_text(&f.store,
                       "up{job=\"a\"} 0+1x200\n"
                       "up{job=\"b\"} 0+1x200\n"
                       "down 1 2 3\n",
                       0, 1000);
}

static void
setup_prometheus(void)
{
    start(API_PROMETHEUS);
}

static void
setup_thanos(void)
{
    start(API_THANOS);
}

static void
teardown(void)
{
    api_fixture_stop(&f);
}

#define TARGET "/api/v1/query?time=100&query=sum(up)%2Bon()sum(down)"

static size_t
times_in(const struct reply *r, const char *text)
{
    AUTO(buf_fini) struct buf copy = BUF_INIT;
    buf_append(&copy, buf_str(&r->body));
    size_t n = 0;
    for (const char *at = buf_cstr(&copy); (at = strstr(at, text)); at++)
        n++;
    return n;
}

START_TEST(test_api)
{
    AUTO(reply_fini) struct reply r = api_get(&f, TARGET "&analyze=true&stats=true", "");
    ck_assert_int_eq(r.status, 200);
    ck_assert_uint_eq(times_in(&r, "\"analysis\":{\"name\":\"[query] sum(up)+on()sum(down)\""), 1);
    ck_assert_uint_eq(times_in(&r, "\"name\":\"[select] {__name__=\\\"up\\\"}\""), 1);
    ck_assert_uint_eq(times_in(&r, "\"series\":2,\"chunks\":2,\"samples\":240}"), 1);
    ck_assert_uint_eq(times_in(&r, "\"series\":1,\"chunks\":1,\"samples\":3}"), 1);
    ck_assert_uint_eq(times_in(&r, "\"stats\":{"), 1);
    ck_assert_uint_eq(times_in(&r, "\"children\":[{\"name\":\"[vectorBinary +]\""), 1);
    ck_assert_uint_eq(times_in(&r, "\"series\":1,\"children\":[{\"name\":\"[vectorSelector]\""), 2);
    ck_assert_uint_eq(times_in(&r, "{\"name\":\"[aggregate sum]\""), 2);
    ck_assert_uint_eq(times_in(&r, "\"children\":[{\"name\":\"[select] "), 2);
    AUTO(reply_fini) struct reply one = api_get(&f, TARGET "&analyze=1", "");
    ck_assert_uint_eq(times_in(&one, "\"fanout\":["), 2);
    AUTO(reply_fini) struct reply off = api_get(&f, TARGET "&analyze=yes", "");
    ck_assert_uint_eq(times_in(&off, "\"analysis\":{}}"), 1);
    AUTO(reply_fini)
    struct reply nobody = api_get(&f, TARGET "&analyze=true", "THANOS-TENANT: nobody\r\n");
    ck_assert_int_eq(nobody.status, 200);
    ck_assert_uint_eq(times_in(&nobody, "\"analysis\":{\"name\":\""), 1);
}
END_TEST

/* With shards, what is read is counted and not what is kept. */
START_TEST(test_shards)
{
    AUTO(reply_fini)
    struct reply r = api_get(
        &f, TARGET "&analyze=true&shard_info=%7B%22shard_index%22:0,%22total_shards%22:2%7D", "");
    ck_assert_int_eq(r.status, 200);
    ck_assert_uint_eq(times_in(&r, "\"series\":2,\"chunks\":2,\"samples\":240}"), 1);
}
END_TEST

START_TEST(test_not_of_prometheus)
{
    AUTO(reply_fini) struct reply r = api_get(&f, TARGET "&analyze=true", "");
    ck_assert_int_eq(r.status, 200);
    ck_assert_uint_eq(times_in(&r, "analysis"), 0);
}
END_TEST

Suite *
analysis_suite(void)
{
    Suite *s = suite_create("analysis");
    TCase *t = tcase_create("analysis");
    tcase_add_loop_test(t, test_duration, 0, ARRAY_LEN(duration_cases));
    tcase_add_test(t, test_json);
    suite_add_tcase(s, t);
    TCase *thanos = tcase_create("thanos");
    tcase_add_checked_fixture(thanos, setup_thanos, teardown);
    tcase_add_test(thanos, test_api);
    tcase_add_test(thanos, test_shards);
    suite_add_tcase(s, thanos);
    TCase *prometheus = tcase_create("prometheus");
    tcase_add_checked_fixture(prometheus, setup_prometheus, teardown);
    tcase_add_test(prometheus, test_not_of_prometheus);
    suite_add_tcase(s, prometheus);
    return s;
}
