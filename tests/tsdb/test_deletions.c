/* Deletions out of a head: what queries see, then and after every kind of start, and that nothing
 * of it gets into a block. */
#include <errno.h>
#include <stdio.h>

#include "base/fs_fault.h"
#include "base/mem.h"
#include "tests/tsdb/head_kit.h"
#include "tests/tsdb/verify_kit.h"
#include "tsdb/head/deletions.h"
#include "tsdb/head/head.h"
#include "tsdb/wal/wal_reader.h"

enum { MINUTE_MS = 60 * 1000, HOUR_MS = 60 * MINUTE_MS };
static const int64_t t0 = INT64_C(1700000000000) / 7200000 * 7200000; /* a range begins */

/* --- sets ------------------------------------------------------------------------------------- */

static struct deletions *
set_of(struct deletions *d, uint64_t ref, int64_t mint_ms, int64_t maxt_ms)
{
    AUTO(deletion_list_fini) struct deletion_list more = VEC_INIT;
    vec_push(&more, ((struct tombstone){ref, {mint_ms, maxt_ms}}));
    struct deletions *made = deletions_with(d, &more);
    deletions_unref(d);
    return made;
}

START_TEST(test_sets)
{
    AUTO(deletion_list_fini) struct deletion_list list = VEC_INIT;
    const struct interval *spans;
    ck_assert_ptr_null(deletions_with(NULL, &list));
    ck_assert_uint_eq(deletions_of(NULL, 1, &spans), 0);
    ck_assert_uint_eq(deletions_count(NULL), 0);
    ck_assert_ptr_null(deletions_ref(NULL));
    deletions_unref(NULL);

    struct deletions *d = set_of(NULL, 7, 10, 20);
    struct deletions *before = deletions_ref(d);
    d = set_of(d, UINT64_C(1) << 39, 5, 5);
    d = set_of(d, 7, 40, 50);
    d = set_of(d, 7, 21, 30);
    ck_assert_uint_eq(deletions_count(d), 3);
    ck_assert_uint_eq(deletions_of(d, 7, &spans), 2);
    ck_assert_int_eq(spans[0].mint_ms, 10);
    ck_assert_int_eq(spans[0].maxt_ms, 30);
    ck_assert_int_eq(spans[1].mint_ms, 40);
    ck_assert_uint_eq(deletions_of(d, UINT64_C(1) << 39, &spans), 1);
    ck_assert_uint_eq(deletions_of(d, 8, &spans), 0);
    deletions_list(d, &list);
    ck_assert_uint_eq(list.n, 3);
    deletions_unref(d);
    ck_assert_uint_eq(deletions_count(before), 1); /* it never changes */
    deletions_unref(before);
}
END_TEST

/* --- what is deleted -------------------------------------------------------------------------- */

/* a: floats at 10, 20, ... 50; b: at 20 and 30; h: histograms at 10, 20, 30, a float at 40. */
static void
fill(struct db *db)
{
    struct kit_request k;
    struct append_result r;
    kit_request_init(&k);
    kit_row(&k, "__name__=a,x=y");
    for (int i = 1; i <= 5; i++)
        kit_sample(&k, i * 10, i);
    kit_row(&k, "__name__=b,x=y");
    kit_sample(&k, 20, 2);
    kit_sample(&k, 30, 3);
    kit_row(&k, "__name__=h");
    for (int i = 1; i <= 3; i++)
        kit_histogram_sample(&k, i * 10, "i n=2 sum=1 p=0:1,1");
    kit_exemplar(&k, 10, 1, "of-h");
    CK_OK(kit_append(&k, db, &r));
    ck_assert_uint_eq(r.fates[SAMPLE_STORED], 10);
    kit_request_fini(&k);
    kit_put(db, "__name__=h", 40, 4);
}

#define A_ALL "a: 10=1 20=2 30=3 40=4 50=5; "
#define B_ALL "b: 20=2 30=3; "
#define H_ALL "h: 10=i 2/1 20=i 2/1 30=i 2/1 40=4; "

