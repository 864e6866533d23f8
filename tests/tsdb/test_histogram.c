/* Which histograms are valid, which are equal, and what they become in other forms. */
#include "tests/harness.h"

#include <string.h>

#include "base/bytes.h"
#include "tests/tsdb/histogram_kit.h"

/* --- rules -------------------------------------------------------------------------------- */

static const struct valid_case {
    const char *histogram, *fault; /* a part of the message; NULL: valid */
} valid_cases[] = {
    {"i", NULL},
    {"f", NULL},
    {"i s=-4 n=3 p=0:1,2", NULL},
    {"i s=8 zt=0.5 zc=4 n=10 sum=1 p=-3:1,2/5:0 m=7:3", NULL},
    {"i n=9 sum=NaN p=0:1,2", NULL}, /* NaNs are in no bucket */
    {"i n=5 sum=stale p=0:1,2", NULL},
    {"f n=1 p=0:1,2", NULL}, /* floats are not added up */
    {"f n=NaN zc=NaN p=0:NaN", NULL},
    {"f n=0.5 zc=0.25 p=0:0.25", NULL},
    {"i s=-53", NULL},
    {"i s=-53 n=3 p=0:1,2 b=1", NULL},
    {"i s=-53 n=3 p=0:1/1:2 b=-Inf,1", NULL},
    {"f s=-53 p=2:1 b=1,2", NULL},
    {"i hint=gauge", NULL},

    {"i s=9", "schema 9"},
    {"i s=-5", "schema -5"},
    {"i s=-52", "schema -52"},
    {"f s=127", "schema 127"},
    {"i n=3 p=0:1/-1:2", "positive side: span number 2 has the negative offset -1"},
    {"i n=3 m=0:1/1:1/-3:1", "negative side: span number 3 has the negative offset -3"},
    {"i n=3 p=0:1,1 p+=1", "positive side: spans need 2 buckets, have 3"},
    {"f p=0:1 p+=1", "spans need 1 buckets, have 2"},
    {"i p=2000000000:1", "bucket index"},
    {"i n=1 p=0:2,-1", "positive side: bucket number 2 has the negative count -1"},
    {"i n=1 m=0:-1", "negative side: bucket number 1 has the negative count -1"},
    {"f p=0:1/2:-0.5", "bucket number 2 has the negative count -0.5"},
    {"f m=0:-Inf", "negative count -inf"},
    {"f zc=-1", "zero bucket has the negative count -1"},
    {"f n=-1", "observation count -1 is negative"},
    {"i n=2 p=0:1,2", "3 observations in buckets, but the count is 2: it has to be equal"},
    {"i n=4 p=0:1,2", "it has to be equal"},
    {"i n=3 zc=1 p=0:1,2", "4 observations"},
    {"i n=2 sum=NaN p=0:1,2", "as great at least"},
    {"i n=3 p=0:3 b=1", "custom bounds"},
    {"i s=-53 n=2 p=0:1,1", "0 bounds are too few for spans over 2 buckets"},
    {"i s=-53 n=1 p=3:1 b=1,2", "2 bounds are too few for spans over 4 buckets"},
    {"i s=-53 n=1 p=-1:1 b=1,2", "span number 1 has the negative offset -1"},
    {"i s=-53 n=2 p=0:1/-1:1 b=1,2", "span number 2 has the negative offset -1"},
    {"i s=-53 b=1,1", "bounds have to increase"},
    {"i s=-53 b=2,1", "bound 1 follows 2"},
    {"i s=-53 b=1,NaN", "bound number 2 is NaN"},
    {"i s=-53 b=1,+Inf", "+Inf"},
    {"i s=-53 zc=1 n=1", "zero count"},
    {"f s=-53 zt=0.1", "zero threshold"},
    {"i s=-53 n=1 m=0:1", "negative spans"},
    {"i s=-53 n=2 p=0:3 b=1", "3 observations"},
};

