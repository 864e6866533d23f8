/* What scripts cannot say about the engine: limits, errors of the store, what is read, memory
 * that ends with the query. Values stand in tests/data/querygw/promql. */
#include "tests/harness.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/rand.h"
#include "tests/querygw/query_fixture.h"
#include "tests/querygw/series_notation.h"

static struct query_fixture f;

static void
setup(void)
{
    query_fixture_init(&f);
    notation_load_text(&f.store,
                       "m{a=\"1\"} 0+1x100\n"
                       "m{a=\"2\"} 0+2x100\n"
                       "n{a=\"1\"} 5x100\n",
                       0, 10000);
}

static void
teardown(void)
{
    query_fixture_fini(&f);
}

static const struct limit_case {
    const char *query;
    size_t samples_max;
    bool good;
} limit_cases[] = {
    /* 101 samples of a series at a time, and 101 points kept of each series */
    {"m", 303, true},
    {"m", 302, false},
    {"sum(m)", 202, true}, /* the group has 101 points, and no series is held then */
    {"sum(m)", 100, false},
    {"1 + 1", 101, true},
    {"1 + 1", 100, false},
    /* the kept side of a match, 101 more of the other side and the result */
    {"m + on (a) n", 303, true},
    {"m + on (a) n", 201, false},
    {"n + on (a) group_right m", 404, true},
    {"n + on (a) group_right m", 201, false},
    {"m and n", 202, true},
    {"m and n", 201, false},
    {"topk(1, m)", 404, true},
    {"topk(1, m)", 150, false},
    {"quantile(0.5, m)", 404, true},
    {"quantile(0.5, m)", 202, false},
    {"count_values(\"x\", m)", 404, true},
    {"count_values(\"x\", m)", 201, false},
    {"sum_over_time((m * 2)[10s:10s])", 606, true},
    {"sum_over_time((m * 2)[10s:10s])", 202, false},
};

START_TEST(test_samples_limit)
{
    const struct limit_case *c = &limit_cases[_i];
    struct promql_result *r;
    f.limits.samples_max = c->samples_max;
    struct err e = query_eval(&f, c->query, span_range(0, 1000000, 10000), &r);
    ck_assert_msg(e.code == (c->good ? ERR_NONE : ERR_LIMIT), "%s: %s", c->query, err_text(&e));
    if (!c->good)
        ck_assert_str_eq(err_text(&e), "query processing would load too many samples into memory "
                                       "in query execution");
    err_drop(e);
    ck_assert_int_eq(f.store.open_sets, 0);
}
END_TEST

START_TEST(test_samples_limit_of_range)
{
    struct promql_result *r;
    f.limits.samples_max = 201;
    CK_ERR(ERR_LIMIT, query_eval(&f, "m[1h]", span_instant(1000000), &r));
    f.limits.samples_max = 303;
    CK_OK(query_eval(&f, "m[1h]", span_instant(1000000), &r));
    ck_assert_uint_eq(r->count, 2);
    ck_assert_uint_eq(promql_series_points(&r->series[0]), 101);
}
END_TEST

START_TEST(test_byte_budget)
{
    struct promql_result *r;
    struct arena big = f.arena;
    arena_init(&f.arena, 64 << 10);
    CK_OK(query_eval(&f, "sum(m)", span_range(0, 1000000, 10000), &r));
    CK_ERR(ERR_LIMIT, query_eval(&f, "sum by (a) (m)", span_range(0, 1000000, 100), &r));
    CK_ERR(ERR_LIMIT, query_eval(&f, "m and m", span_range(0, 1000000, 100), &r));
    struct err e = query_eval(&f, "max_over_time((m + m)[1y:1m])", span_instant(0), &r);
    ck_assert_int_eq(e.code, ERR_LIMIT);
    ck_assert_str_eq(err_text(&e),
                     "query: 1576801 steps of its parts, more than fit in 65536 bytes");
    err_drop(e);
    ck_assert_int_eq(f.store.open_sets, 0);
    arena_fini(&f.arena);
    f.arena = big;
}
END_TEST

