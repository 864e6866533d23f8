/* histogram_stats.c - interpolates within buckets: by logarithms in exponential ones, by place in
 * custom ones and around zero. */
#include "querygw/promql/histogram_stats.h"

#include <math.h>

#include "base/binary_log.h"
#include "base/kahan.h"

/* Around zero, in a histogram that has buckets on one side only, observations are on that side,
 * too. */
static void
cut_at_zero(const struct float_histogram *h, struct float_bucket *b)
{
    if (h->negative.n == 0 && h->positive.n > 0)
        b->lower = 0;
    else if (h->positive.n == 0 && h->negative.n > 0)
        b->upper = 0;
}

/* --- quantiles ---------------------------------------------------------------------------- */

/* The value that `fraction` of the bucket's observations are below. */
static double
interpolate(const struct float_histogram *h, const struct float_bucket *b, double fraction)
{
    if (float_histogram_is_custom(h) || (b->lower <= 0 && b->upper >= 0))
        return b->lower + (b->upper - b->lower) * fraction;
    double lower = binary_log(fabs(b->lower)), upper = binary_log(fabs(b->upper));
    if (b->lower > 0)
        return binary_power(lower + (upper - lower) * fraction);
    return -binary_power(upper + (lower - upper) * (1 - fraction));
}

/* Up to the bucket in which the count of observations reaches `rank`; the last one is *b when none
 * does. Returns the count. */
static double
walk_to_rank(struct float_bucket_walk *walk, double rank, struct float_bucket *b)
{
    double count = 0, here;
    while (float_bucket_walk_step(walk, &here)) {
        count += here;
        if (here != 0 && count >= rank) {
            *b = float_bucket_walk_here(walk);
            return count;
        }
    }
    struct float_bucket_walk again = float_bucket_walk_start(walk->h, walk->descending);
    while (float_bucket_walk_next(&again, b))
        ;
    return count;
}

/* An end of a custom bucket that has only one is the answer, whatever the rank. True with it. */
static bool
answer_of_endless(struct float_bucket *b, double *ret_value)
{
    if (b->lower == -INFINITY && b->upper > 0) {
        b->lower = 0;
        return false;
    }
    *ret_value = b->lower == -INFINITY ? b->upper : b->lower;
    return b->lower == -INFINITY || b->upper == INFINITY;
}

/* The sum tells of NaNs, or of infinities of both signs; the count tells which. The last bucket
 * becomes *b: Prometheus interpolates in that one. */
static void
count_rest(const struct float_histogram *h, struct float_bucket_walk *walk, double count,
           struct float_bucket *b, unsigned *findings)
{
    while (float_bucket_walk_next(walk, b))
        count += b->count;
    if (count < h->count)
        *findings |= HISTOGRAM_STATS_NAN_SKEW;
}

double
histogram_stats_quantile(const struct float_histogram *h, double q, unsigned *findings)
{
    if (q < 0 || q > 1)
        return q < 0 ? -INFINITY : INFINITY;
    if (h->count == 0 || isnan(q))
        return NAN;
    bool nans = isnan(h->sum), from_below = nans || q < 0.5;
    double rank = (from_below ? q : 1 - q) * h->count, answer;
    struct float_bucket_walk walk = float_bucket_walk_start(h, !from_below);
    struct float_bucket b = {.count = 0};
    double count = walk_to_rank(&walk, rank, &b);
    if (float_histogram_is_custom(h)) {
        if (answer_of_endless(&b, &answer))
            return answer;
    } else if (b.lower < 0 && b.upper > 0) {
        cut_at_zero(h, &b);
    }
    if (count > h->count)
        count = h->count; /* rounding */
    if (count < rank) {
        if (!nans)
            return b.upper;
        *findings |= HISTOGRAM_STATS_NAN_RESULT;
        return NAN;
    }
    rank = from_below ? rank - (count - b.count) : count - rank;
    if (nans)
        count_rest(h, &walk, count, &b, findings);
    return interpolate(h, &b, rank / b.count);
}

/* --- fractions ---------------------------------------------------------------------------- */

/* How many observations are below a value, once the walk has reached it. */
struct rank {
    double value, count;
    bool known;
};

/* The bucket, with `before` observations before it, begins at the value or holds it. */
static void
rank_look(struct rank *r, const struct float_histogram *h, const struct float_bucket *b,
          double before)
{
    if (r->known || !(b->lower >= r->value || b->upper > r->value))
        return;
    r->known = true;
    r->count = before;
    if (b->lower >= r->value)
        return;
    bool around_zero = b->lower <= 0 && b->upper >= 0;
    bool linear = float_histogram_is_custom(h) || around_zero;
    if (linear && b->lower == -INFINITY)
        r->count = b->count;
    else
        r->count += b->count * float_bucket_fraction_below(b, r->value, linear);
}

double
histogram_stats_fraction(const struct float_histogram *h, double lower, double upper,
                         unsigned *findings)
{
    if (h->count == 0 || isnan(lower) || isnan(upper))
        return NAN;
    if (lower >= upper)
        return 0;
    struct rank from = {.value = lower}, to = {.value = upper};
    struct float_bucket_walk walk = float_bucket_walk_start(h, false);
    struct float_bucket b;
    double count = 0, before = 0;
    while (!(from.known && to.known) && float_bucket_walk_next(&walk, &b)) {
        count += b.count;
        if (b.lower <= 0 && b.upper >= 0)
            cut_at_zero(h, &b);
        rank_look(&from, h, &b, before);
        rank_look(&to, h, &b, before);
        before += b.count;
    }
    if (isnan(h->sum)) {
        while (float_bucket_walk_next(&walk, &b))
            count += b.count;
        if (count < h->count)
            *findings |= HISTOGRAM_STATS_NAN_EXCLUDED;
    } else {
        count = h->count;
    }
    if (!from.known || from.count > count)
        from.count = count;
    if (!to.known || to.count > count)
        to.count = count;
    return (to.count - from.count) / h->count;
}

/* --- moments ------------------------------------------------------------------------------ */

static double
middle_of(const struct float_histogram *h, const struct float_bucket *b)
{
    if (float_histogram_is_custom(h))
        return (b->upper + b->lower) / 2;
    if (b->lower <= 0 && b->upper >= 0)
        return 0;
    double middle = sqrt(b->upper * b->lower);
    return b->upper < 0 ? -middle : middle;
}

double
histogram_stats_variance(const struct float_histogram *h)
{
    double mean = histogram_stats_average(h);
    struct kahan squares = {0, 0};
    struct float_bucket_walk walk = float_bucket_walk_start(h, false);
    struct float_bucket b;
    while (float_bucket_walk_next(&walk, &b)) {
        if (b.count == 0)
            continue;
        double delta = middle_of(h, &b) - mean;
        kahan_add(&squares, b.count * delta * delta);
    }
    return (squares.sum + squares.c) / h->count;
}

double
histogram_stats_average(const struct float_histogram *h)
{
    return h->sum / h->count;
}
