/* What is kept makes the level, what the budgets count does not, and the kernel is not asked at
 * every call. */
#include "tests/harness.h"

#include "base/arena.h"
#include "base/mem.h"
#include "base/memory_limit.h"
#include "base/metrics.h"

#define MIB ((uint64_t)1 << 20)

struct machine {
    struct clock_manual clock;
    uint64_t used_bytes;
    int looks;
};

static uint64_t
read_used(void *arg)
{
    struct machine *k = arg;
    k->looks++;
    return k->used_bytes;
}

static void
init(struct memory_limit *m, struct machine *k, uint64_t bytes)
{
    *k = (struct machine){.used_bytes = 0};
    clock_manual_init(&k->clock, 0);
    clock_manual_advance_ms(&k->clock, 1000);
    memory_limit_init(m, bytes, &k->clock.clock, read_used, k);
}

static enum memory_level
level_at(struct memory_limit *m, struct machine *k, uint64_t used_bytes)
{
    k->used_bytes = used_bytes;
    clock_manual_advance_ms(&k->clock, 20);
    return memory_limit_level(m);
}

/* Of 800 MiB, 100 are for requests and 200 for queries: 500 may be kept. */
static const struct level_case {
    const char *name;
    uint64_t used_mib, requests_mib, queries_mib;
    enum memory_level want;
} level_cases[] = {
    {"nothing", 0, 0, 0, MEMORY_ROOM},
    {"below tight", 324, 0, 0, MEMORY_ROOM},
    {"tight", 326, 0, 0, MEMORY_TIGHT},
    {"below full", 474, 0, 0, MEMORY_TIGHT},
    {"full", 476, 0, 0, MEMORY_FULL},
    {"above the limit", 5000, 0, 0, MEMORY_FULL},
    {"budgets are not kept", 620, 100, 200, MEMORY_ROOM},
    {"nor do they count more than is used", 10, 100, 200, MEMORY_ROOM},
    {"with budgets in use", 626, 100, 200, MEMORY_TIGHT},
};

START_TEST(test_level)
{
    const struct level_case *c = &level_cases[_i];
    struct memory_limit m;
    struct machine k;
    init(&m, &k, 800 * MIB);
    budget_charge(&m.requests, c->requests_mib * MIB);
    budget_charge(&m.queries, c->queries_mib * MIB);
    ROW_ASSERT(c->name, level_at(&m, &k, c->used_mib * MIB) == c->want);
}
END_TEST

START_TEST(test_no_limit)
{
    struct memory_limit m;
    struct machine k;
    init(&m, &k, 0);
    ck_assert_int_eq(level_at(&m, &k, UINT64_MAX / 2), MEMORY_ROOM);
    ck_assert_int_eq(k.looks, 0);
    ck_assert_int_eq(memory_limit_level(NULL), MEMORY_ROOM);
    ck_assert(!budget_has(&m.requests, MEMORY_REQUESTS_BYTES_DEFAULT + 1));
    ck_assert(budget_has(&m.queries, SIZE_MAX / 2));
}
END_TEST

START_TEST(test_looks)
{
    struct memory_limit m;
    struct machine k;
    init(&m, &k, 800 * MIB);
    for (int i = 0; i < 100; i++) /* 5 looks in 100 ms, and the first */
        memory_limit_level(&m), clock_manual_advance_ms(&k.clock, 1);
    ck_assert_int_ge(k.looks, 5);
    ck_assert_int_le(k.looks, 6);
    ck_assert_int_eq(level_at(&m, &k, 700 * MIB), MEMORY_FULL);
    ck_assert_int_eq(level_at(&m, &k, 1), MEMORY_ROOM); /* what is freed is seen, too */
}
END_TEST

START_TEST(test_budget)
{
    struct budget b = {.limit_bytes = 100};
    ck_assert(budget_take(&b, 60));
    ck_assert(!budget_take(&b, 41));
    ck_assert(budget_take(&b, 40));
    ck_assert(!budget_has(&b, 0));
    budget_give_back(&b, 100);
    ck_assert_uint_eq(budget_used(&b), 0);
}
END_TEST

