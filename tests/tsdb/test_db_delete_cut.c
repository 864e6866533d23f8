/* Deletions beside a cut: at each of its stages, after each failure of it, and before it. What was
 * deleted never comes back, what was not stays. */
#include <stdio.h>

#include "base/fs_fault.h"
#include "tests/tsdb/head_kit.h"
#include "tests/tsdb/verify_kit.h"

enum {
    MINUTE_MS = 60 * 1000,
    HOUR_MS = 60 * MINUTE_MS,
    PASSES = 6, /* until all is done */
};
static const int64_t t0 = INT64_C(1700000000000) / 7200000 * 7200000; /* a range begins */

static struct db_opts
opts_of(struct fs *fs, const char *dir)
{
    struct db_opts opts = kit_late_opts(fs, dir);
    opts.wal_segment_bytes = WAL_PAGE_BYTES;
    opts.wal_compression = WAL_PLAIN;
    return opts;
}

static void
put_samples(struct kit_request *k, const char *labels, const int *minutes, size_t n)
{
    kit_row(k, labels);
    for (size_t i = 0; i < n; i++)
        kit_sample(k, t0 + minutes[i] * (int64_t)MINUTE_MS, minutes[i]);
}

/* Series that no dump shows: the log gets several segments. */
static void
fill_log(struct db *db, int minute)
{
    enum { ROWS = 24, VALUE_BYTES = 6000 };
    char labels[VALUE_BYTES + 64];
    struct kit_request k;
    struct append_result r;
    for (int row = 0; row < ROWS; row++) {
        kit_request_init(&k);
        snprintf(labels, sizeof labels, "row=%d,x=%0*d", row, VALUE_BYTES, minute);
        put_samples(&k, labels, &minute, 1);
        CK_OK(kit_append(&k, db, &r));
        ck_assert_uint_eq(r.fates[SAMPLE_STORED], 1);
        kit_request_fini(&k);
    }
}

/* In order: "a", "h" and "stays", from 0 to 4 h. Late: of "late", which has samples in order, too;
 * of "only", which has no others. */
static void
fill(struct db *db)
{
    static const int last[] = {240}, late[] = {65, 125, 70, 95, 130, 105, 62},
                     only[] = {90, 100, 80, 110, 85, 61};
    struct kit_request k;
    struct append_result r;
    fill_log(db, 0);
    for (int minute = 0; minute <= 240; minute += 10) {
        kit_request_init(&k);
        put_samples(&k, "__name__=a,x=y", &minute, 1);
        put_samples(&k, "__name__=stays,x=y", &minute, 1);
        kit_row(&k, "__name__=h,x=y");
        kit_histogram_sample(&k, t0 + minute * (int64_t)MINUTE_MS, "i n=2 sum=1 p=0:1,1");
        CK_OK(kit_append(&k, db, &r));
        kit_request_fini(&k);
    }
    kit_request_init(&k);
    put_samples(&k, "__name__=late,x=y", last, ARRAY_LEN(last));
    CK_OK(kit_append(&k, db, &r));
    kit_request_fini(&k);
    kit_request_init(&k);
    put_samples(&k, "__name__=late,x=y", late, ARRAY_LEN(late));
    put_samples(&k, "__name__=only,x=y", only, ARRAY_LEN(only));
    put_samples(&k, "__name__=stays,x=y", only, ARRAY_LEN(only));
    CK_OK(kit_append(&k, db, &r));
    ck_assert_uint_eq(r.fates[SAMPLE_STORED_LATE], 7 + 6 + 6);
    kit_request_fini(&k);
}

static void
delete_some(struct db *db)
{
    kit_delete(db, MATCH_REGEX, "__name__", "late|only", INT64_MIN, INT64_MAX);
    kit_delete(db, MATCH_REGEX, "__name__", "a|h", t0 + HOUR_MS, t0 + 3 * HOUR_MS);
    fill_log(db, 241); /* a checkpoint will be of segments that have the deletion */
    kit_put(db, "__name__=stays,x=y", t0 + 12 * HOUR_MS, 12); /* the window has passed all others */
}

/* What is left, by a database that has all in its head. */
static const char *
wanted(struct arena *a, const char **ret_before)
{
    struct db_opts opts = opts_of(fs_posix(), test_dir());
    struct db *db = kit_open(&opts);
    fill(db);
    *ret_before = kit_checked_dump(a, db);
    delete_some(db);
    const char *want = kit_checked_dump(a, db);
    ck_assert(!strstr(want, "only") && !strstr(want, "late"));
    ck_assert(strstr(want, "a{") && strstr(want, "h{") && strstr(want, "stays{"));
    db_close(db);
    CK_OK(fs_remove_tree(fs_posix(), opts.dir));
    return want;
}