static const struct delete_case {
    const char *name, *pattern; /* of __name__ */
    int64_t mint_ms, maxt_ms;
    size_t spans;
    const char *want;
} delete_cases[] = {
    {"nothing matches", "c", INT64_MIN, INT64_MAX, 0, A_ALL B_ALL H_ALL},
    {"before all", ".+", INT64_MIN, 9, 0, A_ALL B_ALL H_ALL},
    {"behind all", ".+", 51, INT64_MAX, 0, A_ALL B_ALL H_ALL},
    {"upside down", ".+", 30, 20, 0, A_ALL B_ALL H_ALL},
    {"between samples", "a", 11, 19, 1, A_ALL B_ALL H_ALL},
    {"one sample", "a", 30, 30, 1, "a: 10=1 20=2 40=4 50=5; " B_ALL H_ALL},
    {"the first", "a", INT64_MIN, 10, 1, "a: 20=2 30=3 40=4 50=5; " B_ALL H_ALL},
    {"the last", "a", 50, INT64_MAX, 1, "a: 10=1 20=2 30=3 40=4; " B_ALL H_ALL},
    {"some of all", ".+", 20, 30, 3, "a: 10=1 40=4 50=5; h: 10=i 2/1 40=4; "},
    {"all of a series", "b", INT64_MIN, INT64_MAX, 1, A_ALL H_ALL},
    {"exactly its range", "b", 20, 30, 1, A_ALL H_ALL},
    {"a histogram", "h", 20, 20, 1, A_ALL B_ALL "h: 10=i 2/1 30=i 2/1 40=4; "},
    {"where the kinds meet", "h", 30, 40, 1, A_ALL B_ALL "h: 10=i 2/1 20=i 2/1; "},
    {"everything", ".+", INT64_MIN, INT64_MAX, 3, ""},
};

/* The dump is in short times: names without labels. */
static void
assert_dump(const char *name, struct db *db, const char *want)
{
    AUTO(arena_fini) struct arena a;
    AUTO(buf_fini) struct buf got = BUF_INIT;
    arena_init(&a, 0);
    for (const char *p = kit_checked_dump(&a, db); *p; p++) { /* a{x="y"}: -> a: */
        if (*p == '{')
            p = strchr(p, '}') + 1;
        buf_put_u8(&got, (uint8_t)*p);
    }
    ck_assert_msg(strcmp(buf_cstr(&got), want) == 0, "%s: %s", name, buf_cstr(&got));
}

static void
assert_verified(const char *name, const char *dir)
{
    AUTO(buf_fini) struct buf findings = BUF_INIT;
    uint64_t broken;
    kit_verify(dir, VERIFY_ALL, &findings, &broken);
    ck_assert_msg(broken == 0, "%s: %s", name, buf_cstr(&findings));
}

static size_t
count_names(struct db *db)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct select_query q = {.mint_ms = INT64_MIN, .maxt_ms = INT64_MAX};
    struct str_list values;
    CK_OK(db_label_values(db, &q, STR("__name__"), (struct matchers){NULL, 0}, &a, &values));
    return values.n;
}

static struct db *
reopen(struct db *db, const struct db_opts *opts, bool clean)
{
    if (clean)
        CK_OK(db_finish(db));
    db_close(db);
    return kit_open(opts);
}

START_TEST(test_delete)
{
    const struct delete_case *c = &delete_cases[_i];
    struct db_opts opts = kit_opts(fs_posix(), test_dir());
    opts.exemplars_max = 10;
    struct db *db = kit_open(&opts);
    fill(db);
    struct delete_result r =
        kit_delete(db, MATCH_REGEX, "__name__", c->pattern, c->mint_ms, c->maxt_ms);
    ck_assert_msg(r.head_spans == c->spans, "%s: %zu spans", c->name, r.head_spans);
    ck_assert_uint_eq(r.blocks, 0);
    assert_dump(c->name, db, c->want);
    ck_assert_uint_eq(count_names(db), 3); /* as with Prometheus: what series there are */
    static const bool clean[] = {false, true, true, false};
    for (size_t i = 0; i < ARRAY_LEN(clean); i++) { /* the log; the log; a snapshot, twice */
        opts.snapshot_on_finish = i == 2;
        db = reopen(db, &opts, clean[i]);
        assert_dump(c->name, db, c->want);
        ck_assert_uint_eq(kit_stats(db).head_deletions, c->spans);
        assert_verified(c->name, opts.dir);
    }
    bool empty;
    CK_OK(db_flush(db, &empty));
    ck_assert(empty);
    assert_dump(c->name, db, c->want);
    ck_assert_uint_eq(kit_stats(db).head_deletions, 0);
    ck_assert_uint_eq(kit_stats(db).blocks, *c->want ? 1 : 0);
    ck_assert_uint_eq(count_names(db), 3 - (size_t)!strchr(c->want, 'a') -
                                           (size_t)!strchr(c->want, 'b') -
                                           (size_t)!strchr(c->want, 'h'));
    db = reopen(db, &opts, false);
    assert_dump(c->name, db, c->want);
    assert_verified(c->name, opts.dir);
    db_close(db);
}
END_TEST

