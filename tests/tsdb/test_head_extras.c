/* Exemplars and metadata in a head: which are taken, and that the log brings them back. */
#include "tests/tsdb/head_kit.h"

#include "base/bytes.h"
#include "tsdb/head/head.h"
#include "tsdb/head/metadata_store.h"

static const int64_t t0 = INT64_C(1700000000000) / 7200000 * 7200000;

/* "series: t=v trace; ..." */
static void
assert_exemplars(struct db *db, const char *want)
{
    AUTO(arena_fini) struct arena a;
    AUTO(buf_fini) struct buf text = BUF_INIT;
    arena_init(&a, 0);
    struct matcher m;
    CK_OK(matcher_make(&a, MATCH_REGEX, STR("__name__"), STR(".+"), &m));
    struct matchers all = {&m, 1};
    struct exemplar_query q = {&all, 1, INT64_MIN, INT64_MAX};
    struct series_exemplars_list got;
    CK_OK(db_exemplars(db, &q, &a, &got));
    for (size_t i = 0; i < got.n; i++) {
        labels_format(got.v[i].labels, &text);
        for (size_t k = 0; k < got.v[i].n; k++)
            buf_printf(&text, " %jd=%g %.*s", (intmax_t)(got.v[i].v[k].t_ms - t0),
                       f64_of_bits(got.v[i].v[k].bits),
                       STR_FMT(got.v[i].v[k].labels.v[0].value));
        buf_append(&text, STR("; "));
    }
    ck_assert_str_eq(buf_cstr(&text), want);
}

static void
assert_metadata(struct db *db, const char *want)
{
    AUTO(arena_fini) struct arena a;
    AUTO(buf_fini) struct buf text = BUF_INIT;
    arena_init(&a, 0);
    struct family_metadata_list got;
    CK_OK(db_metadata(db, STR(""), SIZE_MAX, &a, &got));
    for (size_t i = 0; i < got.n; i++)
        buf_printf(&text, "%.*s %s %.*s; ", STR_FMT(got.v[i].family),
                   metric_kind_text(got.v[i].value.kind), STR_FMT(got.v[i].value.help));
    ck_assert_str_eq(buf_cstr(&text), want);
}

static struct append_result
append_and_fini(struct db *db, struct kit_request *k)
{
    struct append_result r;
    CK_OK(kit_append(k, db, &r));
    kit_request_fini(k);
    CK_OK(db_check(db));
    return r;
}

/* Beside samples, alone for a known series, for none, repeated, late, of twin rows; then killed
 * and opened. */
START_TEST(test_exemplars)
{
    struct db_opts opts = kit_opts(fs_posix(), test_dir());
    opts.exemplars_max = 100;
    struct db *db = kit_open(&opts);
    struct kit_request k;
    kit_request_init(&k);
    kit_row(&k, "__name__=a");
    kit_sample(&k, t0, 1);
    kit_exemplar(&k, t0 + 5, 1, "one");
    kit_exemplar(&k, t0 + 4, 1, "late");
    kit_row(&k, "__name__=h");
    kit_histogram_sample(&k, t0, "i n=1 sum=1 p=0:1");
    kit_exemplar(&k, t0 + 5, 2, "two");
    kit_row(&k, "__name__=none");
    kit_exemplar(&k, t0 + 5, 3, "three");
    kit_row(&k, "__name__=a");
    kit_sample(&k, t0 + 1, 1); /* in a new series' twin row, exemplars alone would meet none */
    kit_exemplar(&k, t0 + 6, 1, "four");
    struct append_result r = append_and_fini(db, &k);
    ck_assert_uint_eq(r.exemplar_fates[EXEMPLAR_STORED], 3);
    ck_assert_uint_eq(r.exemplar_fates[EXEMPLAR_OUT_OF_ORDER], 1);
    ck_assert_uint_eq(r.exemplar_fates[EXEMPLAR_NO_SERIES], 1);
    ck_assert_uint_eq(r.series_created, 2);
    kit_request_init(&k);
    kit_row(&k, "__name__=a");
    kit_exemplar(&k, t0 + 6, 1, "four");
    kit_exemplar(&k, t0 + 7, 1, "five");
    r = append_and_fini(db, &k);
    ck_assert_uint_eq(r.exemplar_fates[EXEMPLAR_REPEATED], 1);
    ck_assert_uint_eq(r.exemplar_fates[EXEMPLAR_STORED], 1);
    for (int again = 0; again < 3; again++) {
        assert_exemplars(db, "a 5=1 one 6=1 four 7=1 five; h 5=2 two; ");
        if (again)
            CK_OK(db_finish(db));
        db_close(db);
        db = kit_open(&opts);
    }
    db_close(db);
    opts.exemplars_max = 0;
    db = kit_open(&opts);
    assert_exemplars(db, "");
    kit_request_init(&k);
    kit_row(&k, "__name__=a");
    kit_exemplar(&k, t0 + 9, 1, "six");
    kit_row(&k, "__name__=none");
    kit_exemplar(&k, t0 + 9, 1, "seven");
    r = append_and_fini(db, &k);
    ck_assert_uint_eq(r.exemplar_fates[EXEMPLAR_DISABLED], 2);
    db_close(db);
}
END_TEST