START_TEST(test_validate)
{
    const struct valid_case *c = &valid_cases[_i];
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct histogram h = kit_parse(c->histogram, &a);
    struct err e = histogram_validate(&h);
    ck_assert_msg(e.code == (c->fault ? ERR_INVALID : ERR_NONE), "%s: %s", c->histogram,
                  err_text(&e));
    if (c->fault)
        ck_assert_msg(strstr(err_text(&e), c->fault), "%s: %s", c->histogram, err_text(&e));
    err_drop(e);
}
END_TEST

START_TEST(test_limits)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    size_t n = HISTOGRAM_BUCKETS_MAX + 1;
    uint64_t *v = ARENA_ARRAY(&a, uint64_t, n);
    struct histogram_span span = {0, HISTOGRAM_BUCKETS_MAX};
    struct histogram h = {.positive_spans = {&span, 1}, .positive = {v, n - 1}};
    CK_OK(histogram_validate(&h));
    span.length++;
    h.positive.n++;
    CK_ERR(ERR_INVALID, histogram_validate(&h));
    for (size_t i = 0; i < n; i++)
        v[i] = bits_of_f64((double)i);
    struct histogram custom = {.schema = HISTOGRAM_SCHEMA_CUSTOM, .custom_bounds = {v, n - 1}};
    CK_OK(histogram_validate(&custom));
    custom.custom_bounds.n++;
    CK_ERR(ERR_INVALID, histogram_validate(&custom));
}
END_TEST

START_TEST(test_schemas)
{
    static const int32_t known[] = {-53, -9, -5, -4, 0, 8, 9, 52};
    static const int32_t unknown[] = {-54, -52, -10, 53, INT32_MIN, INT32_MAX};
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        ck_assert(histogram_schema_known(known[i]));
    for (size_t i = 0; i < ARRAY_LEN(unknown); i++)
        ck_assert(!histogram_schema_known(unknown[i]));
}
END_TEST

/* --- equality ----------------------------------------------------------------------------- */

#define BASE "s=2 zt=0.5 zc=1 n=7 sum=3 p=-3:1,2/4:1 m=1:2"
static const struct {
    const char *x, *y;
    bool equal;
    bool alike; /* but not equal */
} equal_cases[] = {
    {"i " BASE, "i " BASE, true, false},
    {"i " BASE, "f " BASE, false, false},
    {"i " BASE, "i " BASE " hint=gauge", true, false}, /* hints are not values */
    {"i " BASE, "i " BASE " s=3", false, false},
    {"i " BASE, "i " BASE " zt=0.25", false, false},
    {"i " BASE, "i " BASE " zc=2", false, false},
    {"i " BASE, "i " BASE " n=8", false, false},
    {"i " BASE, "i " BASE " sum=4", false, false},
    {"i " BASE, "i " BASE " p=-3:1,2/5:1", false, false},
    {"i " BASE, "i " BASE " p=-3:1,2/4:2", false, false},
    {"i " BASE, "i " BASE " p=-3:1,2/4:1,0", false, true},
    {"i " BASE, "i " BASE " p=-4:0,1,2,0/3:1", false, true},
    {"i " BASE, "i " BASE " p=-4:0,1,2,0/4:1", false, false},
    {"i " BASE, "i " BASE " m=0:0,2/7:0", false, true},
    {"i " BASE, "i " BASE " p=-3:1,2/4:1 m=", false, false},
    {"f " BASE, "f " BASE " p=-3:1,2,0/3:1,0", false, true},
    {"f " BASE, "f " BASE " p=-3:1,0,2/3:1,0", false, false},
    {"i n=0", "i n=0 p=5:0 m=3:0,0", false, true},
    {"i " BASE, "i " BASE " p=-3:1,2/3:/1:1", true, false}, /* the same buckets */
    {"i " BASE, "i " BASE " p=-3:1/0:2/4:1", true, false},
    {"i " BASE, "i " BASE " m=1:3", false, false},
    {"i s=-53 b=1,2", "i s=-53 b=1,2", true, false},
    {"i s=-53 b=1,2", "i s=-53 b=1,3", false, false},
    {"i s=-53 b=1,2", "i s=-53 b=1", false, false},
    {"i sum=stale", "i sum=stale n=5 p=0:5", true, false}, /* nothing else of a marker counts */
    {"i sum=stale", "f sum=stale", false, false},
    {"i sum=NaN", "i sum=NaN", true, false}, /* by bits */
    {"f n=NaN", "f n=NaN", true, false},
    {"i sum=NaN", "i sum=stale", false, false},
    {"f sum=0", "f sum=-0", false, false},
};

