/* float_histogram_walk.c - buckets in the order of the number line.
 *
 * Three parts: a side from its far end to zero, the zero bucket, the other side from zero on. */
#include "base/binary_log.h"
#include "tsdb/model/float_histogram_int.h"

enum { PART_INWARDS, PART_OUTWARDS, PART_END };

#define BEFORE_FIRST SIZE_MAX /* w->bucket of the outward part, at the zero bucket */

static const struct float_buckets *
side_of(const struct float_bucket_walk *w)
{
    bool positive = (w->part == PART_OUTWARDS) != w->descending;
    return positive ? &w->h->positive : &w->h->negative;
}

struct float_bucket_walk
float_bucket_walk_start(const struct float_histogram *h, bool descending)
{
    struct float_bucket_walk w = {.h = h, .descending = descending, .known_index = INT64_MAX};
    const struct float_buckets *b = side_of(&w);
    w.span = b->spans.n;
    w.bucket = b->n;
    for (size_t i = 0; i < b->spans.n; i++)
        w.index += b->spans.v[i].offset + (int64_t)b->spans.v[i].length;
    return w;
}

/* To the bucket nearer to zero. w->span is the one walked, w->index the bucket given last. */
static bool
step_inwards(struct float_bucket_walk *w, const struct float_buckets *b)
{
    if (w->bucket == 0)
        return false;
    while (w->in_span == 0) {
        if (w->span < b->spans.n)
            w->index -= b->spans.v[w->span].offset;
        if (w->span == 0)
            return false;
        w->in_span = b->spans.v[--w->span].length;
    }
    w->in_span--;
    w->index--;
    w->bucket--;
    return true;
}

/* To the bucket farther from zero. w->span is the one behind that walked. */
static bool
step_outwards(struct float_bucket_walk *w, const struct float_buckets *b)
{
    w->index++;
    w->bucket++;
    while (w->in_span == 0) {
        if (w->span == b->spans.n)
            return false;
        w->index += b->spans.v[w->span].offset;
        w->in_span = b->spans.v[w->span++].length;
    }
    w->in_span--;
    return w->bucket < b->n;
}

/* Neighbours share a bound. */
static double
bound_at(struct float_bucket_walk *w, int64_t index)
{
    if (index != w->known_index) {
        w->known_index = index;
        w->known_bound = float_histogram_bound(w->h, index);
    }
    return w->known_bound;
}

static struct float_bucket
zero_bucket(const struct float_histogram *h)
{
    return (struct float_bucket){
        .lower = -h->zero_threshold,
        .upper = h->zero_threshold,
        .count = h->zero_count,
        .lower_inclusive = true,
        .upper_inclusive = true,
    };
}

struct float_bucket
float_bucket_walk_here(struct float_bucket_walk *w)
{
    const struct float_buckets *b = side_of(w);
    double near, far;
    if (w->part == PART_INWARDS) {
        far = bound_at(w, w->index);
        near = bound_at(w, w->index - 1);
    } else if (w->bucket == BEFORE_FIRST) {
        return zero_bucket(w->h);
    } else {
        near = bound_at(w, w->index - 1);
        far = bound_at(w, w->index);
    }
    bool positive = b == &w->h->positive;
    struct float_bucket at = {
        .lower = positive ? near : -far,
        .upper = positive ? far : -near,
        .count = b->v[w->bucket],
        .index = w->index,
    };
    bool custom = float_histogram_is_custom(w->h);
    at.lower_inclusive = custom ? w->index == 0 : at.lower < 0;
    at.upper_inclusive = custom || at.upper > 0;
    if (at.upper < 0 && at.upper > -w->h->zero_threshold)
        at.upper = -w->h->zero_threshold;
    else if (at.lower > 0 && at.lower < w->h->zero_threshold)
        at.lower = w->h->zero_threshold;
    return at;
}

bool
float_bucket_walk_step(struct float_bucket_walk *w, double *ret_count)
{
    const struct float_buckets *b = side_of(w);
    if (w->part == PART_INWARDS) {
        if (step_inwards(w, b)) {
            *ret_count = b->v[w->bucket];
            return true;
        }
        w->part = PART_OUTWARDS;
        w->span = w->in_span = 0;
        w->bucket = BEFORE_FIRST;
        w->index = -1;
        w->known_index = INT64_MAX;
        if (w->h->zero_count > 0) {
            *ret_count = w->h->zero_count;
            return true;
        }
    }
    b = side_of(w);
    if (w->part == PART_OUTWARDS && step_outwards(w, b)) {
        *ret_count = b->v[w->bucket];
        return true;
    }
    w->part = PART_END;
    return false;
}

bool
float_bucket_walk_next(struct float_bucket_walk *w, struct float_bucket *ret_bucket)
{
    double count;
    if (!float_bucket_walk_step(w, &count))
        return false;
    *ret_bucket = float_bucket_walk_here(w);
    return true;
}

double
float_bucket_fraction_below(const struct float_bucket *b, double v, bool linear)
{
    if (linear)
        return (v - b->lower) / (b->upper - b->lower);
    double lower = binary_log(fabs(b->lower)), upper = binary_log(fabs(b->upper));
    double at = binary_log(fabs(v));
    return v > 0 ? (at - lower) / (upper - lower) : 1 - ((at - upper) / (lower - upper));
}
