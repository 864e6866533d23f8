/* float_histogram_add.c - sums and differences of histograms. */
#include "base/assert.h"
#include "tsdb/model/float_histogram_int.h"

/* --- one side ----------------------------------------------------------------------------- */

/* What is added to a side: buckets and what rounding lost in them, times `factor`. */
struct addend {
    const struct float_buckets *b;
    const double *lost; /* NULL: nothing */
    double factor;
    size_t skip; /* buckets at the front that the zero bucket has counted */
};

static void
add_bucket(double *v, double *lost, const struct addend *x, size_t i)
{
    float_add(v, lost, x->factor * x->b->v[i]);
    if (lost && x->lost && x->lost[i] != 0)
        float_add(v, lost, x->factor * x->lost[i]);
}

/* A position in a side. */
struct place {
    struct bucket_walk walk;
    size_t i, n;
    int64_t index; /* INT64_MAX behind the last bucket */
};

static void
place_next(struct place *p)
{
    p->i++;
    if (p->i >= p->n || !bucket_walk_next(&p->walk, &p->index))
        p->index = INT64_MAX;
}

static struct place
place_of(const struct float_buckets *b, size_t skip)
{
    struct place p = {bucket_walk_of(b->spans), SIZE_MAX, b->n, INT64_MAX};
    for (size_t i = 0; i <= skip; i++)
        place_next(&p);
    return p;
}

/* Buckets that `to` lacks. */
static size_t
count_missing(const struct float_buckets *to, const struct addend *x)
{
    size_t missing = 0;
    struct place have = place_of(to, 0), add = place_of(x->b, x->skip);
    for (; add.index != INT64_MAX; place_next(&add)) {
        while (have.index < add.index)
            place_next(&have);
        missing += have.index != add.index;
    }
    return missing;
}

/* `to` has all buckets of x. */
static void
add_within(struct float_buckets *to, double *lost, const struct addend *x)
{
    struct place have = place_of(to, 0), add = place_of(x->b, x->skip);
    for (; add.index != INT64_MAX; place_next(&add)) {
        while (have.index < add.index)
            place_next(&have);
        add_bucket(&to->v[have.i], lost ? &lost[have.i] : NULL, x, add.i);
    }
}

/* Into new arrays, with `missing` more buckets. */
static void
add_wider(struct float_buckets *to, struct float_buckets *lost, const struct addend *x,
          size_t missing, struct arena *a)
{
    size_t room = to->n + missing, n = 0;
    struct spans_builder spans = spans_builder_of(a, room);
    double *v = ARENA_ARRAY(a, double, room), *c = lost ? ARENA_ARRAY(a, double, room) : NULL;
    struct place have = place_of(to, 0), add = place_of(x->b, x->skip);
    for (; have.index != INT64_MAX || add.index != INT64_MAX; n++) {
        bool has = have.index <= add.index, adds = add.index <= have.index;
        spans_builder_add(&spans, has ? have.index : add.index);
        v[n] = has ? to->v[have.i] : x->factor * x->b->v[add.i];
        if (lost)
            c[n] = has ? lost->v[have.i] : x->lost ? x->factor * x->lost[add.i] : 0;
        if (has && adds)
            add_bucket(&v[n], lost ? &c[n] : NULL, x, add.i);
        if (has)
            place_next(&have);
        if (adds)
            place_next(&add);
    }
    ASSERT(n == room);
    *to = (struct float_buckets){spans_builder_done(&spans), v, n};
    if (lost)
        lost->v = c;
}

static void
add_same(struct float_buckets *to, double *lost, const struct addend *x)
{
    const double *b = x->b->v, factor = x->factor;
    double *v = to->v;
    for (size_t i = 0; !lost && i < to->n; i++)
        v[i] += factor * b[i];
    for (size_t i = 0; lost && i < to->n; i++)
        add_bucket(&v[i], &lost[i], x, i);
}

/* Buckets that `to` has or lacks; `lost` follows its layout. */
static void
add_side(const struct float_histogram *h, struct float_buckets *to, struct float_buckets *lost,
         struct addend x, struct arena *a)
{
    x.skip = float_buckets_within(h, x.b);
    if (x.skip == 0 && histogram_spans_identical(to->spans, x.b->spans)) {
        add_same(to, lost ? lost->v : NULL, &x);
    } else {
        size_t missing = count_missing(to, &x);
        if (missing > 0)
            add_wider(to, lost, &x, missing, a);
        else
            add_within(to, lost ? lost->v : NULL, &x);
    }
    if (lost)
        *lost = (struct float_buckets){to->spans, lost->v, to->n};
}

/* --- whole histograms --------------------------------------------------------------------- */

