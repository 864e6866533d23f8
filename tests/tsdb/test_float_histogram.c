/* Arithmetic on native histograms: tables of what each operation does. */
#include "tsdb/model/float_histogram.h"

#include <math.h>

#include "tests/harness.h"
#include "tests/tsdb/histogram_kit.h"

/* --- two histograms ----------------------------------------------------------------------- */

typedef bool combine(struct float_histogram *to, const struct float_histogram *other,
                     struct arena *a, unsigned *findings);

static const struct combine_case {
    const char *name;
    combine *f;
    const char *to, *other;
    const char *want; /* NULL: refused */
    unsigned findings;
} combine_cases[] = {
    {"the same buckets", float_histogram_add, "f zc=1 n=6 sum=2.5 p=1:2,3", "f zc=2 n=5 p=1:1,2",
     "f zc=3 n=11 sum=2.5 p=1:3,5", 0},
    {"buckets before, between and behind", float_histogram_add, "f n=2 p=0:1/3:1 m=2:1",
     "f n=5 p=-2:1/1:2,0,4/4:5 m=2:3", "f n=7 p=-2:1/1:3,0,4/1:1/2:5 m=2:4", 0},
    {"only some of them", float_histogram_add, "f n=3 p=0:1,1,1", "f n=1 p=1:1", "f n=4 p=0:1,2,1",
     0},
    {"nothing to something", float_histogram_add, "f", "f n=1 p=5:1", "f n=1 p=5:1", 0},
    {"something to nothing", float_histogram_add, "f n=1 p=5:1", "f", "f n=1 p=5:1", 0},
    {"a finer one", float_histogram_add, "f n=1 p=1:1", "f s=1 n=6 p=1:1,2,3", "f n=7 p=1:4,3", 0},
    {"a coarser one", float_histogram_add, "f s=1 n=6 p=1:1,2,3", "f n=1 p=1:1", "f n=7 p=1:4,3",
     0},
    {"below zero", float_histogram_subtract, "f n=3 p=1:3", "f n=5 p=1:4,1", "f n=-2 p=1:-1,-1", 0},
    {"a wider zero bucket", float_histogram_add, "f zc=1 n=6 p=-1:2,3", "f zt=0.5 zc=1 n=1",
     "f zt=0.5 zc=4 n=7 p=0:3", 0},
    {"a narrower zero bucket", float_histogram_add, "f zt=0.5 zc=1 n=1", "f zc=1 n=6 p=-1:2,3",
     "f zt=0.5 zc=4 n=7 p=0:3", 0},
    {"a zero bucket that cuts another", float_histogram_add, "f zt=0.75 zc=1 n=1",
     "f n=6 p=-1:2,3,1", "f zt=1 zc=6 n=7 p=1:1", 0},
    {"a cut on both sides", float_histogram_add, "f zt=0.75 n=4 m=0:1,3", "f zt=0.5 zc=2 n=2",
     "f zt=0.75 zc=2 n=6 m=0:1,3", 0},
    {"a zero threshold that is NaN", float_histogram_add, "f zt=NaN zc=1 n=1", "f zt=0.5 zc=2 n=2",
     "f zt=NaN zc=3 n=3", 0},
    {"a span of no length in front", float_histogram_add, "f n=3 p=5:/3:1,2", "f n=7 p=5:7",
     "f n=10 p=5:7/2:1,2", 0},
    {"own bounds, the same", float_histogram_add, "f s=-53 n=3 p=0:1,2 b=1,2",
     "f s=-53 n=5 p=1:2,3 b=1,2", "f s=-53 n=8 p=0:1,4,3 b=1,2", 0},
    {"own bounds, others", float_histogram_add, "f s=-53 n=6 p=0:1,2,3 b=1,2",
     "f s=-53 n=7 p=0:1,2,4 b=2,3", "f s=-53 n=13 p=0:4,9 b=2", FLOAT_HISTOGRAM_BOUNDS_DIFFER},
    {"own bounds, none in common", float_histogram_subtract, "f s=-53 n=6 p=0:1,2,3 b=1,2",
     "f s=-53 n=1 p=1:1 b=3", "f s=-53 n=5 p=0:5", FLOAT_HISTOGRAM_BOUNDS_DIFFER},
    {"of both kinds", float_histogram_add, "f s=-53 n=1 p=0:1 b=1", "f n=1 p=0:1", NULL, 0},
    {"hints: gauge", float_histogram_add, "f hint=reset", "f hint=gauge", "f hint=gauge", 0},
    {"hints: unknown", float_histogram_add, "f hint=reset", "f", "f", 0},
    {"hints: the same", float_histogram_subtract, "f hint=reset", "f hint=reset", "f hint=reset",
     0},
    {"hints: conflict", float_histogram_add, "f hint=reset", "f hint=not", "f",
     FLOAT_HISTOGRAM_RESET_CONFLICT},
};

