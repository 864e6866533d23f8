/* A copy of a database: what it holds, that it does not change any more and disturbs nobody, and
 * that whatever fails leaves all of it or nothing. */
#include "base/fs_fault.h"
#include "base/mem.h"
#include "tests/tsdb/head_kit.h"
#include "tests/tsdb/verify_kit.h"

static const int64_t hour_ms = 3600 * 1000;
static const int64_t t0 = INT64_C(1700000000000) / 7200000 * 7200000;

/* A sample every half hour of "a" and "b" in `hours`; two-hour blocks but for the last three. */
static void
fill_hours(struct db *db, int hours)
{
    for (int half = 0; half < 2 * hours; half++) {
        kit_put(db, "__name__=a", t0 + half * (hour_ms / 2), half);
        kit_put(db, "__name__=b", t0 + half * (hour_ms / 2), -half);
        CK_OK(db_maintain(db));
    }
}

/* Path of the snapshot, in the arena. */
static const char *
take(struct db *db, const char *dir, enum snapshot_scope scope, struct arena *a)
{
    struct str name;
    CK_OK(db_snapshot(db, scope, a, &name));
    return arena_printf(a, "%s/" DB_SNAPSHOTS_DIR "/%s", dir, name.p).p;
}

/* The dump of a directory as a database of its own, found sound; and how many blocks it has. */
static const char *
dump_of(const char *dir, size_t *ret_blocks, struct arena *a)
{
    AUTO(buf_fini) struct buf findings = BUF_INIT;
    uint64_t broken;
    kit_verify(dir, VERIFY_ALL, &findings, &broken);
    ck_assert_msg(broken == 0, "%s", buf_cstr(&findings));
    struct db_opts opts = kit_opts(fs_posix(), dir);
    struct db *db = kit_open(&opts);
    *ret_blocks = kit_stats(db).blocks;
    const char *dump = kit_checked_dump(a, db);
    db_close(db);
    return dump;
}

static const struct scope_case {
    const char *name;
    int hours;
    enum snapshot_scope scope;
    size_t blocks;
} scope_cases[] = {
    {"empty", 0, SNAPSHOT_WITH_HEAD, 0},
    {"a head alone", 2, SNAPSHOT_WITH_HEAD, 1},
    {"blocks and a head", 7, SNAPSHOT_WITH_HEAD, 3},
    {"the head left out", 7, SNAPSHOT_BLOCKS, 2},
    {"the only head left out", 2, SNAPSHOT_BLOCKS, 0},
};

START_TEST(test_scope)
{
    const struct scope_case *c = &scope_cases[_i];
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct db_opts opts = kit_opts(fs_posix(), test_dir());
    struct db *db = kit_open(&opts);
    size_t blocks;
    fill_hours(db, c->hours);
    const char *at_once = kit_checked_dump(&a, db);
    const char *copy = take(db, opts.dir, c->scope, &a);
    const char *got = dump_of(copy, &blocks, &a);
    ck_assert_msg(blocks == c->blocks, "%s: %zu blocks", c->name, blocks);
    if (c->scope == SNAPSHOT_WITH_HEAD)
        ck_assert_msg(strcmp(got, at_once) == 0, "%s: %s", c->name, got);
    else
        ROW_ASSERT(c->name, strlen(got) < strlen(at_once));
    kit_assert_dump(db, at_once);
    db_close(db);
}
END_TEST

static void
put_late(struct db *db, int64_t t_ms, double value)
{
    struct kit_request k;
    struct append_result r;
    kit_request_init(&k);
    kit_row(&k, "__name__=a");
    kit_sample(&k, t_ms, value);
    CK_OK(kit_append(&k, db, &r));
    kit_request_fini(&k);
}

/* Late samples, histograms, deletions not cleaned, series without a name. */
START_TEST(test_all_kinds)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct db_opts opts = kit_late_opts(fs_posix(), test_dir());
    struct db *db = kit_open(&opts);
    fill_hours(db, 7);
    for (int i = 0; i < 10; i++) /* in an open chunk, in chunks_head, and in the time of a block */
        put_late(db, t0 + 4 * hour_ms + i * (hour_ms / 4) + 1, 100 + i);
    kit_delete(db, MATCH_EQUAL, "__name__", "b", t0 + hour_ms, t0 + 6 * hour_ms);
    struct kit_request k;
    struct append_result r;
    kit_request_init(&k);
    kit_row(&k, "__name__=h");
    kit_histogram_sample(&k, t0 + 7 * hour_ms, "i n=2 sum=1 p=0:1,1");
    kit_row(&k, "job=only");
    kit_sample(&k, t0 + 7 * hour_ms, 7);
    CK_OK(kit_append(&k, db, &r));
    kit_request_fini(&k);
    const char *at_once = kit_checked_dump(&a, db);
    size_t blocks;
    const char *copy = take(db, opts.dir, SNAPSHOT_WITH_HEAD, &a);
    ck_assert_str_eq(dump_of(copy, &blocks, &a), at_once);
    struct db_opts of_copy = kit_opts(fs_posix(), copy);
    struct db *again = kit_open(&of_copy);
    ck_assert(strstr(kit_query(&a, again, MATCH_EQUAL, "job", "only", INT64_MIN, INT64_MAX), "=7"));
    db_close(again);
    db_close(db);
}
END_TEST

