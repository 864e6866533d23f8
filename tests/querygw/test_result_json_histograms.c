/* Native histograms are written as Prometheus writes them, beside floats and alone. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "querygw/api/result_json.h"
#include "tests/harness.h"
#include "tests/querygw/golden.h"
#include "tests/querygw/histogram_notation.h"

static double
number(const json_t *row, const char *key)
{
    return strtod(json_string_value(json_object_get(row, key)), NULL);
}

static double *
numbers(struct arena *a, const json_t *list, size_t *ret_n)
{
    *ret_n = json_array_size(list);
    double *v = ARENA_ARRAY(a, double, *ret_n);
    for (size_t i = 0; i < *ret_n; i++)
        v[i] = strtod(json_string_value(json_array_get(list, i)), NULL);
    return v;
}

static struct float_buckets
buckets(struct arena *a, const json_t *spans, const json_t *counts)
{
    struct float_buckets b = {.spans.n = json_array_size(spans)};
    struct histogram_span *v = ARENA_ARRAY(a, struct histogram_span, b.spans.n);
    for (size_t i = 0; i < b.spans.n; i++) {
        const json_t *span = json_array_get(spans, i);
        v[i].offset = (int32_t)json_integer_value(json_object_get(span, "offset"));
        v[i].length = (uint32_t)json_integer_value(json_object_get(span, "length"));
    }
    b.spans.v = v;
    b.v = numbers(a, counts, &b.n);
    return b;
}

static struct float_histogram
histogram_of(struct arena *a, const json_t *row)
{
    struct float_histogram h = {
        .schema = (int32_t)json_integer_value(json_object_get(row, "schema")),
        .zero_threshold = number(row, "zero_threshold"),
        .zero_count = number(row, "zero_count"),
        .count = number(row, "count"),
        .sum = number(row, "sum"),
    };
    h.positive =
        buckets(a, json_object_get(row, "positive_spans"), json_object_get(row, "positive_counts"));
    h.negative =
        buckets(a, json_object_get(row, "negative_spans"), json_object_get(row, "negative_counts"));
    h.bounds = numbers(a, json_object_get(row, "custom_values"), &h.bound_n);
    return h;
}

START_TEST(test_golden)
{
    json_t *root = golden_load("histograms.json", (enum golden)_i), *row;
    struct arena a;
    size_t i;
    arena_init(&a, 0);
    json_array_foreach(json_object_get(root, "cases"), i, row)
    {
        AUTO(buf_fini) struct buf got = BUF_INIT;
        struct float_histogram h = histogram_of(&a, json_object_get(row, "histogram"));
        json_put_histogram(&got, &h);
        ck_assert_str_eq(buf_cstr(&got), json_string_value(json_object_get(row, "text")));
    }
    ck_assert_uint_gt(i, 5);
    arena_fini(&a);
    json_decref(root);
}
END_TEST

#define H1                                                                                         \
    "{\"count\":\"3\",\"sum\":\"5\",\"buckets\":[[0,\"0.5\",\"1\",\"1\"],[0,\"1\",\"2\",\"2\"]]}"
#define H2 "{\"count\":\"0\",\"sum\":\"0\"}"

static struct err
append_all(void *arg, struct buf *full)
{
    buf_append(arg, buf_str(full));
    buf_clear(full);
    return OK;
}

static const struct shape_case {
    const char *name;
    enum promql_type type;
    const char *elements; /* of ten steps: a number, or the text of a histogram */
    const char *want;
} shape_cases[] = {
    {"one histogram", PROMQL_VECTOR, "{{count:3 sum:5 buckets:[1 2]}}",
     "{\"resultType\":\"vector\",\"result\":[{\"metric\":{},\"histogram\":[0," H1 "]}]}"},
    {"histograms only", PROMQL_MATRIX, "{{count:3 sum:5 buckets:[1 2]}} {{}}",
     "{\"resultType\":\"matrix\",\"result\":[{\"metric\":{},\"histograms\":[[0," H1 "],[10," H2
     "]]}]}"},
    {"both kinds", PROMQL_MATRIX, "7 {{}} 8",
     "{\"resultType\":\"matrix\",\"result\":[{\"metric\":{},\"values\":[[0,\"7\"],[20,\"8\"]],"
     "\"histograms\":[[10," H2 "]]}]}"},
};

START_TEST(test_shapes)
{
    const struct shape_case *c = &shape_cases[_i];
    const struct float_histogram *histograms[10] = {NULL};
    double values[10] = {0};
    struct promql_series s = {.values = values, .histograms = histograms};
    struct promql_result r = {.type = c->type, .grid = {0, 10000, 10}, .series = &s, .count = 1};
    struct arena a;
    arena_init(&a, 0);
    for (struct str rest = str_of_cstr(c->elements); rest.n; rest = str_trim(rest), s.end++) {
        struct float_histogram *h = NULL;
        bool unused;
        if (str_starts_with(rest, STR("{{")))
            CK_OK(histogram_notation_take(&a, &rest, &h, &unused));
        else
            values[s.end] = strtod(str_split(&rest, ' ').p, NULL);
        histograms[s.end] = h;
    }
    AUTO(buf_fini) struct buf got = BUF_INIT;
    struct json_out o;
    json_out_init(&o, append_all, &got);
    CK_OK(result_write_json(&o, &r, 0, NULL));
    CK_OK(append_all(&got, &o.buf));
    ck_assert_msg(str_eq(buf_str(&got), str_of_cstr(c->want)), "%s: %s", c->name, buf_cstr(&got));
    json_out_fini(&o);
    arena_fini(&a);
}
END_TEST

Suite *
result_json_histograms_suite(void)
{
    Suite *s = suite_create("result_json_histograms");
    TCase *t = tcase_create("result_json_histograms");
    tcase_add_loop_test(t, test_golden, 0, golden_count("histograms.json"));
    tcase_add_loop_test(t, test_shapes, 0, ARRAY_LEN(shape_cases));
    suite_add_tcase(s, t);
    return s;
}
