/* A bucket lets through what its rate allows, tells when the next may come, and costs memory only
 * while its tenant is busy. */
#include "tests/harness.h"

#include <stdio.h>

#include "base/mem.h"
#include "ingest/rates.h"

static const struct rate ten = {.per_second = 10};

static bool
take(struct rates *r, const char *tenant, struct rate rate, uint64_t samples, uint64_t *ret_wait)
{
    *ret_wait = 0;
    return rates_take(r, str_of_cstr(tenant), rate, samples, ret_wait);
}

START_TEST(test_rate)
{
    struct clock_manual clock;
    uint64_t wait;
    clock_manual_init(&clock, 1000);
    AUTO(rates_close) struct rates *r = rates_open(&clock.clock);
    ck_assert(take(r, "a", ten, 10, &wait)); /* full at first */
    ck_assert(!take(r, "a", ten, 1, &wait));
    ck_assert_uint_ge(wait, 100);
    ck_assert_uint_le(wait, 101);
    ck_assert(take(r, "b", ten, 10, &wait)); /* another's bucket */
    clock_manual_advance_ms(&clock, 500);
    ck_assert(!take(r, "a", ten, 6, &wait));
    ck_assert_uint_le(wait, 101);
    ck_assert(take(r, "a", ten, 5, &wait));
    clock_manual_advance_ms(&clock, 3600 * 1000); /* an hour fills it, but not more */
    ck_assert(take(r, "a", ten, 10, &wait));
    ck_assert(!take(r, "a", ten, 1, &wait));
}
END_TEST

START_TEST(test_burst)
{
    struct clock_manual clock;
    uint64_t wait;
    struct rate rate = {.per_second = 10, .burst = 100};
    clock_manual_init(&clock, 1000);
    AUTO(rates_close) struct rates *r = rates_open(&clock.clock);
    ck_assert(take(r, "a", rate, 100, &wait));
    clock_manual_advance_ms(&clock, 1000);
    ck_assert(!take(r, "a", rate, 11, &wait));
    ck_assert(take(r, "a", rate, 10, &wait));
    /* Larger than the bucket: a full one lets it through, and owes. */
    clock_manual_advance_ms(&clock, 10000);
    ck_assert(take(r, "a", rate, 150, &wait));
    clock_manual_advance_ms(&clock, 5000);
    ck_assert(!take(r, "a", rate, 1, &wait));
    clock_manual_advance_ms(&clock, 101);
    ck_assert(take(r, "a", rate, 1, &wait));
    ck_assert(!take(r, "a", rate, 150, &wait));
    ck_assert_uint_gt(wait, 9000);
}
END_TEST

/* A new rate holds for the next request. */
START_TEST(test_new_rate)
{
    struct clock_manual clock;
    uint64_t wait;
    struct rate rate = {.per_second = 1000};
    clock_manual_init(&clock, 1000);
    AUTO(rates_close) struct rates *r = rates_open(&clock.clock);
    ck_assert(take(r, "a", rate, 1, &wait));
    ck_assert(!take(r, "a", ten, 11, &wait) || wait == 0);
    clock_manual_advance_ms(&clock, 1000);
    ck_assert(take(r, "a", rate, 900, &wait));
}
END_TEST

START_TEST(test_many_tenants)
{
    struct clock_manual clock;
    uint64_t wait;
    char name[32];
    clock_manual_init(&clock, 1000);
    AUTO(rates_close) struct rates *r = rates_open(&clock.clock);
    for (int i = 0; i < RATES_TENANTS_MAX; i++) {
        snprintf(name, sizeof name, "t%d", i);
        ck_assert(take(r, name, ten, 10, &wait));
    }
    /* All are busy: the others share a bucket. */
    ck_assert(take(r, "x", ten, 10, &wait));
    ck_assert(!take(r, "y", ten, 10, &wait));
    /* All are idle: they make room. */
    clock_manual_advance_ms(&clock, 2000);
    ck_assert(take(r, "x", ten, 10, &wait));
    ck_assert(take(r, "y", ten, 10, &wait));
    ck_assert(!take(r, "y", ten, 10, &wait));
}
END_TEST

Suite *
rates_suite(void)
{
    Suite *s = suite_create("rates");
    TCase *t = tcase_create("rates");
    tcase_add_test(t, test_rate);
    tcase_add_test(t, test_burst);
    tcase_add_test(t, test_new_rate);
    tcase_add_test(t, test_many_tenants);
    suite_add_tcase(s, t);
    return s;
}
