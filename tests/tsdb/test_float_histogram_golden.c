/* Arithmetic on native histograms as Prometheus does it, to the last digit:
 * tests/data/float_histograms.go made the lines. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fs.h"
#include "tests/harness.h"
#include "tests/tsdb/histogram_kit.h"
#include "tsdb/model/histogram_text.h"

enum { LINES_MIN = 700, PARTS_MAX = 12 };

/* A line: what to do with the first parts; the last ones are the result. */
struct story {
    struct str operation; /* with its argument */
    struct str parts[PARTS_MAX];
    size_t n;
    struct arena *a;
};

static struct str
next_part(struct str *rest)
{
    for (size_t i = 0; i + 2 < rest->n; i++)
        if (memcmp(rest->p + i, " | ", 3) == 0) {
            struct str part = str_take(rest, i);
            *rest = str_skip(*rest, 3);
            return part;
        }
    return str_take(rest, rest->n);
}

static struct story
story_of(struct str line, struct arena *a)
{
    struct story s = {.operation = next_part(&line), .a = a};
    for (; line.n > 0; s.n++) {
        ck_assert_uint_lt(s.n, PARTS_MAX);
        s.parts[s.n] = arena_str(a, next_part(&line));
    }
    return s;
}

static struct float_histogram *
operand(const struct story *s, size_t i)
{
    return kit_float(s->parts[i].p, s->a);
}

/* The result at `i` from the end. */
static void
check_text(const struct story *s, size_t i, const char *got)
{
    const char *want = s->parts[s->n - i].p;
    ck_assert_msg(strcmp(got, want) == 0, "%.*s of\n  %s\n  %s\nis\n  %s\nnot\n  %s",
                  STR_FMT(s->operation), s->parts[0].p, s->parts[1].p, want, got);
}

static void
check_histogram(const struct story *s, size_t i, const struct float_histogram *got)
{
    check_text(s, i, kit_float_text(got, s->a));
}

static void
check_number(const struct story *s, size_t i, unsigned got)
{
    check_text(s, i, arena_printf(s->a, "%u", got).p);
}

static void
check_bool(const struct story *s, bool got)
{
    check_text(s, 1, got ? "true" : "false");
}

/* --- operations --------------------------------------------------------------------------- */

static void
tell_add(const struct story *s, double unused)
{
    (void)unused;
    struct float_histogram *x = operand(s, 0);
    unsigned findings = 0;
    ck_assert(float_histogram_add(x, operand(s, 1), s->a, &findings));
    check_histogram(s, 1, x);
    check_number(s, 2, findings);
}

static void
tell_subtract(const struct story *s, double unused)
{
    (void)unused;
    struct float_histogram *x = operand(s, 0);
    unsigned findings = 0;
    ck_assert(float_histogram_subtract(x, operand(s, 1), s->a, &findings));
    check_histogram(s, 1, x);
    check_number(s, 2, findings);
}

static void
tell_compensated(const struct story *s, double unused)
{
    (void)unused;
    struct float_histogram *x = operand(s, 0), *c = NULL;
    unsigned findings = 0;
    for (size_t i = 1; i + 3 < s->n; i++)
        ck_assert(float_histogram_add_compensated(x, &c, operand(s, i), s->a, &findings));
    c->reset = HISTOGRAM_RESET_UNKNOWN;
    check_histogram(s, 1, c);
    check_histogram(s, 2, x);
    check_number(s, 3, findings);
}

static void
tell_compact(const struct story *s, double unused)
{
    (void)unused;
    struct float_histogram *x = operand(s, 0);
    float_histogram_compact(x, s->a);
    check_histogram(s, 1, x);
}

static void
tell_reduce(const struct story *s, double schema)
{
    struct float_histogram *x = operand(s, 0);
    float_histogram_reduce(x, (int32_t)schema, s->a);
    check_histogram(s, 1, x);
}

static void
tell_multiply(const struct story *s, double factor)
{
    struct float_histogram *x = operand(s, 0);
    float_histogram_multiply(x, factor);
    check_histogram(s, 1, x);
}

static void
tell_divide(const struct story *s, double by)
{
    struct float_histogram *x = operand(s, 0);
    float_histogram_divide(x, by);
    check_histogram(s, 1, x);
}

static void
tell_reset(const struct story *s, double unused)
{
    (void)unused;
    check_bool(s, float_histogram_was_reset(operand(s, 0), operand(s, 1)));
}

static void
tell_equal(const struct story *s, double unused)
{
    (void)unused;
    check_bool(s, float_histogram_equal(operand(s, 0), operand(s, 1)));
}

static void
tell_trim_above(const struct story *s, double bound)
{
    struct float_histogram *x = operand(s, 0);
    float_histogram_trim(x, bound, FLOAT_HISTOGRAM_ABOVE, s->a);
    check_histogram(s, 1, x);
}

static void
tell_trim_below(const struct story *s, double bound)
{
    struct float_histogram *x = operand(s, 0);
    float_histogram_trim(x, bound, FLOAT_HISTOGRAM_BELOW, s->a);
    check_histogram(s, 1, x);
}

static void
tell_walk(const struct story *s, bool descending)
{
    AUTO(buf_fini) struct buf text = BUF_INIT;
    struct float_bucket_walk walk = float_bucket_walk_start(operand(s, 0), descending);
    struct float_bucket b;
    buf_append(&text, STR("buckets"));
    while (float_bucket_walk_next(&walk, &b)) {
        buf_printf(&text, " %c", b.lower_inclusive ? '[' : '(');
        kit_put_number(&text, "", b.lower);
        kit_put_number(&text, ",", b.upper);
        buf_printf(&text, "%c:", b.upper_inclusive ? ']' : ')');
        kit_put_number(&text, "", b.count);
    }
    check_text(s, 1, buf_cstr(&text));
}

static void
tell_ascending(const struct story *s, double unused)
{
    (void)unused;
    tell_walk(s, false);
}

static void
tell_descending(const struct story *s, double unused)
{
    (void)unused;
    tell_walk(s, true);
}

static const struct operation {
    struct str name;
    void (*tell)(const struct story *s, double argument);
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

/* Those of one operation. */
START_TEST(test_golden)
{
    const struct operation *o = &operations[_i];
    AUTO(buf_fini) struct buf golden = BUF_INIT;
    char path[512];
    snprintf(path, sizeof path, "%s/tests/data/tsdb/float-histograms.txt", getenv("srcdir"));
    CK_OK(fs_read_file(fs_posix(), path, 64 << 20, &golden));
    size_t told = 0;
    for (struct str rest = buf_str(&golden); rest.n > 0;) {
        AUTO(arena_fini) struct arena a;
        arena_init(&a, 0);
        struct story s = story_of(str_split(&rest, '\n'), &a);
        struct str argument = s.operation, name = str_split(&argument, ' ');
        if (!str_eq(name, o->name))
            continue;
        o->tell(&s, strtod(arena_str(&a, argument).p, NULL));
        told++;
    }
    ck_assert_uint_ge(told, LINES_MIN / (2 * ARRAY_LEN(operations)));
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
