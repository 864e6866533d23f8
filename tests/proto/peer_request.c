/* peer_request.c - see peer_request.h. */
#include "tests/proto/peer_request.h"

#include <stdio.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "tests/harness.h"
#include "tests/proto/peer_histogram.h"

enum { LABELS_MAX = 12, SERIES_MAX = 8 };

static double
random_value(struct rand_gen *g)
{
    static const double plain[] = {0, -0.0, 1, 1e300, -5e-324};
    return rand_below(g, 3) ? plain[rand_below(g, ARRAY_LEN(plain))] : rand_f64(g);
}

static int64_t
random_time(struct rand_gen *g)
{
    static const int64_t plain[] = {0, -1, 1700000000000, 1700000015000, INT64_MIN, 1};
    return plain[rand_below(g, ARRAY_LEN(plain))];
}

char *
peer_random_text(struct rand_gen *g, struct arena *a)
{
    size_t n = (size_t)rand_below(g, rand_below(g, 20) ? 20 : 400);
    char *text = arena_alloc_zero(a, n + 1);
    for (size_t i = 0; i < n; i++)
        text[i] = (char)('a' + rand_below(g, 26));
    return text;
}

static void
random_exemplars(struct rand_gen *g, struct arena *a, Prompb__TimeSeries *series)
{
    series->n_exemplars = (size_t)rand_below(g, 3);
    PEER_MESSAGES(a, exemplars, series->n_exemplars, Prompb__Exemplar, prompb__exemplar__init);
    for (size_t i = 0; i < series->n_exemplars; i++) {
        size_t n = (size_t)rand_below(g, 3);
        PEER_MESSAGES(a, labels, n, Prompb__Label, prompb__label__init);
        for (size_t k = 0; k < n; k++) { /* in order, and no value is empty */
            labels[k]->name = arena_alloc_zero(a, 32);
            labels[k]->value = arena_alloc_zero(a, 32);
            snprintf(labels[k]->name, 32, "name_%zu", k);
            snprintf(labels[k]->value, 32, "%u", (unsigned)rand_below(g, 1000));
        }
        exemplars[i]->labels = labels;
        exemplars[i]->n_labels = n;
        exemplars[i]->value = random_value(g);
        exemplars[i]->timestamp = random_time(g);
    }
    series->exemplars = exemplars;
}

static void
random_series(struct rand_gen *g, struct arena *a, Prompb__TimeSeries *series)
{
    series->n_labels = (size_t)rand_below(g, LABELS_MAX);
    PEER_MESSAGES(a, labels, series->n_labels, Prompb__Label, prompb__label__init);
    for (size_t i = 0; i < series->n_labels; i++) {
        labels[i]->name = peer_random_text(g, a);
        labels[i]->value = peer_random_text(g, a);
    }
    series->labels = labels;
    series->n_samples = (size_t)rand_below(g, PEER_SAMPLES_MAX);
    PEER_MESSAGES(a, samples, series->n_samples, Prompb__Sample, prompb__sample__init);
    for (size_t i = 0; i < series->n_samples; i++) {
        samples[i]->value = random_value(g);
        samples[i]->timestamp = random_time(g);
    }
    series->samples = samples;
    random_exemplars(g, a, series);
    series->n_histograms = rand_below(g, 4) ? 0 : 2;
    PEER_MESSAGES(a, histograms, series->n_histograms, Prompb__Histogram, prompb__histogram__init);
    for (size_t i = 0; i < series->n_histograms; i++)
        peer_histogram_random(g, a, histograms[i]);
    series->histograms = histograms;
}

Prompb__WriteRequest *
peer_request_random(struct rand_gen *g, struct arena *a)
{
    Prompb__WriteRequest *request = ARENA_NEW(a, Prompb__WriteRequest);
    prompb__write_request__init(request);
    request->n_timeseries = (size_t)rand_below(g, SERIES_MAX);
    PEER_MESSAGES(a, series, request->n_timeseries, Prompb__TimeSeries, prompb__time_series__init);
    for (size_t i = 0; i < request->n_timeseries; i++)
        random_series(g, a, series[i]);
    request->timeseries = series;
    request->n_metadata = (size_t)rand_below(g, 3);
    PEER_MESSAGES(a, metadata, request->n_metadata, Prompb__Metadata, prompb__metadata__init);
    for (size_t i = 0; i < request->n_metadata; i++) {
        metadata[i]->type = (uint32_t)rand_below(g, 8);
        metadata[i]->metric_family_name = peer_random_text(g, a);
        metadata[i]->help = peer_random_text(g, a);
        metadata[i]->unit = peer_random_text(g, a);
    }
    request->metadata = metadata;
    return request;
}

struct str
peer_pack(struct arena *a, const Prompb__WriteRequest *request)
{
    size_t n = prompb__write_request__get_packed_size(request);
    uint8_t *p = arena_alloc(a, n);
    ck_assert_uint_eq(prompb__write_request__pack(request, p), n);
    return str_of((const char *)p, n);
}

struct str
peer_pack_labels(struct arena *a, const Prompb__TimeSeries *series)
{
    Prompb__TimeSeries only = *series;
    only.n_samples = only.n_exemplars = only.n_histograms = 0;
    size_t n = prompb__time_series__get_packed_size(&only);
    uint8_t *p = arena_alloc(a, n);
    prompb__time_series__pack(&only, p);
    return str_of((const char *)p, n);
}

/* protobuf-c leaves out -0, too: the sign is lost before we see it. */
static uint64_t
bits_as_sent(double value)
{
    return value == 0 ? 0 : bits_of_f64(value);
}

static void
check_exemplar(const Prompb__Exemplar *want, const struct exemplar *got)
{
    ck_assert_int_eq(got->t_ms, want->timestamp);
    ck_assert_uint_eq(got->bits, bits_as_sent(want->value));
    ck_assert_uint_eq(got->labels.n, want->n_labels);
    for (size_t i = 0; i < want->n_labels; i++) {
        ck_assert(str_eq(got->labels.v[i].name, str_of_cstr(want->labels[i]->name)));
        ck_assert(str_eq(got->labels.v[i].value, str_of_cstr(want->labels[i]->value)));
    }
}

void
peer_check_row(struct arena *a, const Prompb__TimeSeries *want, const struct append_row *row,
               const struct write_message *m)
{
    ck_assert(str_eq(row->label_key, peer_pack_labels(a, want)));
    ck_assert_uint_eq(row->sample_count, want->n_samples);
    for (size_t i = 0; i < want->n_samples; i++) {
        const struct sample *s = &m->samples[row->first_sample + i];
        ck_assert_int_eq(s->t_ms, want->samples[i]->timestamp);
        ck_assert_uint_eq(s->bits, bits_as_sent(want->samples[i]->value));
    }
    ck_assert_uint_eq(row->exemplar_count, want->n_exemplars);
    for (size_t i = 0; i < want->n_exemplars; i++)
        check_exemplar(want->exemplars[i], &m->exemplars[row->first_exemplar + i]);
    ck_assert_uint_eq(row->histogram_count, want->n_histograms);
    for (size_t i = 0; i < want->n_histograms; i++)
        peer_histogram_check(want->histograms[i], &m->histograms[row->first_histogram + i]);
}
