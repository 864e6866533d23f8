/* Blocks of a database: which are deleted, which become one, and what queries see meanwhile. */
#include <stdio.h>

#include "base/bytes.h"
#include "base/fs_fault.h"
#include "base/mem.h"
#include "base/ulid.h"
#include "tests/tsdb/head_kit.h"

static const int64_t hour_ms = 3600 * 1000;
static const int64_t t0 = INT64_C(1700000000000) / 64800000 * 64800000; /* ranges of 18 h begin */

/* A sample every half hour in hours [from, to) of two series; one of them with a gap. */
static void
fill_hours(struct db *db, int from, int to)
{
    for (int half = 2 * from; half < 2 * to; half++) {
        kit_put(db, "__name__=a", t0 + half * (hour_ms / 2), half);
        if (half % 16 < 8)
            kit_put(db, "__name__=b", t0 + half * (hour_ms / 2), -half);
        CK_OK(db_maintain(db));
    }
}

/* As Prometheus: three ranges of 2 h become one of 6 h once a newer block is there, and so on. */
START_TEST(test_levels)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct db_opts opts = kit_opts(fs_posix(), test_dir());
    opts.block_range_max_ms = 18 * hour_ms;
    struct db *db = kit_open(&opts);
    fill_hours(db, 0, 40);
    struct db_stats s = kit_stats(db);
    /* The head begins at 38 h, 36 h to 38 h is the newest block, which never takes part. */
    ck_assert_uint_eq(s.blocks, 3); /* 0-18, 18-36, 36-38 */
    ck_assert_uint_ge(s.compactions, 8);
    const char *all = kit_checked_dump(&a, db);
    db_close(db);
    db = kit_open(&opts);
    ck_assert_uint_eq(kit_stats(db).blocks, 3);
    ck_assert_str_eq(kit_checked_dump(&a, db), all);
    db_close(db);

    opts.dir = arena_printf(&a, "%s/plain", test_dir()).p;
    opts.block_range_max_ms = opts.block_range_ms;
    db = kit_open(&opts);
    fill_hours(db, 0, 40);
    ck_assert_uint_eq(kit_stats(db).compactions, 0);
    ck_assert_uint_eq(kit_stats(db).blocks, 19);
    ck_assert_str_eq(kit_checked_dump(&a, db), all); /* the same samples, in many blocks */
    db_close(db);
}
END_TEST

START_TEST(test_retention)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct db_opts opts = kit_opts(fs_posix(), test_dir());
    opts.retention_ms = 6 * hour_ms;
    struct db *db = kit_open(&opts);
    fill_hours(db, 0, 12); /* cut up to 10 h */
    AUTO(series_set_close) struct series_set *held = NULL;
    struct matcher m;
    CK_OK(matcher_make(&a, MATCH_EQUAL, STR("__name__"), STR("a"), &m));
    struct select_query q = {.mint_ms = INT64_MIN, .maxt_ms = INT64_MAX, .want = SELECT_CHUNKS};
    CK_OK(db_select(db, &q, (struct matchers){&m, 1}, &a, &held));
    size_t before = kit_stats(db).blocks;
    ck_assert_uint_eq(before, 3); /* ends at 6, 8 and 10 h: what ends 6 h before the newest goes */
    fill_hours(db, 12, 20);
    ck_assert_uint_eq(kit_stats(db).blocks, 3);
    ck_assert(strstr(kit_checked_dump(&a, db), arena_printf(&a, " %jd=", (intmax_t)t0).p) == NULL);

    /* A query that was begun before still sees what it would have seen. */
    struct series_view view;
    bool more;
    CK_OK(series_set_next(held, &view, &more));
    ck_assert(more);
    ck_assert_int_eq(view.chunks[0].mint_ms, t0 + 4 * hour_ms);
    struct sample_columns c = SAMPLE_COLUMNS_INIT;
    CK_OK(chunk_decode_floats(&view.chunks[0], INT64_MIN, INT64_MAX, &c));
    ck_assert_uint_gt(c.n, 0);
    sample_columns_fini(&c);
    series_set_close(TAKE(held));

    opts.retention_bytes = 1;
    CK_OK(db_finish(db));
    db_close(db);
    db = kit_open(&opts);
    CK_OK(db_maintain(db));
    ck_assert_uint_eq(kit_stats(db).blocks, 0);
    db_close(db);
}
END_TEST

