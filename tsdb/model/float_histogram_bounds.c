/* float_histogram_bounds.c - adding histograms with custom bounds that differ.
 *
 * Both are cut down to the bounds that they share: each bucket is counted in the shared one that
 * ends where it ends, or else in the next one. */
#include "tsdb/model/float_histogram_int.h"

static size_t
shared_bounds(const struct float_histogram *x, const struct float_histogram *y, double *to)
{
    size_t n = 0;
    for (size_t i = 0, k = 0; i < x->bound_n && k < y->bound_n;) {
        if (x->bounds[i] == y->bounds[k]) {
            to[n++] = x->bounds[i++];
            k++;
        } else if (x->bounds[i] < y->bounds[k]) {
            i++;
        } else {
            k++;
        }
    }
    return n;
}

/* Counts in shared buckets; the last one, n, ends at infinity. */
struct shared {
    const double *bounds;
    size_t n;
    double *v, *lost;
};

static void
count_shared(const struct shared *to, const struct float_histogram *h,
             const struct float_buckets *lost, double factor)
{
    struct bucket_walk walk = bucket_walk_of(h->positive.spans);
    size_t next = 0;
    int64_t index;
    for (size_t i = 0; i < h->positive.n && bucket_walk_next(&walk, &index); i++) {
        size_t at = to->n;
        if (index < (int64_t)h->bound_n) {
            while (next < to->n && !(to->bounds[next] >= h->bounds[index]))
                next++;
            at = next;
        }
        float_add(&to->v[at], &to->lost[at], factor * h->positive.v[i]);
        if (lost)
            float_add(&to->v[at], &to->lost[at], lost->v[i]);
    }
}

/* The shared buckets that count something. */
static struct float_buckets
filled(const struct shared *s, struct arena *a)
{
    struct float_buckets all = {.v = s->v, .n = s->n + 1}, lost = {.v = s->lost, .n = s->n + 1};
    struct histogram_span *span = ARENA_NEW(a, struct histogram_span);
    span->length = (uint32_t)(s->n + 1);
    all.spans = (struct histogram_spans){span, 1};
    float_buckets_compact(&all, &lost, a);
    return all;
}

void
float_histogram_add_custom(struct float_histogram *to, struct float_histogram *c,
                           const struct float_histogram *other, double factor, struct arena *a)
{
    size_t room = to->bound_n < other->bound_n ? to->bound_n : other->bound_n;
    double *bounds = ARENA_ARRAY(a, double, room);
    struct shared s = {.bounds = bounds, .n = shared_bounds(to, other, bounds)};
    s.v = ARENA_ARRAY(a, double, s.n + 1);
    s.lost = ARENA_ARRAY(a, double, s.n + 1);
    count_shared(&s, to, c ? &c->positive : NULL, 1);
    count_shared(&s, other, NULL, factor);
    to->positive = filled(&s, a);
    to->bounds = bounds;
    to->bound_n = s.n;
    if (c) {
        c->positive = (struct float_buckets){to->positive.spans, s.lost, to->positive.n};
        c->bounds = bounds;
        c->bound_n = s.n;
    }
}
