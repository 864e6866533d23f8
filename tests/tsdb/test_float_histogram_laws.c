/* Laws of the arithmetic of native histograms, on random ones whose counts are exact: quarters well
 * below 2^53, so that no sum is rounded. */
#include <math.h>

#include "base/bytes.h"
#include "tests/harness.h"
#include "tests/tsdb/histogram_kit.h"

enum { ROUNDS = 400, SERIES_STEPS = 8 };

/* Two of one kind, which may differ in everything else. */
struct pair {
    struct float_histogram *x, *y;
    struct arena *a;
};

/* No bucket is within the zero bucket: sums forget what stands there in the second operand, as
 * Prometheus' do. */
static void
clear_zero(struct float_histogram *h, bool calm, struct arena *a)
{
    struct float_histogram wide = {
        .schema = h->schema, .reset = h->reset, .zero_threshold = h->zero_threshold};
    unsigned unused = 0;
    h->zero_threshold = 0;
    if (!calm)
        ck_assert(float_histogram_add(h, &wide, a, &unused));
}

static struct float_histogram *
next(struct kit_series *s, struct arena *a)
{
    struct histogram h = kit_next(s, a);
    while (histogram_is_stale(&h))
        h = kit_next(s, a);
    struct float_histogram *f = float_histogram_of(&h, a);
    f->sum = floor(f->sum);
    if (!float_histogram_is_custom(f))
        clear_zero(f, s->calm, a);
    return f;
}

static void
each_pair(bool calm, void (*law)(const struct pair *p))
{
    static const int32_t schemas[] = {HISTOGRAM_SCHEMA_CUSTOM, -4, -1, 0, 1, 3, 8};
    for (uint64_t seed = 0; seed < ROUNDS; seed++) {
        AUTO(arena_fini) struct arena a;
        arena_init(&a, 0);
        int32_t schema = schemas[seed % ARRAY_LEN(schemas)];
        struct kit_series s =
            kit_series_of(seed, seed % 2 ? HISTOGRAM_FLOAT : HISTOGRAM_INTEGER, schema);
        s.calm = calm;
        struct float_histogram *x = next(&s, &a);
        for (int i = 0; i < SERIES_STEPS; i++) {
            struct float_histogram *y = next(&s, &a);
            law(&(struct pair){float_histogram_copy(x, &a), float_histogram_copy(y, &a), &a});
            x = y;
        }
    }
}

/* What it counts, without empty buckets, in buckets of the schema. */
static const char *
counted(const struct float_histogram *h, int32_t schema, struct arena *a)
{
    struct float_histogram *copy = float_histogram_copy(h, a);
    if (!float_histogram_is_custom(h))
        float_histogram_reduce(copy, schema, a);
    float_histogram_compact(copy, a);
    return kit_float_text(copy, a);
}

/* --- sums --------------------------------------------------------------------------------- */

static void
law_of_order(const struct pair *p)
{
    struct float_histogram *xy = float_histogram_copy(p->x, p->a);
    struct float_histogram *yx = float_histogram_copy(p->y, p->a);
    unsigned f = 0, g = 0;
    ck_assert(float_histogram_add(xy, p->y, p->a, &f));
    ck_assert(float_histogram_add(yx, p->x, p->a, &g));
    ck_assert_uint_eq(f, g);
    ck_assert_str_eq(counted(xy, xy->schema, p->a), counted(yx, yx->schema, p->a));
}

START_TEST(test_order)
{
    each_pair(false, law_of_order);
}
END_TEST

/* With zero buckets and bounds that are the same, subtracting takes back what was added. */
static void
law_of_taking_back(const struct pair *p)
{
    struct float_histogram *sum = float_histogram_copy(p->x, p->a);
    unsigned findings = 0;
    p->x->reset = p->y->reset = sum->reset = HISTOGRAM_GAUGE;
    ck_assert(float_histogram_add(sum, p->y, p->a, &findings));
    ck_assert(float_histogram_subtract(sum, p->y, p->a, &findings));
    ck_assert_str_eq(counted(sum, sum->schema, p->a), counted(p->x, sum->schema, p->a));
}

START_TEST(test_taking_back)
{
    each_pair(true, law_of_taking_back);
}
END_TEST

