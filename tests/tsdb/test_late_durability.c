/* A late sample that was acknowledged survives, whatever becomes of its log: also one that was sent
 * again because the first request failed, and one that another sender sent first. */
#include <errno.h>
#include <stdio.h>

#include "base/fs_fault.h"
#include "tests/tsdb/head_kit.h"
#include "tests/tsdb/log_facts.h"
#include "tsdb/wal/wal_reader.h"

enum {
    HOUR_MS = 3600 * 1000,
    BATCH = 3000,      /* samples that take more than a segment of 32 KiB */
    TIMES = BATCH + 8, /* samples are at t0, t0 + 1, ...; the value is the number */
};
static const int64_t t0 = INT64_C(1700000000000) / 7200000 * 7200000;

static struct db_opts
late_opts(struct fs *fs, const char *dir)
{
    struct db_opts opts = kit_late_opts(fs, dir);
    opts.wal_segment_bytes = WAL_PAGE_BYTES;
    opts.wal_compression = WAL_PLAIN;
    return opts;
}

/* Samples number first, first + 1, ... of the series a, and one in order if `newer_ms` is not 0. */
static struct err
send(struct db *db, int first, int count, int64_t newer_ms, struct append_result *ret_result)
{
    struct kit_request k;
    kit_request_init(&k);
    if (newer_ms != 0) {
        kit_row(&k, "__name__=b");
        kit_sample(&k, newer_ms, 1);
    }
    kit_row(&k, "__name__=a");
    for (int i = first; i < first + count; i++)
        kit_sample(&k, t0 + i, i);
    struct err e = kit_append(&k, db, ret_result);
    kit_request_fini(&k);
    return e;
}

static struct db *
open_begun(const struct db_opts *opts)
{
    struct db *db = kit_open(opts);
    kit_put(db, "__name__=a", t0 + HOUR_MS, -1);
    kit_put(db, "__name__=b", t0 + HOUR_MS, -1);
    return db;
}

/* --- every call fails ------------------------------------------------------------------------- */

static const struct {
    int first, count;
} sends[] = {
    {5, 1}, {3, 1}, {5, 1}, {8, BATCH}, {3, 3}, {0, 2}, {BATCH, 8},
};

static const struct fault_case {
    const char *name;
    enum fs_fault_mode mode;
    bool mends, power; /* a pass follows the failure and things go on; the machine dies with us */
} fault_cases[] = {
    {"once, then killed", FS_FAULT_ONCE, false, false},
    {"once, then a power cut", FS_FAULT_ONCE, false, true},
    {"once, sent again, then killed", FS_FAULT_ONCE, true, false},
    {"once, sent again, then a power cut", FS_FAULT_ONCE, true, true},
    {"crash", FS_FAULT_CRASH, false, false},
    {"crash and power cut", FS_FAULT_CRASH, false, true},
};

/* True when the request was acknowledged. */
static bool
send_number(struct db *db, size_t i, bool *acknowledged)
{
    struct append_result r;
    struct err e = send(db, sends[i].first, sends[i].count, 0, &r);
    if (e.code != ERR_NONE) {
        ck_assert_msg(err_retryable(e.code), "%s", err_text(&e));
        err_drop(e);
        return false;
    }
    ck_assert_uint_eq(r.fates[SAMPLE_STORED_LATE] + r.fates[SAMPLE_REPEATED],
                      (uint64_t)sends[i].count);
    for (int k = 0; k < sends[i].count; k++)
        acknowledged[sends[i].first + k] = true;
    return true;
}

/* Sends all, or until one fails and nobody mends the logs. */
static void
send_all(struct db *db, const struct fault_case *c, bool *acknowledged)
{
    for (size_t i = 0; i < ARRAY_LEN(sends); i++) {
        if (send_number(db, i, acknowledged))
            continue;
        ck_assert_msg(!send_number(db, i, acknowledged), "%s: sent again", c->name);
        if (!c->mends)
            return;
        CK_OK(db_maintain(db));
        ck_assert_msg(send_number(db, i, acknowledged), "%s: after a pass", c->name);
    }
}

static void
assert_there(struct db *db, const struct fault_case *c, uint64_t call, const bool *acknowledged)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    const char *dump = kit_checked_dump(&a, db);
    for (int i = 0; i < TIMES; i++) {
        const char *text = arena_printf(&a, " %jd=%d ", (intmax_t)(t0 + i), i).p;
        ck_assert_msg(!acknowledged[i] || strstr(dump, text), "%s: call %ju, sample %d", c->name,
                      (uintmax_t)call, i);
    }
}

START_TEST(test_fault_at_every_call)
{
    const struct fault_case *c = &fault_cases[_i];
    bool fired = true;
    for (uint64_t call = 1; fired; call++) {
        char dir[256];
        snprintf(dir, sizeof dir, "%s/%ju", test_dir(), (uintmax_t)call);
        AUTO(fs_fault_close) struct fs *fs = fs_fault_open(fs_posix(), NULL);
        struct db_opts opts = late_opts(fs, dir);
        opts.wal_sync = c->power ? WAL_SYNC_BATCH : WAL_SYNC_NONE;
        struct db *db = open_begun(&opts);
        bool acknowledged[TIMES] = {false};
        struct fs_fault_opts fault = {.fail_call = call, .mode = c->mode, .torn_bytes = call * 7};
        fs_fault_arm(fs, &fault);
        send_all(db, c, acknowledged);
        fired = fs_fault_fired(fs);
        db_close(db);
        if (c->power)
            CK_OK(fs_fault_power_cut(fs));
        fs_fault_heal(fs);
        db = kit_open(&opts);
        assert_there(db, c, call, acknowledged);
        db_close(db);
        CK_OK(fs_remove_tree(fs_posix(), dir));
    }
}
END_TEST

