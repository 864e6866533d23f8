/* histogram_convert.c - a histogram in another form: coarser, in floats, in absolute counts. */
#include "base/assert.h"
#include "base/bytes.h"
#include "tsdb/model/histogram_spans.h"

void
histogram_counts_of_deltas(const uint64_t *v, size_t n, uint64_t *to)
{
    uint64_t count = 0;
    for (size_t i = 0; i < n; i++)
        to[i] = count += v[i];
}

void
histogram_deltas_of_counts(const uint64_t *v, size_t n, uint64_t *to)
{
    uint64_t before = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t count = v[i];
        to[i] = count - before;
        before = count;
    }
}

/* --- floats ------------------------------------------------------------------------------- */

/* Sums up in floats, as Prometheus does: above 2^53 that rounds otherwise than integers would. */
static struct histogram_words
float_words(struct histogram_words w, struct arena *a)
{
    if (w.n == 0)
        return (struct histogram_words){NULL, 0};
    uint64_t *v = ARENA_ARRAY(a, uint64_t, w.n);
    double count = 0;
    for (size_t i = 0; i < w.n; i++) {
        count += (double)(int64_t)w.v[i];
        v[i] = bits_of_f64(count);
    }
    return (struct histogram_words){v, w.n};
}

struct histogram
histogram_to_float(const struct histogram *h, struct arena *a)
{
    struct histogram f = *h;
    if (h->kind == HISTOGRAM_FLOAT)
        return f;
    f.kind = HISTOGRAM_FLOAT;
    f.count = bits_of_f64((double)h->count);
    f.positive = float_words(h->positive, a);
    if (h->schema == HISTOGRAM_SCHEMA_CUSTOM) {
        f.zero_threshold = f.zero_count = 0;
        f.negative_spans = (struct histogram_spans){NULL, 0};
        f.negative = (struct histogram_words){NULL, 0};
        return f;
    }
    f.zero_count = bits_of_f64((double)h->zero_count);
    f.negative = float_words(h->negative, a);
    f.custom_bounds = (struct histogram_words){NULL, 0};
    return f;
}

/* --- resolution --------------------------------------------------------------------------- */

/* Counts of neighbours that fall into one bucket are added up. Absolute counts: to[] is as long
 * as the side, and so are the spans. */
static struct err
reduce_side(enum histogram_kind kind, int steps, struct histogram_spans spans,
            struct histogram_words words, struct arena *a, struct histogram_spans *ret_spans,
            struct histogram_words *ret_words)
{
    size_t buckets = 0;
    if (histogram_spans_check(spans, &buckets).kind != SPANS_SOUND || buckets != words.n)
        return ERR(ERR_INVALID, "spans that do not fit %zu buckets", words.n);
    uint64_t *counts = ARENA_ARRAY(a, uint64_t, words.n);
    struct spans_builder coarse = spans_builder_of(a, words.n);
    size_t n = 0;
    uint64_t count = 0;
    int64_t fine;
    struct bucket_walk walk = bucket_walk_of(spans);
    for (size_t i = 0; bucket_walk_next(&walk, &fine); i++) {
        count = kind == HISTOGRAM_INTEGER ? count + words.v[i] : words.v[i];
        int64_t index = coarse_index(fine, steps);
        if (n > 0 && index == coarse.end - 1) {
            counts[n - 1] = kind == HISTOGRAM_INTEGER
                                ? counts[n - 1] + count
                                : bits_of_f64(f64_of_bits(counts[n - 1]) + f64_of_bits(count));
            continue;
        }
        spans_builder_add(&coarse, index);
        counts[n++] = count;
    }
    if (kind == HISTOGRAM_INTEGER)
        histogram_deltas_of_counts(counts, n, counts);
    *ret_spans = spans_builder_done(&coarse);
    *ret_words = (struct histogram_words){counts, n};
    return OK;
}

struct err
histogram_reduce(const struct histogram *h, struct arena *a, struct histogram *ret)
{
    struct histogram coarse = *h;
    int steps = h->schema - HISTOGRAM_SCHEMA_MAX;
    if (steps > 0 && h->schema <= HISTOGRAM_SCHEMA_RESERVED) {
        TRY(reduce_side(h->kind, steps, h->positive_spans, h->positive, a, &coarse.positive_spans,
                        &coarse.positive));
        TRY(reduce_side(h->kind, steps, h->negative_spans, h->negative, a, &coarse.negative_spans,
                        &coarse.negative));
        coarse.schema = HISTOGRAM_SCHEMA_MAX;
    }
    *ret = coarse;
    return OK;
}