/* Nothing is rounded, so nothing is lost, and the sum is the plain one. */
static void
law_of_compensation(const struct pair *p)
{
    struct float_histogram *plain = float_histogram_copy(p->x, p->a), *c = NULL;
    struct float_histogram *sum = float_histogram_copy(p->x, p->a);
    unsigned f = 0, g = 0;
    for (int i = 0; i < 2; i++) {
        ck_assert(float_histogram_add(plain, p->y, p->a, &f));
        ck_assert(float_histogram_add_compensated(sum, &c, p->y, p->a, &g));
    }
    ck_assert_uint_eq(f, g);
    ck_assert_str_eq(kit_float_text(sum, p->a), kit_float_text(plain, p->a));
    c->zero_threshold = 0;
    c->bound_n = 0;
    c->schema = 0;
    if (!isnan(c->sum)) {
        const struct float_histogram nothing = {.reset = c->reset};
        ck_assert_str_eq(counted(c, 0, p->a), kit_float_text(&nothing, p->a));
    }
}

START_TEST(test_compensation)
{
    each_pair(false, law_of_compensation);
}
END_TEST

/* Neither operand of a sum is changed by what happens to the sum. */
static void
law_of_sharing(const struct pair *p)
{
    const char *x = kit_float_text(p->x, p->a), *y = kit_float_text(p->y, p->a);
    struct float_histogram *sum = float_histogram_copy(p->x, p->a);
    unsigned findings = 0;
    ck_assert(float_histogram_add(sum, p->y, p->a, &findings));
    float_histogram_multiply(sum, 3);
    float_histogram_compact(sum, p->a);
    float_histogram_trim(sum, 1, FLOAT_HISTOGRAM_BELOW, p->a);
    ck_assert_str_eq(kit_float_text(p->x, p->a), x);
    ck_assert_str_eq(kit_float_text(p->y, p->a), y);
}

START_TEST(test_sharing)
{
    each_pair(false, law_of_sharing);
}
END_TEST

/* --- layouts ------------------------------------------------------------------------------ */

static void
law_of_compacting(const struct pair *p)
{
    struct histogram before = float_histogram_store(float_histogram_copy(p->x, p->a), p->a);
    float_histogram_compact(p->x, p->a);
    struct histogram after = float_histogram_store(p->x, p->a);
    ck_assert(histogram_alike(&before, &after));
    for (size_t i = 0; i < p->x->positive.n; i++)
        ck_assert_double_ne(p->x->positive.v[i], 0);
    for (size_t i = 0; i < p->x->negative.n; i++)
        ck_assert_double_ne(p->x->negative.v[i], 0);
}

START_TEST(test_compacting)
{
    each_pair(false, law_of_compacting);
}
END_TEST

/* Of the buckets that begin at `lower` or above and end at `upper` or below. */
static double
count_between(const struct float_histogram *h, double lower, double upper)
{
    double count = 0;
    struct float_bucket b;
    struct float_bucket_walk walk = float_bucket_walk_start(h, false);
    while (float_bucket_walk_next(&walk, &b))
        if (b.lower >= lower && b.upper <= upper)
            count += b.count;
    return count;
}

/* A coarser bucket counts what the finer ones within it count. */
static void
law_of_reducing(const struct pair *p)
{
    if (float_histogram_is_custom(p->x))
        return;
    p->x->zero_threshold = p->x->zero_count = 0; /* which cuts buckets in walks */
    for (int32_t schema = p->x->schema; schema >= HISTOGRAM_SCHEMA_MIN; schema--) {
        struct float_histogram *coarse = float_histogram_copy(p->x, p->a);
        float_histogram_reduce(coarse, schema, p->a);
        struct float_bucket b;
        struct float_bucket_walk walk = float_bucket_walk_start(coarse, false);
        while (float_bucket_walk_next(&walk, &b))
            ck_assert_double_eq(b.count, count_between(p->x, b.lower, b.upper));
        ck_assert_double_eq(count_between(coarse, -INFINITY, INFINITY),
                            count_between(p->x, -INFINITY, INFINITY));
    }
}

START_TEST(test_reducing)
{
    each_pair(false, law_of_reducing);
}
END_TEST

enum { WALK_MAX = 256 };

static void
law_of_walking(const struct pair *p)
{
    struct float_bucket up[WALK_MAX], b;
    size_t n = 0;
    struct float_bucket_walk walk = float_bucket_walk_start(p->x, false);
    for (; float_bucket_walk_next(&walk, &b); n++) {
        ck_assert_uint_lt(n, WALK_MAX);
        ck_assert(n == 0 || up[n - 1].upper <= b.lower || p->x->zero_threshold > 0);
        ck_assert(b.lower <= b.upper || p->x->zero_threshold > 0);
        up[n] = b;
    }
    size_t zero = p->x->zero_count > 0;
    ck_assert_uint_eq(n, p->x->positive.n + p->x->negative.n + zero);
    walk = float_bucket_walk_start(p->x, true);
    while (n > 0) {
        ck_assert(float_bucket_walk_next(&walk, &b));
        ck_assert_mem_eq(&b.lower, &up[--n].lower, sizeof b.lower);
        ck_assert_double_eq(b.upper, up[n].upper);
        ck_assert_double_eq(b.count, up[n].count);
        ck_assert(b.index == up[n].index);
    }
    ck_assert(!float_bucket_walk_next(&walk, &b));
}

