/* float_histogram_zero.c - zero buckets of different widths brought together.
 *
 * The wider threshold wins. Buckets of the other histogram that are within it are counted in its
 * zero bucket; one that is cut by it moves the threshold on, until neither histogram has a
 * bucket that counts something on both sides of it. */
#include "tsdb/model/float_histogram_int.h"

size_t
float_buckets_within(const struct float_histogram *h, const struct float_buckets *b)
{
    struct bucket_walk walk = bucket_walk_of(b->spans);
    size_t n = 0;
    int64_t index;
    if (!float_histogram_is_exponential(h))
        return 0;
    while (n < b->n && bucket_walk_next(&walk, &index) &&
           float_histogram_bound(h, index) <= h->zero_threshold)
        n++;
    return n;
}

/* Counts the buckets of one side that begin below `threshold`. Returns the threshold that the
 * last of them asks for. */
static double
count_within(const struct float_histogram *h, const struct float_buckets *b,
             const struct float_buckets *lost, double threshold, struct kahan *count)
{
    struct bucket_walk walk = bucket_walk_of(b->spans);
    int64_t index;
    for (size_t i = 0; i < b->n && bucket_walk_next(&walk, &index); i++) {
        if (float_histogram_bound(h, index - 1) >= threshold)
            break;
        kahan_add(count, b->v[i]);
        if (lost)
            kahan_add(count, lost->v[i]);
        double upper = float_histogram_bound(h, index);
        if (upper > threshold)
            return b->v[i] != 0 ? upper : threshold;
    }
    return threshold;
}

struct float_zero
float_histogram_wider_zero(const struct float_histogram *h, const struct float_histogram *c,
                           double threshold)
{
    struct kahan count = {h->zero_count, c ? c->zero_count : 0};
    if (threshold == h->zero_threshold)
        return (struct float_zero){threshold, count.sum, count.c};
    for (;;) {
        threshold = count_within(h, &h->positive, c ? &c->positive : NULL, threshold, &count);
        double wider = count_within(h, &h->negative, c ? &c->negative : NULL, threshold, &count);
        if (!(wider > threshold))
            return (struct float_zero){threshold, count.sum, count.c};
        /* The positive side again. What rounding has lost so far stays in: Prometheus has it so. */
        threshold = wider;
        count.sum = h->zero_count;
    }
}

static void
clear_within(const struct float_histogram *h, struct float_buckets *b, struct float_buckets *lost)
{
    struct bucket_walk walk = bucket_walk_of(b->spans);
    int64_t index;
    for (size_t i = 0; i < b->n && bucket_walk_next(&walk, &index); i++) {
        if (float_histogram_bound(h, index - 1) >= h->zero_threshold)
            break;
        b->v[i] = 0;
        if (lost)
            lost->v[i] = 0;
    }
}

/* Buckets go that are within the zero bucket now; and all others that are empty. */
static void
widen_zero(struct float_histogram *h, struct float_histogram *c, double threshold, struct arena *a)
{
    struct float_zero zero = float_histogram_wider_zero(h, c, threshold);
    h->zero_count = zero.count;
    h->zero_threshold = zero.threshold;
    if (c)
        c->zero_count = zero.lost;
    clear_within(h, &h->positive, c ? &c->positive : NULL);
    clear_within(h, &h->negative, c ? &c->negative : NULL);
    float_buckets_compact(&h->positive, c ? &c->positive : NULL, a);
    float_buckets_compact(&h->negative, c ? &c->negative : NULL, a);
}

struct float_zero
float_histogram_join_zero(struct float_histogram *to, struct float_histogram *c,
                          const struct float_histogram *other, struct arena *a)
{
    struct float_zero zero = {other->zero_threshold, other->zero_count, 0};
    for (;;) {
        if (to->zero_threshold > zero.threshold)
            zero = float_histogram_wider_zero(other, NULL, to->zero_threshold);
        else if (zero.threshold > to->zero_threshold)
            widen_zero(to, c, zero.threshold, a);
        else
            return zero; /* equal, or one of them is NaN */
    }
}