START_TEST(test_combine)
{
    const struct combine_case *c = &combine_cases[_i];
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct float_histogram *to = kit_float(c->to, &a);
    const struct float_histogram *other = kit_float(c->other, &a);
    const char *before = kit_float_text(other, &a);
    unsigned findings = 0;
    bool done = c->f(to, other, &a, &findings);
    const char *want = kit_float_text(kit_float(c->want ? c->want : c->to, &a), &a);
    const char *got = kit_float_text(to, &a);
    ck_assert_msg(done == (c->want != NULL), "%s: done %d", c->name, done);
    ck_assert_msg(strcmp(got, want) == 0, "%s: %s", c->name, got);
    ck_assert_msg(findings == c->findings, "%s: findings %u", c->name, findings);
    ck_assert_str_eq(kit_float_text(other, &a), before);
}
END_TEST

/* 1 is lost in 1e16, twice; what is kept makes up for it. */
START_TEST(test_compensated)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct float_histogram *to = kit_float("f zc=1e16 n=1e16 sum=1e16 p=0:1e16", &a), *c = NULL;
    unsigned findings = 0;
    for (int i = 0; i < 3; i++)
        ck_assert(float_histogram_add_compensated(
            to, &c, kit_float("f zc=1 n=1 sum=1 p=0:1/2:1 m=3:1", &a), &a, &findings));
    ck_assert_str_eq(kit_float_text(to, &a),
                     "f s=0 zt=0 zc=1e+16 n=1e+16 sum=1e+16 p=0:1e+16/2:3 m=3:3");
    ck_assert_str_eq(kit_float_text(c, &a), "f s=0 zt=0 zc=3 n=3 sum=3 p=0:3/2:0 m=3:0");
    ck_assert(!float_histogram_add_compensated(to, &c, kit_float("f s=-53", &a), &a, &findings));
}
END_TEST

static const struct reset_case {
    const char *name, *now, *before;
    bool want;
} reset_cases[] = {
    {"growth", "f n=3 p=0:1,2", "f n=2 p=0:1,1", false},
    {"fewer observations", "f n=1 p=0:1", "f n=2 p=0:1", true},
    {"a bucket fell", "f n=3 p=0:1,2", "f n=3 p=0:2,1", true},
    {"a bucket is gone", "f n=3 p=0:3", "f n=2 p=0:1,1", true},
    {"an empty bucket is gone", "f n=3 p=0:3", "f n=2 p=0:2,0", false},
    {"all are gone", "f n=3 p=3:3", "f n=2 m=0:0,1", true},
    {"finer", "f s=1 n=3 p=0:3", "f n=2 p=0:2", true},
    {"coarser", "f n=3 p=0:3", "f s=1 n=3 p=-1:1,2", false},
    {"coarser and less", "f n=3 p=0:2", "f s=1 n=3 p=-1:1,2", true},
    {"narrower zero bucket", "f n=3 p=0:3", "f zt=0.5 n=2 p=0:2", true},
    {"wider zero bucket", "f zt=0.5 zc=3 n=4 p=0:1", "f zc=1 n=3 p=-1:2,1", false},
    {"wider zero bucket, less in it", "f zt=0.5 zc=2 n=4 p=0:1", "f zc=1 n=3 p=-1:2,1", true},
    {"zero bucket cuts a bucket", "f zt=0.75 zc=4 n=4", "f n=1 p=0:1", true},
    {"zero bucket cuts an empty bucket", "f zt=0.75 zc=4 n=4", "f n=1 p=-1:1,0", false},
    {"hint", "f hint=reset n=3", "f n=2", true},
    {"no reset by hint", "f n=1 hint=not", "f n=2", false},
    {"own bounds", "f s=-53 n=3 p=0:1,2 b=1,2", "f s=-53 n=3 p=0:1,1 b=1,2", false},
    {"own bounds, less", "f s=-53 n=3 p=0:1,2 b=1,2", "f s=-53 n=3 p=0:2,1 b=1,2", true},
    {"other bounds", "f s=-53 n=5 p=0:1,2,2 b=1,2", "f s=-53 n=4 p=0:3,1 b=2", false},
    {"other bounds, less", "f s=-53 n=5 p=0:1,1,3 b=1,2", "f s=-53 n=4 p=0:3,1 b=2", true},
    {"other bounds, less in the last", "f s=-53 n=5 p=0:1,4 b=1,2", "f s=-53 n=4 p=1:1 b=2", true},
    {"from own bounds", "f n=5", "f s=-53 n=4", true},
    {"to own bounds", "f s=-53 n=5", "f n=4", true},
};