START_TEST(test_walking)
{
    each_pair(false, law_of_walking);
}
END_TEST

/* --- resets ------------------------------------------------------------------------------- */

/* Growth is none, in whatever layout; what shrinks back is one, if it counts less anywhere. */
static void
law_of_growing(const struct pair *p)
{
    p->x->reset = p->y->reset = HISTOGRAM_RESET_UNKNOWN;
    ck_assert(!float_histogram_was_reset(p->y, p->x));
    bool same = strcmp(counted(p->x, p->x->schema, p->a), counted(p->y, p->x->schema, p->a)) == 0;
    ck_assert(float_histogram_was_reset(p->x, p->y) != same);
}

START_TEST(test_growing)
{
    each_pair(true, law_of_growing);
}
END_TEST

/* When neither is a reset of the other, both count the same. */
static void
law_of_antisymmetry(const struct pair *p)
{
    p->x->reset = p->y->reset = HISTOGRAM_RESET_UNKNOWN;
    if (float_histogram_was_reset(p->x, p->y) || float_histogram_was_reset(p->y, p->x))
        return;
    p->x->sum = p->y->sum = 0;
    if (float_histogram_is_custom(p->x) && p->x->bound_n != p->y->bound_n) {
        ck_assert_double_eq(p->x->count, p->y->count);
        return;
    }
    ck_assert_str_eq(counted(p->x, p->x->schema, p->a), counted(p->y, p->x->schema, p->a));
}

START_TEST(test_antisymmetry)
{
    each_pair(false, law_of_antisymmetry);
}
END_TEST

/* A sum of two has grown out of each, if they were finer than it or as fine. */
static void
law_of_sums(const struct pair *p)
{
    unsigned findings = 0;
    p->x->reset = p->y->reset = HISTOGRAM_RESET_UNKNOWN;
    struct float_histogram *sum = float_histogram_copy(p->x, p->a);
    ck_assert(float_histogram_add(sum, p->y, p->a, &findings));
    ck_assert(!float_histogram_was_reset(sum, p->x));
    ck_assert(!float_histogram_was_reset(sum, p->y));
}

START_TEST(test_sums)
{
    each_pair(false, law_of_sums);
}
END_TEST

/* --- trimming ----------------------------------------------------------------------------- */

/* What is above and what is below make the whole; trimming twice is trimming once. */
static void
law_of_trimming(const struct pair *p)
{
    static const double bounds[] = {-3, -0.2, 0, 0.1, 1, 1.5, 100, 1e9};
    double all = p->x->zero_count;
    for (size_t i = 0; i < p->x->positive.n; i++)
        all += p->x->positive.v[i];
    for (size_t i = 0; i < p->x->negative.n; i++)
        all += p->x->negative.v[i];
    p->x->count = all;
    for (size_t i = 0; i < ARRAY_LEN(bounds); i++) {
        struct float_histogram *above = float_histogram_copy(p->x, p->a);
        struct float_histogram *below = float_histogram_copy(p->x, p->a);
        float_histogram_trim(above, bounds[i], FLOAT_HISTOGRAM_BELOW, p->a);
        float_histogram_trim(below, bounds[i], FLOAT_HISTOGRAM_ABOVE, p->a);
        ck_assert_double_ge(above->count, 0);
        ck_assert_double_ge(below->count, 0);
        ck_assert_double_le(fabs(above->count + below->count - all), all * 1e-9);
    }
    const char *before = kit_float_text(p->x, p->a);
    float_histogram_trim(p->x, INFINITY, FLOAT_HISTOGRAM_ABOVE, p->a);
    float_histogram_trim(p->x, -INFINITY, FLOAT_HISTOGRAM_BELOW, p->a);
    ck_assert_str_eq(kit_float_text(p->x, p->a), before);
}

START_TEST(test_trimming)
{
    each_pair(false, law_of_trimming);
}
END_TEST

Suite *
float_histogram_laws_suite(void)
{
    Suite *s = suite_create("float_histogram_laws");
    TCase *t = tcase_create("all");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, test_order);
    tcase_add_test(t, test_taking_back);
    tcase_add_test(t, test_compensation);
    tcase_add_test(t, test_sharing);
    tcase_add_test(t, test_compacting);
    tcase_add_test(t, test_reducing);
    tcase_add_test(t, test_walking);
    tcase_add_test(t, test_growing);
    tcase_add_test(t, test_antisymmetry);
    tcase_add_test(t, test_sums);
    tcase_add_test(t, test_trimming);
    suite_add_tcase(s, t);
    return s;
}
