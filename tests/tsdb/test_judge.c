/* Every combination of what decides a sample's fate, at the edges of each condition. */
#include "tests/harness.h"

#include "base/mem.h"
#include "tsdb/head/judge.h"

enum last_case { LAST_NONE, LAST_OLDER, LAST_EQUAL, LAST_OTHER_VALUE, LAST_NEWER, LAST_COUNT };
enum valid_case { BELOW_MIN_VALID, VALID, VALID_COUNT };
enum window_case { NO_WINDOW, INSIDE, OUTSIDE, WINDOW_COUNT };

#define STORED    SAMPLE_STORED
#define LATE      SAMPLE_STORED_LATE
#define REPEATED  SAMPLE_REPEATED
#define DUPLICATE SAMPLE_DUPLICATE
#define TOO_OLD   SAMPLE_TOO_OLD
#define BOUNDS    SAMPLE_OUT_OF_BOUNDS
#define ORDER     SAMPLE_OUT_OF_ORDER
/* spec/tsdb.md section 12, spelled out. */
static const enum sample_fate want[LAST_COUNT][VALID_COUNT][WINDOW_COUNT] = {
    /*                      below min_valid: no window, inside, outside; then the same above */
    [LAST_NONE] =        {{BOUNDS, LATE, TOO_OLD}, {STORED, STORED, STORED}},
    [LAST_OLDER] =       {{BOUNDS, LATE, TOO_OLD}, {STORED, STORED, STORED}},
    [LAST_EQUAL] =       {{BOUNDS, LATE, TOO_OLD}, {REPEATED, REPEATED, REPEATED}},
    [LAST_OTHER_VALUE] = {{BOUNDS, LATE, TOO_OLD}, {DUPLICATE, DUPLICATE, DUPLICATE}},
    [LAST_NEWER] =       {{BOUNDS, LATE, TOO_OLD}, {ORDER, LATE, TOO_OLD}},
};

static const int64_t times[] = {INT64_MIN + 1000, -7200001, -1, 0, 1, 1717200000000,
                                INT64_MAX - 1000};
enum { NEAR = 0, FAR = 1, DISTANCES = 2, WINDOW_MS = 500 };
static const int64_t distances[DISTANCES] = {[NEAR] = 1, [FAR] = 400};

/* A float sample of a series whose newest sample is a float, too. */
static enum sample_fate
judge_float(const struct judge_limits *l, struct judge_last last, uint64_t last_bits,
            struct sample s)
{
    if (judge_in_order(l, last, s.t_ms))
        return SAMPLE_STORED;
    return judge_rest(l, last, s.t_ms, s.bits == last_bits ? JUDGE_SAME_VALUE : JUDGE_OTHER_VALUE);
}

static void
check(int64_t t, enum last_case last, enum valid_case valid, enum window_case window, int distance)
{
    int64_t d = distances[distance];
    int64_t min_valid = valid == VALID ? t - (distance == NEAR ? 0 : d) : t + d;
    int64_t maxt = window == OUTSIDE ? t + WINDOW_MS + d : t + WINDOW_MS - (d - 1);
    struct judge_limits limits =
        judge_limits_of(min_valid, maxt, window == NO_WINDOW ? 0 : WINDOW_MS);
    static const int steps[LAST_COUNT] = {[LAST_OLDER] = -1, [LAST_NEWER] = 1};
    struct judge_last newest = {t + steps[last] * d, last != LAST_NONE};
    uint64_t last_bits = last == LAST_OTHER_VALUE ? STALE_NAN_BITS : NORMAL_NAN_BITS;

    enum sample_fate got =
        judge_float(&limits, newest, last_bits, (struct sample){t, NORMAL_NAN_BITS});
    ck_assert_msg(got == want[last][valid][window],
                  "time %jd, last %d, valid %d, window %d, distance %jd: fate %d, want %d",
                  (intmax_t)t, last, valid, window, (intmax_t)d, got, want[last][valid][window]);
    bool in_order = judge_in_order(&limits, newest, t);
    ck_assert_int_eq(in_order, got == SAMPLE_STORED);
    if (!in_order) {
        enum judge_value value = last == LAST_EQUAL ? JUDGE_SAME_VALUE : JUDGE_OTHER_VALUE;
        ck_assert_int_eq(judge_rest(&limits, newest, t, value), got);
    }
}

START_TEST(test_all_combinations)
{
    size_t checked = 0;
    for (size_t i = 0; i < ARRAY_LEN(times); i++)
        for (enum last_case last = 0; last < LAST_COUNT; last++)
            for (enum valid_case valid = 0; valid < VALID_COUNT; valid++)
                for (enum window_case window = 0; window < WINDOW_COUNT; window++)
                    for (int distance = 0; distance < DISTANCES; distance++, checked++)
                        check(times[i], last, valid, window, distance);
    ck_assert_uint_eq(checked, ARRAY_LEN(times) * 5 * 2 * 3 * 2);
}
END_TEST

/* Where the arithmetic would pass the ends of int64. */
static const struct limits_case {
    const char *name;
    int64_t maxt, window, t;
    enum sample_fate want;
} limits_cases[] = {
    {"an empty head takes any late sample", INT64_MIN, 1000, INT64_MIN, LATE},
    {"an empty head without window", INT64_MIN, 0, INT64_MIN, BOUNDS},
    {"a window beyond time", 0, INT64_MAX, -INT64_MAX, LATE},
    {"a window before all time", -2, INT64_MAX, INT64_MIN, LATE},
    {"the newest time", INT64_MAX, 1, INT64_MAX - 2, TOO_OLD},
    {"the edge of the newest time", INT64_MAX, 1, INT64_MAX - 1, LATE},
    {"a head ahead of the sample", 1000, 10, 989, TOO_OLD},
    {"a negative window is none", 1000, -10, 999, BOUNDS},
};

START_TEST(test_limits)
{
    const struct limits_case *c = &limits_cases[_i];
    struct judge_limits limits = judge_limits_of(INT64_MAX, c->maxt, c->window);
    enum sample_fate got =
        judge_float(&limits, (struct judge_last){0, false}, 0, (struct sample){c->t, 0});
    ck_assert_msg(got == c->want, "row \"%s\": fate %d", c->name, got);
}
END_TEST

Suite *
judge_suite(void)
{
    Suite *s = suite_create("judge");
    TCase *t = tcase_create("judge");
    tcase_add_test(t, test_all_combinations);
    tcase_add_loop_test(t, test_limits, 0, ARRAY_LEN(limits_cases));
    suite_add_tcase(s, t);
    return s;
}