/* Exemplars and what comes later are not touched; deletions add up. */
START_TEST(test_later)
{
    struct db_opts opts = kit_opts(fs_posix(), test_dir());
    opts.exemplars_max = 10;
    struct db *db = kit_open(&opts);
    fill(db);
    kit_delete(db, MATCH_REGEX, "__name__", ".+", INT64_MIN, INT64_MAX);
    kit_put(db, "__name__=a,x=y", 51, 6); /* its range was deleted, not all times */
    kit_put(db, "__name__=h", 60, 6);
    assert_dump("later", db, "a: 51=6; h: 60=6; ");
    kit_delete(db, MATCH_EQUAL, "__name__", "h", 0, 100);
    assert_dump("again", db, "a: 51=6; ");
    struct exemplar_query q;
    struct series_exemplars_list exemplars;
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct matcher m;
    CK_OK(matcher_make(&a, MATCH_EQUAL, STR("__name__"), STR("h"), &m));
    struct matchers matchers = {&m, 1};
    q = (struct exemplar_query){&matchers, 1, INT64_MIN, INT64_MAX};
    CK_OK(db_exemplars(db, &q, &a, &exemplars));
    ck_assert_uint_eq(exemplars.n, 1);
    db = reopen(db, &opts, false);
    assert_dump("opened again", db, "a: 51=6; ");
    struct delete_result r;
    CK_ERR(ERR_INVALID, db_delete(db, (struct matchers){NULL, 0}, 0, 1, &r));
    db_close(db);
}
END_TEST

/* Labels alone: series with chunks that are not wholly deleted, as Prometheus tells them. */
START_TEST(test_labels_alone)
{
    struct db_opts opts = kit_opts(fs_posix(), test_dir());
    struct db *db = kit_open(&opts);
    fill(db);
    kit_delete(db, MATCH_REGEX, "__name__", "a|b", 20, 40);
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct matcher m;
    CK_OK(matcher_make(&a, MATCH_REGEX, STR("__name__"), STR("a|b"), &m));
    struct select_query q = {.mint_ms = INT64_MIN, .maxt_ms = INT64_MAX, .want = SELECT_LABELS};
    struct series_set *set;
    CK_OK(db_select(db, &q, (struct matchers){&m, 1}, &a, &set));
    struct series_view series;
    bool more;
    CK_OK(series_set_next(set, &series, &more));
    ck_assert(more && str_eq(labels_get(series.labels, STR("__name__")), STR("a")));
    CK_OK(series_set_next(set, &series, &more));
    ck_assert(!more);
    series_set_close(set);
    db_close(db);
}
END_TEST

/* A slot that is used again, and labels that are born again, have nothing deleted. */
START_TEST(test_not_inherited)
{
    struct db_opts opts = kit_opts(fs_posix(), test_dir());
    struct db *db = kit_open(&opts);
    bool empty;
    kit_put(db, "__name__=a", t0 + HOUR_MS, 1);
    kit_delete(db, MATCH_EQUAL, "__name__", "a", INT64_MIN, INT64_MAX);
    CK_OK(db_flush(db, &empty));
    ck_assert(empty);
    kit_put(db, "__name__=other", t0 + HOUR_MS + 1, 2); /* in its slot */
    kit_put(db, "__name__=a", t0 + HOUR_MS + 1, 3);
    ck_assert_uint_eq(kit_stats(db).series, 2);
    ck_assert_uint_eq(kit_stats(db).head_deletions, 0);
    const char *want = "a: 1700002800001=3; other: 1700002800001=2; ";
    assert_dump("born again", db, want);
    db = reopen(db, &opts, false);
    assert_dump("opened again", db, want);
    db_close(db);
}
END_TEST

/* --- readers ---------------------------------------------------------------------------------- */

/* A query sees what was there when it began, however late it reads. */
START_TEST(test_query_across)
{
    struct db_opts opts = kit_opts(fs_posix(), test_dir());
    struct db *db = kit_open(&opts);
    fill(db);
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct matcher m;
    CK_OK(matcher_make(&a, MATCH_EQUAL, STR("__name__"), STR("a"), &m));
    struct select_query q = {.mint_ms = INT64_MIN, .maxt_ms = INT64_MAX, .want = SELECT_CHUNKS};
    struct series_set *before;
    CK_OK(db_select(db, &q, (struct matchers){&m, 1}, &a, &before));
    kit_delete(db, MATCH_EQUAL, "__name__", "a", 20, 40);
    assert_dump("behind", db, "a: 10=1 50=5; " B_ALL H_ALL);
    struct series_view series;
    bool more;
    CK_OK(series_set_next(before, &series, &more));
    ck_assert(more);
    AUTO(sample_columns_fini) struct sample_columns columns = SAMPLE_COLUMNS_INIT;
    CK_OK(chunk_decode_floats(&series.chunks[0], INT64_MIN, INT64_MAX, &columns));
    ck_assert_uint_eq(columns.n, 5);
    series_set_close(before);
    db_close(db);
}
END_TEST