START_TEST(test_deadline)
{
    struct clock_manual clock;
    clock_manual_init(&clock, 0);
    clock_manual_advance_ms(&clock, 1000);
    struct promql_result *r;
    f.limits.clock = &clock.clock;
    f.limits.deadline_ns = clock_mono_ns(&clock.clock);
    struct err e = query_eval(&f, "m", span_instant(0), &r);
    ck_assert_int_eq(e.code, ERR_TIMEOUT);
    ck_assert_str_eq(err_text(&e), "query timed out in expression evaluation");
    err_drop(e);
    f.limits.deadline_ns++;
    CK_OK(query_eval(&f, "m", span_instant(0), &r));
}
END_TEST

/* Goes away after some looks. */
static bool
cancel_later(void *arg)
{
    int *left = arg;
    return (*left)-- <= 0;
}

START_TEST(test_cancel_in_the_middle)
{
    int looks = 2;
    struct promql_result *r;
    f.limits.canceled = cancel_later;
    f.limits.arg = &looks;
    /* 2 series of 1,000,001 steps: several looks */
    struct err e = query_eval(&f, "sum(m)", span_range(0, 1000000, 1), &r);
    ck_assert_int_eq(e.code, ERR_CANCELED);
    ck_assert_str_eq(err_text(&e), "query was canceled in expression evaluation");
    err_drop(e);
    ck_assert_int_lt(looks, 0);
    ck_assert_int_eq(f.store.open_sets, 0);
}
END_TEST

START_TEST(test_store_errors)
{
    struct promql_result *r;
    f.store.fail_at = 1;
    CK_ERR(ERR_IO, query_eval(&f, "m", span_instant(0), &r));
    f.store.fail_next_at = 2;
    CK_ERR(ERR_IO, query_eval(&f, "sum(rate(m[1m]))", span_instant(100000), &r));
    ck_assert_int_eq(f.store.open_sets, 0);
    ck_assert_int_eq(f.store.selects, 2);
    static const char *const both_sides[] = {
        "m + on (a) m",    "m unless n", "m or n", "topk(1, n or m)", "sum_over_time(m[1m:5s])",
        "quantile(0.5, m)"};
    for (size_t i = 0; i < ARRAY_LEN(both_sides); i++) {
        f.store.fail_next_at = 2;
        struct err e = query_eval(&f, both_sides[i], span_instant(100000), &r);
        ck_assert_msg(e.code == ERR_IO, "%s: %s", both_sides[i], err_text(&e));
        err_drop(e);
        ck_assert_int_eq(f.store.open_sets, 0);
    }
}
END_TEST

START_TEST(test_no_store)
{
    struct promql_plan *plan;
    struct promql_result *r;
    AUTO(promql_close) struct promql_run *run = NULL;
    CK_OK(query_plan(&f, "sum(m) + 1", span_instant(0), &plan));
    CK_OK(promql_open(&f.arena, plan, NULL, &f.limits, &run));
    CK_OK(promql_eval(run, &r));
    ck_assert_int_eq(r->type, PROMQL_VECTOR);
    ck_assert_uint_eq(r->count, 0);
}
END_TEST

static const struct stats_case {
    const char *query;
    struct promql_span span;
    uint64_t total, read;
} stats_cases[] = {
    {"m", {100000, 100000, 0, 300000}, 2, 2},
    {"m", {100000, 200000, 50000, 300000}, 6, 6},
    {"rate(m[1m])", {100000, 100000, 0, 300000}, 12, 12},
    {"rate(m[1m])", {100000, 120000, 10000, 300000}, 36, 16},
    {"rate(m[10s])", {100000, 130000, 30000, 300000}, 4, 4},
    {"m @ 50", {100000, 200000, 50000, 300000}, 6, 2},
    {"m[1m]", {100000, 100000, 0, 300000}, 12, 12},
    {"m[1m:20s]", {100000, 100000, 0, 300000}, 6, 6},
    {"sum_over_time(rate(m[1m])[40s:20s])", {100000, 100000, 0, 300000}, 4, 4},
    {"1", {100000, 100000, 0, 300000}, 0, 0},
};

