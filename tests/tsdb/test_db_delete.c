/* Deletions out of a whole database: head and blocks at once, off the disk by cleaning and by
 * compaction, whatever call fails. Beside a cut: test_db_delete_cut.c. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "base/fs_fault.h"
#include "base/mem.h"
#include "tests/tsdb/head_kit.h"
#include "tests/tsdb/verify_kit.h"
#include "tsdb/inspect/database.h"

static const int64_t hour_ms = 3600 * 1000;
static const int64_t t0 = INT64_C(1700000000000) / 64800000 * 64800000; /* ranges of 18 h begin */

/* A sample every half hour in hours [0, to) of "a" and "b", values are half hours; blocks of two
 * hours but for the last three hours or so. */
static void
fill_hours(struct db *db, int to)
{
    for (int half = 0; half < 2 * to; half++) {
        kit_put(db, "__name__=a", t0 + half * (hour_ms / 2), half);
        kit_put(db, "__name__=b", t0 + half * (hour_ms / 2), half);
        CK_OK(db_maintain(db));
    }
}

/* "a: 0 1 5; b: 3; ": the values. */
static const char *
values(struct arena *a, struct db *db)
{
    AUTO(buf_fini) struct buf text = BUF_INIT;
    const char *dump = kit_checked_dump(a, db);
    for (const char *p = dump; *p; p++) {
        if (*p == '{' || *p == '}')
            continue;
        if (*p == '1' && p[-1] == ' ') { /* the time */
            p = strchr(p, '=');
            continue;
        }
        buf_put_u8(&text, (uint8_t)*p);
    }
    return arena_str(a, buf_str(&text)).p;
}

static void
assert_values(const char *name, struct db *db, const char *want)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    const char *got = values(&a, db);
    ck_assert_msg(strcmp(got, want) == 0, "%s: %s", name, got);
}

static struct db *
reopen(struct db *db, const struct db_opts *opts)
{
    db_close(db);
    return kit_open(opts);
}

static uint64_t
deletions_on_disk(const char *dir, size_t *ret_blocks)
{
    AUTO(database_fini) struct database d = DATABASE_INIT;
    CK_OK(database_scan(fs_posix(), dir, &d));
    uint64_t n = 0;
    vec_each (&d.blocks, b)
        n += b->meta.deletions;
    *ret_blocks = d.blocks.n;
    return n;
}

static void
assert_verified(const char *name, const char *dir)
{
    AUTO(buf_fini) struct buf findings = BUF_INIT;
    uint64_t broken;
    kit_verify(dir, VERIFY_ALL, &findings, &broken);
    ck_assert_msg(broken == 0, "%s: %s", name, buf_cstr(&findings));
}

/* --- what is deleted, and cleaned ------------------------------------------------------------- */

#define ALL " 0 1 2 3 4 5 6 7 8 9 10 11 12 13; "

/* Seven hours: blocks of 0-2 h (0 to 3) and 2-4 h (4 to 7), the rest is in the head. */
static const struct delete_case {
    const char *name, *pattern;
    int from, to; /* half hours */
    struct delete_result want;
    const char *values;
    size_t cleaned, blocks; /* blocks that are written anew, or go; in the end */
} delete_cases[] = {
    {"nothing", "c", 0, 100, {0, 0, 0}, "a:" ALL "b:" ALL, 0, 2},
    {"behind all", ".+", 14, 100, {0, 0, 0}, "a:" ALL "b:" ALL, 0, 2},
    {"in the head", "a", 8, 9, {1, 0, 0}, "a: 0 1 2 3 4 5 6 7 10 11 12 13; b:" ALL, 0, 2},
    {"in a block", "a", 1, 2, {0, 1, 1}, "a: 0 3 4 5 6 7 8 9 10 11 12 13; b:" ALL, 1, 2},
    {"in both", "a", 6, 9, {1, 1, 1}, "a: 0 1 2 3 4 5 10 11 12 13; b:" ALL, 1, 2},
    {"of all series", ".+", 3, 12, {2, 4, 2}, "a: 0 1 2 13; b: 0 1 2 13; ", 1, 2},
    {"the whole oldest block", ".+", 0, 3, {0, 2, 1},
     "a: 4 5 6 7 8 9 10 11 12 13; b: 4 5 6 7 8 9 10 11 12 13; ", 1, 1},
    {"the whole newest block", ".+", 4, 7, {0, 2, 1},
     "a: 0 1 2 3 8 9 10 11 12 13; b: 0 1 2 3 8 9 10 11 12 13; ", 0, 2},
    {"a series", "b", 0, 100, {1, 2, 2}, "a:" ALL, 2, 2},
    {"everything", ".+", 0, 100, {2, 4, 2}, "", 1, 1},
};

