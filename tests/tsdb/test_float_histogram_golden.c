/* Arithmetic on native histograms as Prometheus does it, to the last digit:
 * tests/data/float_histograms.go made the lines. */
#include "tests/harness.h"
#include "tests/tsdb/histogram_story.h"

enum { STORIES_MIN = 40 }; /* of each operation */

static void
check_bool(const struct histogram_story *s, bool got)
{
    histogram_story_check(s, 1, got ? "true" : "false");
}

/* --- operations --------------------------------------------------------------------------- */

static void
tell_add(const struct histogram_story *s)
{
    struct float_histogram *x = histogram_story_operand(s, 0);
    unsigned findings = 0;
    ck_assert(float_histogram_add(x, histogram_story_operand(s, 1), s->a, &findings));
    histogram_story_check_histogram(s, 1, x);
    histogram_story_check_number(s, 2, findings);
}

static void
tell_subtract(const struct histogram_story *s)
{
    struct float_histogram *x = histogram_story_operand(s, 0);
    unsigned findings = 0;
    ck_assert(float_histogram_subtract(x, histogram_story_operand(s, 1), s->a, &findings));
    histogram_story_check_histogram(s, 1, x);
    histogram_story_check_number(s, 2, findings);
}

static void
tell_compensated(const struct histogram_story *s)
{
    struct float_histogram *x = histogram_story_operand(s, 0), *c = NULL;
    unsigned findings = 0;
    for (size_t i = 1; i + 3 < s->n; i++)
        ck_assert(
            float_histogram_add_compensated(x, &c, histogram_story_operand(s, i), s->a, &findings));
    c->reset = HISTOGRAM_RESET_UNKNOWN;
    histogram_story_check_histogram(s, 1, c);
    histogram_story_check_histogram(s, 2, x);
    histogram_story_check_number(s, 3, findings);
}

static void
tell_compact(const struct histogram_story *s)
{
    struct float_histogram *x = histogram_story_operand(s, 0);
    float_histogram_compact(x, s->a);
    histogram_story_check_histogram(s, 1, x);
}

static void
tell_reduce(const struct histogram_story *s)
{
    struct float_histogram *x = histogram_story_operand(s, 0);
    float_histogram_reduce(x, (int32_t)s->arguments[0], s->a);
    histogram_story_check_histogram(s, 1, x);
}

static void
tell_multiply(const struct histogram_story *s)
{
    struct float_histogram *x = histogram_story_operand(s, 0);
    float_histogram_multiply(x, s->arguments[0]);
    histogram_story_check_histogram(s, 1, x);
}

static void
tell_divide(const struct histogram_story *s)
{
    struct float_histogram *x = histogram_story_operand(s, 0);
    float_histogram_divide(x, s->arguments[0]);
    histogram_story_check_histogram(s, 1, x);
}

static void
tell_reset(const struct histogram_story *s)
{
    check_bool(
        s, float_histogram_was_reset(histogram_story_operand(s, 0), histogram_story_operand(s, 1)));
}

static void
tell_equal(const struct histogram_story *s)
{
    check_bool(s,
               float_histogram_equal(histogram_story_operand(s, 0), histogram_story_operand(s, 1)));
}

static void
tell_trim_above(const struct histogram_story *s)
{
    struct float_histogram *x = histogram_story_operand(s, 0);
    float_histogram_trim(x, s->arguments[0], FLOAT_HISTOGRAM_ABOVE, s->a);
    histogram_story_check_histogram(s, 1, x);
}

static void
tell_trim_below(const struct histogram_story *s)
{
    struct float_histogram *x = histogram_story_operand(s, 0);
    float_histogram_trim(x, s->arguments[0], FLOAT_HISTOGRAM_BELOW, s->a);
    histogram_story_check_histogram(s, 1, x);
}

static void
tell_walk(const struct histogram_story *s, bool descending)
{
    AUTO(buf_fini) struct buf text = BUF_INIT;
    struct float_bucket_walk walk =
        float_bucket_walk_start(histogram_story_operand(s, 0), descending);
    struct float_bucket b;
    buf_append(&text, STR("buckets"));
    while (float_bucket_walk_next(&walk, &b)) {
        buf_printf(&text, " %c", b.lower_inclusive ? '[' : '(');
        kit_put_number(&text, "", b.lower);
        kit_put_number(&text, ",", b.upper);
        buf_printf(&text, "%c:", b.upper_inclusive ? ']' : ')');
        kit_put_number(&text, "", b.count);
    }
    histogram_story_check(s, 1, buf_cstr(&text));
}

static void
tell_ascending(const struct histogram_story *s)
{
    tell_walk(s, false);
}

static void
tell_descending(const struct histogram_story *s)
{
    tell_walk(s, true);
}

static const struct operation {
    struct str name;
    void (*tell)(const struct histogram_story *s);
} operations[] = {
    {STR_INIT("add"), tell_add},
    {STR_INIT("subtract"), tell_subtract},
    {STR_INIT("kahan"), tell_compensated},
    {STR_INIT("compact"), tell_compact},
    {STR_INIT("reduce"), tell_reduce},
    {STR_INIT("multiply"), tell_multiply},
    {STR_INIT("divide"), tell_divide},
    {STR_INIT("reset"), tell_reset},
    {STR_INIT("equal"), tell_equal},
    {STR_INIT("trim-above"), tell_trim_above},
    {STR_INIT("trim-below"), tell_trim_below},
    {STR_INIT("ascending"), tell_ascending},
    {STR_INIT("descending"), tell_descending},
};

START_TEST(test_golden)
{
    histogram_story_tell("tsdb/float-histograms.txt", operations[_i].name, STORIES_MIN,
                         operations[_i].tell);
}
END_TEST

Suite *
float_histogram_golden_suite(void)
{
    Suite *s = suite_create("float_histogram_golden");
    TCase *t = tcase_create("all");
    tcase_add_loop_test(t, test_golden, 0, (int)ARRAY_LEN(operations));
    suite_add_tcase(s, t);
    return s;
}
