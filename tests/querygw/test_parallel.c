/* On several threads a query has the very result that it has on one: bits, order, notes, counts. */
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "base/pool.h"
#include "base/rand.h"
#include "tests/harness.h"
#include "tests/querygw/query_fixture.h"

enum { SERIES = 200, SAMPLES = 100, STEP_MS = 15000, THREADS = 3 };

static struct query_fixture f;
static struct pool *pool;

/* Counters that fall now and then, gauges with fractions, holes; two names. */
static void
add_series(struct rand_gen *rng, size_t i)
{
    char number[24];
    snprintf(number, sizeof number, "%zu", i);
    struct label l[] = {{STR("__name__"), i % 3 ? STR("a_total") : STR("b")},
                        {STR("group"), str_of(number, 1)},
                        {STR("i"), str_of_cstr(number)}};
    double value = 0;
    for (size_t k = 0; k < SAMPLES; k++) {
        if (rand_below(rng, 10) == 0)
            continue;
        value = rand_below(rng, 20) == 0 ? 0.1 : value + (double)rand_below(rng, 1000) / 7;
        fake_store_add(&f.store, (struct labels){l, ARRAY_LEN(l)}, (int64_t)k * STEP_MS, value);
    }
}

static void
setup(void)
{
    struct rand_gen rng = rand_gen_of(5);
    query_fixture_init(&f);
    for (size_t i = 0; i < SERIES; i++)
        add_series(&rng, i);
    CK_OK(pool_start(&(struct pool_opts){.name = "eval", .threads = THREADS, .queued_limit = 64},
                     &pool));
}

static void
teardown(void)
{
    pool_stop(pool);
    query_fixture_fini(&f);
}

static void
same_series(const char *query, const struct promql_series *a, const struct promql_series *b)
{
    ck_assert_msg(labels_eq(a->labels, b->labels), "%s: other labels", query);
    ck_assert_msg(a->begin == b->begin && a->end == b->end, "%s: other steps", query);
    ck_assert_msg((a->present == NULL) == (b->present == NULL), "%s: other holes", query);
    for (size_t i = 0; i < a->end - a->begin; i++) {
        bool has = !a->present || (a->present[i / 64] >> (i % 64) & 1);
        bool same = bits_of_f64(a->values[i]) == bits_of_f64(b->values[i]);
        ck_assert_msg(!has || same, "%s: step %zu", query, i);
    }
}

static void
same_notes(const char *query, const struct notes *a, const struct notes *b)
{
    for (size_t kind = 0; kind < NOTE_KIND_COUNT; kind++) {
        ck_assert_msg(a->count[kind] == b->count[kind], "%s: other notes", query);
        for (size_t i = 0; i < size_min(a->count[kind], NOTES_SHOWN_MAX); i++)
            ck_assert_msg(str_eq(a->shown[kind][i].text, b->shown[kind][i].text),
                          "%s: another note", query);
    }
}

/* And the counts of steps add up to those of the query. */
static void
same_counts(const char *query, const struct promql_result *a, const struct promql_result *b)
{
    uint64_t total = 0, read = 0;
    for (size_t i = 0; i < a->grid.steps; i++) {
        total += a->stats.steps[i].total;
        read += a->stats.steps[i].read;
        ck_assert_msg(a->stats.steps[i].total == b->stats.steps[i].total &&
                          a->stats.steps[i].read == b->stats.steps[i].read,
                      "%s: counts of step %zu", query, i);
    }
    ck_assert_msg(total == a->stats.samples_total && read == a->stats.samples_read,
                  "%s: %ju of %ju", query, (uintmax_t)total, (uintmax_t)a->stats.samples_total);
    ck_assert_uint_eq(total, b->stats.samples_total);
    ck_assert_uint_eq(read, b->stats.samples_read);
}

