/* float_histogram_reset.c - whether a counter has begun again between two histograms. */
#include "tsdb/model/float_histogram_int.h"

/* --- exponential buckets, and custom ones with the same bounds ------------------------------ */

/* Buckets of one side in the coarser ones of `schema`. */
struct coarse_walk {
    struct bucket_walk fine;
    const double *v, *end;
    int steps;
    bool more; /* a fine bucket is to come: `next` */
    int64_t next;
    int64_t index; /* of the bucket given last */
    double count;
};

static void
fine_next(struct coarse_walk *w)
{
    int64_t index;
    w->more = w->v < w->end && bucket_walk_next(&w->fine, &index);
    if (w->more)
        w->next = coarse_index(index, w->steps);
}

static bool
coarse_next(struct coarse_walk *w)
{
    if (!w->more)
        return false;
    w->index = w->next;
    w->count = 0;
    do {
        w->count += *w->v++;
        fine_next(w);
    } while (w->more && w->next == w->index);
    return true;
}

/* At the first bucket that is not within the zero bucket of `like`, in its schema. False when
 * there is none. */
static bool
coarse_start(const struct float_histogram *h, const struct float_buckets *b,
             const struct float_histogram *like, struct coarse_walk *w)
{
    *w = (struct coarse_walk){.fine = bucket_walk_of(b->spans),
                              .v = b->v,
                              .end = b->n ? b->v + b->n : b->v,
                              .steps = h->schema - like->schema};
    fine_next(w);
    double from = like->zero_threshold;
    bool skip = from != 0 && float_histogram_is_exponential(like);
    while (coarse_next(w))
        if (!skip || !(float_histogram_bound(like, w->index) <= from))
            return true;
    return false;
}

static bool
same_layout_fell(const struct float_histogram *now, const struct float_buckets *now_side,
                 const struct float_buckets *before_side)
{
    for (size_t i = float_buckets_within(now, now_side); i < now_side->n; i++)
        if (now_side->v[i] < before_side->v[i])
            return true;
    return false;
}

/* A bucket that has fewer observations than before, or is not there anymore. */
static bool
side_fell(const struct float_histogram *now, const struct float_buckets *now_side,
          const struct float_histogram *before, const struct float_buckets *before_side)
{
    struct coarse_walk n, b;
    if (now->schema == before->schema &&
        histogram_spans_identical(now_side->spans, before_side->spans))
        return same_layout_fell(now, now_side, before_side);
    bool more = coarse_start(now, now_side, now, &n);
    if (!coarse_start(before, before_side, now, &b))
        return false;
    do {
        while (more && n.index < b.index)
            more = coarse_next(&n);
        bool there = more && n.index == b.index;
        if (there ? n.count < b.count : b.count != 0)
            return true;
    } while (coarse_next(&b));
    return false;
}

/* --- custom buckets with other bounds ----------------------------------------------------- */

struct custom_walk {
    const struct float_histogram *h;
    struct bucket_walk walk;
    size_t i;
    int64_t index;
    bool more;
};

static void
custom_next(struct custom_walk *w)
{
    w->more = w->i < w->h->positive.n && bucket_walk_next(&w->walk, &w->index);
    w->i++;
}

/* What the buckets up to `bound` count that were not asked for before. */
static double
count_up_to(struct custom_walk *w, double bound)
{
    double count = 0;
    for (; w->more && float_histogram_bound(w->h, w->index) <= bound; custom_next(w))
        count += w->h->positive.v[w->i - 1];
    return count;
}

static double
bound_or_inf(const struct float_histogram *h, size_t i)
{
    return i < h->bound_n ? h->bounds[i] : INFINITY;
}

/* Compares what is counted between the bounds that both have, infinity among them. */
static bool
custom_fell(const struct float_histogram *now, const struct float_histogram *before)
{
    struct custom_walk n = {.h = now, .walk = bucket_walk_of(now->positive.spans)};
    struct custom_walk b = {.h = before, .walk = bucket_walk_of(before->positive.spans)};
    custom_next(&n);
    custom_next(&b);
    for (size_t i = 0, k = 0; i <= now->bound_n && k <= before->bound_n;) {
        double bound = bound_or_inf(now, i), other = bound_or_inf(before, k);
        if (bound == other) {
            if (count_up_to(&n, bound) < count_up_to(&b, bound))
                return true;
            i++;
            k++;
        } else if (bound < other) {
            i++;
        } else {
            k++;
        }
    }
    return false;
}

/* ------------------------------------------------------------------------------------------ */

bool
float_histogram_was_reset(const struct float_histogram *now, const struct float_histogram *before)
{
    /* A gauge is looked at like a counter of which nothing is known. */
    if (now->reset == HISTOGRAM_RESET_YES || now->reset == HISTOGRAM_RESET_NO)
        return now->reset == HISTOGRAM_RESET_YES;
    if (now->count < before->count)
        return true;
    if (float_histogram_is_custom(now)) {
        if (!float_histogram_is_custom(before))
            return true;
        if (!float_histogram_bounds_same(now, before))
            return custom_fell(now, before);
    }
    if (now->schema > before->schema || now->zero_threshold < before->zero_threshold)
        return true; /* never finer without a new beginning */
    struct float_zero zero = float_histogram_wider_zero(before, NULL, now->zero_threshold);
    if (zero.threshold != now->zero_threshold)
        return true; /* it would cut a bucket that counts something */
    return now->zero_count < zero.count ||
           side_fell(now, &now->positive, before, &before->positive) ||
           side_fell(now, &now->negative, before, &before->negative);
}