static const struct fault_case {
    const char *name;
    enum fs_fault_mode mode;
    bool power;
} fault_cases[] = {
    {"once", FS_FAULT_ONCE, false},
    {"crash", FS_FAULT_CRASH, false},
    {"crash and power cut", FS_FAULT_CRASH, true},
};

/* Every mutating call of a pass that compacts fails once: samples stay, before and after a
 * restart, and the compaction is made in the end. */
START_TEST(test_fault_at_every_call)
{
    const struct fault_case *c = &fault_cases[_i];
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    bool reached = true;
    for (uint64_t call = 1; reached; call++) {
        const char *dir = arena_printf(&a, "%s/%ju", test_dir(), (uintmax_t)call).p;
        AUTO(fs_fault_close) struct fs *fs = fs_fault_open(fs_posix(), NULL);
        struct db_opts opts = kit_opts(fs, dir);
        struct db *db = kit_open(&opts);
        fill_hours(db, 0, 10);
        CK_OK(db_finish(db));
        db_close(db);
        opts.block_range_max_ms = 6 * hour_ms;
        db = kit_open(&opts); /* four blocks, three of which are to become one */
        const char *want = kit_checked_dump(&a, db);
        ck_assert_uint_eq(kit_stats(db).blocks, 4);
        struct fs_fault_opts fault = {.fail_call = call, .mode = c->mode, .torn_bytes = call * 5};
        fs_fault_arm(fs, &fault);
        struct err e = db_maintain(db);
        reached = e.code != ERR_NONE;
        err_drop(e);
        ck_assert_str_eq(kit_checked_dump(&a, db), want);
        fs_fault_heal(fs);
        db_close(db);
        if (c->power)
            CK_OK(fs_fault_power_cut(fs));
        db = kit_open(&opts);
        ck_assert_str_eq(kit_checked_dump(&a, db), want);
        CK_OK(db_maintain(db));
        ck_assert_msg(kit_stats(db).blocks == 2, "%s at call %ju: %ju blocks", c->name,
                      (uintmax_t)call, (uintmax_t)kit_stats(db).blocks);
        ck_assert_str_eq(kit_checked_dump(&a, db), want);
        db_close(db);
        CK_OK(fs_remove_tree(fs_posix(), dir));
    }
}
END_TEST

/* --- what fails is tried again ---------------------------------------------------------------- */

/* Blocks and what is left of some. */
static size_t
count_block_directories(const char *dir)
{
    AUTO(fs_list_fini) struct fs_list entries = VEC_INIT;
    CK_OK(fs_list_dir(fs_posix(), dir, &entries));
    size_t n = 0;
    vec_each (&entries, e)
        n += strlen(e->name) >= ULID_TEXT_BYTES;
    return n;
}

/* Four blocks: 0-2, 2-4, 4-6 and 6-8 h, the first three of which may become one. */
static void
make_blocks(const char *dir)
{
    struct db_opts opts = kit_opts(fs_posix(), dir);
    struct db *db = kit_open(&opts);
    fill_hours(db, 0, 10);
    CK_OK(db_finish(db));
    db_close(db);
    ck_assert_uint_eq(count_block_directories(dir), 4);
}

static const struct retry_case {
    const char *name;
    uint64_t retention_bytes;
    int64_t range_max_hours;
    size_t blocks;           /* in the end */
    unsigned calls;          /* one of which fails once */
    uint64_t least;          /* so many of them there are */
    enum fs_fault_mode mode; /* or, FS_FAULT_CRASH, all until the pass is over */
} retry_cases[] = {
    {"retention, reading", 1, 2, 0, FS_FAULT_READ, 4, FS_FAULT_ONCE},
    {"retention, writing", 1, 2, 0, FS_FAULT_MUTATING, 12, FS_FAULT_ONCE},
    {"retention, broken", 1, 2, 0, FS_FAULT_MUTATING, 12, FS_FAULT_CRASH},
    {"compaction, reading", 0, 6, 2, FS_FAULT_READ, 4, FS_FAULT_ONCE},
    {"compaction, writing", 0, 6, 2, FS_FAULT_MUTATING, 12, FS_FAULT_ONCE},
    {"compaction, broken", 0, 6, 2, FS_FAULT_MUTATING, 12, FS_FAULT_CRASH},
};

