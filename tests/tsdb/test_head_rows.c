/* What a request brings beside floats: rows without them make no series, and all is counted. */
#include "base/fs.h"
#include "tests/tsdb/head_kit.h"
#include "tsdb/head/exemplars.h"

static const struct rows_case {
    const char *name;
    const char *labels; /* of the one row */
    size_t samples, exemplars, histograms, metadata;
    uint64_t created; /* series */
} rows_cases[] = {
    {"nothing at all", "__name__=new", 0, 0, 0, 0, 0},
    {"exemplar of a new series", "__name__=new", 0, 1, 0, 0, 0},
    {"exemplar of a known one", "__name__=known", 0, 2, 0, 0, 0},
    {"exemplar beside a sample", "__name__=new", 1, 2, 0, 0, 1},
    {"exemplar of bad labels", "a=1,a=2", 0, 1, 0, 0, 0},
    {"metadata", "__name__=known", 0, 0, 0, 3, 0},
    {"everything", "__name__=new", 1, 2, 3, 4, 1},
};

START_TEST(test_rows)
{
    const struct rows_case *c = &rows_cases[_i];
    static const struct exemplar exemplars[2] = {{.t_ms = 1}, {.t_ms = 2}};
    static const struct histogram_sample histograms[3];
    static const struct family_metadata metadata[4];
    struct sample sample = {2000, 0};
    struct db_opts opts = kit_opts(fs_posix(), NULL);
    opts.dir = test_dir();
    AUTO(db_close) struct db *db = NULL;
    CK_OK(db_open(&opts, &db));
    kit_put(db, "__name__=known", 1000, 1);

    struct kit_request k;
    kit_request_init(&k);
    kit_row(&k, c->labels);
    struct append_row *row = vec_at(&k.rows, 0);
    row->sample_count = (uint32_t)c->samples;
    row->exemplar_count = (uint32_t)c->exemplars;
    row->histogram_count = (uint32_t)c->histograms;
    struct append_request request = {
        .rows = row,
        .row_count = 1,
        .samples = &sample,
        .sample_count = c->samples,
        .exemplars = exemplars,
        .exemplar_count = c->exemplars,
        .histograms = histograms,
        .histogram_count = c->histograms,
        .metadata = metadata,
        .metadata_count = c->metadata,
    };
    struct append_result r;
    CK_OK(db_append(db, &request, &k.arena, &r));
    ROW_ASSERT(c->name, r.series_created == c->created);
    ROW_ASSERT(c->name, r.fates[SAMPLE_STORED] == c->samples);
    uint64_t told = 0;
    for (size_t i = 0; i < EXEMPLAR_FATE_COUNT; i++)
        told += r.exemplar_fates[i];
    ROW_ASSERT(c->name, told == c->exemplars && r.exemplar_fates[EXEMPLAR_STORED] == 0);
    ROW_ASSERT(c->name, r.histograms_invalid == 0);
    uint64_t samples = 0;
    for (size_t i = 0; i < SAMPLE_FATE_COUNT; i++)
        samples += r.fates[i];
    ROW_ASSERT(c->name, samples == c->samples + c->histograms);
    ROW_ASSERT(c->name, r.metadata_stored + r.metadata_refused == c->metadata);
    kit_request_fini(&k);
    CK_OK(db_check(db));
    CK_OK(db_finish(db));
}
END_TEST

/* Each row alone is told of, whatever stands beside it; `max` limits series. */
static const struct refusal_case {
    const char *labels;
    int64_t t_ms;          /* of a sample; 0: none */
    const char *histogram; /* NULL: none */
    uint8_t want;
} refusal_cases[] = {
    {"__name__=known", 5000, NULL, ROW_TAKEN},
    {"__name__=late", 500, NULL, ROW_REFUSED},
    {"__name__=same", 1000, NULL, ROW_TAKEN}, /* repeated */
    {"a=1,a=2", 5000, NULL, ROW_REFUSED},
    {"__name__=bad", 0, "i n=5 sum=1 p=0:1,1", ROW_INVALID}, /* makes no series */
    {"__name__=both", 500, "i n=5 sum=1 p=0:1,1", ROW_INVALID},
    {"__name__=new", 5000, NULL, ROW_TAKEN},
    {"__name__=toomany", 5000, NULL, ROW_REFUSED},
};