/* --- failures --------------------------------------------------------------------------------- */

/* What the log does not take was not deleted. */
START_TEST(test_log_fails)
{
    AUTO(fs_fault_close) struct fs *fs = fs_fault_open(fs_posix(), NULL);
    struct db_opts opts = kit_opts(fs, test_dir());
    struct db *db = kit_open(&opts);
    fill(db);
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct matcher m;
    CK_OK(matcher_make(&a, MATCH_EQUAL, STR("__name__"), STR("a"), &m));
    struct delete_result r;
    for (int i = 0; i < 2; i++) { /* the write fails; then the log is known to */
        fs_fault_break(fs, FS_FAULT_WRITE, ENOSPC);
        CK_ERR(ERR_NO_SPACE, db_delete(db, (struct matchers){&m, 1}, 0, 100, &r));
        assert_dump("failed", db, A_ALL B_ALL H_ALL);
    }
    fs_fault_heal(fs);
    CK_OK(db_maintain(db));
    db = reopen(db, &opts, false);
    assert_dump("opened again", db, A_ALL B_ALL H_ALL);
    CK_OK(db_delete(db, (struct matchers){&m, 1}, 0, 100, &r));
    assert_dump("healed", db, B_ALL H_ALL);
    db = reopen(db, &opts, false);
    assert_dump("opened again", db, B_ALL H_ALL);
    db_close(db);
}
END_TEST

/* --- checkpoints ------------------------------------------------------------------------------ */

static uint64_t
last_checkpoint(const char *dir)
{
    AUTO(mem_free) char *wal = fs_path_below(dir, STR("wal"));
    AUTO(buf_fini) struct buf path = BUF_INIT;
    uint64_t segment = 0;
    bool none;
    CK_OK(wal_last_checkpoint(fs_posix(), wal, &path, &segment, &none));
    return none ? 0 : segment;
}

/* Checkpoints carry on what still stands; what has ended goes. */
START_TEST(test_checkpoints)
{
    struct db_opts opts = kit_opts(fs_posix(), test_dir());
    opts.wal_segment_bytes = WAL_PAGE_BYTES;
    opts.wal_compression = WAL_PLAIN;
    struct db *db = kit_open(&opts);
    uint64_t checkpoints = 0;
    int64_t t = t0;
    for (int round = 0; round < 12; round++) {
        for (int i = 0; i < 60; i++, t += MINUTE_MS) {
            kit_put(db, "__name__=a", t, i);
            kit_put(db, "__name__=noise,with=labels-that-fill-the-log-so-that-there-is-some", t, i);
            CK_OK(db_maintain(db));
        }
        kit_delete(db, MATCH_EQUAL, "__name__", "a", t - 40 * MINUTE_MS, t - 20 * MINUTE_MS);
        db = reopen(db, &opts, false);
        ck_assert_uint_le(kit_stats(db).head_deletions, 3);
        checkpoints += last_checkpoint(opts.dir) > checkpoints;
    }
    ck_assert_uint_ge(checkpoints, 2);
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    const char *got = kit_query(&a, db, MATCH_EQUAL, "__name__", "a", INT64_MIN, INT64_MAX);
    size_t samples = 0;
    for (const char *p = got; *p; p++)
        samples += *p == '=';
    ck_assert_uint_eq(samples, 12 * (60 - 21));
    assert_verified("checkpoints", opts.dir);
    db_close(db);
}
END_TEST

Suite *
deletions_suite(void)
{
    Suite *s = suite_create("deletions");
    TCase *t = tcase_create("all");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, test_sets);
    tcase_add_loop_test(t, test_delete, 0, (int)ARRAY_LEN(delete_cases));
    tcase_add_test(t, test_later);
    tcase_add_test(t, test_labels_alone);
    tcase_add_test(t, test_not_inherited);
    tcase_add_test(t, test_query_across);
    tcase_add_test(t, test_log_fails);
    tcase_add_test(t, test_checkpoints);
    suite_add_tcase(s, t);
    return s;
}
