/* quantile.c - interpolates between neighbours. */
#include "querygw/promql/quantile.h"

#include <stdlib.h>

#include "base/numtext.h"

static int
value_cmp(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return value_less(y, x) - value_less(x, y);
}

void
values_sort(double *v, size_t n)
{
    qsort(v, n, sizeof *v, value_cmp);
}

/* Between which two of n sorted values a quantile within [0, 1] lies, and how far. */
struct between {
    size_t lower, upper;
    double weight; /* of the upper one */
};

static struct between
between_of(double q, size_t n)
{
    double rank = q * (double)(n - 1);
    struct between r = {.lower = (size_t)rank, .weight = rank - floor(rank)};
    r.upper = r.lower + 1 < n ? r.lower + 1 : n - 1;
    return r;
}

/* Quantiles that do not hang on the values. */
static bool
quantile_is_special(double q, double *ret_value)
{
    if (q >= 0 && q <= 1)
        return false;
    *ret_value = isnan(q) ? NAN : q < 0 ? -INFINITY : INFINITY;
    return true;
}

double
quantile_of_sorted(double q, const double *v, size_t n)
{
    double special;
    if (quantile_is_special(q, &special))
        return special;
    struct between r = between_of(q, n);
    return v[r.lower] * (1 - r.weight) + v[r.upper] * r.weight;
}

/* --- without sorting -------------------------------------------------------------------------- */

enum { SORT_MAX = 12 }; /* values that are sorted rather than parted */

static double
median_of_three(double a, double b, double c)
{
    double low = a < b ? a : b, high = a < b ? b : a;
    return c < low ? low : c > high ? high : c;
}

enum side { BELOW, BELOW_OR_EQUAL };

/* Brings the values on one side of the pivot to the front; returns how many there are. Without
 * branches: which way a value goes cannot be guessed. */
static size_t
part(double *v, size_t n, double pivot, enum side side)
{
    size_t front = 0;
    for (size_t i = 0; i < n; i++) {
        double value = v[i];
        v[i] = v[front];
        v[front] = value;
        front += side == BELOW ? value < pivot : value <= pivot;
    }
    return front;
}

static void
insertion_sort(double *v, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        double value = v[i];
        size_t to = i;
        for (; to > 0 && value < v[to - 1]; to--)
            v[to] = v[to - 1];
        v[to] = value;
    }
}

/* Brings the value of rank k to v[k], smaller ones in front of it, greater ones behind. None is
 * NaN. Values that keep choosing bad pivots are sorted in the end. */
static void
select_rank(double *v, size_t n, size_t k)
{
    unsigned rounds = 2 * (64 - (unsigned)__builtin_clzll((uint64_t)n | 1));
    for (; n > SORT_MAX && rounds > 0; rounds--) {
        double pivot = median_of_three(v[0], v[n / 2], v[n - 1]);
        size_t below = part(v, n, pivot, BELOW);
        if (k < below) {
            n = below;
            continue;
        }
        size_t equal = part(v + below, n - below, pivot, BELOW_OR_EQUAL);
        if (k < below + equal)
            return;
        v += below + equal;
        n -= below + equal;
        k -= below + equal;
    }
    if (n > SORT_MAX)
        values_sort(v, n);
    else
        insertion_sort(v, n);
}

static size_t
nan_to_front(double *v, size_t n)
{
    size_t front = 0;
    for (size_t i = 0; i < n; i++) {
        double value = v[i];
        if (!isnan(value))
            continue;
        v[i] = v[front];
        v[front++] = value;
    }
    return front;
}

static double
least_of(const double *v, size_t n)
{
    double least = v[0];
    for (size_t i = 1; i < n; i++)
        least = v[i] < least ? v[i] : least;
    return least;
}

double
quantile_of_values(double q, double *v, size_t n)
{
    double special;
    if (quantile_is_special(q, &special))
        return special;
    struct between r = between_of(q, n);
    size_t nans = nan_to_front(v, n);
    if (r.lower < nans) /* whatever it is interpolated with */
        return NAN;
    select_rank(v + nans, n - nans, r.lower - nans);
    double upper = r.upper > r.lower ? least_of(v + r.upper, n - r.upper) : v[r.lower];
    return v[r.lower] * (1 - r.weight) + upper * r.weight;
}

struct err
quantile_check(struct exec *x, double q, struct promql_range range)
{
    if (q >= 0 && q <= 1)
        return OK;
    char text[NUMTEXT_BYTES_MAX];
    size_t n = numtext_g(q, text);
    AUTO(buf_fini) struct buf note = BUF_INIT;
    buf_printf(&note, "PromQL warning: quantile value should be between 0 and 1, got %.*s", (int)n,
               text);
    return notes_add(&x->notes, NOTE_WARNING, range, buf_str(&note));
}
