/* Values survive threads, the exposition is what the two formats ask for, and a family that
 * is full shares one child. */
#include "tests/harness.h"

#include <math.h>
#include <pthread.h>
#include <signal.h>

#include "base/mem.h"
#include "base/metrics.h"

static const double bounds[] = {0.5, 1, 1e6};

static const struct metric_spec requests_spec = {
    .type = METRIC_COUNTER,
    .name = "http_requests_total",
    .help = "Requests \"by\" code\nand \\ path.",
    .labels = {"code", "path"},
};
static const struct metric_spec temperature_spec = {
    .type = METRIC_GAUGE, .name = "temperature", .help = "Degrees."};
static const struct metric_spec latency_spec = {
    .type = METRIC_HISTOGRAM,
    .name = "latency_seconds",
    .help = "Time.",
    .labels = {"path"},
    .buckets = bounds,
    .bucket_count = ARRAY_LEN(bounds),
};
static const struct metric_spec unused_spec = {
    .type = METRIC_COUNTER, .name = "unused_total", .help = "No child.", .labels = {"x"}};

static struct metrics *
sample_registry(void)
{
    struct metrics *m = metrics_open();
    struct metric_family *requests = metrics_family(m, &requests_spec);
    metrics_family(m, &unused_spec);
    metric_add(metric_with(requests, (struct str[]){STR("500"), STR("/")}, 2), 2.5);
    metric_inc(metric_with(requests, (struct str[]){STR("200"), STR("a\"b\\c\nd\xff")}, 2));
    metric_add(metric_with(requests, (struct str[]){STR("500"), STR("/")}, 2), 1e6);
    metric_set(metrics_single(m, &temperature_spec), -4);
    struct metric *latency = metric_with(metrics_family(m, &latency_spec), &STR("/"), 1);
    static const double observed[] = {0.5, 0.50001, 1, 2, 1e7};
    for (size_t i = 0; i < ARRAY_LEN(observed); i++)
        metric_observe(latency, observed[i]);
    return m;
}

static const char *const expositions[] = {
    [METRICS_TEXT] =
        "# HELP http_requests_total Requests \"by\" code\\nand \\\\ path.\n"
        "# TYPE http_requests_total counter\n"
        "http_requests_total{code=\"200\",path=\"a\\\"b\\\\c\\nd\xEF\xBF\xBD\"} 1\n"
        "http_requests_total{code=\"500\",path=\"/\"} 1.0000025e+06\n"
        "# HELP latency_seconds Time.\n"
        "# TYPE latency_seconds histogram\n"
        "latency_seconds_bucket{path=\"/\",le=\"0.5\"} 1\n"
        "latency_seconds_bucket{path=\"/\",le=\"1\"} 3\n"
        "latency_seconds_bucket{path=\"/\",le=\"1e+06\"} 4\n"
        "latency_seconds_bucket{path=\"/\",le=\"+Inf\"} 5\n"
        "latency_seconds_sum{path=\"/\"} 1.000000400001e+07\n"
        "latency_seconds_count{path=\"/\"} 5\n"
        "# HELP mneme_metrics_overflows_total Look-ups of label values that ended in the child "
        "\"other\" of a full family.\n"
        "# TYPE mneme_metrics_overflows_total counter\n"
        "mneme_metrics_overflows_total 0\n"
        "# HELP temperature Degrees.\n"
        "# TYPE temperature gauge\n"
        "temperature -4\n",
    [METRICS_OPENMETRICS] =
        "# HELP http_requests Requests \\\"by\\\" code\\nand \\\\ path.\n"
        "# TYPE http_requests counter\n"
        "http_requests_total{code=\"200\",path=\"a\\\"b\\\\c\\nd\xEF\xBF\xBD\"} 1.0\n"
        "http_requests_total{code=\"500\",path=\"/\"} 1.0000025e+06\n"
        "# HELP latency_seconds Time.\n"
        "# TYPE latency_seconds histogram\n"
        "latency_seconds_bucket{path=\"/\",le=\"0.5\"} 1\n"
        "latency_seconds_bucket{path=\"/\",le=\"1.0\"} 3\n"
        "latency_seconds_bucket{path=\"/\",le=\"1e+06\"} 4\n"
        "latency_seconds_bucket{path=\"/\",le=\"+Inf\"} 5\n"
        "latency_seconds_sum{path=\"/\"} 1.000000400001e+07\n"
        "latency_seconds_count{path=\"/\"} 5\n"
        "# HELP mneme_metrics_overflows Look-ups of label values that ended in the child "
        "\\\"other\\\" of a full family.\n"
        "# TYPE mneme_metrics_overflows counter\n"
        "mneme_metrics_overflows_total 0.0\n"
        "# HELP temperature Degrees.\n"
        "# TYPE temperature gauge\n"
        "temperature -4.0\n"
        "# EOF\n",
};

