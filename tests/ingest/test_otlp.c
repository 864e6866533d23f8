/* What is refused and why, what of the same request is kept, and where the mapping differs from
 * Thanos' (test_otlp_thanos.c has where it does not). Requests are written as JSON. */
#include "tests/harness.h"

#include <math.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "base/rand.h"
#include "ingest/batch_builder.h"
#include "ingest/otlp.h"
#include "tests/ingest/otlp_dump.h"

#define RESOURCE(attributes, metrics)                                                              \
    "{\"resource\":{\"attributes\":[" attributes "]},\"scopeMetrics\":[{\"metrics\":[" metrics     \
    "]}]}"
#define REQUEST(metrics)   "{\"resourceMetrics\":[" RESOURCE("", metrics) "]}"
#define TEXT(key, value)   "{\"key\":\"" key "\",\"value\":{\"stringValue\":\"" value "\"}}"
#define TIME               "\"timeUnixNano\":\"1700000000000000000\""
#define GAUGE(name, point) "{\"name\":\"" name "\",\"gauge\":{\"dataPoints\":[{" point "}]}}"
#define GOOD               GAUGE("good", TIME ",\"asInt\":1")
#define GOOD_LINE          "S {__name__=\"good\"} 1700000000000 3ff0000000000000\n"
#define SUM(temporality, points)                                                                   \
    "{\"name\":\"m\",\"sum\":{\"aggregationTemporality\":" temporality ",\"dataPoints\":[" points  \
    "]}}"
#define HISTOGRAM(point)                                                                           \
    "{\"name\":\"m\",\"histogram\":{\"aggregationTemporality\":2,\"dataPoints\":[{" TIME "," point \
    "}]}}"
#define EXPONENTIAL(point)                                                                         \
    "{\"name\":\"m\",\"exponentialHistogram\":{\"aggregationTemporality\":2,\"dataPoints\":["      \
    "{" TIME "," point "}]}}"
#define POINT "{" TIME ",\"asInt\":\"7\"}"