START_TEST(test_equal)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct histogram x = kit_parse(equal_cases[_i].x, &a), y = kit_parse(equal_cases[_i].y, &a);
    ck_assert_msg(histogram_equal(&x, &y) == equal_cases[_i].equal, "row %d", _i);
    ck_assert_msg(histogram_equal(&y, &x) == equal_cases[_i].equal, "row %d", _i);
    bool alike = equal_cases[_i].equal || equal_cases[_i].alike;
    ck_assert_msg(histogram_alike(&x, &y) == alike, "row %d", _i);
    ck_assert_msg(histogram_alike(&y, &x) == alike, "row %d", _i);
    AUTO(arena_fini) struct arena b;
    arena_init(&b, 0);
    struct histogram copy = histogram_copy(&x, &b);
    ck_assert(histogram_equal(&x, &copy) && copy.reset == x.reset);
    arena_reset(&a); /* the copy needs nothing of it */
    struct histogram again = kit_parse(equal_cases[_i].x, &a);
    ck_assert(histogram_equal(&again, &copy));
}
END_TEST

/* --- other forms -------------------------------------------------------------------------- */

static const struct {
    const char *name, *in, *want; /* want NULL: ERR_INVALID */
} reduce_cases[] = {
    {"usual schema", "i s=8 n=1 p=1:1", "i s=8 n=1 p=1:1"},
    {"custom", "i s=-53 n=1 p=1:1 b=1", "i s=-53 n=1 p=1:1 b=1"},
    {"reserved below", "i s=-9 n=1 p=1:1", "i s=-9 n=1 p=1:1"},
    {"pairs: upper bounds belong to a bucket", "i s=9 n=10 p=1:1,2,3,4", "i s=8 n=10 p=1:3,7"},
    {"around zero", "i s=9 n=10 p=-2:1,2,3,4", "i s=8 n=10 p=-1:1,5,4"},
    {"a gap closes", "i s=9 n=3 p=1:1/2:2", "i s=8 n=3 p=1:1,2"},
    {"a gap stays", "i s=9 n=3 p=1:1/3:2", "i s=8 n=3 p=1:1/1:2"},
    {"a gap inside a bucket", "i s=10 n=3 p=1:1/2:2", "i s=8 n=3 p=1:3"},
    {"both sides", "i s=9 n=6 p=1:1,2 m=1:3", "i s=8 n=6 p=1:3 m=1:3"},
    {"floats", "f s=9 n=10 p=1:1,2,3,4", "f s=8 n=10 p=1:3,7"},
    {"far down", "f s=52 n=2 p=1:1/1000000:1", "f s=8 n=2 p=1:2"},
    {"far down, below", "f s=52 n=2 p=-1000:1/999:1", "f s=8 n=2 p=0:2"},
    {"nothing", "i s=20", "i s=8"},
    {"empty spans", "i s=9 p=1:/3:", "i s=8"},
    {"too many buckets", "i s=9 p=1:1 p+=1", NULL},
    {"spans that do not ascend", "i s=9 p=1:1/-2:1", NULL},
};