#define JSON_REQUESTS                                                                              \
    "{\"name\":\"http_requests_total\",\"help\":\"Requests \\\"by\\\" code\\nand \\\\ path.\","    \
    "\"type\":\"COUNTER\",\"metric\":["                                                            \
    "{\"label\":[{\"name\":\"code\",\"value\":\"200\"},"                                           \
    "{\"name\":\"path\",\"value\":\"a\\\"b\\\\c\\nd\\ufffd\"}],\"counter\":{\"value\":1}},"        \
    "{\"label\":[{\"name\":\"code\",\"value\":\"500\"},{\"name\":\"path\",\"value\":\"/\"}],"      \
    "\"counter\":{\"value\":1000002.5}}]}"
#define JSON_LATENCY                                                                               \
    "{\"name\":\"latency_seconds\",\"help\":\"Time.\",\"type\":\"HISTOGRAM\",\"metric\":["         \
    "{\"label\":[{\"name\":\"path\",\"value\":\"/\"}],\"histogram\":{\"bucket\":["                 \
    "{\"cumulativeCount\":\"1\",\"upperBound\":0.5},{\"cumulativeCount\":\"3\",\"upperBound\":1}," \
    "{\"cumulativeCount\":\"4\",\"upperBound\":1000000}],\"sampleCount\":\"5\","                   \
    "\"sampleSum\":10000004.00001}}]}"
#define JSON_TEMPERATURE                                                                           \
    "{\"name\":\"temperature\",\"help\":\"Degrees.\",\"type\":\"GAUGE\",\"metric\":["              \
    "{\"gauge\":{\"value\":-4}}]}"

static bool
is_temperature(void *arg, struct str name)
{
    (void)arg;
    return str_eq(name, STR("temperature"));
}

START_TEST(test_json)
{
    struct metrics *m = sample_registry();
    AUTO(buf_fini) struct buf all = BUF_INIT, one = BUF_INIT;
    metrics_write_json(m, is_temperature, NULL, &one);
    ck_assert_str_eq(buf_cstr(&one), "[" JSON_TEMPERATURE "]");
    metric_set(metrics_single(m, &temperature_spec), NAN);
    metrics_write_json(m, NULL, NULL, &all);
    ck_assert_ptr_nonnull(strstr(buf_cstr(&all), JSON_REQUESTS));
    ck_assert_ptr_nonnull(strstr(buf_cstr(&all), "," JSON_LATENCY ","));
    ck_assert_ptr_nonnull(strstr(buf_cstr(&all), "{\"gauge\":{\"value\":\"NaN\"}}"));
    ck_assert_ptr_null(strstr(buf_cstr(&all), "unused"));
    metrics_close(m);
}
END_TEST

START_TEST(test_exposition)
{
    struct metrics *m = sample_registry();
    AUTO(buf_fini) struct buf b = BUF_INIT;
    metrics_write(m, (enum metrics_format)_i, &b);
    ck_assert_str_eq(buf_cstr(&b), expositions[_i]);
    metrics_close(m);
}
END_TEST

static const struct add_case {
    const char *name;
    double first, second, want;
} add_cases[] = {
    {"whole", 1, 2, 3},
    {"fraction", 0.25, 0.5, 0.75},
    {"mixed", 1, 0.5, 1.5},
    {"above 2^53", 0x1p60, 1, 0x1p60 + 1},
    {"infinite", INFINITY, 1, INFINITY},
};

START_TEST(test_add)
{
    const struct add_case *c = &add_cases[_i];
    struct metrics *m = metrics_open();
    struct metric_spec spec = {.type = METRIC_COUNTER, .name = "a_total", .help = "A."};
    struct metric *counter = metrics_single(m, &spec);
    struct metric *gauge = metrics_single(m, &temperature_spec);
    metric_add(counter, c->first);
    metric_add(counter, c->second);
    ROW_ASSERT(c->name, metric_value(counter) == c->want);
    metric_set(gauge, c->first);
    metric_add(gauge, c->second);
    ROW_ASSERT(c->name, metric_value(gauge) == c->want);
    metric_set(gauge, 10);
    metric_add(gauge, -c->second);
    ROW_ASSERT(c->name, metric_value(gauge) == 10 - c->second);
    metrics_close(m);
}
END_TEST

START_TEST(test_identity)
{
    struct metrics *m = metrics_open();
    struct metric_family *f = metrics_family(m, &requests_spec);
    ck_assert_ptr_eq(metrics_family(m, &requests_spec), f);
    struct metric *a = metric_with(f, (struct str[]){STR("a"), STR("bc")}, 2);
    ck_assert_ptr_eq(metric_with(f, (struct str[]){STR("a"), STR("bc")}, 2), a);
    ck_assert_ptr_ne(metric_with(f, (struct str[]){STR("ab"), STR("c")}, 2), a);
    ck_assert_ptr_ne(metric_with(f, (struct str[]){STR("bc"), STR("a")}, 2), a);
    metrics_close(m);
}
END_TEST