START_TEST(test_delete)
{
    const struct delete_case *c = &delete_cases[_i];
    struct db_opts opts = kit_opts(fs_posix(), test_dir());
    struct db *db = kit_open(&opts);
    size_t cleaned, blocks;
    bool empty;
    fill_hours(db, 7);
    ck_assert_uint_eq(kit_stats(db).blocks, 2);
    struct delete_result r =
        kit_delete(db, MATCH_REGEX, "__name__", c->pattern, t0 + c->from * (hour_ms / 2),
                   t0 + c->to * (hour_ms / 2));
    ck_assert_msg(r.head_spans == c->want.head_spans && r.block_series == c->want.block_series &&
                      r.blocks == c->want.blocks,
                  "%s: %zu %zu %zu", c->name, r.head_spans, r.block_series, r.blocks);
    assert_values(c->name, db, c->values);
    db = reopen(db, &opts);
    assert_values(c->name, db, c->values);
    assert_verified(c->name, opts.dir);
    CK_OK(db_clean_deletions(db, &cleaned));
    ck_assert_msg(cleaned == c->cleaned, "%s: %zu cleaned", c->name, cleaned);
    assert_values(c->name, db, c->values);
    uint64_t left = deletions_on_disk(opts.dir, &blocks);
    ck_assert_msg(blocks == c->blocks, "%s: %zu blocks", c->name, blocks);
    ROW_ASSERT(c->name, left == 0 || c->cleaned < c->want.blocks); /* the one that has to stay */
    for (int i = 0; i < 2; i++) {
        db = reopen(db, &opts);
        assert_values(c->name, db, c->values);
        CK_OK(db_flush(db, &empty));
        ck_assert(empty);
        CK_OK(db_clean_deletions(db, &cleaned)); /* another may be the newest now */
        assert_values(c->name, db, c->values);
    }
    assert_verified(c->name, opts.dir);
    db_close(db);
}
END_TEST

/* A query sees to its end what it began with, from blocks and head; the files may go meanwhile. */
START_TEST(test_query_across)
{
    struct db_opts opts = kit_opts(fs_posix(), test_dir());
    struct db *db = kit_open(&opts);
    fill_hours(db, 7);
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct matcher m;
    CK_OK(matcher_make(&a, MATCH_EQUAL, STR("__name__"), STR("a"), &m));
    struct select_query q = {.mint_ms = INT64_MIN, .maxt_ms = INT64_MAX, .want = SELECT_CHUNKS};
    struct series_set *before;
    CK_OK(db_select(db, &q, (struct matchers){&m, 1}, &a, &before));
    kit_delete(db, MATCH_REGEX, "__name__", ".+", t0 + hour_ms, INT64_MAX);
    size_t cleaned;
    CK_OK(db_clean_deletions(db, &cleaned));
    assert_values("behind", db, "a: 0 1; b: 0 1; ");
    struct series_view series;
    bool more;
    CK_OK(series_set_next(before, &series, &more));
    ck_assert(more);
    AUTO(sample_columns_fini) struct sample_columns columns = SAMPLE_COLUMNS_INIT;
    for (size_t i = 0; i < series.chunk_count; i++)
        CK_OK(chunk_decode_floats(&series.chunks[i], INT64_MIN, INT64_MAX, &columns));
    ck_assert_uint_eq(columns.n, 14);
    series_set_close(before);
    db_close(db);
}
END_TEST

