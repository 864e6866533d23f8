/* float_histogram_trim.c - observations above or below a bound taken out.
 *
 * What is left of a bucket that the bound cuts is estimated: by its logarithm in exponential
 * buckets, by its place in custom ones and in the zero bucket. The sum is estimated anew, each
 * bucket standing for the middle of what is left of it. */
#include "base/assert.h"
#include "tsdb/model/float_histogram_int.h"

struct trim {
    struct float_histogram *h;
    double bound;
    enum float_histogram_side drop;
    double count, sum; /* of what is left so far */
    bool changed;
};

/* What is left of a bucket. */
struct rest {
    double count, middle;
};

static double
middle_of(double lower, double upper, bool positive, bool linear)
{
    if (isinf(lower)) {
        if (isinf(upper))
            return 0;
        return upper > 0 ? upper / 2 : upper;
    }
    if (isinf(upper))
        return lower;
    if (linear)
        return (lower + upper) / 2;
    double middle = sqrt(fabs(lower * upper));
    return positive ? middle : -middle;
}

/* A bucket without an end says nothing of where its observations are: it is kept or goes. But one
 * of positive numbers, too, whose lower bound is not known, is taken to begin at 0. */
static struct rest
cut_endless(const struct float_bucket *b, const struct trim *t)
{
    double bound = t->bound;
    bool above = t->drop == FLOAT_HISTOGRAM_ABOVE;
    if (b->lower > -INFINITY)
        return above ? (struct rest){0, 0} : (struct rest){b->count, bound};
    bool begins_at_0 = b->upper > 0 && isfinite(b->upper);
    if (above && bound > 0 && begins_at_0)
        return (struct rest){b->count * bound / b->upper, bound / 2};
    if (above && b->upper <= 0)
        return (struct rest){b->count, bound};
    if (!above && bound >= 0 && begins_at_0)
        return (struct rest){b->count * (1 - bound / b->upper), (bound + b->upper) / 2};
    return (struct rest){0, 0};
}

/* The bound is within the bucket. */
static struct rest
cut(const struct float_bucket *b, const struct trim *t, bool positive)
{
    if (b->lower == -INFINITY || b->upper == INFINITY)
        return cut_endless(b, t);
    bool linear = float_histogram_is_custom(t->h);
    double below = b->count * float_bucket_fraction_below(b, t->bound, linear);
    if (t->drop == FLOAT_HISTOGRAM_ABOVE)
        return (struct rest){below, middle_of(b->lower, t->bound, positive, linear)};
    return (struct rest){b->count - below, middle_of(t->bound, b->upper, positive, linear)};
}

static struct rest
rest_of(const struct float_bucket *b, const struct trim *t, bool positive)
{
    bool above = t->drop == FLOAT_HISTOGRAM_ABOVE;
    if (above ? b->upper <= t->bound : b->lower >= t->bound) {
        bool linear = float_histogram_is_custom(t->h);
        return (struct rest){b->count, middle_of(b->lower, b->upper, positive, linear)};
    }
    if (above ? b->lower < t->bound : b->upper > t->bound)
        return cut(b, t, positive);
    return (struct rest){0, 0};
}

static void
keep(struct trim *t, double *count, struct rest rest)
{
    t->count += rest.count;
    t->sum += rest.middle * rest.count;
    t->changed |= *count != rest.count;
    *count = rest.count;
}

/* Returns whether the side counted anything. */
static bool
trim_side(struct trim *t, struct float_buckets *side, bool positive)
{
    struct bucket_walk walk = bucket_walk_of(side->spans);
    bool counted = false;
    int64_t index;
    for (size_t i = 0; i < side->n && bucket_walk_next(&walk, &index); i++) {
        if (side->v[i] == 0)
            continue;
        counted = true;
        double near = float_histogram_bound(t->h, index - 1);
        double far = float_histogram_bound(t->h, index);
        struct float_bucket b = {
            .lower = positive ? near : -far, .upper = positive ? far : -near, .count = side->v[i]};
        keep(t, &side->v[i], rest_of(&b, t, positive));
    }
    return counted;
}

/* With one side only, the zero bucket is on that side, too. */
static struct rest
rest_of_zero(const struct trim *t, bool counted_positive, bool counted_negative)
{
    double lower = -t->h->zero_threshold, upper = t->h->zero_threshold, count = t->h->zero_count;
    if (counted_negative && !counted_positive)
        upper = 0;
    if (counted_positive && !counted_negative)
        lower = 0;
    bool above = t->drop == FLOAT_HISTOGRAM_ABOVE;
    if (above ? t->bound <= lower : t->bound >= upper && !(t->bound <= lower))
        return (struct rest){0, 0};
    if (above ? t->bound >= upper : t->bound <= lower)
        return (struct rest){count, (lower + upper) / 2};
    if (above)
        return (struct rest){count * ((t->bound - lower) / (upper - lower)),
                             (lower + t->bound) / 2};
    return (struct rest){count * ((upper - t->bound) / (upper - lower)), (t->bound + upper) / 2};
}

void
float_histogram_trim(struct float_histogram *h, double bound, enum float_histogram_side drop,
                     struct arena *a)
{
    struct trim t = {.h = h, .bound = bound, .drop = drop};
    bool positive = trim_side(&t, &h->positive, true);
    bool negative = trim_side(&t, &h->negative, false);
    if (h->zero_count > 0)
        keep(&t, &h->zero_count, rest_of_zero(&t, positive, negative));
    if (!t.changed)
        return;
    h->count = t.count;
    h->sum = t.sum;
    float_histogram_compact(h, a);
}
