/* Results are written byte for byte as Prometheus writes them, in pieces of bounded size. */
#include "querygw/api/result_json.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "base/numtext.h"
#include "base/rand.h"
#include "tests/harness.h"
#include "tests/querygw/golden.h"

START_TEST(test_timestamps_golden)
{
    json_t *root = golden_load("timestamps.json", (enum golden)_i), *row;
    AUTO(buf_fini) struct buf got = BUF_INIT;
    size_t i;
    json_array_foreach(json_object_get(root, "cases"), i, row)
    {
        buf_clear(&got);
        json_put_timestamp(&got, strtoll(json_string_value(json_array_get(row, 0)), NULL, 10));
        ck_assert_str_eq(buf_cstr(&got), json_string_value(json_array_get(row, 1)));
    }
    ck_assert_uint_gt(i, 10);
    json_decref(root);
}
END_TEST

static const struct value_case {
    double v;
    const char *want;
} value_cases[] = {
    {0, "\"0\""},
    {-0.0, "\"-0\""},
    {1, "\"1\""},
    {-17, "\"-17\""},
    {1e14, "\"100000000000000\""},
    {999999999999999, "\"999999999999999\""},
    {1e15, "\"1000000000000000\""},
    {1e20, "\"100000000000000000000\""},
    {1e21, "\"1e+21\""},
    {1e-6, "\"0.000001\""},
    {9e-7, "\"9e-07\""},
    {0.1, "\"0.1\""},
    {INFINITY, "\"+Inf\""},
    {-INFINITY, "\"-Inf\""},
    {NAN, "\"NaN\""},
};

START_TEST(test_values)
{
    AUTO(buf_fini) struct buf got = BUF_INIT;
    json_put_sample_value(&got, value_cases[_i].v);
    ck_assert_str_eq(buf_cstr(&got), value_cases[_i].want);
}
END_TEST

struct sink {
    struct buf all;
    size_t largest, calls;
    size_t fail_at; /* call; 0: never */
};

static struct err
sink_take(void *arg, struct buf *full)
{
    struct sink *s = arg;
    if (++s->calls == s->fail_at)
        return ERR_CODE(ERR_CANCELED);
    s->largest = size_max(s->largest, full->n);
    buf_append(&s->all, buf_str(full));
    buf_clear(full);
    return OK;
}

static void
write_all(const struct promql_result *r, size_t limit, const struct query_timings *t,
          struct sink *sink)
{
    struct json_out o;
    json_out_init(&o, sink_take, sink);
    CK_OK(result_write_json(&o, r, limit, t));
    CK_OK(sink_take(sink, &o.buf));
    json_out_fini(&o);
}

static const struct label labels_a[] = {{STR_INIT("__name__"), STR_INIT("up")},
                                        {STR_INIT("a"), STR_INIT("<&>\"\\\n")}};
static double two_values[] = {1, 0.5};
static double three_values[] = {1, 99, 3};
static const uint64_t first_and_third[] = {5};
static const int64_t raw_times[] = {1, 1500};
static struct promql_series vector_series[] = {
    {.labels = {labels_a, 2}, .values = two_values, .begin = 0, .end = 1},
    {.labels = {NULL, 0}, .values = two_values + 1, .begin = 0, .end = 1},
};
static struct promql_series matrix_series[] = {
    {.labels = {labels_a, 1}, .values = two_values, .begin = 1, .end = 3},
    {.labels = {labels_a, 2},
     .values = three_values,
     .present = first_and_third,
     .begin = 0,
     .end = 3},
};
static struct promql_series raw_series[] = {
    {.labels = {labels_a, 1}, .t_ms = raw_times, .values = two_values, .begin = 0, .end = 2},
};