/* The plan of compactions takes a block of which much was deleted. */
START_TEST(test_planned)
{
    struct db_opts opts = kit_opts(fs_posix(), test_dir());
    opts.block_range_max_ms = 18 * hour_ms; /* blocks of 2 h are small */
    struct db *db = kit_open(&opts);
    size_t blocks;
    fill_hours(db, 9);
    ck_assert_uint_eq(kit_stats(db).blocks, 3);
    kit_delete(db, MATCH_EQUAL, "__name__", "a", t0 + 4 * (hour_ms / 2), t0 + 5 * (hour_ms / 2));
    CK_OK(db_maintain(db));
    ck_assert_uint_eq(kit_stats(db).compactions, 0); /* one deletion, two series */
    ck_assert_uint_eq(deletions_on_disk(opts.dir, &blocks), 1);
    kit_delete(db, MATCH_EQUAL, "__name__", "b", t0 + 4 * (hour_ms / 2), t0 + 5 * (hour_ms / 2));
    CK_OK(db_maintain(db));
    ck_assert_uint_eq(kit_stats(db).compactions, 1);
    ck_assert_uint_eq(deletions_on_disk(opts.dir, &blocks), 0);
    ck_assert_uint_eq(blocks, 3);
    kit_delete(db, MATCH_REGEX, "__name__", ".+", t0 + 4 * (hour_ms / 2), t0 + 7 * (hour_ms / 2));
    CK_OK(db_maintain(db)); /* nothing is left in it */
    ck_assert_uint_eq(kit_stats(db).blocks, 2);
    const char *want = "a: 0 1 2 3 8 9 10 11 12 13 14 15 16 17; "
                       "b: 0 1 2 3 8 9 10 11 12 13 14 15 16 17; ";
    assert_values("planned", db, want);
    db = reopen(db, &opts);
    assert_values("opened again", db, want);
    db_close(db);
}
END_TEST

/* A compaction takes deletions along: what it makes has neither them nor the samples. */
START_TEST(test_compacted)
{
    struct db_opts opts = kit_opts(fs_posix(), test_dir());
    struct db *db = kit_open(&opts);
    size_t blocks;
    fill_hours(db, 10);
    kit_delete(db, MATCH_EQUAL, "__name__", "a", t0 + 3 * (hour_ms / 2), t0 + 8 * (hour_ms / 2));
    opts.block_range_max_ms = 6 * hour_ms;
    db = reopen(db, &opts);
    CK_OK(db_maintain(db));
    ck_assert_uint_eq(kit_stats(db).compactions, 1);
    ck_assert_uint_eq(deletions_on_disk(opts.dir, &blocks), 0);
    ck_assert_uint_eq(blocks, 2);
    const char *want = "a: 0 1 2 9 10 11 12 13 14 15 16 17 18 19; "
                       "b: 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19; ";
    assert_values("compacted", db, want);
    db = reopen(db, &opts);
    assert_values("opened again", db, want);
    db_close(db);
}
END_TEST

/* --- failures --------------------------------------------------------------------------------- */

static const struct fault_case {
    const char *name;
    enum fs_fault_mode mode;
    bool power;
    unsigned calls;
} fault_cases[] = {
    {"once", FS_FAULT_ONCE, false, FS_FAULT_MUTATING},
    {"a block does not open", FS_FAULT_ONCE, false, FS_FAULT_READ},
    {"crash", FS_FAULT_CRASH, false, FS_FAULT_MUTATING},
    {"crash and power cut", FS_FAULT_CRASH, true, FS_FAULT_MUTATING},
};

