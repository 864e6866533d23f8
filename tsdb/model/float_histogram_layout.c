/* float_histogram_layout.c - which buckets a histogram has: fewer, or coarser ones. */
#include "base/assert.h"
#include "tsdb/model/float_histogram_int.h"

/* --- without empty buckets ---------------------------------------------------------------- */

static bool
is_empty(const struct float_buckets *b, const struct float_buckets *lost, size_t i)
{
    return b->v[i] == 0 && (!lost || lost->v[i] == 0);
}

void
float_buckets_compact(struct float_buckets *b, struct float_buckets *lost, struct arena *a)
{
    size_t full = 0;
    for (size_t i = 0; i < b->n; i++)
        full += !is_empty(b, lost, i);
    if (full == b->n)
        return;
    struct spans_builder spans = spans_builder_of(a, full);
    struct bucket_walk walk = bucket_walk_of(b->spans);
    size_t n = 0;
    int64_t index;
    for (size_t i = 0; i < b->n && bucket_walk_next(&walk, &index); i++) {
        if (is_empty(b, lost, i))
            continue;
        spans_builder_add(&spans, index);
        b->v[n] = b->v[i];
        if (lost)
            lost->v[n] = lost->v[i];
        n++;
    }
    b->spans = spans_builder_done(&spans);
    b->n = n;
    if (lost)
        *lost = (struct float_buckets){b->spans, lost->v, n};
}

void
float_histogram_compact(struct float_histogram *h, struct arena *a)
{
    float_buckets_compact(&h->positive, NULL, a);
    float_buckets_compact(&h->negative, NULL, a);
}

/* --- coarser ones ------------------------------------------------------------------------- */

void
float_buckets_reduce(struct float_buckets *b, struct float_buckets *lost, int steps,
                     struct arena *a)
{
    struct spans_builder spans = spans_builder_of(a, b->n);
    struct bucket_walk walk = bucket_walk_of(b->spans);
    size_t n = 0;
    int64_t fine;
    for (size_t i = 0; i < b->n && bucket_walk_next(&walk, &fine); i++) {
        int64_t index = coarse_index(fine, steps);
        if (n > 0 && index == spans.end - 1) {
            double *lost_here = lost ? &lost->v[n - 1] : NULL;
            float_add(&b->v[n - 1], lost_here, b->v[i]);
            if (lost)
                float_add(&b->v[n - 1], lost_here, lost->v[i]);
            continue;
        }
        spans_builder_add(&spans, index);
        b->v[n] = b->v[i];
        if (lost)
            lost->v[n] = lost->v[i];
        n++;
    }
    b->spans = spans_builder_done(&spans);
    b->n = n;
    if (lost)
        *lost = (struct float_buckets){b->spans, lost->v, n};
}

void
float_histogram_reduce(struct float_histogram *h, int32_t schema, struct arena *a)
{
    ASSERT(!float_histogram_is_custom(h) && schema <= h->schema);
    ASSERT(schema >= HISTOGRAM_SCHEMA_RESERVED_MIN);
    int steps = h->schema - schema;
    if (steps == 0)
        return;
    float_buckets_reduce(&h->positive, NULL, steps, a);
    float_buckets_reduce(&h->negative, NULL, steps, a);
    h->schema = schema;
}