/* --- passes that stop at each stage ----------------------------------------------------------- */

struct held {
    struct series_set *set;
    struct arena a;
};

/* Reads it to its end: it has what was there when it was begun. */
static void
finish(struct held *h, const char *want)
{
    if (!h->set)
        return;
    AUTO(buf_fini) struct buf text = BUF_INIT;
    struct series_view series;
    for (bool more = true;;) {
        CK_OK(series_set_next(h->set, &series, &more));
        if (!more)
            break;
        labels_format(series.labels, &text);
        buf_put_u8(&text, ':');
        for (size_t i = 0; i < series.chunk_count; i++)
            kit_chunk_text(&series.chunks[i], INT64_MIN, INT64_MAX, &text);
        buf_append(&text, STR("; "));
    }
    ck_assert_str_eq(buf_cstr(&text), want);
    series_set_close(h->set);
    arena_fini(&h->a);
    h->set = NULL;
}

/* A query that is begun right before each pass keeps it from going further than one stage. */
static struct err
pass(struct db *db, struct held *held, const char *before)
{
    struct held next;
    arena_init(&next.a, 0);
    next.set = kit_select_all(db, &next.a);
    finish(held, before);
    *held = next;
    return db_maintain(db);
}

static const struct after_case {
    const char *name;
    bool crash;
} after_cases[] = {{"goes on", false}, {"crash", true}};

/* What follows a deletion, in the same process or behind a crash: nothing of it comes back. */
static void
check_after(struct db *db, const struct db_opts *opts, bool crash, const char *want,
            const char *row)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    bool empty = false;
    ck_assert_msg(strcmp(kit_checked_dump(&a, db), want) == 0, "%s: %s", row, kit_dump(&a, db));
    if (crash) {
        db_close(db);
        db = kit_open(opts);
        ck_assert_msg(strcmp(kit_checked_dump(&a, db), want) == 0, "%s, opened: %s", row,
                      kit_dump(&a, db));
    }
    CK_OK(db_maintain(db));
    ck_assert_msg(strcmp(kit_checked_dump(&a, db), want) == 0, "%s, a pass: %s", row,
                  kit_dump(&a, db));
    CK_OK(db_flush(db, &empty));
    ck_assert(empty);
    ck_assert_msg(strcmp(kit_checked_dump(&a, db), want) == 0, "%s, flushed", row);
    ck_assert_uint_eq(kit_stats(db).head_deletions, 0);
    for (int i = 0; i < 2; i++) {
        db_close(db);
        db = kit_open(opts);
        ck_assert_msg(strcmp(kit_checked_dump(&a, db), want) == 0, "%s, opened again: %s", row,
                      kit_dump(&a, db));
        CK_OK(db_maintain(db));
    }
    AUTO(buf_fini) struct buf findings = BUF_INIT;
    uint64_t broken;
    kit_verify(opts->dir, VERIFY_ALL, &findings, &broken);
    ck_assert_msg(broken == 0, "%s: %s", row, buf_cstr(&findings));
    db_close(db);
}

/* Row: how many passes were made, and what comes then. */
START_TEST(test_stages)
{
    int passes = _i / 2;
    const struct after_case *c = &after_cases[_i % 2];
    char row[64];
    snprintf(row, sizeof row, "%d passes, %s", passes, c->name);
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    const char *before, *want = wanted(&a, &before);
    struct db_opts opts = opts_of(fs_posix(), test_dir());
    struct db *db = kit_open(&opts);
    struct held held = {.set = NULL};
    fill(db);
    for (int i = 0; i < passes; i++)
        CK_OK(pass(db, &held, before));
    ck_assert_str_eq(kit_checked_dump(&a, db), before);
    delete_some(db);
    ck_assert_msg(strcmp(kit_checked_dump(&a, db), want) == 0, "%s: %s", row, kit_dump(&a, db));
    finish(&held, before);
    check_after(db, &opts, c->crash, want, row);
}
END_TEST

/* --- a failure at each call, then a deletion -------------------------------------------------- */