static const char *const queries[] = {
    "{__name__=~\".+\"}",
    "a_total",
    "rate(a_total[1m])",
    "rate(b[2m])",
    "sum(rate(a_total[5m]))",
    "sum by (group) (avg_over_time(b[10m]))",
    "topk(3, increase(a_total[5m]))",
    "quantile by (group) (0.3, a_total)",
    "a_total - on (i) group_left b",
    "max_over_time(rate(a_total[1m])[5m:30s])",
    "quantile_over_time(0.4, b[5m])",
    "quantile_over_time(scalar(count(b)) / 1000, b[5m])",
    "sum(a_total @ 300) + count(b offset 1m)",
    "timestamp(a_total)",
    "absent(nothing)",
    "last_over_time(a_total[1m]) unless b",
};
static const size_t batch_series[] = {0, 1, 7, 1000};

START_TEST(test_same_result)
{
    const char *query = queries[_i];
    const struct promql_span span = span_range(0, SAMPLES * STEP_MS, 30000);
    for (size_t i = 0; i < ARRAY_LEN(batch_series); i++) {
        struct promql_result *alone, *together;
        f.limits = (struct promql_limits){.counts_steps = true};
        CK_OK(query_eval(&f, query, span, &alone));
        f.limits = (struct promql_limits){
            .counts_steps = true, .pool = pool, .batch_series = batch_series[i]};
        CK_OK(query_eval(&f, query, span, &together));
        ck_assert_msg(alone->count == together->count, "%s: %zu series, not %zu", query,
                      together->count, alone->count);
        for (size_t k = 0; k < alone->count; k++)
            same_series(query, &alone->series[k], &together->series[k]);
        same_notes(query, &alone->notes, &together->notes);
        same_counts(query, alone, together);
        ck_assert_int_eq(f.store.open_sets, 0);
        arena_reset(&f.arena);
    }
}
END_TEST

/* Each fails as it does on one thread, wherever it fails. */
static const struct failing_case {
    const char *name, *query;
    struct promql_limits limits;
    int64_t fail_next_at; /* of the store */
    enum err_code code;
} failing_cases[] = {
    {"equal labels in two batches",
     "rate({__name__=~\"a_total|a_again\"}[1m])",
     {0},
     0,
     ERR_EXECUTION},
    {"a store that fails", "sum(a_total)", {0}, 50, ERR_IO},
    {"samples of one series", "a_total", {.samples_max = 10}, 0, ERR_LIMIT},
    {"samples of the result", "a_total", {.samples_max = 300}, 0, ERR_LIMIT},
};

START_TEST(test_failures)
{
    const struct failing_case *c = &failing_cases[_i];
    struct label l[] = {
        {STR("__name__"), STR("a_again")}, {STR("group"), STR("1")}, {STR("i"), STR("1")}};
    for (int64_t k = 0; k < 4; k++)
        fake_store_add(&f.store, (struct labels){l, ARRAY_LEN(l)}, k * STEP_MS, 1);
    f.store.fail_next_at = c->fail_next_at;
    f.limits = c->limits;
    f.limits.pool = pool;
    f.limits.batch_series = 4;
    struct promql_result *r;
    struct err e = query_eval(&f, c->query, span_range(0, SAMPLES * STEP_MS, 30000), &r);
    ck_assert_msg(e.code == c->code, "%s: %s", c->name, err_text(&e));
    err_drop(e);
    ck_assert_int_eq(f.store.open_sets, 0);
}
END_TEST

static bool
always(void *arg)
{
    atomic_fetch_add((_Atomic(int) *)arg, 1);
    return true;
}

START_TEST(test_canceled)
{
    _Atomic(int) calls = 0;
    f.limits =
        (struct promql_limits){.canceled = always, .arg = &calls, .pool = pool, .batch_series = 4};
    struct promql_result *r;
    CK_ERR(ERR_CANCELED, query_eval(&f, "sum(rate(a_total[5m]))", span_instant(60000), &r));
    ck_assert_int_gt(calls, 0);
}
END_TEST

Suite *
parallel_suite(void)
{
    Suite *s = suite_create("parallel");
    TCase *t = tcase_create("parallel");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, test_same_result, 0, ARRAY_LEN(queries));
    tcase_add_loop_test(t, test_failures, 0, ARRAY_LEN(failing_cases));
    tcase_add_test(t, test_canceled);
    suite_add_tcase(s, t);
    return s;
}