/* --- the rules -------------------------------------------------------------------------------- */

/* How often the late log has the sample of series a. */
static size_t
times_logged(const char *dir, int number)
{
    AUTO(log_facts_fini) struct log_facts facts = LOG_FACTS_INIT;
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    const char *wbl = arena_printf(&a, "%s/wbl", dir).p;
    uint64_t first, last;
    bool none;
    CK_OK(wal_segments(fs_posix(), wbl, &first, &last, &none));
    ck_assert(!none);
    log_facts_add(&facts, wbl, first, last + 1, NULL);
    const char *time = arena_printf(&a, " %jd ", (intmax_t)(t0 + number)).p;
    size_t n = 0;
    for (const char *at = buf_cstr(&facts.text); (at = strstr(at, time)); at++)
        n++;
    return n;
}

/* A repetition is acknowledged by a record of its own: that of the first may still be on its way,
 * or was lost. The first value stays, now and after a restart. */
START_TEST(test_repetition_is_logged)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct db_opts opts = late_opts(fs_posix(), test_dir());
    struct db *db = open_begun(&opts);
    struct append_result r;
    CK_OK(send(db, 7, 1, 0, &r));
    ck_assert_uint_eq(times_logged(opts.dir, 7), 1);
    CK_OK(send(db, 7, 1, 0, &r));
    ck_assert_uint_eq(r.fates[SAMPLE_REPEATED], 1);
    ck_assert_uint_eq(times_logged(opts.dir, 7), 2);
    struct kit_request k;
    kit_request_init(&k);
    kit_row(&k, "__name__=a");
    kit_sample(&k, t0 + 7, 99);
    kit_histogram_sample(&k, t0 + 7, "i n=1 sum=5 p=0:1");
    CK_OK(kit_append(&k, db, &r));
    kit_request_fini(&k);
    ck_assert_uint_eq(r.fates[SAMPLE_REPEATED], 2);
    const char *want = kit_checked_dump(&a, db);
    ck_assert_ptr_nonnull(strstr(want, "=7 "));
    ck_assert_ptr_null(strstr(want, "=99 "));
    db_close(db);
    db = kit_open(&opts);
    kit_assert_dump(db, want);
    db_close(db);
}
END_TEST

/* What the log of late samples lacks is seen, refused, and goes to chunks_head. Until then nothing
 * of a request with late samples is logged or stored; others are taken. */
START_TEST(test_log_fails)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    AUTO(fs_fault_close) struct fs *fs = fs_fault_open(fs_posix(), NULL);
    struct db_opts opts = late_opts(fs, test_dir());
    struct db *db = open_begun(&opts);
    struct append_result r;
    CK_OK(send(db, 5, 1, 0, &r));
    /* The second write of a late append is that of the late log. */
    struct fs_fault_opts fault = {.fail_call = 2, .calls = FS_FAULT_WRITE, .errnum = ENOSPC};
    fs_fault_arm(fs, &fault);
    CK_ERR(ERR_NO_SPACE, send(db, 7, 1, 0, &r));
    ck_assert(fs_fault_fired(fs));
    fs_fault_heal(fs);
    ck_assert_ptr_nonnull(strstr(kit_checked_dump(&a, db), "=7 "));

    uint64_t logged = kit_stats(db).wal_bytes;
    CK_ERR(ERR_NO_SPACE, send(db, 7, 2, t0 + HOUR_MS + 1, &r));
    ck_assert_uint_eq(kit_stats(db).wal_bytes, logged);
    ck_assert_ptr_null(strstr(kit_checked_dump(&a, db), "=8 "));
    CK_OK(send(db, 0, 0, t0 + HOUR_MS + 2, &r));
    ck_assert_uint_eq(r.fates[SAMPLE_STORED], 1);

    CK_OK(db_maintain(db));
    ck_assert_ptr_nonnull(strstr(kit_checked_dump(&a, db), "=7 "));
    CK_OK(send(db, 8, 1, t0 + HOUR_MS + 3, &r));
    ck_assert_uint_eq(r.fates[SAMPLE_STORED_LATE], 1);
    const char *want = kit_checked_dump(&a, db);
    db_close(db);
    db = kit_open(&opts);
    kit_assert_dump(db, want);
    db_close(db);
}
END_TEST

Suite *
late_durability_suite(void)
{
    Suite *s = suite_create("late_durability");
    TCase *t = tcase_create("all");
    tcase_add_test(t, test_repetition_is_logged);
    tcase_add_test(t, test_log_fails);
    tcase_add_loop_test(t, test_fault_at_every_call, 0, (int)ARRAY_LEN(fault_cases));
    suite_add_tcase(s, t);
    return s;
}
