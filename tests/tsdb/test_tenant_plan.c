/* When tenants are looked at and what is decided then. */
#include "tests/tsdb/head_kit.h"

#include <stdio.h>

#include "tsdb/tenant_plan.h"

enum { MINUTE_MS = 60 * 1000, HOUR_MS = 60 * MINUTE_MS };
#define DAY_MS INT64_C(86400000)
#define NOW_MS INT64_C(1700000000000)

static const struct interval_case {
    int64_t unwritten_ms, want_ms;
} interval_cases[] = {
    {-5, TENANT_PASS_MS}, {0, TENANT_PASS_MS},        {2000, TENANT_PASS_MS},
    {2002, 1001},         {MINUTE_MS, MINUTE_MS / 2}, {24 * HOUR_MS, TENANT_PASS_IDLE_MS_MAX},
};

START_TEST(test_interval)
{
    const struct interval_case *c = &interval_cases[_i];
    ck_assert_int_eq(tenant_pass_interval_ms(c->unwritten_ms), c->want_ms);
}
END_TEST

static const int64_t due_intervals[] = {1, 2, 3, TENANT_PASS_MS, 1001, 5 * MINUTE_MS, HOUR_MS};

/* Always in the middle of the interval to come or half a one later, at a place of its own. */
START_TEST(test_due)
{
    int64_t interval = due_intervals[_i];
    uint64_t phase = tenant_phase(STR("team-a"));
    for (int64_t at = 123456789; at < 123456789 + 3 * interval; at += interval / 7 + 1) {
        int64_t due = tenant_due_ms(at, interval, phase);
        ck_assert_int_ge(due - at, (interval + 1) / 2);
        ck_assert_int_le(due - at, interval + interval / 2 + 1);
        ck_assert_uint_eq((uint64_t)due % (uint64_t)interval, phase % (uint64_t)interval);
    }
}
END_TEST

/* 10,000 tenants that become due together do not come together: no hundredth of the interval has
 * more than twice its share. */
START_TEST(test_spread)
{
    enum { TENANTS = 10000, PARTS = 100 };
    unsigned parts[PARTS] = {0};
    char name[32];
    for (int i = 0; i < TENANTS; i++) {
        int n = snprintf(name, sizeof name, "tenant-%d", i);
        int64_t due = tenant_due_ms(0, HOUR_MS, tenant_phase(str_of(name, (size_t)n)));
        parts[(due - HOUR_MS / 2) / (HOUR_MS / PARTS)]++;
    }
    for (int i = 0; i < PARTS; i++)
        ck_assert_msg(parts[i] <= 2 * TENANTS / PARTS, "part %d has %u", i, parts[i]);
    ck_assert_uint_eq(tenant_phase(STR("a")), tenant_phase(STR("a")));
    ck_assert_uint_ne(tenant_phase(STR("a")), tenant_phase(STR("b")));
}
END_TEST

START_TEST(test_backoff)
{
    ck_assert_int_eq(tenant_backoff_ms(1), TENANT_PASS_MS);
    ck_assert_int_eq(tenant_backoff_ms(2), 2 * TENANT_PASS_MS);
    ck_assert_int_eq(tenant_backoff_ms(3), 4 * TENANT_PASS_MS);
    ck_assert_int_eq(tenant_backoff_ms(50), TENANT_BACKOFF_MS_MAX);
    ck_assert_int_eq(tenant_backoff_ms(UINT32_MAX), TENANT_BACKOFF_MS_MAX);
}
END_TEST

static const struct step_case {
    const char *name;
    struct tenant_idleness idle;
    enum tenant_step want;
} step_cases[] = {
    {"written now", {0, 0, false, false}, TENANT_LEAVE},
    {"just not long enough", {HOUR_MS - 1, HOUR_MS, false, false}, TENANT_LEAVE},
    {"unwritten", {HOUR_MS, HOUR_MS, false, false}, TENANT_FLUSH},
    {"unwritten but read", {HOUR_MS, 0, true, false}, TENANT_FLUSH},
    {"empty, used", {HOUR_MS, MINUTE_MS - 1, false, true}, TENANT_LEAVE},
    {"empty, unused", {HOUR_MS, MINUTE_MS, false, true}, TENANT_CLOSE},
    {"empty, held", {HOUR_MS, HOUR_MS, true, true}, TENANT_LEAVE},
    {"empty, new", {0, 0, false, true}, TENANT_LEAVE},
};

START_TEST(test_step)
{
    const struct step_case *c = &step_cases[_i];
    ROW_ASSERT(c->name, tenant_next_step(&c->idle, HOUR_MS, MINUTE_MS) == c->want);
}
END_TEST

static const struct expiry_case {
    const char *name;
    struct tenant_remains remains;
    int64_t retention_ms;
    bool expired;
    int64_t in_ms;
} expiry_cases[] = {
    {"older", {NOW_MS - 2 * DAY_MS - 1, 0, DAY_MS}, 2 * DAY_MS, true, 0},
    {"just as old", {NOW_MS - 2 * DAY_MS, 0, DAY_MS}, 2 * DAY_MS, false, 1},
    {"newer", {NOW_MS - DAY_MS, 0, DAY_MS}, 2 * DAY_MS, false, DAY_MS + 1},
    {"in the future", {NOW_MS + DAY_MS, 0, DAY_MS}, 2 * DAY_MS, false, 3 * DAY_MS + 1},
    {"blocks wait for the bucket", {0, 3, DAY_MS}, 2 * DAY_MS, false, 0},
    {"used lately", {0, 0, DAY_MS - 5}, 2 * DAY_MS, false, 5},
    {"used lately, short retention", {0, 0, HOUR_MS - 5}, HOUR_MS, false, 5},
    {"unused, short retention", {0, 0, HOUR_MS}, HOUR_MS, true, 0},
    {"no retention", {0, 0, DAY_MS}, 0, false, TENANT_DUE_NEVER},
    {"without samples", {INT64_MIN, 0, DAY_MS}, 1, false, TENANT_DUE_NEVER},
    {"before all time", {INT64_MIN + 1, 0, DAY_MS}, 2 * DAY_MS, true, 0},
    {"behind all time",
     {INT64_MAX, 0, DAY_MS},
     2 * DAY_MS,
     false,
     INT64_MAX - NOW_MS + 2 * DAY_MS + 1},
    {"endless retention", {-1, 0, DAY_MS}, INT64_MAX, false, INT64_MAX - NOW_MS},
};

START_TEST(test_expiry)
{
    const struct expiry_case *c = &expiry_cases[_i];
    ROW_ASSERT(c->name, tenant_is_expired(&c->remains, NOW_MS, c->retention_ms) == c->expired);
    int64_t in_ms = tenant_expires_in_ms(&c->remains, NOW_MS, c->retention_ms);
    ck_assert_msg(in_ms == c->in_ms, "row \"%s\": in %jd ms", c->name, (intmax_t)in_ms);
}
END_TEST

Suite *
tenant_plan_suite(void)
{
    Suite *s = suite_create("tenant_plan");
    TCase *t = tcase_create("tenant_plan");
    tcase_add_loop_test(t, test_interval, 0, ARRAY_LEN(interval_cases));
    tcase_add_loop_test(t, test_due, 0, ARRAY_LEN(due_intervals));
    tcase_add_test(t, test_spread);
    tcase_add_test(t, test_backoff);
    tcase_add_loop_test(t, test_step, 0, ARRAY_LEN(step_cases));
    tcase_add_loop_test(t, test_expiry, 0, ARRAY_LEN(expiry_cases));
    suite_add_tcase(s, t);
    return s;
}
