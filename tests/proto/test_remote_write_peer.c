/* Random requests, encoded by one side and decoded by the other, both ways: the other side is
 * code that protobuf-c generates. */
#include "tests/harness.h"

#include "base/mem.h"
#include "base/pb.h"
#include "base/rand.h"
#include "proto/remote_write.h"
#include "tests/proto/peer_request.h"

enum { ROUNDS = 200 };

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
            peer_check_row(a, series, &got->rows[row++], got);
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
        const Prompb__WriteRequest *want = peer_request_random(&g, &a);
        struct write_message got;
        CK_OK(remote_write_decode(&a, peer_pack(&a, want), &got));
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
        const Prompb__WriteRequest *want = peer_request_random(&g, &a);
        struct reader r = reader_of(peer_pack(&a, want));
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
        const Prompb__WriteRequest *want = peer_request_random(&g, &a);
        for (size_t i = 0; i < want->n_timeseries; i++) {
            const Prompb__TimeSeries *series = want->timeseries[i];
            struct sample samples[PEER_SAMPLES_MAX];
            for (size_t k = 0; k < series->n_samples; k++)
                samples[k] = (struct sample){series->samples[k]->timestamp,
                                             bits_of_f64(series->samples[k]->value)};
            remote_write_encode_series(&message, peer_pack_labels(&a, series), samples,
                                       series->n_samples);
        }
        Prompb__WriteRequest *got =
            prompb__write_request__unpack(NULL, message.n, (const uint8_t *)message.p);
        ck_assert_ptr_nonnull(got);
        ck_assert_uint_eq(got->n_timeseries, want->n_timeseries);
        for (size_t i = 0; i < want->n_timeseries; i++) {
            ck_assert(str_eq(peer_pack_labels(&a, got->timeseries[i]),
                             peer_pack_labels(&a, want->timeseries[i])));
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
        CK_OK(remote_write_decode(&a, peer_pack(&a, peer_request_random(&g, &a)), &sent));
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
