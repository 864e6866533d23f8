/* histogram_total.c - adding, and the way out of an overflow. */
#include "querygw/promql/histogram_total.h"

#include <math.h>

#include "base/assert.h"

/* Two numbers below it have a sum that is finite, and so has what rounding lost. */
#define SURELY_FINITE 1e300

static bool
buckets_below(const struct float_buckets *b, double limit)
{
    for (size_t i = 0; i < b->n; i++)
        if (!(fabs(b->v[i]) < limit))
            return false;
    return true;
}

/* Every number of `h` is smaller than `limit`. */
static bool
is_below(const struct float_histogram *h, double limit)
{
    return fabs(h->sum) < limit && fabs(h->count) < limit && fabs(h->zero_count) < limit &&
           buckets_below(&h->positive, limit) && buckets_below(&h->negative, limit);
}

static bool
buckets_overflow(const struct float_buckets *b)
{
    for (size_t i = 0; i < b->n; i++)
        if (isinf(b->v[i]))
            return true;
    return false;
}

static bool
has_overflow(const struct float_histogram *h)
{
    return isinf(h->zero_count) || isinf(h->count) || isinf(h->sum) ||
           buckets_overflow(&h->positive) || buckets_overflow(&h->negative);
}

static void
see_hint(struct histogram_total *t, const struct float_histogram *h)
{
    t->reset_seen = t->reset_seen || h->reset == HISTOGRAM_RESET_YES;
    t->no_reset_seen = t->no_reset_seen || h->reset == HISTOGRAM_RESET_NO;
}

static bool
add_to(struct histogram_total *t, struct float_histogram *to, struct float_histogram **c,
       const struct float_histogram *h)
{
    t->incompatible = !float_histogram_add_compensated(to, c, h, t->arena, &t->findings);
    return !t->incompatible;
}

/* Adds to the sum unless that overflows: then the sum stays and *ret_fits is false. */
static bool
add_unless_overflow(struct histogram_total *t, const struct float_histogram *h, bool *ret_fits)
{
    *ret_fits = true;
    if (is_below(t->value, SURELY_FINITE) && is_below(h, SURELY_FINITE))
        return add_to(t, t->value, &t->c, h);
    struct float_histogram *sum = float_histogram_copy(t->value, t->arena);
    struct float_histogram *c = t->c ? float_histogram_copy(t->c, t->arena) : NULL;
    if (!add_to(t, sum, &c, h))
        return false;
    *ret_fits = !has_overflow(sum);
    if (*ret_fits) {
        t->value = sum;
        t->c = c;
    }
    return true;
}

/* The count is that with `h` in it. */
static bool
add_to_mean(struct histogram_total *t, const struct float_histogram *h)
{
    double q = (t->count - 1) / t->count;
    if (t->c)
        float_histogram_multiply(t->c, q);
    struct float_histogram *share = float_histogram_copy(h, t->arena);
    float_histogram_divide(share, t->count);
    float_histogram_multiply(t->value, q);
    return add_to(t, t->value, &t->c, share);
}

bool
histogram_total_add(struct histogram_total *t, const struct float_histogram *h)
{
    if (t->incompatible)
        return true;
    see_hint(t, h);
    t->count++;
    if (!t->value) {
        t->value = float_histogram_copy(h, t->arena);
        return true;
    }
    if (t->kind == HISTOGRAM_TOTAL_SUM)
        return add_to(t, t->value, &t->c, h);
    if (!t->running) {
        bool fits;
        if (!add_unless_overflow(t, h, &fits) || fits)
            return !t->incompatible;
        t->running = true;
        float_histogram_divide(t->value, t->count - 1);
        if (t->c)
            float_histogram_divide(t->c, t->count - 1);
    }
    return add_to_mean(t, h);
}

unsigned
histogram_total_findings(const struct histogram_total *t)
{
    unsigned findings = t->findings & FLOAT_HISTOGRAM_BOUNDS_DIFFER;
    return t->reset_seen && t->no_reset_seen ? findings | FLOAT_HISTOGRAM_RESET_CONFLICT : findings;
}

struct float_histogram *
histogram_total_value(struct histogram_total *t)
{
    ASSERT(t->value && !t->incompatible);
    bool divides = t->kind == HISTOGRAM_TOTAL_MEAN && !t->running;
    if (divides)
        float_histogram_divide(t->value, t->count);
    if (!t->c)
        return t->value;
    if (divides)
        float_histogram_divide(t->c, t->count);
    unsigned unused = 0;
    bool added = float_histogram_add(t->value, t->c, t->arena, &unused);
    ASSERT(added); /* it has the layout of the total */
    return t->value;
}