START_TEST(test_stats)
{
    const struct stats_case *c = &stats_cases[_i];
    struct promql_result *r;
    CK_OK(query_eval(&f, c->query, c->span, &r));
    ck_assert_msg(r->stats.samples_total == c->total, "%s: total %ju", c->query,
                  (uintmax_t)r->stats.samples_total);
    ck_assert_msg(r->stats.samples_read == c->read, "%s: read %ju", c->query,
                  (uintmax_t)r->stats.samples_read);
}
END_TEST

static bool
same_points(const struct promql_result *a, const struct promql_result *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++) {
        struct promql_point p, q;
        size_t at = 0, bt = 0;
        bool more = true;
        while (more) {
            more = promql_point_next(a, &a->series[i], &at, &p);
            if (more != promql_point_next(b, &b->series[i], &bt, &q))
                return false;
            if (more && (p.t_ms != q.t_ms || !p.histogram != !q.histogram))
                return false;
            if (more && (p.histogram ? !float_histogram_equal(p.histogram, q.histogram)
                                     : bits_of_f64(p.value) != bits_of_f64(q.value)))
                return false;
        }
    }
    return true;
}

static const char *const all_kinds[] = {
    "m",
    "m offset 35s",
    "rate(m[1m])",
    "increase(m[95s])",
    "delta(m[40s])",
    "rate(m[95s] anchored)",
    "increase(m[1m] smoothed)",
    "delta(m[40s] anchored offset 7s)",
    "changes(m[95s] anchored)",
    "resets(m[95s] anchored)",
    "m smoothed",
    "sum_over_time((m smoothed)[95s:25s])",
    "delta(m[40s] smoothed @ 300)",
    "irate(m[40s])",
    "idelta(m[40s])",
    "sum_over_time(m[5m])",
    "avg_over_time(m[5m])",
    "min_over_time(m[45s])",
    "max_over_time(m[45s])",
    "count_over_time(m[45s])",
    "last_over_time(m[45s])",
    "sum(m)",
    "avg by (a) (m)",
    "max without (a) (m) > 50",
    "stddev(m)",
    "group by (a) (m > 50)",
    "rate(m[2m:15s])",
    "sum_over_time(sum(m)[90s:20s] offset 5s)",
    "last_over_time((-m or m * 2)[95s:25s])",
    "max_over_time(rate(m[1m])[2m:])",
    "avg_over_time((m @ 100)[2m:35s])",
    "topk(2, m)",
    "quantile(0.3, m)",
    "bottomk by (a) (1, m)",
    "limitk(1, m)",
    "limit_ratio(0.5, m)",
    "count_values(\"v\", m)",
    "last_over_time(topk(1, -m)[70s:20s])",
    "m / on (a) n",
    "m - ignoring (a) group_left max(m)",
    "max(m) == bool on () group_right m",
    "m > on (a) n",
    "m + on (a) fill (1) n",
    "(n > 0) - on (a) group_right fill_left (3) (m > 50)",
    "(m > 50) / on (a) group_left fill (2) (n + m)",
    "m and on (a) (n < 3)",
    "m unless m > 50",
    "(m > 50) or -m",
};

/* Chunks of any length, also overlapping ones, give the same result. */
START_TEST(test_chunks_do_not_matter)
{
    struct promql_result *want, *got;
    struct promql_span span = span_range(-20000, 1100000, 7000);
    CK_OK(query_eval(&f, all_kinds[_i], span, &want));
    static const size_t sizes[] = {1, 2, 7, 1000};
    for (size_t i = 0; i < 2 * ARRAY_LEN(sizes); i++) {
        f.store.chunk_samples = sizes[i / 2];
        f.store.interleave = i % 2;
        CK_OK(query_eval(&f, all_kinds[_i], span, &got));
        ck_assert_msg(same_points(want, got), "%s: chunks of %zu%s", all_kinds[_i], sizes[i / 2],
                      i % 2 ? ", overlapping" : "");
    }
}
END_TEST

static const char *const histogram_kinds[] = {
    "h",
    "sum(rate(h[1m]))",
    "histogram_count(rate(h[1m]))",
    "irate(h[1m])",
    "resets(h[5m])",
    "changes(h[95s] anchored)",
    "increase(h[95s] smoothed)",
    "h smoothed",
};

