/* Random requests, encoded by one side and decoded by the other, both ways: the other side is
 * code that protobuf-c generates. */
#include "tests/harness.h"

#include <stdio.h>

#include "base/mem.h"
#include "base/pb.h"
#include "base/rand.h"
#include "proto/remote_write.h"
#include "tests/proto/peer_histogram.h"

enum { ROUNDS = 200, LABELS_MAX = 12, SERIES_MAX = 8, SAMPLES_MAX = 5 };

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

static char *
random_text(struct rand_gen *g, struct arena *a)
{
    size_t n = (size_t)rand_below(g, rand_below(g, 20) ? 20 : 400);
    char *text = arena_alloc_zero(a, n + 1);
    for (size_t i = 0; i < n; i++)
        text[i] = (char)('a' + rand_below(g, 26));
    return text;
}

/* Pointers to `count` initialised messages of one type. */
#define MESSAGES(a, var, count, Type, init)                                                        \
    Type **var = ARENA_ARRAY((a), Type *, (count));                                                \
    for (size_t i_ = 0; i_ < (count); i_++) {                                                      \
        var[i_] = ARENA_NEW((a), Type);                                                            \
        init(var[i_]);                                                                             \
    }

static void
random_exemplars(struct rand_gen *g, struct arena *a, Prompb__TimeSeries *series)
{
    series->n_exemplars = (size_t)rand_below(g, 3);
    MESSAGES(a, exemplars, series->n_exemplars, Prompb__Exemplar, prompb__exemplar__init);
    for (size_t i = 0; i < series->n_exemplars; i++) {
        size_t n = (size_t)rand_below(g, 3);
        MESSAGES(a, labels, n, Prompb__Label, prompb__label__init);
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
    MESSAGES(a, labels, series->n_labels, Prompb__Label, prompb__label__init);
    for (size_t i = 0; i < series->n_labels; i++) {
        labels[i]->name = random_text(g, a);
        labels[i]->value = random_text(g, a);
    }
    series->labels = labels;
    series->n_samples = (size_t)rand_below(g, SAMPLES_MAX);
    MESSAGES(a, samples, series->n_samples, Prompb__Sample, prompb__sample__init);
    for (size_t i = 0; i < series->n_samples; i++) {
        samples[i]->value = random_value(g);
        samples[i]->timestamp = random_time(g);
    }
    series->samples = samples;
    random_exemplars(g, a, series);
    series->n_histograms = rand_below(g, 4) ? 0 : 2;
    MESSAGES(a, histograms, series->n_histograms, Prompb__Histogram, prompb__histogram__init);
    for (size_t i = 0; i < series->n_histograms; i++)
        peer_histogram_random(g, a, histograms[i]);
    series->histograms = histograms;
}

static Prompb__WriteRequest *
random_request(struct rand_gen *g, struct arena *a)
{
    Prompb__WriteRequest *request = ARENA_NEW(a, Prompb__WriteRequest);
    prompb__write_request__init(request);
    request->n_timeseries = (size_t)rand_below(g, SERIES_MAX);
    MESSAGES(a, series, request->n_timeseries, Prompb__TimeSeries, prompb__time_series__init);
    for (size_t i = 0; i < request->n_timeseries; i++)
        random_series(g, a, series[i]);
    request->timeseries = series;
    request->n_metadata = (size_t)rand_below(g, 3);
    MESSAGES(a, metadata, request->n_metadata, Prompb__Metadata, prompb__metadata__init);
    for (size_t i = 0; i < request->n_metadata; i++) {
        metadata[i]->type = (uint32_t)rand_below(g, 8);
        metadata[i]->metric_family_name = random_text(g, a);
        metadata[i]->help = random_text(g, a);
        metadata[i]->unit = random_text(g, a);
    }
    request->metadata = metadata;
    return request;
}

static struct str
pack(struct arena *a, const Prompb__WriteRequest *request)
{
    size_t n = prompb__write_request__get_packed_size(request);
    uint8_t *p = arena_alloc(a, n);
    ck_assert_uint_eq(prompb__write_request__pack(request, p), n);
    return str_of((const char *)p, n);
}

/* The label fields of a series, encoded by the other side. */
static struct str
pack_labels(struct arena *a, const Prompb__TimeSeries *series)
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

static void
check_row(struct arena *a, const Prompb__TimeSeries *want, const struct append_row *row,
          const struct write_message *m)
{
    ck_assert(str_eq(row->label_key, pack_labels(a, want)));
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

static void
check_metadata(const Prompb__Metadata *want, const struct family_metadata *got)
{
    ck_assert_uint_eq(got->value.kind, want->type);
    ck_assert(str_eq(got->family, str_of_cstr(want->metric_family_name)));
    ck_assert(str_eq(got->value.help, str_of_cstr(want->help)));
    ck_assert(str_eq(got->value.unit, str_of_cstr(want->unit)));
}

static void
check_decoded(struct arena *a, const Prompb__WriteRequest *want, const struct write_message *got)
{
    size_t row = 0, exemplars = 0, histograms = 0;
    for (size_t i = 0; i < want->n_timeseries; i++) {
        const Prompb__TimeSeries *series = want->timeseries[i];
        exemplars += series->n_exemplars;
        histograms += series->n_histograms;
        if (series->n_samples + series->n_exemplars + series->n_histograms > 0)
            check_row(a, series, &got->rows[row++], got);
    }
    ck_assert_uint_eq(got->row_count, row);
    ck_assert_uint_eq(got->series_count, want->n_timeseries);
    ck_assert_uint_eq(got->exemplar_count, exemplars);
    ck_assert_uint_eq(got->histogram_count, histograms);
    ck_assert_uint_eq(got->metadata_count, want->n_metadata);
    for (size_t i = 0; i < want->n_metadata; i++)
        check_metadata(want->metadata[i], &got->metadata[i]);
}

START_TEST(test_they_encode)
{
    struct rand_gen g = rand_gen_of(1);
    for (size_t round = 0; round < ROUNDS; round++) {
        AUTO(arena_fini) struct arena a = {0};
        const Prompb__WriteRequest *want = random_request(&g, &a);
        struct write_message got;
        CK_OK(remote_write_decode(&a, pack(&a, want), &got));
        check_decoded(&a, want, &got);
    }
}
END_TEST

/* An unknown field in each series forces the general path: it must agree with the fast one. */
START_TEST(test_paths_agree)
{
    struct rand_gen g = rand_gen_of(2);
    for (size_t round = 0; round < ROUNDS; round++) {
        AUTO(arena_fini) struct arena a = {0};
        AUTO(buf_fini) struct buf message = BUF_INIT;
        const Prompb__WriteRequest *want = random_request(&g, &a);
        struct reader r = reader_of(pack(&a, want));
        struct pb_field f;
        while (pb_next(&r, &f)) {
            struct str odd = f.number == 1 ? STR("\x7a\x01x") : STR("");
            pb_put_message(&message, f.number, f.bytes.n + odd.n);
            buf_append(&message, f.bytes);
            buf_append(&message, odd);
        }
        struct write_message got;
        CK_OK(remote_write_decode(&a, buf_str(&message), &got));
        check_decoded(&a, want, &got);
    }
}
END_TEST

START_TEST(test_we_encode)
{
    struct rand_gen g = rand_gen_of(3);
    for (size_t round = 0; round < ROUNDS; round++) {
        AUTO(arena_fini) struct arena a = {0};
        AUTO(buf_fini) struct buf message = BUF_INIT;
        const Prompb__WriteRequest *want = random_request(&g, &a);
        for (size_t i = 0; i < want->n_timeseries; i++) {
            const Prompb__TimeSeries *series = want->timeseries[i];
            struct sample samples[SAMPLES_MAX];
            for (size_t k = 0; k < series->n_samples; k++)
                samples[k] = (struct sample){series->samples[k]->timestamp,
                                             bits_of_f64(series->samples[k]->value)};
            remote_write_encode_series(&message, pack_labels(&a, series), samples,
                                       series->n_samples);
        }
        Prompb__WriteRequest *got =
            prompb__write_request__unpack(NULL, message.n, (const uint8_t *)message.p);
        ck_assert_ptr_nonnull(got);
        ck_assert_uint_eq(got->n_timeseries, want->n_timeseries);
        for (size_t i = 0; i < want->n_timeseries; i++) {
            ck_assert(
                str_eq(pack_labels(&a, got->timeseries[i]), pack_labels(&a, want->timeseries[i])));
            ck_assert_uint_eq(got->timeseries[i]->n_samples, want->timeseries[i]->n_samples);
            for (size_t k = 0; k < want->timeseries[i]->n_samples; k++) {
                const Prompb__Sample *x = got->timeseries[i]->samples[k];
                const Prompb__Sample *y = want->timeseries[i]->samples[k];
                ck_assert_int_eq(x->timestamp, y->timestamp);
                ck_assert_uint_eq(bits_of_f64(x->value), bits_of_f64(y->value));
            }
        }
        prompb__write_request__free_unpacked(got, NULL);
    }
}
END_TEST

/* What we decoded from them, encoded by us, is what they sent. */
START_TEST(test_we_encode_everything)
{
    struct rand_gen g = rand_gen_of(4);
    for (size_t round = 0; round < ROUNDS; round++) {
        AUTO(arena_fini) struct arena a = {0};
        AUTO(buf_fini) struct buf message = BUF_INIT;
        struct write_message sent, again;
        CK_OK(remote_write_decode(&a, pack(&a, random_request(&g, &a)), &sent));
        for (size_t i = 0; i < sent.row_count; i++)
            remote_write_encode_row(&message, &sent, &sent.rows[i]);
        for (size_t i = 0; i < sent.metadata_count; i++)
            remote_write_encode_metadata(&message, &sent.metadata[i]);
        Prompb__WriteRequest *got =
            prompb__write_request__unpack(NULL, message.n, (const uint8_t *)message.p);
        ck_assert_ptr_nonnull(got);
        CK_OK(remote_write_decode(&a, buf_str(&message), &again));
        check_decoded(&a, got, &again); /* we read ourselves as they read us, */
        ck_assert_uint_eq(again.sample_count, sent.sample_count); /* and nothing is lost */
        ck_assert_uint_eq(again.exemplar_count, sent.exemplar_count);
        ck_assert_uint_eq(again.histogram_count, sent.histogram_count);
        ck_assert_uint_eq(again.metadata_count, sent.metadata_count);
        prompb__write_request__free_unpacked(got, NULL);
    }
}
END_TEST

Suite *
remote_write_peer_suite(void)
{
    Suite *s = suite_create("remote_write_peer");
    TCase *t = tcase_create("protobuf-c");
    tcase_add_test(t, test_they_encode);
    tcase_add_test(t, test_paths_agree);
    tcase_add_test(t, test_we_encode);
    tcase_add_test(t, test_we_encode_everything);
    suite_add_tcase(s, t);
    return s;
}
