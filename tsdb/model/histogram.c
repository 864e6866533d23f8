/* histogram.c - what makes a histogram valid, equal to another, a copy of another. */
#include "tsdb/model/histogram.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/mem.h"
#include "tsdb/model/histogram_spans.h"

bool
histogram_schema_known(int32_t schema)
{
    return schema == HISTOGRAM_SCHEMA_CUSTOM ||
           (schema >= HISTOGRAM_SCHEMA_RESERVED_MIN && schema <= HISTOGRAM_SCHEMA_RESERVED);
}

/* --- rules -------------------------------------------------------------------------------- */

static struct err
check_spans(const char *side, struct histogram_spans s, size_t have)
{
    size_t need = 0;
    struct spans_fault fault = histogram_spans_check(s, &need);
    switch (fault.kind) {
    case SPANS_SOUND:
        break;
    case SPANS_MANY:
        return ERR(ERR_INVALID, "%s: more than %d buckets or spans", side, HISTOGRAM_BUCKETS_MAX);
    case SPANS_NEGATIVE_OFFSET:
        return ERR(ERR_INVALID, "%s: span number %zu has the negative offset %" PRId32, side,
                   fault.span + 1, s.v[fault.span].offset);
    case SPANS_INDEX:
        return ERR(ERR_INVALID, "%s: span number %zu has a bucket index beyond %d", side,
                   fault.span + 1, HISTOGRAM_INDEX_MAX);
    }
    if (need != have)
        return ERR(ERR_INVALID, "%s: spans need %zu buckets, have %zu buckets", side, need, have);
    return OK;
}

/* Adds the counts of one side to *sum, which only means something for integers. */
static struct err
check_buckets(const char *side, enum histogram_kind kind, struct histogram_words w, uint64_t *sum)
{
    uint64_t count = 0;
    for (size_t i = 0; i < w.n; i++) {
        if (kind == HISTOGRAM_FLOAT) {
            if (f64_of_bits(w.v[i]) < 0)
                return ERR(ERR_INVALID, "%s: bucket number %zu has the negative count %g", side,
                           i + 1, f64_of_bits(w.v[i]));
            continue;
        }
        count += w.v[i];
        if ((int64_t)count < 0)
            return ERR(ERR_INVALID, "%s: bucket number %zu has the negative count %" PRId64, side,
                       i + 1, (int64_t)count);
        *sum += count;
    }
    return OK;
}

static struct err
check_bounds(struct histogram_words bounds)
{
    if (bounds.n > HISTOGRAM_BUCKETS_MAX)
        return ERR(ERR_INVALID, "custom buckets: more than %d bounds", HISTOGRAM_BUCKETS_MAX);
    for (size_t i = 0; i < bounds.n; i++) {
        double bound = f64_of_bits(bounds.v[i]);
        if (isnan(bound))
            return ERR(ERR_INVALID, "custom buckets: bound number %zu is NaN", i + 1);
        if (i > 0 && bound <= f64_of_bits(bounds.v[i - 1]))
            return ERR(ERR_INVALID, "custom buckets: bound %g follows %g: bounds have to increase",
                       bound, f64_of_bits(bounds.v[i - 1]));
    }
    if (bounds.n > 0 && f64_of_bits(bounds.v[bounds.n - 1]) == INFINITY)
        return ERR(ERR_INVALID, "custom buckets: the last bound is +Inf: it is never written down");
    return OK;
}

static struct err
check_custom(const struct histogram *h)
{
    static const char *const side = "custom buckets";
    TRY(check_bounds(h->custom_bounds));
    if (h->positive_spans.n > 0 && h->positive_spans.v[0].offset < 0)
        return ERR(ERR_INVALID, "%s: span number 1 has the negative offset %" PRId32, side,
                   h->positive_spans.v[0].offset);
    TRY(check_spans(side, h->positive_spans, h->positive.n));
    int64_t end = 0;
    for (size_t i = 0; i < h->positive_spans.n; i++)
        end += h->positive_spans.v[i].offset + (int64_t)h->positive_spans.v[i].length;
    if (end > (int64_t)h->custom_bounds.n + 1)
        return ERR(ERR_INVALID, "%s: %zu bounds are too few for spans over %" PRId64 " buckets",
                   side, h->custom_bounds.n, end);
    if (h->kind == HISTOGRAM_INTEGER ? h->zero_count != 0 : f64_of_bits(h->zero_count) != 0)
        return ERR(ERR_INVALID, "%s: the zero count has to be 0", side);
    if (f64_of_bits(h->zero_threshold) != 0)
        return ERR(ERR_INVALID, "%s: the zero threshold has to be 0", side);
    if (h->negative_spans.n > 0)
        return ERR(ERR_INVALID, "%s: negative spans", side);
    if (h->negative.n > 0)
        return ERR(ERR_INVALID, "%s: negative buckets", side);
    return OK;
}

static struct err
check_exponential(const struct histogram *h, uint64_t *sum)
{
    TRY(check_spans("positive side", h->positive_spans, h->positive.n));
    TRY(check_spans("negative side", h->negative_spans, h->negative.n));
    TRY(check_buckets("negative side", h->kind, h->negative, sum));
    if (h->kind == HISTOGRAM_FLOAT && f64_of_bits(h->zero_count) < 0)
        return ERR(ERR_INVALID, "the zero bucket has the negative count %g",
                   f64_of_bits(h->zero_count));
    if (h->custom_bounds.n > 0)
        return ERR(ERR_INVALID, "an exponential schema has custom bounds");
    return OK;
}