START_TEST(test_reduce)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct histogram in = kit_parse(reduce_cases[_i].in, &a), got;
    struct err e = histogram_reduce(&in, &a, &got);
    ROW_ASSERT(reduce_cases[_i].name, (e.code == ERR_NONE) == (reduce_cases[_i].want != NULL));
    if (e.code == ERR_NONE) {
        struct histogram want = kit_parse(reduce_cases[_i].want, &a);
        ROW_ASSERT(reduce_cases[_i].name, histogram_equal(&want, &got));
    }
    err_drop(e);
}
END_TEST

/* The observations of a whole histogram stay what they are, in schema 9 to 52. */
START_TEST(test_reduce_random)
{
    for (uint64_t seed = 0; seed < 200; seed++) {
        AUTO(arena_fini) struct arena a;
        arena_init(&a, 0);
        struct kit_series s = kit_series_of(seed, (enum histogram_kind)(seed % 2), 0);
        s.calm = true;
        struct histogram h = {.sum = 0};
        for (int i = 0; i < 10; i++)
            h = kit_next(&s, &a);
        h.schema = 9 + (int32_t)(seed % 6);
        struct histogram got;
        CK_OK(histogram_reduce(&h, &a, &got));
        ck_assert_int_eq(got.schema, 8);
        ck_assert_uint_le(got.positive.n, h.positive.n);
        CK_OK(histogram_validate(&got)); /* counts still add up */
    }
}
END_TEST

static const struct {
    const char *in, *want;
} float_cases[] = {
    {"i", "f"},
    {"f n=1 p=0:1", "f n=1 p=0:1"},
    {"i s=2 zt=0.5 zc=1 n=7 sum=3 p=-3:1,2/4:1 m=1:2",
     "f s=2 zt=0.5 zc=1 n=7 sum=3 p=-3:1,2/4:1 m=1:2"},
    {"i n=9007199254740993 p=0:9007199254740993", "f n=9007199254740992 p=0:9007199254740992"},
    {"i s=-53 n=2 p=0:2 b=1", "f s=-53 n=2 p=0:2 b=1"},
    {"i s=-53 n=2 zc=3 zt=1 p=0:2 b=1 m=0:3", "f s=-53 n=2 p=0:2 b=1"},
    {"i b=1", "f"},
    {"i sum=stale", "f sum=stale"},
};

START_TEST(test_to_float)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct histogram in = kit_parse(float_cases[_i].in, &a);
    struct histogram want = kit_parse(float_cases[_i].want, &a);
    in.reset = HISTOGRAM_GAUGE;
    struct histogram got = histogram_to_float(&in, &a);
    ck_assert_msg(histogram_equal(&want, &got), "row %d", _i);
    ck_assert_int_eq(got.reset, HISTOGRAM_GAUGE);
}
END_TEST

START_TEST(test_deltas)
{
    const uint64_t counts[] = {5, 3, 3, 0, UINT64_MAX, 7}, deltas[] = {5, -2, 0, -3, -1, 8};
    uint64_t v[6];
    histogram_deltas_of_counts(counts, 6, v);
    ck_assert_mem_eq(v, deltas, sizeof v);
    histogram_counts_of_deltas(v, 6, v);
    ck_assert_mem_eq(v, counts, sizeof v);
    histogram_deltas_of_counts(v, 6, v);
    ck_assert_mem_eq(v, deltas, sizeof v);
    histogram_counts_of_deltas(NULL, 0, NULL);
}
END_TEST

Suite *
histogram_suite(void)
{
    Suite *s = suite_create("histogram");
    TCase *t = tcase_create("core");
    tcase_add_loop_test(t, test_validate, 0, ARRAY_LEN(valid_cases));
    tcase_add_test(t, test_limits);
    tcase_add_test(t, test_schemas);
    tcase_add_loop_test(t, test_equal, 0, ARRAY_LEN(equal_cases));
    tcase_add_loop_test(t, test_reduce, 0, ARRAY_LEN(reduce_cases));
    tcase_add_test(t, test_reduce_random);
    tcase_add_loop_test(t, test_to_float, 0, ARRAY_LEN(float_cases));
    tcase_add_test(t, test_deltas);
    suite_add_tcase(s, t);
    return s;
}