/* The pass in which it fails says so; the next one does what is left, and no file stays. */
START_TEST(test_next_pass_tries_again)
{
    const struct retry_case *c = &retry_cases[_i];
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    bool fired = true;
    uint64_t call = 1;
    for (; fired; call++) {
        const char *dir = arena_printf(&a, "%s/%ju", test_dir(), (uintmax_t)call).p;
        make_blocks(dir);
        AUTO(fs_fault_close) struct fs *fs = fs_fault_open(fs_posix(), NULL);
        struct db_opts opts = kit_opts(fs, dir);
        opts.retention_bytes = c->retention_bytes;
        opts.block_range_max_ms = c->range_max_hours * hour_ms;
        struct db *db = kit_open(&opts);
        struct fs_fault_opts fault = {.fail_call = call, .calls = c->calls, .mode = c->mode};
        fs_fault_arm(fs, &fault);
        struct err e = db_maintain(db);
        fired = fs_fault_fired(fs);
        ck_assert_msg(fired == (e.code != ERR_NONE), "%s: call %ju: %s", c->name, (uintmax_t)call,
                      err_text(&e));
        err_drop(e);
        fs_fault_heal(fs);
        CK_OK(db_maintain(db));
        ck_assert_msg(kit_stats(db).blocks == c->blocks, "%s: call %ju: %ju blocks", c->name,
                      (uintmax_t)call, (uintmax_t)kit_stats(db).blocks);
        ck_assert_msg(count_block_directories(dir) == c->blocks, "%s: call %ju: %zu directories",
                      c->name, (uintmax_t)call, count_block_directories(dir));
        db_close(db);
        CK_OK(fs_remove_tree(fs_posix(), dir));
    }
    ck_assert_msg(call > c->least, "%s: %ju calls", c->name, (uintmax_t)call);
}
END_TEST

enum { TOO_DEEP = 70 }; /* for fs_tree_bytes() */

/* A size that cannot be read, for as long as it likes, keeps no blocks from becoming one. */
START_TEST(test_compaction_without_retention)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    const char *dir = test_dir();
    make_blocks(dir);
    struct db_opts opts = kit_opts(fs_posix(), dir);
    opts.retention_bytes = UINT64_C(1) << 40;
    opts.block_range_max_ms = 6 * hour_ms;
    struct db *db = kit_open(&opts);
    const char *deep = arena_printf(&a, "%s/wbl", dir).p, *middle = deep;
    for (int depth = 0; depth < TOO_DEEP; depth++) {
        deep = arena_printf(&a, "%s/d", deep).p;
        middle = depth == TOO_DEEP / 2 ? deep : middle;
    }
    CK_OK(fs_make_dirs(fs_posix(), deep));
    for (int pass = 0; pass < 3; pass++) {
        struct err e = db_maintain(db);
        ck_assert_int_ne(e.code, ERR_NONE);
        err_drop(e);
        ck_assert_uint_eq(kit_stats(db).blocks, 2);
        ck_assert_uint_eq(kit_stats(db).compactions, 1);
    }
    CK_OK(fs_rename(fs_posix(), middle, arena_printf(&a, "%s/moved", dir).p));
    CK_OK(db_maintain(db));
    db_close(db);
}
END_TEST

Suite *
db_tidy_suite(void)
{
    Suite *s = suite_create("db_tidy");
    TCase *t = tcase_create("db_tidy");
    tcase_set_timeout(t, 120);
    tcase_add_test(t, test_levels);
    tcase_add_test(t, test_retention);
    tcase_add_loop_test(t, test_fault_at_every_call, 0, (int)ARRAY_LEN(fault_cases));
    tcase_add_loop_test(t, test_next_pass_tries_again, 0, (int)ARRAY_LEN(retry_cases));
    tcase_add_test(t, test_compaction_without_retention);
    suite_add_tcase(s, t);
    return s;
}