static const struct shape_case {
    const char *name;
    struct promql_result result;
    size_t limit;
    const char *want;
} shape_cases[] = {
    {"empty vector",
     {.type = PROMQL_VECTOR, .grid = {0, 0, 1}},
     0,
     "{\"resultType\":\"vector\",\"result\":[]}"},
    {"empty matrix",
     {.type = PROMQL_MATRIX, .grid = {0, 1000, 3}},
     0,
     "{\"resultType\":\"matrix\",\"result\":[]}"},
    {"vector",
     {.type = PROMQL_VECTOR, .grid = {1500, 0, 1}, .series = vector_series, .count = 2},
     0,
     "{\"resultType\":\"vector\",\"result\":[{\"metric\":{\"__name__\":\"up\",\"a\":\"<&>"
     "\\\"\\\\\\n\"},"
     "\"value\":[1.500,\"1\"]},{\"metric\":{},\"value\":[1.500,\"0.5\"]}]}"},
    {"cut vector",
     {.type = PROMQL_VECTOR, .grid = {1500, 0, 1}, .series = vector_series + 1, .count = 1},
     1,
     "{\"resultType\":\"vector\",\"result\":[{\"metric\":{},\"value\":[1.500,\"0.5\"]}]}"},
    {"matrix",
     {.type = PROMQL_MATRIX, .grid = {0, 1000, 3}, .series = matrix_series, .count = 2},
     0,
     "{\"resultType\":\"matrix\",\"result\":[{\"metric\":{\"__name__\":\"up\"},\"values\":[[1,"
     "\"1\"],"
     "[2,\"0.5\"]]},{\"metric\":{\"__name__\":\"up\",\"a\":\"<&>\\\"\\\\\\n\"},\"values\":[[0,"
     "\"1\"],"
     "[2,\"3\"]]}]}"},
    {"cut matrix",
     {.type = PROMQL_MATRIX, .grid = {0, 1000, 3}, .series = matrix_series, .count = 2},
     1,
     "{\"resultType\":\"matrix\",\"result\":[{\"metric\":{\"__name__\":\"up\"},\"values\":[[1,"
     "\"1\"],"
     "[2,\"0.5\"]]}]}"},
    {"samples",
     {.type = PROMQL_MATRIX, .grid = {0, 0, 1}, .series = raw_series, .count = 1},
     0,
     "{\"resultType\":\"matrix\",\"result\":[{\"metric\":{\"__name__\":\"up\"},\"values\":[[0.001,"
     "\"1\"],[1.500,\"0.5\"]]}]}"},
    {"scalar",
     {.type = PROMQL_SCALAR, .grid = {1500, 0, 1}, .scalar = 1e21},
     0,
     "{\"resultType\":\"scalar\",\"result\":[1.5,\"1000000000000000000000\"]}"},
    {"scalar at a whole second",
     {.type = PROMQL_SCALAR, .grid = {-2000, 0, 1}, .scalar = -0.0},
     0,
     "{\"resultType\":\"scalar\",\"result\":[-2,\"-0\"]}"},
    {"string",
     {.type = PROMQL_STRING, .grid = {10, 0, 1}, .text = STR_INIT("a<\"")},
     0,
     "{\"resultType\":\"string\",\"result\":[0.01,\"a\\u003c\\\"\"]}"},
};

START_TEST(test_shapes)
{
    const struct shape_case *c = &shape_cases[_i];
    struct sink sink = {0};
    write_all(&c->result, c->limit, NULL, &sink);
    ck_assert_msg(str_eq(buf_str(&sink.all), str_of_cstr(c->want)), "%s: %s", c->name,
                  buf_cstr(&sink.all));
    buf_fini(&sink.all);
}
END_TEST

START_TEST(test_stats)
{
    struct promql_result r = {.type = PROMQL_VECTOR,
                              .grid = {0, 0, 1},
                              .stats = {.samples_total = 3, .samples_read = 2, .samples_peak = 1}};
    struct query_timings t = {0.5, 0, 0.25, 1e-7, 0, 2};
    struct sink sink = {0};
    write_all(&r, 0, &t, &sink);
    ck_assert_str_eq(
        buf_cstr(&sink.all),
        "{\"resultType\":\"vector\",\"result\":[],\"stats\":{\"timings\":{"
        "\"evalTotalTime\":0.5,\"resultSortTime\":0,\"queryPreparationTime\":0.25,"
        "\"innerEvalTime\":1e-07,\"execQueueTime\":0,\"execTotalTime\":2},\"samples\":{"
        "\"totalQueryableSamples\":3,\"samplesRead\":2,\"peakSamples\":1}}}");
    buf_fini(&sink.all);
}
END_TEST