static struct err
delete_b(struct db *db)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct matcher m;
    struct delete_result r;
    CK_OK(matcher_make(&a, MATCH_EQUAL, STR("__name__"), STR("b"), &m));
    return db_delete(db, (struct matchers){&m, 1}, t0 + hour_ms, INT64_MAX, &r);
}

/* Each part is as it was or as it is to be: 2 and 3 are in one block, 4 to 7 in another, the rest
 * is in the head. "a" is whole. */
static void
assert_parts(const char *row, struct db *db)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    static const char *const parts[] = {" 2 3", " 4 5 6 7", " 8 9 10 11 12 13"};
    const char *got = values(&a, db);
    bool known = false;
    for (unsigned there = 0; there < 8; there++) {
        char want[200];
        snprintf(want, sizeof want, "a:" ALL "b: 0 1%s%s%s; ", there & 1 ? parts[0] : "",
                 there & 2 ? parts[1] : "", there & 4 ? parts[2] : "");
        known = known || strcmp(got, want) == 0;
    }
    ck_assert_msg(known, "%s: %s", row, got);
}

/* Every call of a deletion fails once: what was acknowledged holds, and nothing else is
 * touched; again, it deletes all. */
START_TEST(test_delete_fails)
{
    const struct fault_case *c = &fault_cases[_i];
    const char *want = "a:" ALL "b: 0 1; ";
    bool reached = true;
    for (uint64_t call = 1; reached; call++) {
        char dir[256], row[64];
        snprintf(dir, sizeof dir, "%s/%ju", test_dir(), (uintmax_t)call);
        snprintf(row, sizeof row, "%s at call %ju", c->name, (uintmax_t)call);
        AUTO(fs_fault_close) struct fs *fs = fs_fault_open(fs_posix(), NULL);
        struct db_opts opts = kit_opts(fs, dir);
        struct db *db = kit_open(&opts);
        fill_hours(db, 7);
        if (c->power) { /* all that was acknowledged has to be on the disk */
            CK_OK(db_finish(db));
            opts.wal_sync = WAL_SYNC_BATCH;
            db = reopen(db, &opts);
        }
        struct fs_fault_opts fault = {
            .fail_call = call, .mode = c->mode, .calls = c->calls, .torn_bytes = call * 3};
        fs_fault_arm(fs, &fault);
        struct err e = delete_b(db);
        reached = e.code != ERR_NONE;
        ck_assert(reached == fs_fault_fired(fs));
        err_drop(e);
        assert_parts(row, db);
        fs_fault_heal(fs);
        if (c->mode == FS_FAULT_ONCE) { /* the same process goes on */
            CK_OK(db_maintain(db));
            CK_OK(delete_b(db));
            assert_values(row, db, want);
        }
        db_close(db);
        if (c->power)
            CK_OK(fs_fault_power_cut(fs));
        db = kit_open(&opts);
        if (reached && c->mode == FS_FAULT_CRASH)
            assert_parts(row, db);
        else
            assert_values(row, db, want);
        CK_OK(delete_b(db));
        assert_values(row, db, want);
        db = reopen(db, &opts);
        assert_values(row, db, want);
        assert_verified(row, dir);
        db_close(db);
        CK_OK(fs_remove_tree(fs_posix(), dir));
    }
}
END_TEST

