/* histogram_layout.c - writing and reading the layout of histogram chunks. */
#include "tsdb/chunk/histogram_layout.h"

#include <inttypes.h>
#include <math.h>

#include "tsdb/model/histogram_spans.h"

enum {
    THRESHOLD_ZERO = 0,
    THRESHOLD_OTHER = 255,
    THRESHOLD_EXPONENT_BASE = 243, /* byte - 243: exponent e of 0.5 * 2^e */
    BOUND_SCALE = 1000,
    BOUND_SCALED_MAX = 33554430, /* plus 1 it still fits 25 bits */
    SPAN_BITS_MIN = 2,
    BOUND_BITS_MIN = 5, /* a scaled one is at least 1 */
};

/* --- writing ------------------------------------------------------------------------------ */

static void
put_threshold(struct bit_out *o, uint64_t bits)
{
    int exponent = 0; /* of an infinity, nobody sets it */
    double threshold = f64_of_bits(bits);
    if (threshold == 0) {
        bit_out_put(o, THRESHOLD_ZERO, 8);
        return;
    }
    double fraction = frexp(threshold, &exponent);
    int byte = exponent + THRESHOLD_EXPONENT_BASE;
    if (fraction == 0.5 && byte > THRESHOLD_ZERO && byte < THRESHOLD_OTHER) {
        bit_out_put(o, (uint64_t)byte, 8);
        return;
    }
    bit_out_put(o, THRESHOLD_OTHER, 8);
    bit_out_put(o, bits, 64);
}

static void
put_spans(struct bit_out *o, struct histogram_spans s)
{
    varbit_put_uint(o, s.n);
    for (size_t i = 0; i < s.n; i++) {
        varbit_put_uint(o, s.v[i].length);
        varbit_put_int(o, s.v[i].offset);
    }
}

static void
put_bound(struct bit_out *o, uint64_t bits)
{
    double bound = f64_of_bits(bits), scaled = bound * BOUND_SCALE;
    if (scaled >= 0 && scaled <= BOUND_SCALED_MAX && round(scaled) / BOUND_SCALE == bound) {
        varbit_put_uint(o, (uint64_t)round(scaled) + 1);
        return;
    }
    bit_out_put(o, 0, 1);
    bit_out_put(o, bits, 64);
}

void
histogram_layout_put(struct bit_out *o, const struct histogram *h)
{
    put_threshold(o, h->zero_threshold);
    varbit_put_int(o, h->schema);
    put_spans(o, h->positive_spans);
    put_spans(o, h->negative_spans);
    if (h->schema != HISTOGRAM_SCHEMA_CUSTOM)
        return;
    varbit_put_uint(o, h->custom_bounds.n);
    for (size_t i = 0; i < h->custom_bounds.n; i++)
        put_bound(o, h->custom_bounds.v[i]);
}

/* --- reading ------------------------------------------------------------------------------ */

static uint64_t
take_threshold(struct bit_reader *r)
{
    int byte = (int)bit_reader_take(r, 8);
    if (byte == THRESHOLD_ZERO)
        return 0;
    if (byte == THRESHOLD_OTHER)
        return bit_reader_take(r, 64);
    return bits_of_f64(ldexp(0.5, byte - THRESHOLD_EXPONENT_BASE));
}

static struct err
bad_layout(const struct bit_reader *r, const char *what)
{
    return ERR(ERR_CORRUPT, "histogram chunk of %zu bytes: layout: %s before bit %zu", r->bytes,
               what, r->at);
}

/* A number of items that take `bits_min` bits each. */
static struct err
take_count(struct bit_reader *r, size_t bits_min, size_t *ret_n)
{
    uint64_t n = varbit_take_uint(r);
    if (n > HISTOGRAM_BUCKETS_MAX)
        return bad_layout(r, "too many spans or bounds");
    if (bit_reader_overrun(r) || n * bits_min > bit_reader_left(r))
        return bad_layout(r, "cut off");
    *ret_n = (size_t)n;
    return OK;
}

static struct err
take_spans(struct bit_reader *r, struct arena *a, struct histogram_spans *ret_spans,
           size_t *ret_buckets)
{
    size_t n, buckets;
    TRY(take_count(r, SPAN_BITS_MIN, &n));
    struct histogram_span *v = ARENA_ARRAY(a, struct histogram_span, n);
    for (size_t i = 0; i < n; i++) {
        uint64_t length = varbit_take_uint(r);
        int64_t offset = varbit_take_int(r);
        if (length > HISTOGRAM_BUCKETS_MAX || offset < INT32_MIN || offset > INT32_MAX)
            return bad_layout(r, "a span out of range");
        v[i] = (struct histogram_span){(int32_t)offset, (uint32_t)length};
    }
    if (histogram_spans_check((struct histogram_spans){v, n}, &buckets).kind != SPANS_SOUND)
        return bad_layout(r, "spans that do not ascend, or too many buckets");
    *ret_spans = (struct histogram_spans){v, n};
    *ret_buckets = buckets;
    return OK;
}

static struct err
take_bounds(struct bit_reader *r, struct arena *a, struct histogram_words *ret)
{
    size_t n;
    TRY(take_count(r, BOUND_BITS_MIN, &n));
    uint64_t *v = ARENA_ARRAY(a, uint64_t, n);
    for (size_t i = 0; i < n; i++) {
        uint64_t scaled = varbit_take_uint(r);
        v[i] = scaled ? bits_of_f64((double)(scaled - 1) / BOUND_SCALE) : bit_reader_take(r, 64);
    }
    *ret = (struct histogram_words){v, n};
    return OK;
}

/* Users look bounds up by the index of a bucket. */
static bool
bounds_cover(const struct histogram *h)
{
    int64_t index;
    struct bucket_walk walk = bucket_walk_of(h->positive_spans);
    while (bucket_walk_next(&walk, &index)) {
        if (index < 0 || index > (int64_t)h->custom_bounds.n)
            return false;
    }
    return h->negative.n == 0;
}

struct err
histogram_layout_take(struct bit_reader *r, struct arena *a, struct histogram *ret)
{
    struct histogram h = {.zero_threshold = take_threshold(r)};
    int64_t schema = varbit_take_int(r);
    if (bit_reader_overrun(r))
        return bad_layout(r, "cut off");
    if (schema < INT32_MIN || schema > INT32_MAX || !histogram_schema_known((int32_t)schema))
        return ERR(ERR_CORRUPT, "histogram chunk: schema %" PRId64 " is not known", schema);
    h.schema = (int32_t)schema;
    TRY(take_spans(r, a, &h.positive_spans, &h.positive.n));
    TRY(take_spans(r, a, &h.negative_spans, &h.negative.n));
    if (h.schema == HISTOGRAM_SCHEMA_CUSTOM)
        TRY(take_bounds(r, a, &h.custom_bounds));
    if (bit_reader_overrun(r))
        return bad_layout(r, "cut off");
    if (h.schema == HISTOGRAM_SCHEMA_CUSTOM && !bounds_cover(&h))
        return bad_layout(r, "custom buckets without bounds");
    ret->zero_threshold = h.zero_threshold;
    ret->schema = h.schema;
    ret->positive_spans = h.positive_spans;
    ret->negative_spans = h.negative_spans;
    ret->positive.n = h.positive.n;
    ret->negative.n = h.negative.n;
    ret->custom_bounds = h.custom_bounds;
    return OK;
}