/* Times of one answer share what stands in front of their last digits, forth and back. */
START_TEST(test_times)
{
    enum { POINTS = 20000 };
    static const int64_t spread[] = {1, 1000, 100000000, INT64_C(1) << 40, INT64_MAX};
    static int64_t t_ms[POINTS];
    static double values[POINTS];
    struct rand_gen rng = rand_gen_of(7);
    AUTO(buf_fini) struct buf want = BUF_INIT;
    buf_append(&want, STR("{\"resultType\":\"matrix\",\"result\":[{\"metric\":{},\"values\":["));
    for (size_t i = 0; i < POINTS; i++) {
        int64_t t = (int64_t)(rand_u64(&rng) % (uint64_t)spread[i % ARRAY_LEN(spread)]);
        t = i % 7 == 0 ? t / 1000 * 1000 : i % 3 == 0 ? -t : t;
        uint64_t magnitude = t < 0 ? -(uint64_t)t : (uint64_t)t;
        buf_printf(&want, "%s[%s%" PRIu64, i ? "," : "", t < 0 ? "-" : "", magnitude / 1000);
        if (magnitude % 1000)
            buf_printf(&want, ".%03u", (unsigned)(magnitude % 1000));
        buf_append(&want, STR(",\"0\"]"));
        t_ms[i] = t;
    }
    buf_append(&want, STR("]}]}"));
    struct promql_series series = {.t_ms = t_ms, .values = values, .end = POINTS};
    struct promql_result r = {.type = PROMQL_MATRIX, .series = &series, .count = 1};
    struct sink sink = {0};
    write_all(&r, 0, NULL, &sink);
    ck_assert(str_eq(buf_str(&sink.all), buf_str(&want)));
    buf_fini(&sink.all);
}
END_TEST

/* A large answer passes in pieces, and a failing client ends it. */
START_TEST(test_bounded)
{
    enum { SERIES = 50, STEPS = 11000 };
    struct arena a;
    arena_init(&a, 0);
    struct promql_result r = {.type = PROMQL_MATRIX, .grid = {0, 15000, STEPS}, .count = SERIES};
    r.series = ARENA_ARRAY(&a, struct promql_series, SERIES);
    for (size_t i = 0; i < SERIES; i++) {
        r.series[i].values = ARENA_ARRAY(&a, double, STEPS);
        r.series[i].end = STEPS;
    }
    struct sink sink = {0};
    write_all(&r, 0, NULL, &sink);
    ck_assert_uint_gt(sink.all.n, 6 << 20);
    ck_assert_uint_lt(sink.largest, JSON_OUT_BYTES + 4096);
    sink.fail_at = sink.calls + 3;
    struct json_out o;
    json_out_init(&o, sink_take, &sink);
    CK_ERR(ERR_CANCELED, result_write_json(&o, &r, 0, NULL));
    json_out_fini(&o);
    buf_fini(&sink.all);
    arena_fini(&a);
}
END_TEST

Suite *
result_json_suite(void)
{
    Suite *s = suite_create("result_json");
    TCase *t = tcase_create("result_json");
    tcase_add_loop_test(t, test_timestamps_golden, 0, golden_count("timestamps.json"));
    tcase_add_loop_test(t, test_values, 0, ARRAY_LEN(value_cases));
    tcase_add_test(t, test_times);
    tcase_add_loop_test(t, test_shapes, 0, ARRAY_LEN(shape_cases));
    tcase_add_test(t, test_stats);
    tcase_add_test(t, test_bounded);
    suite_add_tcase(s, t);
    return s;
}