/* The same of cleaning: queries see no difference, ever. */
START_TEST(test_clean_fails)
{
    const struct fault_case *c = &fault_cases[_i];
    const char *want = "a: 4 5 6 7 8 9 10 11 12 13; b: 8 9 10 11 12 13; ";
    bool reached = true;
    for (uint64_t call = 1; reached; call++) {
        char dir[256], row[64];
        size_t cleaned, blocks;
        snprintf(dir, sizeof dir, "%s/%ju", test_dir(), (uintmax_t)call);
        snprintf(row, sizeof row, "%s at call %ju", c->name, (uintmax_t)call);
        AUTO(fs_fault_close) struct fs *fs = fs_fault_open(fs_posix(), NULL);
        struct db_opts opts = kit_opts(fs, dir);
        struct db *db = kit_open(&opts);
        fill_hours(db, 7);
        kit_delete(db, MATCH_REGEX, "__name__", ".+", t0, t0 + 3 * (hour_ms / 2));
        kit_delete(db, MATCH_EQUAL, "__name__", "b", t0, t0 + 7 * (hour_ms / 2));
        CK_OK(db_finish(db));
        opts.wal_sync = WAL_SYNC_BATCH;
        db = reopen(db, &opts);
        struct fs_fault_opts fault = {
            .fail_call = call, .mode = c->mode, .calls = c->calls, .torn_bytes = call * 3};
        fs_fault_arm(fs, &fault);
        struct err e = db_clean_deletions(db, &cleaned);
        reached = e.code != ERR_NONE;
        err_drop(e);
        assert_values(row, db, want);
        fs_fault_heal(fs);
        if (c->mode == FS_FAULT_ONCE) {
            CK_OK(db_clean_deletions(db, &cleaned));
            CK_OK(db_clean_deletions(db, &cleaned));
            ck_assert_uint_eq(cleaned, 0);
            assert_values(row, db, want);
        }
        db_close(db);
        if (c->power)
            CK_OK(fs_fault_power_cut(fs));
        for (int i = 0; i < 2; i++) {
            db = kit_open(&opts);
            assert_values(row, db, want);
            CK_OK(db_clean_deletions(db, &cleaned));
            assert_values(row, db, want);
            db_close(db);
        }
        ck_assert_uint_eq(deletions_on_disk(dir, &blocks), 0);
        ck_assert_uint_eq(blocks, 1);
        assert_verified(row, dir);
        CK_OK(fs_remove_tree(fs_posix(), dir));
    }
}
END_TEST

/* The parents of a compaction whose deletion failed, or a crash came before it: what is deleted
 * from the child, and cleaned, does not come back with them. */
START_TEST(test_parents_left)
{
    bool crash = _i;
    AUTO(fs_fault_close) struct fs *fs = fs_fault_open(fs_posix(), NULL);
    struct db_opts opts = kit_opts(fs, test_dir());
    struct db *db = kit_open(&opts);
    size_t cleaned, blocks;
    fill_hours(db, 10);
    opts.block_range_max_ms = 6 * hour_ms;
    db = reopen(db, &opts);
    for (uint64_t call = 1; kit_stats(db).blocks != 2; call++) { /* the first that is too late */
        struct fs_fault_opts fault = {.fail_call = call, .calls = FS_FAULT_RENAME};
        fs_fault_arm(fs, &fault);
        CK_ERR(ERR_IO, db_maintain(db));
        fs_fault_heal(fs);
    }
    deletions_on_disk(opts.dir, &blocks);
    ck_assert_uint_eq(blocks, 3);
    if (crash)
        db = reopen(db, &opts);
    kit_delete(db, MATCH_REGEX, "__name__", ".+", t0 + 1, t0 + 6 * hour_ms);
    CK_OK(db_clean_deletions(db, &cleaned));
    ck_assert_uint_eq(cleaned, 2);
    const char *want = "a: 0 13 14 15 16 17 18 19; b: 0 13 14 15 16 17 18 19; ";
    assert_values("cleaned", db, want);
    db = reopen(db, &opts);
    assert_values("opened again", db, want);
    deletions_on_disk(opts.dir, &blocks);
    ck_assert_uint_eq(blocks, 2);
    db_close(db);
}
END_TEST

/* --- threads ---------------------------------------------------------------------------------- */

enum { ROUNDS = 25 };

struct crowd {
    struct db *db;
    _Atomic(int) done, failed;
};

/* Series "x" and "y" have samples at the same times, "x" in blocks and head, all deleted at once: a
 * query sees as many of the one as of the other. */