START_TEST(test_overflow)
{
    struct metric_spec spec = unused_spec;
    spec.children_max = 2;
    struct metrics *m = metrics_open();
    struct metric_family *f = metrics_family(m, &spec);
    struct metric *first = metric_with(f, &STR("1"), 1);
    metric_with(f, &STR("2"), 1);
    struct metric *other = metric_with(f, &STR("3"), 1);
    ck_assert_ptr_eq(metric_with(f, &STR("4"), 1), other);
    ck_assert_ptr_eq(metric_with(f, &STR("1"), 1), first);
    metric_inc(other);
    AUTO(buf_fini) struct buf b = BUF_INIT;
    metrics_write(m, METRICS_TEXT, &b);
    ck_assert_ptr_nonnull(strstr(buf_cstr(&b), "unused_total{x=\"other\"} 1\n"));
    ck_assert_ptr_nonnull(strstr(buf_cstr(&b), "mneme_metrics_overflows_total 2\n"));
    ck_assert_ptr_null(strstr(buf_cstr(&b), "x=\"3\""));
    metrics_close(m);
}
END_TEST

START_TEST(test_bound)
{
    struct metrics *m = metrics_open();
    struct metric_bound *b = metrics_bound(m, "x", 2);
    ck_assert_ptr_eq(metrics_bound(m, "x", 2), b);
    ck_assert_ptr_ne(metrics_bound(m, "y", 2), b);
    static const struct str values[] = {STR_INIT("1"), STR_INIT("2"), STR_INIT("1")};
    for (size_t i = 0; i < ARRAY_LEN(values); i++)
        ck_assert(str_eq(metric_bound_pass(b, values[i]), values[i]));
    ck_assert(str_eq(metric_bound_pass(b, STR("3")), STR("other")));
    ck_assert(str_eq(metric_bound_pass(b, STR("2")), STR("2")));
    ck_assert(str_eq(metric_bound_pass(metrics_bound(m, "y", 2), STR("3")), STR("3")));
    AUTO(buf_fini) struct buf text = BUF_INIT;
    metrics_write(m, METRICS_TEXT, &text);
    ck_assert_ptr_nonnull(strstr(buf_cstr(&text), "mneme_metrics_overflows_total 1\n"));
    metrics_close(m);
}
END_TEST

enum { THREADS = 4, ADDS = 20000 };

static void *
hammer(void *arg)
{
    struct metrics *m = arg;
    AUTO(buf_fini) struct buf b = BUF_INIT;
    struct metric_family *f = metrics_family(m, &requests_spec);
    struct metric *latency = metric_with(metrics_family(m, &latency_spec), &STR("/"), 1);
    for (int i = 0; i < ADDS; i++) {
        struct str code = i % 3 ? STR("200") : STR("500");
        metric_add(metric_with(f, (struct str[]){code, STR("/")}, 2), i % 2 ? 1 : 0.5);
        metric_observe(latency, 1);
        if (i % 4000 == 0)
            metrics_write(m, METRICS_TEXT, &b);
    }
    return NULL;
}

START_TEST(test_threads)
{
    struct metrics *m = metrics_open();
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, hammer, m), 0);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    struct metric_family *f = metrics_family(m, &requests_spec);
    double sum = metric_value(metric_with(f, (struct str[]){STR("200"), STR("/")}, 2)) +
                 metric_value(metric_with(f, (struct str[]){STR("500"), STR("/")}, 2));
    ck_assert(sum == THREADS * ADDS * 0.75);
    AUTO(buf_fini) struct buf b = BUF_INIT;
    metrics_write(m, METRICS_TEXT, &b);
    ck_assert_ptr_nonnull(strstr(buf_cstr(&b), "latency_seconds_count{path=\"/\"} 80000\n"));
    ck_assert_ptr_nonnull(strstr(buf_cstr(&b), "latency_seconds_sum{path=\"/\"} 80000\n"));
    metrics_close(m);
}
END_TEST

static void
count_call(void *arg)
{
    ++*(int *)arg;
}

START_TEST(test_collectors)
{
    struct metrics *m = metrics_open();
    int kept = 0, removed = 0;
    AUTO(buf_fini) struct buf b = BUF_INIT;
    metrics_on_collect(m, count_call, &removed);
    metrics_on_collect(m, count_call, &kept);
    metrics_write(m, METRICS_TEXT, &b);
    metrics_off_collect(m, &removed);
    metrics_write(m, METRICS_TEXT, &b);
    ck_assert_int_eq(kept, 2);
    ck_assert_int_eq(removed, 1);
    metrics_close(m);
}
END_TEST