/* A cut that failed somewhere, or stopped behind a crash. */
START_TEST(test_failed_pass)
{
    const struct after_case *c = &after_cases[_i % 2];
    int passes = _i / 2;
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    const char *before, *want = wanted(&a, &before);
    bool reached = true;
    for (uint64_t call = 1; reached; call++) {
        char dir[256], row[64];
        snprintf(dir, sizeof dir, "%s/%ju", test_dir(), (uintmax_t)call);
        snprintf(row, sizeof row, "%d passes, call %ju, %s", passes, (uintmax_t)call, c->name);
        AUTO(fs_fault_close) struct fs *fs = fs_fault_open(fs_posix(), NULL);
        struct db_opts opts = opts_of(fs, dir);
        struct db *db = kit_open(&opts);
        struct held held = {.set = NULL};
        fill(db);
        for (int i = 0; i < passes; i++)
            CK_OK(pass(db, &held, before));
        finish(&held, before);
        struct fs_fault_opts fault = {.fail_call = call, .mode = FS_FAULT_ONCE};
        fs_fault_arm(fs, &fault);
        err_drop(db_maintain(db));
        reached = fs_fault_fired(fs);
        fs_fault_heal(fs);
        err_drop(db_maintain(db)); /* a log that failed is recovered; the cut may go on */
        delete_some(db);
        check_after(db, &opts, c->crash, want, row);
        CK_OK(fs_remove_tree(fs_posix(), dir));
    }
}
END_TEST

/* --- a deletion, then a failure at each call -------------------------------------------------- */

static const struct pass_case {
    const char *name;
    enum fs_fault_mode mode;
    bool power, flush;
} pass_cases[] = {
    {"once", FS_FAULT_ONCE, false, false},
    {"crash", FS_FAULT_CRASH, false, false},
    {"crash and power cut", FS_FAULT_CRASH, true, false},
    {"once, everything", FS_FAULT_ONCE, false, true},
    {"crash, everything", FS_FAULT_CRASH, false, true},
    {"crash and power cut, everything", FS_FAULT_CRASH, true, true},
};

/* The pass cuts, makes a checkpoint, cuts what is late, compacts. */
START_TEST(test_pass_fails)
{
    const struct pass_case *c = &pass_cases[_i];
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    const char *before, *want = wanted(&a, &before);
    bool reached = true, empty;
    for (uint64_t call = 1; reached; call++) {
        char dir[256], row[64];
        snprintf(dir, sizeof dir, "%s/%ju", test_dir(), (uintmax_t)call);
        snprintf(row, sizeof row, "%s, call %ju", c->name, (uintmax_t)call);
        AUTO(fs_fault_close) struct fs *fs = fs_fault_open(fs_posix(), NULL);
        struct db_opts opts = opts_of(fs, dir);
        opts.wal_sync = c->power ? WAL_SYNC_BATCH : WAL_SYNC_NONE;
        struct db *db = kit_open(&opts);
        fill(db);
        delete_some(db);
        struct fs_fault_opts fault = {.fail_call = call, .mode = c->mode, .torn_bytes = call * 7};
        fs_fault_arm(fs, &fault);
        err_drop(c->flush ? db_flush(db, &empty) : db_maintain(db));
        reached = fs_fault_fired(fs);
        ck_assert_msg(strcmp(kit_checked_dump(&a, db), want) == 0, "%s: %s", row, kit_dump(&a, db));
        fs_fault_heal(fs);
        if (c->power) {
            db_close(db);
            CK_OK(fs_fault_power_cut(fs));
            db = kit_open(&opts);
        }
        check_after(db, &opts, c->mode == FS_FAULT_CRASH, want, row);
        CK_OK(fs_remove_tree(fs_posix(), dir));
    }
}
END_TEST

/* --- what comes late into a deletion ---------------------------------------------------------- */

static void
put_late(struct db *db, int minute)
{
    struct kit_request k;
    struct append_result r;
    kit_request_init(&k);
    put_samples(&k, "__name__=a,x=y", &minute, 1);
    CK_OK(kit_append(&k, db, &r));
    ck_assert_uint_eq(r.fates[SAMPLE_STORED_LATE], 1);
    kit_request_fini(&k);
}

/* It is deleted as well, as long as anything can come late there, whatever was cut, and whether or
 * not a restart lies between. */
START_TEST(test_late_into_deletion)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct db_opts opts = opts_of(fs_posix(), test_dir());
    struct db *db = kit_open(&opts);
    bool empty;
    fill(db);
    kit_delete(db, MATCH_EQUAL, "__name__", "a", t0 + HOUR_MS, t0 + 100 * MINUTE_MS);
    put_late(db, 75);
    put_late(db, 105); /* behind the deletion */
    const char *want = kit_query(&a, db, MATCH_EQUAL, "__name__", "a", INT64_MIN, INT64_MAX);
    ck_assert(strstr(want, "=105") && !strstr(want, "=75"));
    for (int i = 0; i < 3; i++) {
        for (int k = 0; k < 2; k++) {
            ck_assert_str_eq(kit_query(&a, db, MATCH_EQUAL, "__name__", "a", INT64_MIN, INT64_MAX),
                             want);
            db_close(db);
            db = kit_open(&opts);
        }
        CK_OK(db_maintain(db));
        put_late(db, 76 + i); /* its hours have left the head */
        ck_assert_uint_eq(kit_stats(db).head_deletions, 1);
    }
    CK_OK(db_flush(db, &empty));
    ck_assert_str_eq(kit_query(&a, db, MATCH_EQUAL, "__name__", "a", INT64_MIN, INT64_MAX), want);
    db_close(db);
}
END_TEST

