/* peer_histogram.c - see peer_histogram.h. */
#include "tests/proto/peer_histogram.h"

#include "base/bytes.h"
#include "tests/harness.h"

enum { ITEMS_MAX = 40 };

static Prompb__BucketSpan **
random_spans(struct rand_gen *g, struct arena *a, size_t *ret_n)
{
    *ret_n = (size_t)rand_below(g, 4);
    Prompb__BucketSpan **v = ARENA_ARRAY(a, Prompb__BucketSpan *, *ret_n);
    for (size_t i = 0; i < *ret_n; i++) {
        v[i] = ARENA_NEW(a, Prompb__BucketSpan);
        prompb__bucket_span__init(v[i]);
        v[i]->offset = (int32_t)rand_u64(g) >> rand_below(g, 32);
        v[i]->length = (uint32_t)rand_u64(g) >> rand_below(g, 32);
    }
    return v;
}

static int64_t *
random_deltas(struct rand_gen *g, struct arena *a, size_t *ret_n)
{
    *ret_n = (size_t)rand_below(g, ITEMS_MAX);
    int64_t *v = ARENA_ARRAY(a, int64_t, *ret_n);
    for (size_t i = 0; i < *ret_n; i++)
        v[i] = (int64_t)rand_u64(g) >> rand_below(g, 64);
    return v;
}

static double *
random_doubles(struct rand_gen *g, struct arena *a, size_t *ret_n)
{
    *ret_n = (size_t)rand_below(g, ITEMS_MAX);
    double *v = ARENA_ARRAY(a, double, *ret_n);
    for (size_t i = 0; i < *ret_n; i++)
        v[i] = rand_f64(g);
    return v;
}

static void
random_counts(struct rand_gen *g, Prompb__Histogram *h)
{
    switch (rand_below(g, 3)) { /* the third: none is there */
    case 0:
        h->count_case = PROMPB__HISTOGRAM__COUNT_COUNT_INT;
        h->count_int = rand_u64(g) >> rand_below(g, 64);
        h->zero_count_case = PROMPB__HISTOGRAM__ZERO_COUNT_ZERO_COUNT_INT;
        h->zero_count_int = rand_u64(g) >> rand_below(g, 64);
        break;
    case 1:
        h->count_case = PROMPB__HISTOGRAM__COUNT_COUNT_FLOAT;
        h->count_float = rand_f64(g);
        h->zero_count_case = PROMPB__HISTOGRAM__ZERO_COUNT_ZERO_COUNT_FLOAT;
        h->zero_count_float = rand_f64(g);
        break;
    default:
        break;
    }
}

void
peer_histogram_random(struct rand_gen *g, struct arena *a, Prompb__Histogram *h)
{
    random_counts(g, h);
    h->sum = rand_f64(g);
    h->schema = (int32_t)rand_below(g, 70) - 60;
    h->zero_threshold = rand_f64(g);
    h->negative_spans = random_spans(g, a, &h->n_negative_spans);
    h->negative_deltas = random_deltas(g, a, &h->n_negative_deltas);
    h->negative_counts = random_doubles(g, a, &h->n_negative_counts);
    h->positive_spans = random_spans(g, a, &h->n_positive_spans);
    h->positive_deltas = random_deltas(g, a, &h->n_positive_deltas);
    h->positive_counts = random_doubles(g, a, &h->n_positive_counts);
    h->reset_hint = (uint32_t)rand_below(g, 4);
    h->timestamp = (int64_t)rand_u64(g);
    h->custom_values = random_doubles(g, a, &h->n_custom_values);
}

static void
check_spans(struct histogram_spans got, Prompb__BucketSpan *const *want, size_t n)
{
    ck_assert_uint_eq(got.n, n);
    for (size_t i = 0; i < n; i++) {
        ck_assert_int_eq(got.v[i].offset, want[i]->offset);
        ck_assert_uint_eq(got.v[i].length, want[i]->length);
    }
}

static void
check_doubles(struct histogram_words got, const double *want, size_t n)
{
    ck_assert_uint_eq(got.n, n);
    for (size_t i = 0; i < n; i++)
        ck_assert_uint_eq(got.v[i], bits_of_f64(want[i]));
}

static void
check_deltas(struct histogram_words got, const int64_t *want, size_t n)
{
    ck_assert_uint_eq(got.n, n);
    for (size_t i = 0; i < n; i++)
        ck_assert_int_eq((int64_t)got.v[i], want[i]);
}

static void
check_integers(const Prompb__Histogram *want, const struct histogram *h)
{
    ck_assert_uint_eq(h->count, want->count_case ? want->count_int : 0);
    ck_assert_uint_eq(h->zero_count, want->zero_count_case ? want->zero_count_int : 0);
    check_deltas(h->positive, want->positive_deltas, want->n_positive_deltas);
    check_deltas(h->negative, want->negative_deltas, want->n_negative_deltas);
}

static void
check_floats(const Prompb__Histogram *want, const struct histogram *h)
{
    ck_assert_uint_eq(h->count, bits_of_f64(want->count_float));
    ck_assert_uint_eq(h->zero_count, bits_of_f64(want->zero_count_float));
    check_doubles(h->positive, want->positive_counts, want->n_positive_counts);
    check_doubles(h->negative, want->negative_counts, want->n_negative_counts);
}

void
peer_histogram_check(const Prompb__Histogram *want, const struct histogram_sample *got)
{
    const struct histogram *h = &got->value;
    bool is_float = want->count_case == PROMPB__HISTOGRAM__COUNT_COUNT_FLOAT;
    ck_assert_int_eq(got->t_ms, want->timestamp);
    ck_assert_int_eq(h->kind, is_float ? HISTOGRAM_FLOAT : HISTOGRAM_INTEGER);
    ck_assert_int_eq(h->reset, (int)want->reset_hint);
    ck_assert_int_eq(h->schema, want->schema);
    ck_assert_uint_eq(h->sum, bits_of_f64(want->sum));
    ck_assert_uint_eq(h->zero_threshold, bits_of_f64(want->zero_threshold));
    check_spans(h->positive_spans, want->positive_spans, want->n_positive_spans);
    check_spans(h->negative_spans, want->negative_spans, want->n_negative_spans);
    check_doubles(h->custom_bounds, want->custom_values, want->n_custom_values);
    if (is_float)
        check_floats(want, h);
    else
        check_integers(want, h);
}
