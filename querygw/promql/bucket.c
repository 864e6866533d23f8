/* bucket.c - interpolates linearly within buckets. */
#include "querygw/promql/bucket.h"

#include <float.h>
#include <math.h>

#define NOISE 1e-12 /* relative difference of counts that is taken for rounding */

/* Adds up the counts of equal bounds; returns how many are left. */
static size_t
coalesce(struct bucket *v, size_t n)
{
    size_t last = 0;
    for (size_t i = 1; i < n; i++) {
        if (v[i].upper == v[last].upper)
            v[last].count += v[i].count;
        else
            v[++last] = v[i];
    }
    return last + 1;
}

static bool
is_noise(double a, double b)
{
    double sum = fabs(a) + fabs(b), difference = fabs(a - b);
    if (a == 0 || b == 0 || sum < DBL_MIN)
        return difference < NOISE * DBL_MIN;
    return difference / fmin(sum, DBL_MAX) < NOISE;
}

/* Counts that fall are raised to the last good one; so are, silently, those next to it. */
static void
make_monotonic(struct bucket *v, size_t n, struct bucket_fix *fix)
{
    double good = v[0].count;
    for (size_t i = 1; i < n; i++) {
        double count = v[i].count;
        bool noise = count != good && is_noise(good, count);
        if (count > good && !noise)
            good = count;
        if (count < good && !noise) {
            fix->min_upper = fix->forced ? fmin(fix->min_upper, v[i].upper) : v[i].upper;
            fix->max_upper = fix->forced ? fmax(fix->max_upper, v[i].upper) : v[i].upper;
            fix->max_raise = fmax(fix->max_raise, good - count);
            fix->forced = true;
        }
        if (count < good || noise)
            v[i].count = good;
    }
}

/* The first bucket that reaches `rank`, or the last. */
static size_t
find_rank(const struct bucket *v, size_t n, double rank)
{
    size_t low = 0, high = n - 1;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (v[mid].count >= rank)
            high = mid;
        else
            low = mid + 1;
    }
    return low;
}

double
bucket_quantile(double q, struct bucket *v, size_t n, struct bucket_fix *ret_fix)
{
    *ret_fix = (struct bucket_fix){0};
    if (isnan(q))
        return NAN;
    if (q < 0 || q > 1)
        return q < 0 ? -INFINITY : INFINITY;
    if (v[n - 1].upper != INFINITY)
        return NAN;
    n = coalesce(v, n);
    make_monotonic(v, n, ret_fix);
    double observations = v[n - 1].count;
    if (n < 2 || observations == 0)
        return NAN;
    double rank = q * observations;
    size_t b = find_rank(v, n, rank);
    if (b == n - 1)
        return v[n - 2].upper;
    if (b == 0 && v[0].upper <= 0)
        return v[0].upper;
    double start = 0, count = v[b].count;
    if (b > 0) {
        start = v[b - 1].upper;
        count -= v[b - 1].count;
        rank -= v[b - 1].count;
    }
    return start + (v[b].upper - start) * (rank / count);
}

/* How many observations are at most `bound`; those of a bucket without a lower bound all are. */
static double
rank_of_bound(const struct bucket *v, size_t n, double bound)
{
    double rank = 0;
    for (size_t i = 0; i < n; i++) {
        double start = i > 0 ? v[i - 1].upper : v[0].upper > 0 ? 0 : -INFINITY;
        if (start >= bound)
            return rank;
        if (v[i].upper > bound && isfinite(start))
            return rank + (v[i].count - rank) * (bound - start) / (v[i].upper - start);
        rank = v[i].count;
    }
    return rank;
}

double
bucket_fraction(double lower, double upper, struct bucket *v, size_t n)
{
    if (v[n - 1].upper != INFINITY)
        return NAN;
    n = coalesce(v, n);
    double count = v[n - 1].count;
    if (count == 0 || isnan(lower) || isnan(upper))
        return NAN;
    if (lower >= upper)
        return 0;
    double from = fmin(rank_of_bound(v, n, lower), count);
    double to = fmin(rank_of_bound(v, n, upper), count);
    return (to - from) / count;
}