/* Returns a finding, or 0. */
static unsigned
join_resets(struct float_histogram *to, enum histogram_reset other)
{
    if (other == to->reset || to->reset == HISTOGRAM_GAUGE)
        return 0;
    if (other == HISTOGRAM_GAUGE) {
        to->reset = HISTOGRAM_GAUGE;
        return 0;
    }
    bool conflict = to->reset != HISTOGRAM_RESET_UNKNOWN && other != HISTOGRAM_RESET_UNKNOWN;
    to->reset = HISTOGRAM_RESET_UNKNOWN;
    return conflict ? FLOAT_HISTOGRAM_RESET_CONFLICT : 0;
}

/* One side of `other` in the schema of `to`, which is `steps` below. Reducing it loses something
 * of its own: *ret_lost, where that is asked for. */
static struct float_buckets
coarse_side(const struct float_buckets *b, int steps, struct float_buckets *ret_lost,
            struct arena *a)
{
    struct float_buckets coarse = float_buckets_copy(b, a);
    if (ret_lost)
        *ret_lost = (struct float_buckets){b->spans, ARENA_ARRAY(a, double, b->n), b->n};
    float_buckets_reduce(&coarse, ret_lost, steps, a);
    return coarse;
}

static void
add_exponential(struct float_histogram *to, struct float_histogram *c,
                const struct float_histogram *other, double factor, struct arena *a)
{
    struct float_buckets positive = other->positive, negative = other->negative;
    struct float_buckets lost_positive = {.n = 0}, lost_negative = {.n = 0};
    int steps = to->schema - other->schema;
    if (steps > 0) {
        float_buckets_reduce(&to->positive, c ? &c->positive : NULL, steps, a);
        float_buckets_reduce(&to->negative, c ? &c->negative : NULL, steps, a);
        to->schema = other->schema;
    } else if (steps < 0) {
        positive = coarse_side(&other->positive, -steps, c ? &lost_positive : NULL, a);
        negative = coarse_side(&other->negative, -steps, c ? &lost_negative : NULL, a);
    }
    add_side(to, &to->positive, c ? &c->positive : NULL,
             (struct addend){&positive, lost_positive.v, factor, 0}, a);
    add_side(to, &to->negative, c ? &c->negative : NULL,
             (struct addend){&negative, lost_negative.v, factor, 0}, a);
}

/* Nothing lost yet in a histogram of this layout. */
static struct float_histogram *
no_loss(const struct float_histogram *h, struct arena *a)
{
    struct float_histogram *c = ARENA_NEW(a, struct float_histogram);
    *c = *h;
    c->zero_count = c->count = c->sum = 0;
    c->positive.v = ARENA_ARRAY(a, double, h->positive.n);
    c->negative.v = ARENA_ARRAY(a, double, h->negative.n);
    return c;
}

/* Adds `other` times `factor`; c is NULL, or takes what rounding loses. */
static void
add(struct float_histogram *to, struct float_histogram *c, const struct float_histogram *other,
    double factor, struct arena *a, unsigned *findings)
{
    *findings |= join_resets(to, other->reset);
    if (!float_histogram_is_custom(to)) {
        struct float_zero zero = float_histogram_join_zero(to, c, other, a);
        float_add(&to->zero_count, c ? &c->zero_count : NULL, factor * zero.count);
        if (c)
            float_add(&to->zero_count, &c->zero_count, factor * zero.lost);
    }
    float_add(&to->count, c ? &c->count : NULL, factor * other->count);
    float_add(&to->sum, c ? &c->sum : NULL, factor * other->sum);
    if (!float_histogram_is_custom(to)) {
        add_exponential(to, c, other, factor, a);
    } else if (float_histogram_bounds_same(to, other)) {
        add_side(to, &to->positive, c ? &c->positive : NULL,
                 (struct addend){&other->positive, NULL, factor, 0}, a);
    } else {
        *findings |= FLOAT_HISTOGRAM_BOUNDS_DIFFER;
        float_histogram_add_custom(to, c, other, factor, a);
    }
    if (c) {
        c->schema = to->schema;
        c->zero_threshold = to->zero_threshold;
    }
}

bool
float_histogram_add(struct float_histogram *to, const struct float_histogram *other,
                    struct arena *a, unsigned *findings)
{
    if (float_histogram_is_custom(to) != float_histogram_is_custom(other))
        return false;
    add(to, NULL, other, 1, a, findings);
    return true;
}

bool
float_histogram_subtract(struct float_histogram *to, const struct float_histogram *other,
                         struct arena *a, unsigned *findings)
{
    if (float_histogram_is_custom(to) != float_histogram_is_custom(other))
        return false;
    add(to, NULL, other, -1, a, findings);
    return true;
}

bool
float_histogram_add_compensated(struct float_histogram *to, struct float_histogram **c,
                                const struct float_histogram *other, struct arena *a,
                                unsigned *findings)
{
    if (float_histogram_is_custom(to) != float_histogram_is_custom(other))
        return false;
    if (!*c)
        *c = no_loss(to, a);
    add(to, *c, other, 1, a, findings);
    return true;
}