static void *
query_both(void *arg)
{
    struct crowd *c = arg;
    while (!atomic_load(&c->done)) {
        AUTO(arena_fini) struct arena a;
        arena_init(&a, 0);
        struct matcher m;
        CK_OK(matcher_make(&a, MATCH_REGEX, STR("__name__"), STR("x|y"), &m));
        struct select_query q = {
            .mint_ms = INT64_MIN, .maxt_ms = INT64_MAX, .want = SELECT_CHUNKS};
        struct series_set *set;
        CK_OK(db_select(c->db, &q, (struct matchers){&m, 1}, &a, &set));
        size_t n[2] = {0, 0}, series = 0;
        struct series_view view;
        for (bool more = true;; series++) {
            AUTO(sample_columns_fini) struct sample_columns columns = SAMPLE_COLUMNS_INIT;
            CK_OK(series_set_next(set, &view, &more));
            if (!more)
                break;
            for (size_t i = 0; i < view.chunk_count; i++)
                CK_OK(chunk_decode_floats(&view.chunks[i], INT64_MIN, INT64_MAX, &columns));
            n[series % 2] = columns.n;
        }
        series_set_close(set);
        if (series % 2 != 0 || n[0] != n[1])
            atomic_fetch_add(&c->failed, 1);
    }
    return NULL;
}

static void *
maintain(void *arg)
{
    struct crowd *c = arg;
    size_t cleaned;
    for (int i = 0; !atomic_load(&c->done); i++) {
        CK_OK(db_maintain(c->db));
        if (i % 8 == 0)
            CK_OK(db_clean_deletions(c->db, &cleaned));
    }
    return NULL;
}

START_TEST(test_threads)
{
    struct db_opts opts = kit_opts(fs_posix(), test_dir());
    struct crowd c = {.db = kit_open(&opts)};
    pthread_t readers[2], maintainer;
    for (size_t i = 0; i < ARRAY_LEN(readers); i++)
        ck_assert_int_eq(pthread_create(&readers[i], NULL, query_both, &c), 0);
    ck_assert_int_eq(pthread_create(&maintainer, NULL, maintain, &c), 0);
    int64_t t = t0;
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < 10; i++, t += hour_ms / 4) { /* both in one request */
            struct kit_request k;
            struct append_result r;
            kit_request_init(&k);
            kit_row(&k, "__name__=x");
            kit_sample(&k, t, i);
            kit_row(&k, "__name__=y");
            kit_sample(&k, t, i);
            CK_OK(kit_append(&k, c.db, &r));
            kit_request_fini(&k);
        }
        if (round % 3 == 2)
            kit_delete(c.db, MATCH_REGEX, "__name__", "x|y", t0, t - 6 * hour_ms);
        else
            kit_delete(c.db, MATCH_REGEX, "__name__", "x|y", t - hour_ms, t - hour_ms / 2);
    }
    atomic_store(&c.done, 1);
    for (size_t i = 0; i < ARRAY_LEN(readers); i++)
        pthread_join(readers[i], NULL);
    pthread_join(maintainer, NULL);
    ck_assert_int_eq(atomic_load(&c.failed), 0);
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    const char *want = kit_checked_dump(&a, c.db);
    c.db = reopen(c.db, &opts);
    kit_assert_dump(c.db, want);
    db_close(c.db);
}
END_TEST

Suite *
db_delete_suite(void)
{
    Suite *s = suite_create("db_delete");
    TCase *t = tcase_create("all");
    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, test_delete, 0, (int)ARRAY_LEN(delete_cases));
    tcase_add_test(t, test_query_across);
    tcase_add_test(t, test_planned);
    tcase_add_test(t, test_compacted);
    tcase_add_loop_test(t, test_delete_fails, 0, (int)ARRAY_LEN(fault_cases));
    tcase_add_loop_test(t, test_clean_fails, 0, (int)ARRAY_LEN(fault_cases));
    tcase_add_loop_test(t, test_parents_left, 0, 2);
    tcase_add_test(t, test_threads);
    suite_add_tcase(s, t);
    return s;
}