/* --- starts behind a cut ---------------------------------------------------------------------- */

static void
put_minutes(struct db *db, const char *labels, const int *minutes, size_t n)
{
    struct kit_request k;
    struct append_result r;
    kit_request_init(&k);
    put_samples(&k, labels, minutes, n);
    CK_OK(kit_append(&k, db, &r));
    kit_request_fini(&k);
}

/* The head has hours [0, 4), of which the first two are cut once it is maintained. */
static struct db *
begin_hours(const struct db_opts *opts, const int *minutes, size_t n)
{
    struct db *db = kit_open(opts);
    put_minutes(db, "__name__=stays", minutes, n);
    return db;
}

static void
assert_after_crash(struct db *db, const struct db_opts *opts, const char *want)
{
    for (int i = 0; i < 3; i++) {
        kit_assert_dump(db, want);
        db_close(db);
        db = kit_open(opts);
    }
    kit_assert_dump(db, want);
    db_close(db);
}

/* Labels that are born again have nothing deleted, also when the log still has the deletions of
 * the series before, and the sample comes late into one (D7). */
START_TEST(test_born_again)
{
    static const int all[] = {0, 240}, deleted[] = {61, 100}, late[] = {80};
    struct db_opts opts = opts_of(fs_posix(), test_dir());
    struct db *db = begin_hours(&opts, all, 1);
    put_minutes(db, "__name__=a", deleted, 2);
    put_minutes(db, "__name__=stays", all + 1, 1);
    kit_delete(db, MATCH_EQUAL, "__name__", "a", INT64_MIN, INT64_MAX);
    CK_OK(db_maintain(db));
    ck_assert_uint_eq(kit_stats(db).series, 1);
    put_minutes(db, "__name__=a", late, 1);
    assert_after_crash(db, &opts,
                       "a: 1700004000000=80; stays: 1699999200000=0 1700013600000=240; ");
}
END_TEST

/* A cut of which nothing was left made no block: the log says that it was (D8). */
START_TEST(test_emptied)
{
    static const int all[] = {150, 240}, deleted[] = {10, 100};
    struct db_opts opts = opts_of(fs_posix(), test_dir());
    opts.snapshot_on_finish = _i;
    struct db *db = begin_hours(&opts, deleted, 0);
    put_minutes(db, "__name__=a", deleted, 2);
    put_minutes(db, "__name__=stays", all, 2);
    kit_delete(db, MATCH_EQUAL, "__name__", "a", INT64_MIN, INT64_MAX);
    CK_OK(db_maintain(db));
    ck_assert_uint_eq(kit_stats(db).blocks, 0);
    ck_assert_uint_eq(kit_stats(db).series, 1);
    if (_i)
        CK_OK(db_finish(db));
    assert_after_crash(db, &opts, "stays: 1700008200000=150 1700013600000=240; ");
}
END_TEST

/* A block has the late sample, which was the first of its series, and came before one in order:
 * a start must not find it in the log of those. */
START_TEST(test_late_in_block)
{
    static const int all[] = {10, 240}, deleted[] = {150, 230};
    struct db_opts opts = opts_of(fs_posix(), test_dir());
    struct db *db = begin_hours(&opts, all, 2);
    put_minutes(db, "__name__=a", deleted, 2);
    ck_assert_uint_eq(kit_stats(db).late_samples_appended, 1);
    CK_OK(db_maintain(db));
    ck_assert_uint_eq(kit_stats(db).blocks, 2);
    kit_delete(db, MATCH_EQUAL, "__name__", "a", INT64_MIN, INT64_MAX);
    assert_after_crash(db, &opts, "stays: 1699999800000=10 1700013600000=240; ");
}
END_TEST

Suite *
db_delete_cut_suite(void)
{
    Suite *s = suite_create("db_delete_cut");
    TCase *t = tcase_create("all");
    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, test_stages, 0, 2 * (PASSES + 1));
    tcase_add_loop_test(t, test_failed_pass, 0, 2 * (PASSES - 1));
    tcase_add_loop_test(t, test_pass_fails, 0, (int)ARRAY_LEN(pass_cases));
    tcase_add_test(t, test_late_into_deletion);
    tcase_add_test(t, test_born_again);
    tcase_add_loop_test(t, test_emptied, 0, 2);
    tcase_add_test(t, test_late_in_block);
    suite_add_tcase(s, t);
    return s;
}
