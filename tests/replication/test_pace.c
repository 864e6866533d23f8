/* So many bytes a second, whatever the pieces: over a long time exactly the rate, at once not more
 * than the burst and one piece. */
#include "tests/harness.h"

#include "base/mem.h"
#include "base/rand.h"
#include "replication/pace.h"

#define SECOND ((uint64_t)1000000000)

static const struct pace_case {
    const char *name;
    uint64_t rate, burst, piece_max;
} pace_cases[] = {
    {"pieces smaller than the burst", 1 << 20, 64 << 10, 4096},
    {"pieces larger than a second's worth", 1000, 500, 4 << 20},
    {"no burst", 12345, 0, 100000},
    {"one byte a second", 1, 1, 3},
    {"more than a link bears", (uint64_t)1 << 40, 1 << 30, 64 << 20},
};

START_TEST(test_rate)
{
    const struct pace_case *c = &pace_cases[_i];
    struct pace p = pace_of(c->rate, c->burst);
    struct rand_gen g = rand_gen_of((uint64_t)_i);
    uint64_t now = 5 * SECOND, begin = now, sent = 0;
    for (int i = 0; i < 2000; i++) {
        now += pace_wait_ns(&p, now);
        ck_assert_uint_eq(pace_wait_ns(&p, now), 0);
        /* What went before is within the rate and the burst. */
        double may = (double)(now - begin) / 1e9 * (double)c->rate + (double)c->burst;
        ROW_ASSERT(c->name, (double)sent <= may * 1.0001 + 1);
        uint64_t piece = 1 + rand_below(&g, c->piece_max);
        pace_take(&p, now, piece);
        sent += piece;
    }
    now += pace_wait_ns(&p, now);
    double rate = ((double)sent - (double)c->burst) / ((double)(now - begin) / 1e9);
    ROW_ASSERT(c->name, rate > 0.99 * (double)c->rate || c->burst > sent / 50);
}
END_TEST

START_TEST(test_burst)
{
    struct pace p = pace_of(1000, 300);
    for (uint64_t now = SECOND; now < 100 * SECOND; now += 10 * SECOND) {
        ck_assert_uint_eq(pace_wait_ns(&p, now), 0);
        pace_take(&p, now, 300); /* made up for: no more than 300, however long it was */
        ck_assert_uint_eq(pace_wait_ns(&p, now), 0);
        pace_take(&p, now, 500);
        ck_assert_uint_eq(pace_wait_ns(&p, now), SECOND / 2);
        ck_assert_uint_eq(pace_wait_ns(&p, now + SECOND / 4), SECOND / 4);
    }
}
END_TEST

START_TEST(test_no_limit)
{
    struct pace p = pace_of(0, 0);
    for (uint64_t now = 0; now < 10; now++) {
        pace_take(&p, now, UINT64_MAX);
        ck_assert_uint_eq(pace_wait_ns(&p, now), 0);
    }
}
END_TEST

/* No sum runs over. */
START_TEST(test_extremes)
{
    struct pace p = pace_of(1, UINT64_MAX);
    pace_take(&p, UINT64_MAX - 1, UINT64_MAX);
    pace_take(&p, UINT64_MAX - 1, UINT64_MAX);
    ck_assert_uint_le(pace_wait_ns(&p, 0), UINT64_MAX);
    p = pace_of(1, 0);
    pace_take(&p, 0, UINT64_MAX);
    pace_take(&p, 0, UINT64_MAX);
    ck_assert_uint_ge(pace_wait_ns(&p, 0), INT64_MAX);
}
END_TEST

Suite *
pace_suite(void)
{
    Suite *s = suite_create("pace");
    TCase *t = tcase_create("pace");
    tcase_add_loop_test(t, test_rate, 0, ARRAY_LEN(pace_cases));
    tcase_add_test(t, test_burst);
    tcase_add_test(t, test_no_limit);
    tcase_add_test(t, test_extremes);
    suite_add_tcase(s, t);
    return s;
}