/* Nor does what a chunk says of the sample before, when another chunk has one in between. */
START_TEST(test_histogram_chunks_do_not_matter)
{
    struct rand_gen rng = rand_gen_of(44);
    struct label l[] = {{STR("__name__"), STR("h")}};
    static const struct histogram_span span_of_two[] = {{0, 2}};
    double buckets[2] = {0};
    for (int64_t t_ms = 0; t_ms < 1000000; t_ms += 1 + (int64_t)rand_below(&rng, 30000)) {
        struct float_histogram h = {.positive = {{span_of_two, 1}, buckets, 2}};
        bool anew = rand_below(&rng, 4) == 0;
        for (size_t i = 0; i < 2; i++) {
            buckets[i] = (anew ? 0 : buckets[i]) + (double)rand_below(&rng, 20);
            h.count += buckets[i];
        }
        fake_store_add_histogram(&f.store, (struct labels){l, 1}, t_ms, 0, &h);
    }
    struct promql_result *want, *got;
    struct promql_span span = span_range(-20000, 1100000, 7000);
    f.store.chunk_samples = 1;
    CK_OK(query_eval(&f, histogram_kinds[_i], span, &want));
    static const size_t sizes[] = {1, 2, 7, 1000};
    for (size_t i = 0; i < 2 * ARRAY_LEN(sizes); i++) {
        f.store.chunk_samples = sizes[i / 2];
        f.store.interleave = i % 2;
        CK_OK(query_eval(&f, histogram_kinds[_i], span, &got));
        ck_assert_msg(same_points(want, got), "%s: chunks of %zu%s", histogram_kinds[_i],
                      sizes[i / 2], i % 2 ? ", overlapping" : "");
    }
}
END_TEST

/* A range query is the sequence of its instant queries. */
START_TEST(test_range_equals_instants)
{
    struct rand_gen rng = rand_gen_of(42);
    struct label l[] = {{STR("__name__"), STR("m")}, {STR("a"), STR("3")}};
    for (int64_t t_ms = 0; t_ms < 1000000; t_ms += 1 + (int64_t)rand_below(&rng, 30000)) {
        uint64_t dice = rand_below(&rng, 20);
        double v = dice == 1 ? NAN : (double)rand_below(&rng, 1000) / 8;
        uint64_t bits = dice == 0 ? STALE_NAN_BITS : bits_of_f64(v);
        fake_store_add_bits(&f.store, (struct labels){l, 2}, t_ms, bits);
    }
    struct promql_result *range, *instant;
    CK_OK(query_eval(&f, all_kinds[_i], span_range(0, 1000000, 13000), &range));
    size_t points = 0, wanted = 0;
    for (size_t i = 0; i < range->count; i++)
        wanted += promql_series_points(&range->series[i]);
    for (int64_t t_ms = 0; t_ms <= 1000000; t_ms += 13000) {
        CK_OK(query_eval(&f, all_kinds[_i], span_instant(t_ms), &instant));
        points += instant->count;
        for (size_t i = 0; i < instant->count; i++) {
            double v = instant->series[i].values[0];
            bool found = false;
            for (size_t k = 0; k < range->count; k++) {
                struct promql_point p;
                for (size_t at = 0; promql_point_next(range, &range->series[k], &at, &p);)
                    found |= p.t_ms == t_ms &&
                             labels_eq(range->series[k].labels, instant->series[i].labels) &&
                             (p.value == v || (isnan(p.value) && isnan(v)));
            }
            ck_assert_msg(found, "%s at %jd", all_kinds[_i], (intmax_t)t_ms);
        }
    }
    ck_assert_uint_eq(points, wanted);
}
END_TEST

static const char *const started_kinds[] = {
    "rate(s[1m])",   "increase(s[95s])",        "irate(s[40s])",
    "resets(s[5m])", "resets(s[95s] anchored)", "start_timestamp(s)",
};