static const struct refused_case {
    const char *name, *json;
    uint64_t items;
    const char *want; /* of the reason */
    const char *kept; /* the dump */
} refused_cases[] = {
    {"delta sum", REQUEST(SUM("1", POINT "," POINT) "," GOOD), 2,
     "metric \"m\": a sum of delta temporality: only cumulative ones are stored", GOOD_LINE},
    {"temporality not told", REQUEST(SUM("0", POINT) "," GOOD), 1,
     "metric \"m\": a sum of temporality 0", GOOD_LINE},
    {"temporality of later", REQUEST(SUM("3", POINT)), 1, "a sum of temporality 3", ""},
    {"delta histogram",
     REQUEST("{\"name\":\"m\",\"histogram\":{\"aggregationTemporality\":1,\"dataPoints\":[{}]}}"),
     1, "a histogram of delta temporality", ""},
    {"delta exponential histogram",
     REQUEST("{\"name\":\"m\",\"exponentialHistogram\":{\"aggregationTemporality\":1,"
             "\"dataPoints\":[{},{}]}}"),
     2, "an exponential histogram of delta temporality", ""},
    {"no data", REQUEST("{\"name\":\"m\"}," GOOD), 0, "metric \"m\": without data", GOOD_LINE},
    {"no points", REQUEST("{\"name\":\"m\",\"gauge\":{}}," GOOD), 0, "no data points", GOOD_LINE},
    {"no name", REQUEST(GAUGE("", TIME ",\"asInt\":1") "," GOOD), 1,
     "metric \"\": the name has no letter or digit", GOOD_LINE},
    {"no time", REQUEST(GAUGE("m", "\"asInt\":1") "," GOOD), 1, "a point has no time", GOOD_LINE},
    {"no value", REQUEST(GAUGE("m", TIME) "," GOOD), 1, "a point has no value", GOOD_LINE},
    {"one point of two", REQUEST(SUM("2", POINT ",{\"asInt\":1}")), 1, "a point has no time",
     "S {__name__=\"m\"} 1700000000000 401c000000000000\n"},
    {"label without letters",
     REQUEST(GAUGE("m", TIME ",\"asInt\":1,\"attributes\":[" TEXT(".-", "x") "]") "," GOOD), 1,
     "the attribute \".-\" gives no label name", GOOD_LINE},
    {"too few buckets", REQUEST(HISTOGRAM("\"explicitBounds\":[1,2],\"bucketCounts\":[1,2]")), 1,
     "2 buckets do not fit 2 bounds", ""},
    {"bounds fall", REQUEST(HISTOGRAM("\"explicitBounds\":[2,1],\"bucketCounts\":[1,2,3]")), 1,
     "the bounds do not ascend", ""},
    {"bound is NaN", REQUEST(HISTOGRAM("\"explicitBounds\":[\"NaN\"],\"bucketCounts\":[1,2]")), 1,
     "the bounds do not ascend", ""},
    {"stale with odd buckets",
     REQUEST(HISTOGRAM("\"flags\":1,\"explicitBounds\":[1,2],\"bucketCounts\":[1]")), 1,
     "1 buckets do not fit 2 bounds", ""},
    {"scale too small", REQUEST(EXPONENTIAL("\"scale\":-5")), 1,
     "scale -5: native histograms begin at -4", ""},
    {"zero threshold below 0", REQUEST(EXPONENTIAL("\"zeroThreshold\":-1")), 1,
     "the zero threshold -1 is no width", ""},
    {"zero threshold NaN", REQUEST(EXPONENTIAL("\"zeroThreshold\":\"NaN\"")), 1, "no width", ""},
    {"offset too large",
     REQUEST(EXPONENTIAL("\"positive\":{\"offset\":2147483647,\"bucketCounts\":[1]}")), 1,
     "positive buckets from 2147483647 on are too far from 1", ""},
    {"offset too small",
     REQUEST(EXPONENTIAL("\"negative\":{\"offset\":-2147483648,\"bucketCounts\":[1]}")), 1,
     "negative buckets from -2147483648 on", ""},
    {"count of a bucket",
     REQUEST(EXPONENTIAL("\"positive\":{\"bucketCounts\":[\"9223372036854775808\"]}")), 1,
     "a bucket of 9223372036854775808", ""},
    {"name is quoted", REQUEST("{\"name\":\"a\\\"\\n\"}"), 0, "metric \"a\\\"\\n\": without", ""},
};

static void
map(struct arena *a, const char *json, const struct otlp_options *options, struct batch *ret_batch)
{
    struct otlp_request request;
    CK_OK(otlp_decode(a, OTLP_JSON, str_of_cstr(json), &request));
    CK_OK(otlp_to_batch(a, &request, options, ret_batch));
}

START_TEST(test_refused)
{
    const struct refused_case *c = &refused_cases[_i];
    AUTO(arena_fini) struct arena a = {0};
    AUTO(buf_fini) struct buf got = BUF_INIT;
    struct batch b;
    map(&a, c->json, &(struct otlp_options){true, NULL, 0}, &b);
    otlp_dump(&b, &got);
    ck_assert_msg(b.refused.items == c->items, "row \"%s\": %ju items", c->name,
                  (uintmax_t)b.refused.items);
    ck_assert_msg(b.refused.text.n > 0 && strstr(b.refused.text.p, c->want), "row \"%s\": %.*s",
                  c->name, STR_FMT(b.refused.text));
    ck_assert_msg(strcmp(buf_cstr(&got), c->kept) == 0, "row \"%s\": %s", c->name, buf_cstr(&got));
}
END_TEST

#define A(value)         TEXT("a", value)
#define BC(value)        TEXT("b.c", value)
#define ALIKE            WITH(BC("1") "," A("2")) "," WITH(BC("3") "," A("4"))
#define UNLIKE           WITH(A("5") "," BC("6")) "," WITH(A("7") "," A("8")) "," WITH(A("9"))
#define OF(job)          RESOURCE(TEXT("service.name", job), WITH(TEXT("job", "1")))
#define WITH(attributes) GAUGE("m", TIME ",\"asInt\":1,\"attributes\":[" attributes "]")
#define IDENTITY         TEXT("service.name", "s") "," TEXT("service.instance.id", "i")

