/* Random requests of remote write 2.0, encoded by code that protobuf-c generates: we decode from
 * them the rows that the same content gives in 1.0, in both paths, and encode what decodes to the
 * same. */
#include "tests/harness.h"

#include "base/bytes.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/pb.h"
#include "proto/remote_write2.h"
#include "tests/proto/peer_request.h"
#include "tests/proto/prompb2.pb-c.h"

enum { ROUNDS = 200, SYMBOLS_MAX = 4000 };

/* --- from the content of 1.0 to a request of 2.0 -----------------------------------------------
 */

struct table {
    struct map refs; /* text -> reference + 1 */
    char *symbols[SYMBOLS_MAX];
    size_t n;
};

static uint32_t
ref_of(struct table *t, char *text)
{
    uintptr_t known = (uintptr_t)map_get(&t->refs, str_of_cstr(text));
    if (known > 0)
        return (uint32_t)(known - 1);
    ck_assert_uint_lt(t->n, SYMBOLS_MAX);
    t->symbols[t->n++] = text;
    map_put(&t->refs, str_of_cstr(text), (void *)t->n);
    return (uint32_t)(t->n - 1);
}

static uint32_t *
refs_of(struct table *t, struct arena *a, Prompb__Label *const *labels, size_t n, size_t *ret_n)
{
    uint32_t *refs = ARENA_ARRAY(a, uint32_t, 2 * n);
    for (size_t i = 0; i < n; i++) {
        refs[2 * i] = ref_of(t, labels[i]->name);
        refs[2 * i + 1] = ref_of(t, labels[i]->value);
    }
    *ret_n = 2 * n;
    return refs;
}

static int64_t
random_start(struct rand_gen *g)
{
    static const int64_t starts[] = {0, 0, 1700000000000, 5, -1};
    return starts[rand_below(g, ARRAY_LEN(starts))];
}

static void
convert_exemplars(struct table *t, struct arena *a, const Prompb__TimeSeries *from,
                  Prompb2__TimeSeries *to)
{
    to->n_exemplars = from->n_exemplars;
    PEER_MESSAGES(a, exemplars, to->n_exemplars, Prompb2__Exemplar, prompb2__exemplar__init);
    for (size_t i = 0; i < to->n_exemplars; i++) {
        const Prompb__Exemplar *e = from->exemplars[i];
        exemplars[i]->labels_refs =
            refs_of(t, a, e->labels, e->n_labels, &exemplars[i]->n_labels_refs);
        exemplars[i]->value = e->value;
        exemplars[i]->timestamp = e->timestamp;
    }
    to->exemplars = exemplars;
}

/* The bytes of 1.0, and a start timestamp. */
static void
convert_histograms(struct rand_gen *g, struct arena *a, const Prompb__TimeSeries *from,
                   Prompb2__TimeSeries *to)
{
    to->n_histograms = from->n_histograms;
    to->histograms = ARENA_ARRAY(a, ProtobufCBinaryData, to->n_histograms);
    for (size_t i = 0; i < to->n_histograms; i++) {
        size_t n = prompb__histogram__get_packed_size(from->histograms[i]);
        uint8_t *p = arena_alloc(a, n + 2 + UVARINT_BYTES_MAX);
        prompb__histogram__pack(from->histograms[i], p);
        memcpy(p + n, "\x88\x01", 2);
        n += 2 + store_uvarint(p + n + 2, (uint64_t)random_start(g));
        to->histograms[i] = (ProtobufCBinaryData){n, p};
    }
}

static void
convert_series(struct rand_gen *g, struct table *t, struct arena *a, const Prompb__TimeSeries *from,
               Prompb2__TimeSeries *to)
{
    to->labels_refs = refs_of(t, a, from->labels, from->n_labels, &to->n_labels_refs);
    to->n_samples = from->n_samples;
    PEER_MESSAGES(a, samples, to->n_samples, Prompb2__Sample, prompb2__sample__init);
    int64_t start_ms = random_start(g);
    for (size_t i = 0; i < to->n_samples; i++) {
        samples[i]->value = from->samples[i]->value;
        samples[i]->timestamp = from->samples[i]->timestamp;
        samples[i]->start_timestamp = start_ms;
    }
    to->samples = samples;
    convert_histograms(g, a, from, to);
    convert_exemplars(t, a, from, to);
    if (rand_below(g, 3) == 0)
        return;
    to->metadata = ARENA_NEW(a, Prompb2__Metadata);
    prompb2__metadata__init(to->metadata);
    if (rand_below(g, 2) == 0)
        return; /* empty: it says nothing */
    to->metadata->type = (uint32_t)rand_below(g, 8);
    to->metadata->help_ref = ref_of(t, peer_random_text(g, a));
    to->metadata->unit_ref = ref_of(t, peer_random_text(g, a));
}