/* What is removed is not shown any more, makes room in a full family and starts at 0 when it
 * comes again. */
START_TEST(test_remove)
{
    struct metrics *m = metrics_open();
    struct metric_spec spec = temperature_spec;
    spec.labels[0] = "room";
    spec.children_max = 3;
    struct metric_family *f = metrics_family(m, &spec);
    static const struct str rooms[] = {STR_INIT("a"), STR_INIT("b"), STR_INIT("c")};
    for (size_t i = 0; i < ARRAY_LEN(rooms); i++)
        metric_set(metric_with(f, &rooms[i], 1), (double)i + 1);
    struct metric *last = metric_with(f, &rooms[2], 1);
    metric_remove(f, &rooms[0], 1);
    metric_remove(f, &rooms[0], 1); /* none is fine */
    metric_remove(f, &STR("never"), 1);
    ck_assert_ptr_eq(metric_with(f, &rooms[2], 1), last);
    AUTO(buf_fini) struct buf b = BUF_INIT;
    metrics_write(m, METRICS_TEXT, &b);
    ck_assert_msg(!strstr(buf_cstr(&b), "room=\"a\""), "%s", buf_cstr(&b));
    ck_assert(strstr(buf_cstr(&b), "room=\"b\"} 2") && strstr(buf_cstr(&b), "room=\"c\"} 3"));
    ck_assert(metric_value(metric_with(f, &rooms[0], 1)) == 0);
    metric_remove(f, &rooms[2], 1);
    metric_remove(f, &rooms[1], 1);
    metric_remove(f, &rooms[0], 1);
    buf_clear(&b);
    metrics_write(m, METRICS_TEXT, &b);
    ck_assert_ptr_null(strstr(buf_cstr(&b), "temperature"));
    metrics_close(m);
}
END_TEST

static void *
come_and_go(void *arg)
{
    struct metrics *m = arg;
    struct metric_family *f = metrics_family(m, &requests_spec);
    for (int i = 0; i < 500; i++) {
        struct str values[] = {STR("200"), str_of("abcdefgh", (size_t)(i % 8))};
        metric_inc(metric_with(f, values, 2));
        metric_remove(f, values, 2);
    }
    return NULL;
}

START_TEST(test_remove_while_shown)
{
    struct metrics *m = metrics_open();
    AUTO(buf_fini) struct buf b = BUF_INIT;
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, come_and_go, m), 0);
    for (int i = 0; i < 200; i++) {
        buf_clear(&b);
        metrics_write(m, METRICS_TEXT, &b);
    }
    pthread_join(thread, NULL);
    metrics_close(m);
}
END_TEST

enum misuse {
    OTHER_TYPE,
    OTHER_LABELS,
    FALLING_COUNTER,
    NAN_TO_COUNTER,
    SET_COUNTER,
    WRONG_COUNT,
    MISUSES
};

START_TEST(test_misuse_is_a_bug)
{
    struct metrics *m = metrics_open();
    struct metric_family *f = metrics_family(m, &requests_spec);
    struct metric *c = metric_with(f, (struct str[]){STR("1"), STR("2")}, 2);
    struct metric_spec other = requests_spec;
    if (_i == OTHER_TYPE)
        other.type = METRIC_GAUGE;
    if (_i == OTHER_LABELS)
        other.labels[1] = "x";
    metrics_family(m, &other);
    if (_i == FALLING_COUNTER)
        metric_add(c, -1);
    if (_i == NAN_TO_COUNTER)
        metric_add(c, NAN);
    if (_i == SET_COUNTER)
        metric_set(c, 1);
    if (_i == WRONG_COUNT)
        metric_with(f, &STR("1"), 1);
}
END_TEST

Suite *
metrics_suite(void)
{
    Suite *s = suite_create("metrics");
    TCase *t = tcase_create("metrics");
    tcase_add_test(t, test_json);
    tcase_add_loop_test(t, test_exposition, 0, ARRAY_LEN(expositions));
    tcase_add_loop_test(t, test_add, 0, ARRAY_LEN(add_cases));
    tcase_add_test(t, test_identity);
    tcase_add_test(t, test_overflow);
    tcase_add_test(t, test_bound);
    tcase_add_test(t, test_threads);
    tcase_add_test(t, test_collectors);
    tcase_add_test(t, test_remove);
    tcase_add_test(t, test_remove_while_shown);
    if (test_forks())
        tcase_add_loop_test_raise_signal(t, test_misuse_is_a_bug, SIGABRT, 0, MISUSES);
    suite_add_tcase(s, t);
    return s;
}