static const struct kept_case {
    const char *name, *json, *want;
    bool target_info;
} kept_cases[] = {
    {"empty", "{}", "", true},
    {"exemplar of a gauge",
     REQUEST(GAUGE("m", TIME ",\"asInt\":1,\"exemplars\":[{\"asInt\":2,\"spanId\":\"01\"}]")),
     "E {__name__=\"m\"} 1700000000000 4000000000000000 {span_id=\"01\"}\n"
     "S {__name__=\"m\"} 1700000000000 3ff0000000000000\n",
     true},
    {"exemplar without a value",
     REQUEST(GAUGE("m", TIME ",\"asInt\":1,\"exemplars\":[{\"spanId\":\"01\"}]")),
     "S {__name__=\"m\"} 1700000000000 3ff0000000000000\n", true},
    {"stale point needs no value", REQUEST(GAUGE("m", TIME ",\"flags\":1")),
     "S {__name__=\"m\"} 1700000000000 7ff0000000000002\n", true},
    {"zero threshold", REQUEST(EXPONENTIAL("\"zeroThreshold\":0.5,\"zeroCount\":1,\"count\":1")),
     "H {__name__=\"m\"} 1700000000000 0000000000000000 0 1 1 3fe0000000000000 + -\n", true},
    {"le of the sender gives way",
     REQUEST(
         HISTOGRAM("\"count\":3,\"attributes\":[" TEXT("le", "x") "," TEXT("__name__", "y") "]")),
     "S {__name__=\"m_bucket\",le=\"+Inf\"} 1700000000000 4008000000000000\n"
     "S {__name__=\"m_count\",le=\"x\"} 1700000000000 4008000000000000\n",
     true},
    {"last bound is infinite",
     REQUEST(HISTOGRAM("\"count\":3,\"explicitBounds\":[1,\"Infinity\"],\"bucketCounts\":[1,2,0]")),
     "S {__name__=\"m_bucket\",le=\"+Inf\"} 1700000000000 4008000000000000\n"
     "S {__name__=\"m_bucket\",le=\"1\"} 1700000000000 3ff0000000000000\n"
     "S {__name__=\"m_count\"} 1700000000000 4008000000000000\n",
     true},
    {"target_info",
     "{\"resourceMetrics\":[" RESOURCE(IDENTITY "," TEXT("os.type", "linux"), GOOD) "]}",
     "S {__name__=\"good\",instance=\"i\",job=\"s\"} 1700000000000 3ff0000000000000\n"
     "S {__name__=\"target_info\",instance=\"i\",job=\"s\",os_type=\"linux\"} 1700000000000 "
     "3ff0000000000000\n",
     true},
    {"keys as of the point before, or not", REQUEST(ALIKE "," UNLIKE),
     "S {__name__=\"m\",a=\"2\",b_c=\"1\"} 1700000000000 3ff0000000000000\n"
     "S {__name__=\"m\",a=\"4\",b_c=\"3\"} 1700000000000 3ff0000000000000\n"
     "S {__name__=\"m\",a=\"5\",b_c=\"6\"} 1700000000000 3ff0000000000000\n"
     "S {__name__=\"m\",a=\"7;8\"} 1700000000000 3ff0000000000000\n"
     "S {__name__=\"m\",a=\"9\"} 1700000000000 3ff0000000000000\n",
     true},
    {"the same keys below two resources",
     "{\"resourceMetrics\":[" OF("s") "," OF("t") "," RESOURCE("", WITH(TEXT("job", "3"))) "]}",
     "S {__name__=\"m\",job=\"3\"} 1700000000000 3ff0000000000000\n"
     "S {__name__=\"m\",job=\"s\"} 1700000000000 3ff0000000000000\n"
     "S {__name__=\"m\",job=\"t\"} 1700000000000 3ff0000000000000\n",
     true},
    {"target_info is off",
     "{\"resourceMetrics\":[" RESOURCE(IDENTITY "," TEXT("os.type", "linux"), GOOD) "]}",
     "S {__name__=\"good\",instance=\"i\",job=\"s\"} 1700000000000 3ff0000000000000\n", false},
    {"target_info would say nothing", "{\"resourceMetrics\":[" RESOURCE(IDENTITY, GOOD) "]}",
     "S {__name__=\"good\",instance=\"i\",job=\"s\"} 1700000000000 3ff0000000000000\n", true},
    {"target_info of nobody",
     "{\"resourceMetrics\":[" RESOURCE(TEXT("os.type", "linux"), GOOD) "]}", GOOD_LINE, true},
    {"target_info without a stored point",
     "{\"resourceMetrics\":[" RESOURCE(IDENTITY "," TEXT("os.type", "linux"), SUM("1", POINT)) "]}",
     "", true},
};