static Prompb2__Request *
convert(struct rand_gen *g, struct table *t, struct arena *a, const Prompb__WriteRequest *from)
{
    static char empty[] = "";
    *t = (struct table){.n = 0};
    map_init(&t->refs, MAP_KEYS_BORROWED);
    ck_assert_uint_eq(ref_of(t, empty), 0);
    Prompb2__Request *to = ARENA_NEW(a, Prompb2__Request);
    prompb2__request__init(to);
    to->n_timeseries = from->n_timeseries;
    PEER_MESSAGES(a, series, to->n_timeseries, Prompb2__TimeSeries, prompb2__time_series__init);
    for (size_t i = 0; i < to->n_timeseries; i++)
        convert_series(g, t, a, from->timeseries[i], series[i]);
    to->timeseries = series;
    to->symbols = t->symbols;
    to->n_symbols = t->n;
    map_fini(&t->refs);
    return to;
}

/* Most series have a name, and some names and series come again and again. */
static Prompb__WriteRequest *
random_content(struct rand_gen *g, struct arena *a)
{
    static char metric_name[] = "__name__";
    static char *const names[] = {"up", "requests_total", "latency_seconds_bucket"};
    Prompb__WriteRequest *r = peer_request_random(g, a);
    for (size_t i = 0; i < r->n_timeseries; i++) {
        Prompb__TimeSeries *s = r->timeseries[i];
        if (i > 0 && rand_below(g, 2)) { /* a neighbour that differs in one label */
            const Prompb__TimeSeries *before = r->timeseries[i - 1];
            s->n_labels = before->n_labels;
            s->labels = ARENA_ARRAY(a, Prompb__Label *, s->n_labels);
            memcpy(s->labels, before->labels, s->n_labels * sizeof s->labels[0]);
        }
        if (s->n_labels == 0 || rand_below(g, 8) == 0)
            continue;
        Prompb__Label *l = ARENA_NEW(a, Prompb__Label);
        prompb__label__init(l);
        bool named = rand_below(g, 2);
        l->name = named ? metric_name : peer_random_text(g, a);
        l->value = named ? names[rand_below(g, ARRAY_LEN(names))] : peer_random_text(g, a);
        s->labels[rand_below(g, s->n_labels)] = l;
    }
    return r;
}

static struct str
pack2(struct arena *a, const Prompb2__Request *request)
{
    size_t n = prompb2__request__get_packed_size(request);
    uint8_t *p = arena_alloc(a, n);
    ck_assert_uint_eq(prompb2__request__pack(request, p), n);
    return str_of((const char *)p, n);
}

/* --- what is decoded ---------------------------------------------------------------------------
 */

static bool
has_name(const Prompb__TimeSeries *s)
{
    for (size_t i = 0; i < s->n_labels; i++) {
        if (strcmp(s->labels[i]->name, "__name__") == 0 && s->labels[i]->value[0] != '\0')
            return true;
    }
    return false;
}

static size_t
count_started(const Prompb2__TimeSeries *s)
{
    size_t started = 0;
    for (size_t i = 0; i < s->n_samples; i++)
        started += s->samples[i]->start_timestamp != 0;
    return started;
}

/* `want` and `sent` are the same content. */
static void
check_decoded(struct arena *a, const Prompb__WriteRequest *want, const Prompb2__Request *sent,
              const struct write_message *got)
{
    size_t row = 0, unnamed = 0, empty = 0, started = 0;
    for (size_t i = 0; i < want->n_timeseries; i++) {
        const Prompb__TimeSeries *s = want->timeseries[i];
        started += count_started(sent->timeseries[i]);
        if (!has_name(s))
            unnamed++;
        else if (s->n_samples + s->n_histograms == 0)
            empty++;
        else
            peer_check_row(a, s, &got->rows[row++], got);
    }
    ck_assert_uint_eq(got->row_count, row);
    ck_assert_uint_eq(got->series_count, want->n_timeseries);
    ck_assert_uint_eq(got->refused.without_name, unnamed);
    ck_assert_uint_eq(got->refused.without_samples, empty);
    ck_assert_uint_ge(got->start_timestamp_count, started);
}