START_TEST(test_reset)
{
    const struct reset_case *c = &reset_cases[_i];
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    bool got = float_histogram_was_reset(kit_float(c->now, &a), kit_float(c->before, &a));
    ck_assert_msg(got == c->want, "%s", c->name);
}
END_TEST

static const struct equal_case {
    const char *name, *x, *y;
    bool want;
} equal_cases[] = {
    {"the same", "f s=1 zc=1 zt=0.5 n=2 sum=3 p=0:1", "f s=1 zc=1 zt=0.5 n=2 sum=3 p=0:1", true},
    {"hints", "f hint=gauge", "f hint=reset", true},
    {"spans cut otherwise", "f p=0:1,2/1:3", "f p=0:1/0:2/1:3", true},
    {"an empty bucket", "f p=0:1,0", "f p=0:1", false},
    {"another place", "f p=0:1", "f p=1:1", false},
    {"another count", "f m=0:1", "f m=0:2", false},
    {"signs of zero", "f p=0:0", "f p=0:-0", false},
    {"NaN", "f sum=NaN", "f sum=NaN", true},
    {"sum", "f sum=1", "f sum=2", false},
    {"zero count", "f zc=1", "f zc=2", false},
    {"zero threshold", "f zt=1", "f zt=2", false},
    {"schema", "f s=1", "f s=2", false},
    {"bounds", "f s=-53 b=1,2", "f s=-53 b=1,3", false},
    {"fewer bounds", "f s=-53 b=1,2", "f s=-53 b=1", false},
};

START_TEST(test_equal)
{
    const struct equal_case *c = &equal_cases[_i];
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    const struct float_histogram *x = kit_float(c->x, &a), *y = kit_float(c->y, &a);
    ck_assert_msg(float_histogram_equal(x, y) == c->want, "%s", c->name);
    ck_assert_msg(float_histogram_equal(y, x) == c->want, "%s, the other way", c->name);
}
END_TEST

/* --- one histogram ------------------------------------------------------------------------ */

static void
compact(struct float_histogram *h, double unused, struct arena *a)
{
    (void)unused;
    float_histogram_compact(h, a);
}

static void
reduce(struct float_histogram *h, double schema, struct arena *a)
{
    float_histogram_reduce(h, (int32_t)schema, a);
}

static void
multiply(struct float_histogram *h, double factor, struct arena *a)
{
    (void)a;
    float_histogram_multiply(h, factor);
}

static void
divide(struct float_histogram *h, double by, struct arena *a)
{
    (void)a;
    float_histogram_divide(h, by);
}

static const struct change_case {
    const char *name;
    void (*f)(struct float_histogram *h, double x, struct arena *a);
    double x;
    const char *h, *want;
} change_cases[] = {
    {"nothing to take out", compact, 0, "f p=0:1,2/3:4", "f p=0:1,2/3:4"},
    {"at the ends", compact, 0, "f p=0:0,1,2,0/3:0,4 m=1:0", "f p=1:1,2/5:4"},
    {"in the middle", compact, 0, "f m=-3:1,0,0,2", "f m=-3:1/2:2"},
    {"all", compact, 0, "f n=5 p=0:0,0,0", "f n=5"},
    {"an empty span", compact, 0, "f p=0:1/2:/3:2", "f p=0:1/5:2"},
    {"-0 is empty, NaN is not", compact, 0, "f p=0:-0,NaN", "f p=1:NaN"},
    {"to the same schema", reduce, 1, "f s=1 p=1:1,2,3", "f s=1 p=1:1,2,3"},
    {"one step", reduce, 0, "f s=1 p=0:1,2,3,4/1:6", "f p=0:1,5,4,6"},
    {"many steps", reduce, -4, "f s=2 zc=1 n=8 p=0:1,2/70:3/100:1 m=-200:1",
     "f s=-4 zc=1 n=8 p=0:1,2,3,1 m=-3:1"},
    {"times", multiply, 2.5, "f zt=0.5 zc=2 n=4 sum=-1 p=0:1 m=0:0.5 hint=reset",
     "f zt=0.5 zc=5 n=10 sum=-2.5 p=0:2.5 m=0:1.25 hint=reset"},
    {"times less than 0", multiply, -1, "f n=4 hint=reset p=0:1",
     "f n=-4 p=0:-1 sum=-0 zc=-0 "
     "hint=gauge"},
    {"over", divide, 4, "f zt=0.5 zc=2 n=4 sum=-1 p=0:1 m=0:0.5 hint=not",
     "f zt=0.5 zc=0.5 n=1 sum=-0.25 p=0:0.25 m=0:0.125 hint=not"},
    {"over less than 0", divide, -1, "f n=4 p=0:1", "f n=-4 p=0:-1 sum=-0 zc=-0 hint=gauge"},
    {"over 0", divide, 0, "f n=4 sum=-1 p=0:1 m=0:1", "f zc=NaN n=+Inf sum=-Inf"},
};