START_TEST(test_kept)
{
    const struct kept_case *c = &kept_cases[_i];
    AUTO(arena_fini) struct arena a = {0};
    AUTO(buf_fini) struct buf got = BUF_INIT;
    struct batch b;
    map(&a, c->json, &(struct otlp_options){c->target_info, NULL, 0}, &b);
    otlp_dump(&b, &got);
    ck_assert_msg(strcmp(buf_cstr(&got), c->want) == 0, "row \"%s\": %s", c->name, buf_cstr(&got));
}
END_TEST

START_TEST(test_metadata)
{
    AUTO(arena_fini) struct arena a = {0};
    struct batch b;
    map(&a,
        REQUEST(
            "{\"name\":\"a\",\"unit\":\"s\",\"description\":\"help\",\"sum\":{\"isMonotonic\":true,"
            "\"aggregationTemporality\":2,\"dataPoints\":[" POINT
            "]}}," SUM("2", POINT) "," SUM("1", POINT)),
        &(struct otlp_options){true, NULL, 0}, &b);
    ck_assert_uint_eq(b.request.metadata_count, 2);
    const struct family_metadata *m = b.request.metadata;
    ck_assert(str_eq(m[0].family, STR("a_seconds_total")));
    ck_assert(m[0].value.kind == METRIC_KIND_COUNTER);
    ck_assert(str_eq(m[0].value.help, STR("help")) && str_eq(m[0].value.unit, STR("s")));
    ck_assert(str_eq(m[1].family, STR("m")) && m[1].value.kind == METRIC_KIND_GAUGE);
}
END_TEST

/* --- exponential histograms: against the plainest conversion -------------------------------------
 */

enum { BUCKETS_MAX = 60, INDEXES = 400 };

static void
put_naive(const struct otlp_buckets *b, int32_t scale, struct buf *to)
{
    uint64_t counts[2 * INDEXES] = {0};
    double steps = scale > 8 ? exp2(scale - 8) : 1;
    for (size_t i = 0; i < b->counts.n; i++)
        counts[INDEXES + (int)floor((b->offset + (int)i) / steps) + 1] += b->counts.v[i];
    for (int i = 0; i < 2 * INDEXES; i++)
        if (counts[i] > 0)
            buf_printf(to, " %d:%ju", i - INDEXES, (uintmax_t)counts[i]);
}

static struct otlp_buckets
random_buckets(struct rand_gen *g, uint64_t *counts, uint64_t *sum)
{
    size_t n = (size_t)rand_below(g, BUCKETS_MAX);
    for (size_t i = 0; i < n; i++) {
        counts[i] = rand_below(g, 3) ? 0 : rand_below(g, 5);
        *sum += counts[i];
    }
    return (struct otlp_buckets){(int32_t)rand_below(g, 300) - 150, {counts, n}};
}