START_TEST(test_they_encode)
{
    struct rand_gen g = rand_gen_of(11);
    static struct table t;
    size_t rows = 0;
    for (size_t round = 0; round < ROUNDS; round++) {
        AUTO(arena_fini) struct arena a = {0};
        const Prompb__WriteRequest *want = random_content(&g, &a);
        const Prompb2__Request *sent = convert(&g, &t, &a, want);
        struct write_message got;
        CK_OK(remote_write2_decode(&a, pack2(&a, sent), &got));
        check_decoded(&a, want, sent, &got);
        rows += got.row_count;
    }
    ck_assert_uint_gt(rows, ROUNDS);
}
END_TEST

/* An unknown field in each series forces the general path, and symbols may stand behind series. */
START_TEST(test_paths_agree)
{
    struct rand_gen g = rand_gen_of(12);
    static struct table t;
    for (size_t round = 0; round < ROUNDS; round++) {
        AUTO(arena_fini) struct arena a = {0};
        AUTO(buf_fini) struct buf symbols = BUF_INIT, message = BUF_INIT;
        const Prompb__WriteRequest *want = random_content(&g, &a);
        const Prompb2__Request *sent = convert(&g, &t, &a, want);
        struct reader r = reader_of(pack2(&a, sent));
        struct pb_field f;
        while (pb_next(&r, &f)) {
            struct str odd = f.number == 5 ? STR("\x7a\x01x") : STR("");
            struct buf *to = f.number == 4 ? &symbols : &message;
            pb_put_message(to, f.number, f.bytes.n + odd.n);
            buf_append(to, f.bytes);
            buf_append(to, odd);
        }
        buf_append(&message, buf_str(&symbols));
        struct write_message got;
        CK_OK(remote_write2_decode(&a, buf_str(&message), &got));
        check_decoded(&a, want, sent, &got);
    }
}
END_TEST

/* What we decoded from them, encoded by us, the other side reads, and we read as before. */
START_TEST(test_we_encode)
{
    struct rand_gen g = rand_gen_of(13);
    static struct table t;
    for (size_t round = 0; round < ROUNDS; round++) {
        AUTO(arena_fini) struct arena a = {0};
        AUTO(buf_fini) struct buf message = BUF_INIT;
        struct write_message first, again;
        const Prompb__WriteRequest *want = random_content(&g, &a);
        CK_OK(remote_write2_decode(&a, pack2(&a, convert(&g, &t, &a, want)), &first));
        AUTO(remote_write2_fini) struct remote_write2 w;
        remote_write2_init(&w);
        const struct metadata metadata = {METRIC_KIND_GAUGE, STR("help"), STR("unit")};
        for (size_t i = 0; i < first.row_count; i++)
            remote_write2_add(&w, &first, &first.rows[i],
                              (struct remote_write2_extras){&metadata, 1700000000000});
        remote_write2_encode(&w, &message);
        Prompb2__Request *theirs =
            prompb2__request__unpack(NULL, message.n, (const uint8_t *)message.p);
        ck_assert_ptr_nonnull(theirs);
        ck_assert_uint_eq(theirs->n_timeseries, first.row_count);
        for (size_t i = 0; i < theirs->n_timeseries; i++) {
            const Prompb2__Metadata *m = theirs->timeseries[i]->metadata;
            ck_assert_uint_eq(m->type, METRIC_KIND_GAUGE);
            ck_assert_str_eq(theirs->symbols[m->help_ref], "help");
            ck_assert_str_eq(theirs->symbols[m->unit_ref], "unit");
        }
        prompb2__request__free_unpacked(theirs, NULL);
        CK_OK(remote_write2_decode(&a, buf_str(&message), &again));
        for (size_t i = 0, row = 0; i < want->n_timeseries; i++) {
            const Prompb__TimeSeries *s = want->timeseries[i];
            if (has_name(s) && s->n_samples + s->n_histograms > 0)
                peer_check_row(&a, s, &again.rows[row++], &again);
        }
        ck_assert_uint_eq(again.row_count, first.row_count);
        ck_assert_uint_eq(again.start_timestamp_count, first.sample_count + first.histogram_count);
    }
}
END_TEST

Suite *
remote_write2_peer_suite(void)
{
    Suite *s = suite_create("remote_write2_peer");
    TCase *t = tcase_create("protobuf-c");
    tcase_add_test(t, test_they_encode);
    tcase_add_test(t, test_paths_agree);
    tcase_add_test(t, test_we_encode);
    suite_add_tcase(s, t);
    return s;
}
