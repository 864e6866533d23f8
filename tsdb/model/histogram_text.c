/* histogram_text.c - bounds of buckets, histograms as text. Contract: histogram_text.h. */
#include "tsdb/model/histogram_text.h"

#include <float.h>
#include <math.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/numtext.h"
#include "base/vec.h"
#include "tsdb/model/histogram_spans.h"

/* --- bounds ----------------------------------------------------------------------------------- */

enum {
    LAST_EXPONENT = 1024,   /* 2^1024 is no double: the bucket ends at the greatest one instead */
    EXPONENT_MAX = 1 << 20, /* far beyond all doubles */
};

/* 2^exponent * fraction, where the last bucket of finite numbers ends with them. */
static double
scaled(double fraction, int64_t exponent)
{
    if (fraction == 1 && exponent == LAST_EXPONENT)
        return DBL_MAX;
    int64_t e = exponent > EXPONENT_MAX ? EXPONENT_MAX : exponent;
    return ldexp(fraction, (int)(e < -EXPONENT_MAX ? -EXPONENT_MAX : e));
}

/* 2^(1/2), 2^(1/4), ...: the first one is just below the nearest double. */
static const double roots_of_2[HISTOGRAM_SCHEMA_MAX] = {
    0x1.6a09e667f3bccp+0, 0x1.306fe0a31b715p+0, 0x1.172b83c7d517bp+0, 0x1.0b5586cf9890fp+0,
    0x1.059b0d3158574p+0, 0x1.02c9a3e778061p+0, 0x1.0163da9fb3335p+0, 0x1.00b1afa5abcbfp+0,
};

/* Prometheus has a table for each schema: what is new in it is the entry before times
 * 2^(2^-schema), in doubles. So they are products of roots, the greatest first, and not always
 * what is nearest to the truth. */
double
histogram_bound(int32_t schema, int64_t index)
{
    ASSERT(schema >= HISTOGRAM_SCHEMA_RESERVED_MIN && schema <= HISTOGRAM_SCHEMA_MAX);
    if (schema <= 0)
        return scaled(1, index * (INT64_C(1) << -schema));
    double fraction = 1;
    for (int32_t bit = schema - 1; bit >= 0; bit--)
        if (index >> bit & 1)
            fraction *= roots_of_2[schema - 1 - bit];
    return scaled(fraction, index >> schema); /* rounds down */
}

/* Of bucket `index`; lower ones are asked for as those of the bucket before. */
static double
bound_of(const struct histogram *h, int64_t index)
{
    if (h->schema != HISTOGRAM_SCHEMA_CUSTOM)
        return histogram_bound(h->schema, index);
    if (index < 0)
        return -INFINITY;
    bool has_end = (uint64_t)index < h->custom_bounds.n;
    return has_end ? f64_of_bits(h->custom_bounds.v[index]) : INFINITY;
}

/* --- text ------------------------------------------------------------------------------------- */

struct filled_bucket {
    int64_t index;
    uint64_t count; /* a number or bits, as the kind says */
};
VEC_TYPE(filled_buckets, struct filled_bucket);

static void
auto_filled_buckets_fini(struct filled_buckets *b)
{
    vec_fini(b);
}

static void
fill(const struct histogram *h, struct histogram_spans spans, struct histogram_words words,
     struct filled_buckets *to)
{
    struct bucket_walk walk = bucket_walk_of(spans);
    struct filled_bucket b = {0, 0};
    for (size_t i = 0; i < words.n && bucket_walk_next(&walk, &b.index); i++) {
        bool integer = h->kind == HISTOGRAM_INTEGER;
        b.count = integer ? b.count + words.v[i] : words.v[i];
        if (integer ? b.count != 0 : f64_of_bits(b.count) != 0)
            vec_push(to, b);
    }
}

static void
put_number(double v, struct buf *to)
{
    char text[NUMTEXT_BYTES_MAX];
    buf_append(to, str_of(text, numtext_g(v, text)));
}

static void
put_count(const struct histogram *h, uint64_t count, struct buf *to)
{
    if (h->kind == HISTOGRAM_INTEGER)
        buf_printf(to, "%ju", (uintmax_t)count);
    else
        put_number(f64_of_bits(count), to);
}

static void
put_bucket(const struct histogram *h, double lower, double upper, const char *ends, uint64_t count,
           struct buf *to)
{
    buf_append(to, STR(", "));
    buf_put_u8(to, (uint8_t)ends[0]);
    put_number(lower, to);
    buf_put_u8(to, ',');
    put_number(upper, to);
    buf_put_u8(to, (uint8_t)ends[1]);
    buf_put_u8(to, ':');
    put_count(h, count, to);
}

/* A bucket includes the end that is farther from 0; no end that is 0 itself. */
static void
put_negative(const struct histogram *h, struct buf *to)
{
    __attribute__((cleanup(auto_filled_buckets_fini))) struct filled_buckets v = VEC_INIT;
    fill(h, h->negative_spans, h->negative, &v);
    for (size_t i = v.n; i > 0; i--) {
        double lower = -bound_of(h, v.v[i - 1].index), upper = -bound_of(h, v.v[i - 1].index - 1);
        put_bucket(h, lower, upper, lower < 0 ? "[)" : "()", v.v[i - 1].count, to);
    }
}

static void
put_positive(const struct histogram *h, struct buf *to)
{
    __attribute__((cleanup(auto_filled_buckets_fini))) struct filled_buckets v = VEC_INIT;
    fill(h, h->positive_spans, h->positive, &v);
    vec_each (&v, b) {
        double lower = bound_of(h, b->index - 1), upper = bound_of(h, b->index);
        const char *ends = upper > 0 ? "(]" : "()";
        if (h->schema == HISTOGRAM_SCHEMA_CUSTOM)
            ends = b->index == 0 ? "[]" : "(]";
        put_bucket(h, lower, upper, ends, b->count, to);
    }
}

void
histogram_format(const struct histogram *h, struct buf *to)
{
    buf_append(to, STR("{count:"));
    put_count(h, h->count, to);
    buf_append(to, STR(", sum:"));
    put_number(f64_of_bits(h->sum), to);
    put_negative(h, to);
    bool integer = h->kind == HISTOGRAM_INTEGER;
    double zeros = integer ? (double)h->zero_count : f64_of_bits(h->zero_count);
    double threshold = f64_of_bits(h->zero_threshold);
    if (zeros != 0)
        put_bucket(h, -threshold, threshold, "[]", h->zero_count, to);
    put_positive(h, to);
    buf_put_u8(to, '}');
}