START_TEST(test_change)
{
    const struct change_case *c = &change_cases[_i];
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct float_histogram *h = kit_float(c->h, &a), *copy = float_histogram_copy(h, &a);
    c->f(h, c->x, &a);
    const char *want = kit_float_text(kit_float(c->want, &a), &a), *got = kit_float_text(h, &a);
    ck_assert_msg(strcmp(got, want) == 0, "%s: %s", c->name, got);
    const char *kept = kit_float_text(kit_float(c->h, &a), &a);
    ck_assert_msg(strcmp(kit_float_text(copy, &a), kept) == 0, "%s: the copy changed", c->name);
}
END_TEST

/* --- walks and text ----------------------------------------------------------------------- */

static const struct walk_case {
    const char *name, *h, *want;
} walk_cases[] = {
    {"nothing", "f", ""},
    {"both sides", "f s=0 zt=0.5 zc=4 p=0:1,2/2:3 m=1:5/0:/1:6",
     "[-8,-4):6 [-2,-1):5 [-0.5,0.5]:4 (0.5,1]:1 (1,2]:2 (8,16]:3 "},
    {"empty buckets", "f p=0:0,1 zt=0.001 m=0:0", "[-1,-0.5):0 (0.5,1]:0 (1,2]:1 "},
    {"cut at the zero bucket", "f zt=0.75 p=0:1 m=0:2 zc=1",
     "[-1,-0.75):2 [-0.75,0.75]:1 (0.75,1]:1 "},
    {"own bounds", "f s=-53 b=-1,0,2 p=0:1,2/1:3", "[-Inf,-1]:1 (-1,0]:2 (2,+Inf]:3 "},
    {"own bounds, not the first", "f s=-53 b=1,2 p=1:2", "(1,2]:2 "},
};

static const char *
text_of_bucket(const struct float_bucket *b, struct arena *a)
{
    return arena_printf(a, "%c%s,%s%c:%g ", b->lower_inclusive ? '[' : '(',
                        b->lower == -INFINITY ? "-Inf" : arena_printf(a, "%g", b->lower).p,
                        b->upper == INFINITY ? "+Inf" : arena_printf(a, "%g", b->upper).p,
                        b->upper_inclusive ? ']' : ')', b->count)
        .p;
}

START_TEST(test_walk)
{
    const struct walk_case *c = &walk_cases[_i];
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    const struct float_histogram *h = kit_float(c->h, &a);
    const char *up = "", *down = "";
    struct float_bucket b;
    struct float_bucket_walk walk = float_bucket_walk_start(h, false);
    while (float_bucket_walk_next(&walk, &b))
        up = arena_printf(&a, "%s%s", up, text_of_bucket(&b, &a)).p;
    ck_assert(!float_bucket_walk_next(&walk, &b));
    ck_assert_msg(strcmp(up, c->want) == 0, "%s: %s", c->name, up);
    walk = float_bucket_walk_start(h, true);
    while (float_bucket_walk_next(&walk, &b))
        down = arena_printf(&a, "%s%s", text_of_bucket(&b, &a), down).p;
    ck_assert(!float_bucket_walk_next(&walk, &b));
    ck_assert_msg(strcmp(down, c->want) == 0, "%s, descending: %s", c->name, down);
}
END_TEST

START_TEST(test_format)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    AUTO(buf_fini) struct buf text = BUF_INIT;
    float_histogram_format(kit_float("i s=0 n=9 sum=-3.5 zt=0.001 zc=1 p=1:5,0 m=1:3", &a), &text);
    ck_assert_str_eq(buf_cstr(&text), "{count:9, sum:-3.5, [-2,-1):3, [-0.001,0.001]:1, (1,2]:5}");
}
END_TEST

Suite *
float_histogram_suite(void)
{
    Suite *s = suite_create("float_histogram");
    TCase *t = tcase_create("all");
    tcase_add_loop_test(t, test_combine, 0, (int)ARRAY_LEN(combine_cases));
    tcase_add_test(t, test_compensated);
    tcase_add_loop_test(t, test_reset, 0, (int)ARRAY_LEN(reset_cases));
    tcase_add_loop_test(t, test_equal, 0, (int)ARRAY_LEN(equal_cases));
    tcase_add_loop_test(t, test_change, 0, (int)ARRAY_LEN(change_cases));
    tcase_add_loop_test(t, test_walk, 0, (int)ARRAY_LEN(walk_cases));
    tcase_add_test(t, test_format);
    suite_add_tcase(s, t);
    return s;
}