START_TEST(test_refusals)
{
    struct db_opts opts = kit_opts(fs_posix(), NULL);
    struct append_limits limits = {.series_max = 5, .ooo_window_ms = -1, .future_window_ms = -1};
    opts.dir = test_dir();
    AUTO(db_close) struct db *db = NULL;
    CK_OK(db_open(&opts, &db));
    kit_put(db, "__name__=known", 1000, 1);
    kit_put(db, "__name__=late", 1000, 1);
    kit_put(db, "__name__=same", 1000, 1);
    kit_put(db, "__name__=both", 1000, 1);

    struct kit_request k;
    kit_request_init(&k);
    uint8_t refusals[ARRAY_LEN(refusal_cases)] = {ROW_TAKEN};
    for (size_t i = 0; i < ARRAY_LEN(refusal_cases); i++) {
        const struct refusal_case *c = &refusal_cases[i];
        kit_row(&k, c->labels);
        if (c->t_ms > 0)
            kit_sample(&k, c->t_ms, 1);
        if (c->histogram)
            kit_histogram_sample(&k, 5000, c->histogram);
    }
    struct append_request request = {.rows = k.rows.v,
                                     .row_count = k.rows.n,
                                     .row_refusals = refusals,
                                     .samples = k.samples.v,
                                     .sample_count = k.samples.n,
                                     .histograms = k.histograms.v,
                                     .histogram_count = k.histograms.n,
                                     .limits = &limits};
    struct append_result r;
    CK_OK(db_append(db, &request, &k.arena, &r));
    for (size_t i = 0; i < ARRAY_LEN(refusal_cases); i++)
        ck_assert_msg(refusals[i] == refusal_cases[i].want, "%s: %d", refusal_cases[i].labels,
                      refusals[i]);
    kit_request_fini(&k);
    CK_OK(db_finish(db));
}
END_TEST

START_TEST(test_exemplars_limit)
{
    struct db_opts opts = kit_opts(fs_posix(), NULL);
    opts.dir = test_dir();
    opts.exemplars_max = EXEMPLARS_CAPACITY_MAX + 1;
    struct db *db = NULL;
    CK_ERR(ERR_INVALID, db_open(&opts, &db));
    opts.exemplars_max = EXEMPLARS_CAPACITY_MAX; /* untouched, it takes no memory */
    CK_OK(db_open(&opts, &db));
    db_close(db);
}
END_TEST

/* --- rows by the hash of their labels --------------------------------------------------------- */

enum { SEED = 9 };

static struct append_row
untold_row(uint32_t sample)
{
    return (struct append_row){
        .label_key = str_of(append_labels_untold, 0), .first_sample = sample, .sample_count = 1};
}

/* One row with labels, which is new, and one by its hash: both, or nothing and no error of
 * anybody's that is kept. */
START_TEST(test_untold)
{
    bool is_known = _i == 0;
    struct db_opts opts = kit_opts(fs_posix(), NULL);
    opts.dir = test_dir();
    opts.hash_seed = SEED;
    AUTO(db_close) struct db *db = NULL;
    CK_OK(db_open(&opts, &db));
    kit_put(db, "__name__=known", 1000, 1);
    struct kit_request k;
    kit_request_init(&k);
    kit_row(&k, "__name__=new");
    kit_row(&k, is_known ? "__name__=known" : "__name__=unknown");
    struct str new = vec_at(&k.rows, 0)->label_key;
    struct hash128 keys[] = {hash128_seeded(new, SEED),
                             hash128_seeded(vec_at(&k.rows, 1)->label_key, SEED)};
    struct append_row rows[] = {{.label_key = new, .sample_count = 1}, untold_row(1)};
    struct sample samples[] = {{2000, 0}, {3000, 0}};
    uint8_t refusals[2] = {ROW_TAKEN, ROW_TAKEN};
    struct append_request request = {.rows = rows,
                                     .row_count = 2,
                                     .row_keys = keys,
                                     .row_refusals = refusals,
                                     .samples = samples,
                                     .sample_count = 2};
    struct append_result r;
    struct err e = db_append(db, &request, &k.arena, &r);
    ck_assert_int_eq(e.code, is_known ? ERR_NONE : ERR_NOT_FOUND);
    err_drop(e);
    ck_assert_uint_eq(r.rows_unnamed, is_known ? 0 : 1);
    ck_assert(refusals[0] == ROW_TAKEN && refusals[1] == (is_known ? ROW_TAKEN : ROW_UNNAMED));
    kit_assert_dump(db, is_known
                            ? "known: 1000=1 3000=0; new: 2000=0; "
                            : "known: 1000=1; ");
    kit_request_fini(&k);
}
END_TEST

Suite *
head_rows_suite(void)
{
    Suite *s = suite_create("head_rows");
    TCase *t = tcase_create("all");
    tcase_add_loop_test(t, test_rows, 0, sizeof rows_cases / sizeof rows_cases[0]);
    tcase_add_test(t, test_refusals);
    tcase_add_test(t, test_exemplars_limit);
    tcase_add_loop_test(t, test_untold, 0, 2);
    suite_add_tcase(s, t);
    return s;
}