/* Some samples have start timestamps, and chunks with and without them may overlap. */
START_TEST(test_start_timestamps)
{
    struct rand_gen rng = rand_gen_of(43);
    struct label l[] = {{STR("__name__"), STR("s")}};
    for (int64_t t_ms = 0; t_ms < 1000000; t_ms += 1 + (int64_t)rand_below(&rng, 30000)) {
        uint64_t bits =
            rand_below(&rng, 20) ? bits_of_f64((double)rand_below(&rng, 1000) / 8) : STALE_NAN_BITS;
        int64_t start_ms = rand_below(&rng, 3) ? 0 : t_ms - (int64_t)rand_below(&rng, 30000);
        fake_store_add_started(&f.store, (struct labels){l, 1}, t_ms, bits, start_ms);
    }
    struct promql_result *plain, *want, *got;
    struct promql_span span = span_range(-20000, 1100000, 7000);
    CK_OK(query_eval(&f, started_kinds[_i], span, &plain));
    f.limits.use_start_timestamps = true;
    CK_OK(query_eval(&f, started_kinds[_i], span, &want));
    ck_assert_msg(!same_points(want, plain), "%s", started_kinds[_i]);
    static const size_t sizes[] = {1, 2, 7, 1000};
    for (size_t i = 0; i < 2 * ARRAY_LEN(sizes); i++) {
        f.store.chunk_samples = sizes[i / 2];
        f.store.interleave = i % 2;
        CK_OK(query_eval(&f, started_kinds[_i], span, &got));
        ck_assert_msg(same_points(want, got), "%s: chunks of %zu%s", started_kinds[_i],
                      sizes[i / 2], i % 2 ? ", overlapping" : "");
    }
    if (started_kinds[_i] == started_kinds[0]) { /* how many windows had what is warned of */
        struct str line = notes_line(&want->notes, NOTE_WARNING, 0, STR("rate(s[1m])"), &f.arena);
        ck_assert(str_starts_with(line, STR("PromQL warning: sample has start time that overlaps "
                                            "with previous sample timestamp for metric \"s\" (")));
        ck_assert(str_ends_with(line, STR(" occurrences) (1:6)")));
    }
}
END_TEST

/* Notes are told once each, ten of a kind; the rest is counted. */
START_TEST(test_notes)
{
    for (int i = 0; i < 12; i++) {
        char name[32];
        snprintf(name, sizeof name, "gauge%d", i);
        struct label l[] = {{STR("__name__"), str_of_cstr(name)}, {STR("i"), str_of_cstr(name)}};
        fake_store_add(&f.store, (struct labels){l, 2}, 0, 1);
        fake_store_add(&f.store, (struct labels){l, 2}, 1000, 2);
    }
    struct promql_result *r;
    CK_OK(query_eval(&f, "rate({__name__=~\"gauge.*\"}[1m])", span_range(1000, 3000, 1000), &r));
    ck_assert_uint_eq(notes_lines(&r->notes, NOTE_INFO), 11);
    ck_assert_uint_eq(notes_lines(&r->notes, NOTE_WARNING), 0);
    struct str query = STR("\n rate(x)");
    struct str last = notes_line(&r->notes, NOTE_INFO, 10, query, &f.arena);
    ck_assert(str_eq(last, STR("2 more info annotations omitted")));
    struct str first = notes_line(&r->notes, NOTE_INFO, 0, query, &f.arena);
    ck_assert(str_ends_with(first, STR("\"gauge0\" (2:5)")));
}
END_TEST

Suite *
engine_suite(void)
{
    Suite *s = suite_create("engine");
    TCase *t = tcase_create("engine");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, test_samples_limit, 0, ARRAY_LEN(limit_cases));
    tcase_add_test(t, test_samples_limit_of_range);
    tcase_add_test(t, test_byte_budget);
    tcase_add_test(t, test_deadline);
    tcase_add_test(t, test_cancel_in_the_middle);
    tcase_add_test(t, test_store_errors);
    tcase_add_test(t, test_no_store);
    tcase_add_loop_test(t, test_stats, 0, ARRAY_LEN(stats_cases));
    tcase_add_loop_test(t, test_chunks_do_not_matter, 0, ARRAY_LEN(all_kinds));
    tcase_add_loop_test(t, test_histogram_chunks_do_not_matter, 0, ARRAY_LEN(histogram_kinds));
    tcase_add_loop_test(t, test_range_equals_instants, 0, ARRAY_LEN(all_kinds));
    tcase_add_loop_test(t, test_start_timestamps, 0, ARRAY_LEN(started_kinds));
    tcase_add_test(t, test_notes);
    suite_add_tcase(s, t);
    return s;
}