/* What happens to the database afterwards does not reach the copy, and the other way round. */
START_TEST(test_apart)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct db_opts opts = kit_opts(fs_posix(), test_dir());
    struct db *db = kit_open(&opts);
    size_t blocks;
    bool empty;
    fill_hours(db, 7);
    const char *before = kit_checked_dump(&a, db);
    const char *copy = take(db, opts.dir, SNAPSHOT_WITH_HEAD, &a);
    kit_put(db, "__name__=a", t0 + 7 * hour_ms, 7);
    kit_delete(db, MATCH_EQUAL, "__name__", "b", INT64_MIN, INT64_MAX);
    CK_OK(db_clean_deletions(db, &blocks));
    CK_OK(db_flush(db, &empty));
    const char *after = kit_checked_dump(&a, db);
    ck_assert_str_eq(dump_of(copy, &blocks, &a), before);
    db_close(db);
    CK_OK(fs_remove_tree(fs_posix(), copy));
    db = kit_open(&opts); /* the directory of snapshots is none of its business */
    kit_assert_dump(db, after);
    const char *second = take(db, opts.dir, SNAPSHOT_WITH_HEAD, &a);
    const char *third = take(db, opts.dir, SNAPSHOT_WITH_HEAD, &a);
    ck_assert_str_ne(second, third);
    ck_assert_str_eq(dump_of(second, &blocks, &a), after);
    ck_assert_str_eq(dump_of(third, &blocks, &a), after);
    db_close(db);
}
END_TEST

/* 20171210T211224Z-2be650b6d019eb54 */
START_TEST(test_name)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct db_opts opts = kit_opts(fs_posix(), test_dir());
    struct db *db = kit_open(&opts);
    struct str name;
    CK_OK(db_snapshot(db, SNAPSHOT_WITH_HEAD, &a, &name));
    ck_assert_uint_eq(name.n, 33);
    ck_assert_uint_eq(strspn(name.p, "0123456789"), 8);
    ck_assert_int_eq(name.p[8], 'T');
    ck_assert_uint_eq(strspn(name.p + 9, "0123456789"), 6);
    ck_assert_uint_eq(strspn(name.p + 15, "Z"), 1);
    ck_assert_int_eq(name.p[16], '-');
    ck_assert_uint_eq(strspn(name.p + 17, "0123456789abcdef"), 16);
    db_close(db);
}
END_TEST

static size_t
snapshots_in(const char *dir, const char **ret_first, struct arena *a)
{
    AUTO(fs_list_fini) struct fs_list entries = VEC_INIT;
    const char *snapshots = arena_printf(a, "%s/" DB_SNAPSHOTS_DIR, dir).p;
    CK_OK(fs_missing_is_fine(fs_list_dir(fs_posix(), snapshots, &entries)));
    size_t n = 0;
    vec_each (&entries, e) {
        if (!str_ends_with(str_of_cstr(e->name), STR(".tmp")) && n++ == 0)
            *ret_first = arena_printf(a, "%s/%s", snapshots, e->name).p;
    }
    return n;
}

/* Each call fails once, or is the last one; then the next snapshot is whole and alone. */
START_TEST(test_failures)
{
    enum fs_fault_mode mode = _i ? FS_FAULT_CRASH : FS_FAULT_ONCE;
    AUTO(fs_fault_close) struct fs *fs = fs_fault_open(fs_posix(), NULL);
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct db_opts opts = kit_opts(fs, test_dir());
    struct db *db = kit_open(&opts);
    fill_hours(db, 5);
    const char *want = kit_checked_dump(&a, db), *path = NULL;
    uint64_t n = 1;
    for (;; n++) {
        struct str name;
        size_t blocks;
        fs_fault_arm(fs, &(struct fs_fault_opts){.fail_call = n, .mode = mode});
        struct err e = db_snapshot(db, SNAPSHOT_WITH_HEAD, &a, &name);
        bool fired = fs_fault_fired(fs), made = e.code == ERR_NONE;
        err_drop(e);
        fs_fault_heal(fs);
        ck_assert(made == !fired);
        size_t found = snapshots_in(opts.dir, &path, &a);
        ck_assert_uint_le(found, 1); /* one too many when only a last sync failed */
        if (found == 1)
            ck_assert_str_eq(dump_of(path, &blocks, &a), want);
        CK_OK(db_snapshot(db, SNAPSHOT_WITH_HEAD, &a, &name));
        ck_assert_uint_eq(snapshots_in(opts.dir, &path, &a), found + 1);
        AUTO(fs_list_fini) struct fs_list all = VEC_INIT;
        const char *snapshots = arena_printf(&a, "%s/" DB_SNAPSHOTS_DIR, opts.dir).p;
        CK_OK(fs_list_dir(fs_posix(), snapshots, &all));
        ck_assert_uint_eq(all.n, found + 1); /* what had been left is gone */
        CK_OK(fs_remove_tree(fs_posix(), snapshots));
        if (!fired)
            break;
    }
    ck_assert_uint_gt(n, 20);
    kit_assert_dump(db, want);
    db_close(db);
}
END_TEST

Suite *
db_snapshot_suite(void)
{
    Suite *s = suite_create("db_snapshot");
    TCase *t = tcase_create("db_snapshot");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, test_scope, 0, ARRAY_LEN(scope_cases));
    tcase_add_test(t, test_all_kinds);
    tcase_add_test(t, test_apart);
    tcase_add_test(t, test_name);
    tcase_add_loop_test(t, test_failures, 0, 2);
    suite_add_tcase(s, t);
    return s;
}
