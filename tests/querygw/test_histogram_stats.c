/* Quantiles, fractions and moments of native histograms, to the last digit as Prometheus has them:
 * tests/data/float_histograms.go made the lines. And the ends of what there is. */
#include "querygw/promql/histogram_stats.h"

#include <math.h>

#include "tests/harness.h"
#include "tests/tsdb/histogram_story.h"

enum { STORIES_MIN = 100 }; /* of each function */

static void
check_note(const struct histogram_story *s, unsigned findings)
{
    static const char *const notes[] = {"-", "nan", "skew", "", "excluded"};
    histogram_story_check(s, 1, notes[findings]);
}

static void
tell_quantile(const struct histogram_story *s)
{
    unsigned findings = 0;
    double v = histogram_stats_quantile(histogram_story_operand(s, 0), s->arguments[0], &findings);
    histogram_story_check_number(s, 2, v);
    check_note(s, findings);
}

static void
tell_fraction(const struct histogram_story *s)
{
    unsigned findings = 0;
    double v = histogram_stats_fraction(histogram_story_operand(s, 0), s->arguments[0],
                                        s->arguments[1], &findings);
    histogram_story_check_number(s, 2, v);
    check_note(s, findings);
}

static void
tell_variance(const struct histogram_story *s)
{
    double v = histogram_stats_variance(histogram_story_operand(s, 0));
    histogram_story_check_number(s, 1, v);
}

static void
tell_average(const struct histogram_story *s)
{
    double v = histogram_stats_average(histogram_story_operand(s, 0));
    histogram_story_check_number(s, 1, v);
}

static const struct statistic {
    struct str name;
    void (*tell)(const struct histogram_story *s);
} statistics[] = {
    {STR_INIT("quantile"), tell_quantile},
    {STR_INIT("fraction"), tell_fraction},
    {STR_INIT("variance"), tell_variance},
    {STR_INIT("average"), tell_average},
};

START_TEST(test_golden)
{
    histogram_story_tell("querygw/histogram-statistics.txt", statistics[_i].name, STORIES_MIN,
                         statistics[_i].tell);
}
END_TEST

static const struct quantile_case {
    const char *name, *h;
    double q, want;
    unsigned findings;
} quantile_cases[] = {
    {"nothing", "f", 0.5, NAN, 0},
    {"NaN", "f n=1 p=0:1", NAN, NAN, 0},
    {"below all", "f", -0.1, -INFINITY, 0},
    {"above all", "f", 1.1, INFINITY, 0},
    {"middle of a bucket", "f n=2 p=1:2", 0.5, M_SQRT2, 0},
    {"middle of a negative bucket", "f n=2 m=1:2", 0.5, -M_SQRT2, 0},
    {"around zero", "f zt=0.5 zc=4 n=6 p=3:1 m=3:1", 0.25, -0.375, 0},
    {"around zero, nothing below", "f zt=0.5 zc=4 n=5 p=3:1", 0.4, 0.25, 0},
    {"own bounds", "f s=-53 n=4 p=1:4 b=1,3", 0.25, 1.5, 0},
    {"own bounds, the first", "f s=-53 n=4 p=0:4 b=1,3", 0.25, 0.25, 0},
    {"own bounds, the first below 0", "f s=-53 n=4 p=0:4 b=-1,3", 0.25, -1, 0},
    {"own bounds, the last", "f s=-53 n=4 p=2:4 b=1,3", 0.25, 3, 0},
    {"among NaNs", "f n=4 sum=NaN p=0:1", 0.5, NAN, HISTOGRAM_STATS_NAN_RESULT},
    {"below NaNs", "f n=4 sum=NaN p=1:2", 0.25, M_SQRT2, HISTOGRAM_STATS_NAN_SKEW},
    {"infinities, no NaNs", "f n=2 sum=NaN p=1:2", 0.5, M_SQRT2, 0},
};

START_TEST(test_quantile)
{
    const struct quantile_case *c = &quantile_cases[_i];
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    unsigned findings = 0;
    double got = histogram_stats_quantile(kit_float(c->h, &a), c->q, &findings);
    bool same = isnan(c->want) ? isnan(got) : fabs(got - c->want) < 1e-15 || got == c->want;
    ck_assert_msg(same, "%s: %.17g", c->name, got);
    ck_assert_msg(findings == c->findings, "%s: findings %u", c->name, findings);
}
END_TEST

static const struct fraction_case {
    const char *name, *h;
    double lower, upper, want;
    unsigned findings;
} fraction_cases[] = {
    {"nothing", "f", 0, 1, NAN, 0},
    {"NaN", "f n=1 p=0:1", NAN, 1, NAN, 0},
    {"upside down", "f n=1 p=0:1", 1, 0.5, 0, 0},
    {"all", "f n=4 p=0:1,3", -INFINITY, INFINITY, 1, 0},
    {"a bucket", "f n=4 p=0:1,3", 1, 2, 0.75, 0},
    {"half of a bucket", "f n=4 p=1:4", M_SQRT2, 2, 0.5, 0},
    {"around zero", "f zt=0.5 zc=4 n=4 p=3:0 m=3:0", -0.25, 0.25, 0.5, 0},
    {"own bounds", "f s=-53 n=4 p=1:4 b=1,3", 1, 1.5, 0.25, 0},
    {"with NaNs", "f n=4 sum=NaN p=0:1", -INFINITY, INFINITY, 0.25, HISTOGRAM_STATS_NAN_EXCLUDED},
};

START_TEST(test_fraction)
{
    const struct fraction_case *c = &fraction_cases[_i];
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    unsigned findings = 0;
    double got = histogram_stats_fraction(kit_float(c->h, &a), c->lower, c->upper, &findings);
    bool same = isnan(c->want) ? isnan(got) : fabs(got - c->want) < 1e-15;
    ck_assert_msg(same, "%s: %.17g", c->name, got);
    ck_assert_msg(findings == c->findings, "%s: findings %u", c->name, findings);
}
END_TEST

Suite *
histogram_stats_suite(void)
{
    Suite *s = suite_create("histogram_stats");
    TCase *t = tcase_create("all");
    tcase_add_loop_test(t, test_quantile, 0, (int)ARRAY_LEN(quantile_cases));
    tcase_add_loop_test(t, test_fraction, 0, (int)ARRAY_LEN(fraction_cases));
    tcase_add_loop_test(t, test_golden, 0, (int)ARRAY_LEN(statistics));
    suite_add_tcase(s, t);
    return s;
}