START_TEST(test_exponential)
{
    struct rand_gen g = rand_gen_of((uint64_t)_i);
    for (int round = 0; round < 200; round++) {
        AUTO(arena_fini) struct arena a = {0};
        AUTO(buf_fini) struct buf got = BUF_INIT, want = BUF_INIT;
        uint64_t counts[2][BUCKETS_MAX];
        struct otlp_point p = {.time_ns = 1000000, .scale = (int32_t)rand_below(&g, 45) - 4};
        p.positive = random_buckets(&g, counts[0], &p.count);
        p.negative = random_buckets(&g, counts[1], &p.count);
        struct otlp_metric m = {.name = STR("m"),
                                .type = OTLP_EXPONENTIAL,
                                .temporality = OTLP_CUMULATIVE,
                                .points = &p,
                                .point_count = 1};
        struct otlp_resource r = {.metrics = &m, .metric_count = 1};
        struct batch b;
        CK_OK(otlp_to_batch(&a, &(struct otlp_request){&r, 1}, &(struct otlp_options){0}, &b));
        ck_assert_uint_eq(b.request.histogram_count, 1);
        CK_OK(histogram_validate(&b.request.histograms[0].value));
        otlp_dump(&b, &got);
        buf_printf(&want, "H {__name__=\"m\"} 1 0000000000000000 %d %ju 0 255bba08cf8c979d +",
                   p.scale > 8 ? 8 : p.scale, (uintmax_t)p.count);
        put_naive(&p.positive, p.scale, &want);
        buf_printf(&want, " -");
        put_naive(&p.negative, p.scale, &want);
        buf_printf(&want, "\n");
        ck_assert_str_eq(buf_cstr(&got), buf_cstr(&want));
    }
}
END_TEST

/* --- limits ------------------------------------------------------------------------------------
 */

/* A long label and many buckets: each names the label again. */
START_TEST(test_key_bytes)
{
    enum { BOUNDS = 2000, LABEL_BYTES = 100000 };
    AUTO(arena_fini) struct arena a = {0};
    double bounds[BOUNDS];
    uint64_t counts[BOUNDS + 1] = {0};
    for (int i = 0; i < BOUNDS; i++)
        bounds[i] = i;
    char *text = arena_alloc(&a, LABEL_BYTES);
    memset(text, 'x', LABEL_BYTES);
    struct otlp_attribute attribute = {STR("k"), str_of(text, LABEL_BYTES)};
    struct otlp_point p = {.attributes = {&attribute, 1},
                           .time_ns = 1,
                           .bounds = bounds,
                           .bound_count = BOUNDS,
                           .bucket_counts = {counts, BOUNDS + 1}};
    struct otlp_metric m = {STR("m"),        STR(""), STR(""), OTLP_HISTOGRAM,
                            OTLP_CUMULATIVE, false,   &p,      1};
    struct otlp_resource r = {.metrics = &m, .metric_count = 1};
    struct batch b = {.series_count = 77};
    CK_ERR(ERR_TOO_LARGE,
           otlp_to_batch(&a, &(struct otlp_request){&r, 1}, &(struct otlp_options){0}, &b));
    ck_assert_uint_eq(b.series_count, 77);
    ck_assert(a.used_bytes < 2 * (size_t)BATCH_KEY_BYTES_MAX);
}
END_TEST

START_TEST(test_reasons)
{
    AUTO(arena_fini) struct arena a = {0};
    struct otlp_metric metrics[20] = {{.name = STR("m")}};
    struct otlp_resource r = {.metrics = metrics, .metric_count = 20};
    struct batch b;
    CK_OK(otlp_to_batch(&a, &(struct otlp_request){&r, 1}, &(struct otlp_options){0}, &b));
    ck_assert_uint_eq(b.refused.reasons, 20);
    ck_assert(str_ends_with(b.refused.text, STR("; and 12 more")));
}
END_TEST

Suite *
otlp_suite(void)
{
    Suite *s = suite_create("otlp");
    TCase *t = tcase_create("all");
    tcase_add_loop_test(t, test_refused, 0, ARRAY_LEN(refused_cases));
    tcase_add_loop_test(t, test_kept, 0, ARRAY_LEN(kept_cases));
    tcase_add_test(t, test_metadata);
    tcase_add_loop_test(t, test_exponential, 0, 5);
    tcase_add_test(t, test_key_bytes);
    tcase_add_test(t, test_reasons);
    suite_add_tcase(s, t);
    return s;
}
