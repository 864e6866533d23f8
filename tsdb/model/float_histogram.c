/* float_histogram.c - histograms of doubles: made, copied, compared, scaled, as text. */
#include "tsdb/model/float_histogram.h"

#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "tsdb/model/float_histogram_int.h"
#include "tsdb/model/histogram_text.h"

double
float_histogram_bound(const struct float_histogram *h, int64_t index)
{
    if (!float_histogram_is_custom(h))
        return histogram_bound(h->schema, index);
    if (index < 0)
        return -INFINITY;
    return (uint64_t)index < h->bound_n ? h->bounds[index] : INFINITY;
}

/* --- made of stored ones, and back -------------------------------------------------------- */

/* Words are bits of doubles. */
static double *
doubles_of(struct histogram_words w, struct arena *a)
{
    if (w.n == 0)
        return NULL;
    double *v = arena_alloc(a, w.n * sizeof *v);
    memcpy(v, w.v, w.n * sizeof *v);
    return v;
}

static struct histogram_words
words_of(const double *v, size_t n, struct arena *a)
{
    if (n == 0)
        return (struct histogram_words){NULL, 0};
    uint64_t *words = arena_alloc(a, n * sizeof *words);
    memcpy(words, v, n * sizeof *words);
    return (struct histogram_words){words, n};
}

struct float_histogram *
float_histogram_of(const struct histogram *h, struct arena *a)
{
    struct histogram f = histogram_to_float(h, a);
    struct float_histogram *of = ARENA_NEW(a, struct float_histogram);
    *of = (struct float_histogram){
        .schema = f.schema,
        .reset = f.reset,
        .zero_threshold = f64_of_bits(f.zero_threshold),
        .zero_count = f64_of_bits(f.zero_count),
        .count = f64_of_bits(f.count),
        .sum = f64_of_bits(f.sum),
        .positive = {f.positive_spans, doubles_of(f.positive, a), f.positive.n},
        .negative = {f.negative_spans, doubles_of(f.negative, a), f.negative.n},
        .bounds = doubles_of(f.custom_bounds, a),
        .bound_n = f.custom_bounds.n,
    };
    return of;
}

struct histogram
float_histogram_store(const struct float_histogram *h, struct arena *a)
{
    return (struct histogram){
        .kind = HISTOGRAM_FLOAT,
        .reset = h->reset,
        .schema = h->schema,
        .zero_threshold = bits_of_f64(h->zero_threshold),
        .zero_count = bits_of_f64(h->zero_count),
        .count = bits_of_f64(h->count),
        .sum = bits_of_f64(h->sum),
        .positive_spans = h->positive.spans,
        .negative_spans = h->negative.spans,
        .positive = words_of(h->positive.v, h->positive.n, a),
        .negative = words_of(h->negative.v, h->negative.n, a),
        .custom_bounds = words_of(h->bounds, h->bound_n, a),
    };
}

void
float_histogram_format(const struct float_histogram *h, struct buf *to)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct histogram stored = float_histogram_store(h, &a);
    histogram_format(&stored, to);
}

/* --- copies ------------------------------------------------------------------------------- */

static double *
doubles_copy(const double *v, size_t n, struct arena *a)
{
    if (n == 0)
        return NULL;
    double *copy = arena_alloc(a, n * sizeof *copy);
    memcpy(copy, v, n * sizeof *copy);
    return copy;
}

/* Spans are shared. */
struct float_buckets
float_buckets_copy(const struct float_buckets *b, struct arena *a)
{
    return (struct float_buckets){b->spans, doubles_copy(b->v, b->n, a), b->n};
}

struct float_histogram *
float_histogram_copy(const struct float_histogram *h, struct arena *a)
{
    struct float_histogram *copy = ARENA_NEW(a, struct float_histogram);
    *copy = *h;
    copy->positive = float_buckets_copy(&h->positive, a);
    copy->positive.spans = histogram_spans_copy(h->positive.spans, a);
    copy->negative = float_buckets_copy(&h->negative, a);
    copy->negative.spans = histogram_spans_copy(h->negative.spans, a);
    copy->bounds = doubles_copy(h->bounds, h->bound_n, a);
    return copy;
}

/* --- equality ----------------------------------------------------------------------------- */

bool
float_histogram_bounds_same(const struct float_histogram *x, const struct float_histogram *y)
{
    if (x->bound_n != y->bound_n)
        return false;
    for (size_t i = 0; i < x->bound_n; i++)
        if (x->bounds[i] != y->bounds[i])
            return false;
    return true;
}

static bool
bits_same(double x, double y)
{
    return bits_of_f64(x) == bits_of_f64(y);
}

static bool
side_equal(const struct float_buckets *x, const struct float_buckets *y)
{
    return x->n == y->n && (x->n == 0 || memcmp(x->v, y->v, x->n * sizeof *x->v) == 0) &&
           histogram_spans_same(x->spans, y->spans);
}

bool
float_histogram_equal(const struct float_histogram *x, const struct float_histogram *y)
{
    if (float_histogram_is_custom(x) && !float_histogram_bounds_same(x, y))
        return false;
    return x->schema == y->schema && bits_same(x->count, y->count) && bits_same(x->sum, y->sum) &&
           x->zero_threshold == y->zero_threshold && bits_same(x->zero_count, y->zero_count) &&
           side_equal(&x->negative, &y->negative) && side_equal(&x->positive, &y->positive);
}

/* --- scaling ------------------------------------------------------------------------------ */

void
float_histogram_multiply(struct float_histogram *h, double factor)
{
    h->zero_count *= factor;
    h->count *= factor;
    h->sum *= factor;
    for (size_t i = 0; i < h->positive.n; i++)
        h->positive.v[i] *= factor;
    for (size_t i = 0; i < h->negative.n; i++)
        h->negative.v[i] *= factor;
    if (factor < 0)
        h->reset = HISTOGRAM_GAUGE;
}

void
float_histogram_divide(struct float_histogram *h, double by)
{
    h->zero_count /= by;
    h->count /= by;
    h->sum /= by;
    if (by == 0) {
        h->positive = h->negative = (struct float_buckets){.n = 0};
        return;
    }
    for (size_t i = 0; i < h->positive.n; i++)
        h->positive.v[i] /= by;
    for (size_t i = 0; i < h->negative.n; i++)
        h->negative.v[i] /= by;
    if (by < 0)
        h->reset = HISTOGRAM_GAUGE;
}