static const struct share_case {
    const char *name;
    size_t used, mine, more;
    bool want;
} share_cases[] = {
    {"small, to the end", 3100, 50, 50, true},
    {"small, behind the end", 3150, 0, 51, false},
    {"small, of a full one", 3200, 0, 0, false},
    {"large, below three quarters", 2200, 0, 200, true},
    {"large, above them", 2201, 0, 200, false},
    {"large by what it has", 2400, 101, 0, false},
    {"large that wants anything", 0, 0, SIZE_MAX, false},
    {"has anything", 0, SIZE_MAX, 1, true},
};

START_TEST(test_large_ones_leave_a_quarter)
{
    const struct share_case *c = &share_cases[_i];
    struct budget b = {.limit_bytes = 3200}, none = {0};
    budget_charge(&b, c->used);
    budget_charge(&none, c->used);
    ROW_ASSERT(c->name, budget_has_for(&b, c->mine, c->more) == c->want);
    ROW_ASSERT(c->name, budget_has_for(&none, c->mine, c->more));
    ck_assert_uint_eq(budget_large_max(&b), 2400);
}
END_TEST

/* What is expected counts until the kernel tells what became of it. */
START_TEST(test_expected)
{
    struct memory_limit m;
    struct machine k;
    init(&m, &k, 800 * MIB);
    ck_assert_int_eq(level_at(&m, &k, 300 * MIB), MEMORY_ROOM);
    memory_limit_expect(&m, 30 * MIB);
    memory_limit_expect(NULL, 30 * MIB);
    ck_assert_int_eq(memory_limit_level(&m), MEMORY_TIGHT);
    ck_assert_int_eq(level_at(&m, &k, 310 * MIB), MEMORY_ROOM);
}
END_TEST

START_TEST(test_metrics)
{
    struct memory_limit m;
    struct machine k;
    init(&m, &k, 800 * MIB);
    struct metrics *metrics = metrics_open();
    memory_limit_register(&m, metrics);
    k.used_bytes = 64;
    budget_charge(&m.queries, 32);
    memory_limit_refused(&m, MEMORY_REFUSED_QUERY);
    memory_limit_refused(NULL, MEMORY_REFUSED_QUERY);
    AUTO(buf_fini) struct buf b = BUF_INIT;
    metrics_write(metrics, METRICS_TEXT, &b);
    static const char *const lines[] = {
        "mneme_memory_limit_bytes 8.388608e+08\n",
        "mneme_memory_kept_bytes 32\n",
        "mneme_memory_budget_used_bytes{budget=\"queries\"} 32\n",
        "mneme_memory_budget_used_bytes{budget=\"requests\"} 0\n",
        "mneme_memory_budget_limit_bytes{budget=\"queries\"} 2.097152e+08\n",
        "mneme_memory_refusals_total{what=\"query\"} 1\n",
        "mneme_memory_refusals_total{what=\"series\"} 0\n",
    };
    for (size_t i = 0; i < ARRAY_LEN(lines); i++)
        ROW_ASSERT(lines[i], strstr(buf_cstr(&b), lines[i]) != NULL);
    metrics_close(metrics);
}
END_TEST

Suite *
memory_limit_suite(void)
{
    Suite *s = suite_create("memory_limit");
    TCase *t = tcase_create("memory_limit");
    tcase_add_loop_test(t, test_level, 0, (int)ARRAY_LEN(level_cases));
    tcase_add_test(t, test_no_limit);
    tcase_add_test(t, test_looks);
    tcase_add_test(t, test_budget);
    tcase_add_loop_test(t, test_large_ones_leave_a_quarter, 0, ARRAY_LEN(share_cases));
    tcase_add_test(t, test_expected);
    tcase_add_test(t, test_metrics);
    suite_add_tcase(s, t);
    return s;
}