/* Logged at whatever series of the family there is; without one it lives as long as the process. */
START_TEST(test_metadata)
{
    struct db_opts opts = kit_opts(fs_posix(), test_dir());
    struct db *db = kit_open(&opts);
    struct kit_request k;
    kit_request_init(&k);
    kit_row(&k, "__name__=h_bucket,le=1");
    kit_sample(&k, t0, 1);
    kit_row(&k, "__name__=g");
    kit_sample(&k, t0, 1);
    kit_metadata(&k, "h", METRIC_KIND_HISTOGRAM, "first");
    kit_metadata(&k, "g", METRIC_KIND_GAUGE, "gauge");
    kit_metadata(&k, "nobody", METRIC_KIND_GAUGE, "no series");
    kit_metadata(&k, "", METRIC_KIND_GAUGE, "no name");
    struct append_result r = append_and_fini(db, &k);
    ck_assert_uint_eq(r.metadata_stored, 3);
    ck_assert_uint_eq(r.metadata_refused, 1);
    kit_request_init(&k); /* alone, and some of it known */
    kit_metadata(&k, "h", METRIC_KIND_HISTOGRAM, "second");
    kit_metadata(&k, "g", METRIC_KIND_GAUGE, "gauge");
    r = append_and_fini(db, &k);
    ck_assert_uint_eq(r.metadata_stored, 2);
    assert_metadata(db, "g gauge gauge; h histogram second; nobody gauge no series; ");
    for (int again = 0; again < 2; again++) {
        if (again)
            CK_OK(db_finish(db));
        db_close(db);
        db = kit_open(&opts);
        assert_metadata(db, "g gauge gauge; h histogram second; ");
    }
    db_close(db);
}
END_TEST

static struct str
kit_bytes(struct arena *a, size_t n)
{
    char *p = arena_alloc(a, n);
    memset(p, 'x', n);
    return str_of(p, n);
}

/* head_log_metadata() says everything again, in more than one record: what it says alone is
 * enough. */
START_TEST(test_log_all_metadata)
{
    enum { FAMILIES = 300, HELP_BYTES = 8 << 10 };
    struct db_opts opts = kit_opts(fs_posix(), test_dir());
    struct head *h = NULL;
    CK_OK(fs_make_dirs(opts.fs, opts.dir));
    CK_OK(head_open(&opts, INT64_MIN, &h));
    struct kit_request k;
    kit_request_init(&k);
    struct str help = kit_bytes(&k.arena, HELP_BYTES);
    for (int i = 0; i < FAMILIES; i++) {
        const char *name = arena_printf(&k.arena, "m%d", i).p;
        kit_row(&k, arena_printf(&k.arena, "__name__=%s", name).p);
        kit_sample(&k, t0, 1);
        struct family_metadata m = {str_of_cstr(name), {METRIC_KIND_GAUGE, help, STR("")}};
        ck_assert(metadata_store_put(head_metadata(h), &m) == METADATA_CHANGED); /* not logged */
    }
    struct append_request request = {.rows = k.rows.v,
                                     .row_count = k.rows.n,
                                     .samples = k.samples.v,
                                     .sample_count = k.samples.n};
    struct append_result r;
    CK_OK(head_append(h, &request, &k.arena, &r));
    CK_OK(head_log_metadata(h));
    CK_OK(head_finish(h));
    head_close(h);
    h = NULL;
    CK_OK(head_open(&opts, INT64_MIN, &h));
    struct family_metadata_list got;
    CK_OK(metadata_store_list(head_metadata(h), STR(""), SIZE_MAX, &k.arena, &got));
    ck_assert_uint_eq(got.n, FAMILIES);
    for (size_t i = 0; i < got.n; i++)
        ck_assert(str_eq(got.v[i].value.help, help));
    head_close(h);
    kit_request_fini(&k);
}
END_TEST

Suite *
head_extras_suite(void)
{
    Suite *s = suite_create("head_extras");
    TCase *t = tcase_create("all");
    tcase_add_test(t, test_exemplars);
    tcase_add_test(t, test_metadata);
    tcase_add_test(t, test_log_all_metadata);
    suite_add_tcase(s, t);
    return s;
}