struct err
histogram_validate(const struct histogram *h)
{
    uint64_t sum = 0;
    if (h->schema == HISTOGRAM_SCHEMA_CUSTOM)
        TRY(check_custom(h));
    else if (h->schema >= HISTOGRAM_SCHEMA_MIN && h->schema <= HISTOGRAM_SCHEMA_MAX)
        TRY(check_exponential(h, &sum));
    else
        return ERR(ERR_INVALID,
                   "schema %" PRId32 " is none: %d to %d are, and %d for custom buckets", h->schema,
                   HISTOGRAM_SCHEMA_MIN, HISTOGRAM_SCHEMA_MAX, HISTOGRAM_SCHEMA_CUSTOM);
    if (h->kind == HISTOGRAM_FLOAT && f64_of_bits(h->count) < 0)
        return ERR(ERR_INVALID, "the observation count %g is negative", f64_of_bits(h->count));
    TRY(check_buckets("positive side", h->kind, h->positive, &sum));
    if (h->kind == HISTOGRAM_FLOAT)
        return OK;
    sum += h->zero_count;
    if (isnan(f64_of_bits(h->sum))) { /* a NaN is counted, but in no bucket */
        if (sum > h->count)
            return ERR(ERR_INVALID,
                       "%" PRIu64 " observations in buckets, but the count is %" PRIu64
                       ": it has to be as great at least",
                       sum, h->count);
    } else if (sum != h->count) {
        return ERR(ERR_INVALID,
                   "%" PRIu64 " observations in buckets, but the count is %" PRIu64
                   ": it has to be equal without NaNs",
                   sum, h->count);
    }
    return OK;
}

/* --- copies ------------------------------------------------------------------------------- */

static struct histogram_words
copy_words(struct histogram_words w, struct arena *a)
{
    if (w.n == 0)
        return (struct histogram_words){NULL, 0};
    uint64_t *v = ARENA_ARRAY(a, uint64_t, w.n);
    memcpy(v, w.v, w.n * sizeof *v);
    return (struct histogram_words){v, w.n};
}

struct histogram
histogram_copy(const struct histogram *h, struct arena *a)
{
    struct histogram copy = *h;
    copy.positive_spans = histogram_spans_copy(h->positive_spans, a);
    copy.negative_spans = histogram_spans_copy(h->negative_spans, a);
    copy.positive = copy_words(h->positive, a);
    copy.negative = copy_words(h->negative, a);
    copy.custom_bounds = copy_words(h->custom_bounds, a);
    return copy;
}

static bool
words_same(struct histogram_words x, struct histogram_words y)
{
    return x.n == y.n && (x.n == 0 || memcmp(x.v, y.v, x.n * sizeof *x.v) == 0);
}

/* All but the buckets of the sides; of markers there is nothing else. */
static bool
rest_equal(const struct histogram *x, const struct histogram *y)
{
    if (x->kind != y->kind || x->sum != y->sum)
        return false;
    if (histogram_is_stale(x))
        return true;
    return x->schema == y->schema && x->zero_threshold == y->zero_threshold &&
           x->zero_count == y->zero_count && x->count == y->count &&
           words_same(x->custom_bounds, y->custom_bounds);
}

bool
histogram_equal(const struct histogram *x, const struct histogram *y)
{
    if (!rest_equal(x, y))
        return false;
    return histogram_is_stale(x) ||
           (words_same(x->positive, y->positive) && words_same(x->negative, y->negative) &&
            histogram_spans_same(x->positive_spans, y->positive_spans) &&
            histogram_spans_same(x->negative_spans, y->negative_spans));
}

/* The buckets of a side that count something, one at a time. */
struct count_walk {
    struct bucket_walk buckets;
    const uint64_t *at;
    enum histogram_kind kind;
    uint64_t count;
};

static bool
count_walk_next(struct count_walk *w, int64_t *ret_index)
{
    while (bucket_walk_next(&w->buckets, ret_index)) {
        w->count = *w->at++ + (w->kind == HISTOGRAM_INTEGER ? w->count : 0);
        if (w->count != 0)
            return true;
    }
    return false;
}

static bool
side_alike(struct count_walk x, struct count_walk y)
{
    for (;;) {
        int64_t i, k;
        bool more = count_walk_next(&x, &i);
        if (more != count_walk_next(&y, &k))
            return false;
        if (!more)
            return true;
        if (i != k || x.count != y.count)
            return false;
    }
}

bool
histogram_alike(const struct histogram *x, const struct histogram *y)
{
    if (!rest_equal(x, y))
        return false;
    if (histogram_is_stale(x))
        return true;
    struct count_walk xp = {bucket_walk_of(x->positive_spans), x->positive.v, x->kind, 0};
    struct count_walk yp = {bucket_walk_of(y->positive_spans), y->positive.v, y->kind, 0};
    struct count_walk xn = {bucket_walk_of(x->negative_spans), x->negative.v, x->kind, 0};
    struct count_walk yn = {bucket_walk_of(y->negative_spans), y->negative.v, y->kind, 0};
    return side_alike(xp, yp) && side_alike(xn, yn);
}

/* --- columns ------------------------------------------------------------------------------ */

void
histogram_columns_reserve(struct histogram_columns *c, size_t more)
{
    ASSERT(c->n + more >= c->n);
    if (c->n + more <= c->cap)
        return;
    c->cap = size_max(c->n + more, c->cap * 2);
    c->t_ms = mem_realloc(c->t_ms, c->cap * sizeof *c->t_ms);
    c->start_ms = mem_realloc(c->start_ms, c->cap * sizeof *c->start_ms);
    c->values = mem_realloc(c->values, c->cap * sizeof *c->values);
}

void
histogram_columns_fini(struct histogram_columns *c)
{
    mem_free(c->t_ms);
    mem_free(c->start_ms);
    mem_free(c->values);
    *c = (struct histogram_columns)HISTOGRAM_COLUMNS_INIT;
}
