/* Whichever call of the file system fails: what was acknowledged is read back, and nothing else
 * once the log has recovered. */
#include "tests/harness.h"

#include <errno.h>

#include "base/fs_fault.h"
#include "base/mem.h"
#include "tests/tsdb/wal_help.h"
#include "tsdb/wal/wal_reader.h"

enum { BEFORE = 5, LOST = 16, AFTER = 5, RECORD_BYTES = 9000 };

/* Records 0..4 are acknowledged; 100.. fail as one batch over several segments. */
static struct wal *
fail_batch(struct fs *fs, const struct wal_opts *opts, const struct fs_fault_opts *fault,
           bool *ret_failed)
{
    struct wal *w = wal_test_open(opts);
    for (uint64_t i = 0; i < BEFORE; i++)
        CK_OK(wal_test_log(w, i, RECORD_BYTES));
    AUTO(buf_fini) struct buf b = BUF_INIT;
    buf_reserve(&b, LOST * RECORD_BYTES);
    wal_ticket tickets[LOST];
    for (uint64_t i = 0; i < LOST; i++) {
        struct str record = wal_make_record(&b, 100 + i, RECORD_BYTES);
        CK_OK(wal_enqueue(w, &record, 1, &tickets[i]));
    }
    fs_fault_arm(fs, fault);
    struct err e = wal_wait(w, tickets[LOST / 2]); /* leads all of them */
    *ret_failed = e.code != ERR_NONE;
    ck_assert(e.code == ERR_NONE || e.code == ERR_NO_SPACE);
    for (size_t i = 0; i < LOST; i++) { /* one fate for all */
        struct err one = wal_wait(w, tickets[i]);
        ck_assert_int_eq(one.code, e.code);
        err_drop(one);
    }
    for (uint64_t i = 1; i <= BEFORE; i++) /* those that were written stay so */
        CK_OK(wal_wait(w, i));
    err_drop(e);
    return w;
}

static void
check_after_recovery(const char *dir, bool failed)
{
    AUTO(wal_log_fini) struct wal_log log;
    wal_log_read(&log, fs_posix(), dir);
    ck_assert_msg(log.end.code == ERR_NONE, "%s", err_text(&log.end));
    size_t i = 0;
    for (uint64_t j = 0; j < BEFORE; j++)
        wal_test_check(&log, i++, j, RECORD_BYTES);
    for (uint64_t j = 0; j < LOST && !failed; j++)
        wal_test_check(&log, i++, 100 + j, RECORD_BYTES);
    wal_test_check(&log, i++, 500, 77); /* what the owner gave to wal_recover() */
    for (uint64_t j = 0; j < AFTER; j++)
        wal_test_check(&log, i++, 900 + j, RECORD_BYTES);
    ck_assert_uint_eq(log.ends.n, i);
}

/* Poisoned, so that nothing can be logged; then recovered with one record, in spite of a call
 * that fails in the first attempt (0: none). False when that call was never reached. */
static bool
recover_and_go_on(struct fs *fs, struct wal *w, uint64_t fail_call)
{
    struct err health = wal_health(w);
    ck_assert_int_eq(health.code, ERR_NO_SPACE);
    err_drop(health);
    CK_ERR(ERR_NO_SPACE, wal_test_log(w, 1, 10));
    AUTO(buf_fini) struct buf b = BUF_INIT;
    struct str record = wal_make_record(&b, 500, 77);
    fs_fault_arm(
        fs, &(struct fs_fault_opts){.fail_call = fail_call, .errnum = ENOSPC, .torn_bytes = 50});
    struct err e = wal_recover(w, &record, 1);
    bool fired = fs_fault_fired(fs);
    fs_fault_heal(fs);
    ck_assert_int_eq(e.code, fired ? ERR_NO_SPACE : ERR_NONE);
    err_drop(e);
    if (fired) {
        CK_ERR(ERR_NO_SPACE, wal_test_log(w, 1, 10));
        CK_OK(wal_recover(w, &record, 1));
    }
    CK_OK(wal_health(w));
    for (uint64_t i = 0; i < AFTER; i++)
        CK_OK(wal_test_log(w, 900 + i, RECORD_BYTES));
    return fired;
}

/* Each call of the failing batch fails, with several lengths of what is torn; with a sync a
 * batch and without. */
START_TEST(test_recover)
{
    static const size_t torn[] = {3, 40000};
    enum wal_sync_mode sync = _i & 1 ? WAL_SYNC_BATCH : WAL_SYNC_NONE;
    for (uint64_t n = 1;; n++) {
        AUTO(fs_fault_close) struct fs *fs = fs_fault_open(fs_posix(), NULL);
        const char *dir = test_dir();
        struct wal_opts opts = wal_test_opts(fs, dir);
        opts.sync = sync;
        bool failed;
        AUTO(wal_close)
        struct wal *w = fail_batch(
            fs, &opts,
            &(struct fs_fault_opts){.fail_call = n, .errnum = ENOSPC, .torn_bytes = torn[_i / 2]},
            &failed);
        bool fired = fs_fault_fired(fs);
        if (sync == WAL_SYNC_BATCH)
            ck_assert(failed == fired);
        if (!fired) /* every call has had its turn */
            break;
        /* Without syncs a batch may be acknowledged, and then poison the log. */
        recover_and_go_on(fs, w, 0);
        CK_OK(wal_finish(w));
        wal_close(TAKE(w));
        check_after_recovery(dir, failed);
    }
}
END_TEST

/* Each call of the recovery fails as well; the second attempt finishes it. */
START_TEST(test_recover_twice)
{
    static const uint64_t batch_calls[] = {1, 4, 9}; /* of the batch, to begin with */
    bool fired = true;
    for (uint64_t n = 1; fired; n++) {
        AUTO(fs_fault_close) struct fs *fs = fs_fault_open(fs_posix(), NULL);
        const char *dir = test_dir();
        struct wal_opts opts = wal_test_opts(fs, dir);
        opts.sync = WAL_SYNC_BATCH;
        bool failed;
        AUTO(wal_close)
        struct wal *w =
            fail_batch(fs, &opts,
                       &(struct fs_fault_opts){
                           .fail_call = batch_calls[_i], .errnum = ENOSPC, .torn_bytes = 900},
                       &failed);
        ck_assert(failed);
        fired = recover_and_go_on(fs, w, n);
        wal_close(TAKE(w)); /* not even finished */
        check_after_recovery(dir, failed);
    }
}
END_TEST

/* Killed, or without power, in the middle of a batch: the acknowledged records are there, then
 * perhaps some of the batch, then at most one fault that a repair cuts off. */
START_TEST(test_crash)
{
    for (uint64_t n = 1;; n++) {
        AUTO(fs_fault_close) struct fs *fs = fs_fault_open(fs_posix(), NULL);
        const char *dir = test_dir();
        struct wal_opts opts = wal_test_opts(fs, dir);
        opts.sync = WAL_SYNC_BATCH;
        bool failed;
        struct fs_fault_opts fault = {
            .fail_call = n, .errnum = ENOSPC, .torn_bytes = 20000, .mode = FS_FAULT_CRASH};
        AUTO(wal_close) struct wal *w = fail_batch(fs, &opts, &fault, &failed);
        bool fired = fs_fault_fired(fs);
        wal_close(TAKE(w));
        if (_i)
            CK_OK(fs_fault_power_cut(fs));
        AUTO(wal_log_fini) struct wal_log log;
        wal_log_read(&log, fs_posix(), dir);
        ck_assert_uint_ge(log.ends.n, failed ? BEFORE : BEFORE + LOST);
        for (uint64_t i = 0; i < log.ends.n; i++)
            wal_test_check(&log, i, i < BEFORE ? i : 100 + i - BEFORE, RECORD_BYTES);
        if (log.end.code)
            CK_OK(wal_repair(fs_posix(), dir, log.segment, log.offset));
        AUTO(wal_log_fini) struct wal_log repaired;
        wal_log_read(&repaired, fs_posix(), dir);
        ck_assert_int_eq(repaired.end.code, ERR_NONE);
        ck_assert(str_eq(buf_str(&repaired.bytes), buf_str(&log.bytes)));
        if (!fired)
            break;
    }
}
END_TEST

/* A full disk: everything fails until there is room again; nothing that was refused is read. */
START_TEST(test_full_disk)
{
    AUTO(fs_fault_close) struct fs *fs = fs_fault_open(fs_posix(), NULL);
    const char *dir = test_dir();
    struct wal_opts opts = wal_test_opts(fs, dir);
    AUTO(wal_close) struct wal *w = wal_test_open(&opts);
    size_t logged = 0;
    for (int round = 0; round < 70; round++) { /* more than the failures that are remembered */
        CK_OK(wal_test_log(w, logged++, 500));
        wal_ticket lost;
        AUTO(buf_fini) struct buf b = BUF_INIT;
        struct str record = wal_make_record(&b, 7777, 600);
        CK_OK(wal_enqueue(w, &record, 1, &lost));
        fs_fault_break(fs, FS_FAULT_WRITE | FS_FAULT_CREATE, ENOSPC);
        CK_ERR(ERR_NO_SPACE, wal_test_log(w, 7777, 600));
        CK_ERR(ERR_NO_SPACE, wal_recover(w, NULL, 0));
        CK_ERR(ERR_NO_SPACE, wal_test_log(w, 7777, 600));
        fs_fault_heal(fs);
        CK_OK(wal_recover(w, NULL, 0));
        CK_ERR(ERR_NO_SPACE, wal_wait(w, lost)); /* asked late: still lost */
    }
    CK_ERR(ERR_UNAVAILABLE, wal_wait(w, 2)); /* too late: taken for lost */
    CK_OK(wal_test_log(w, logged++, 500));
    CK_OK(wal_finish(w));
    AUTO(wal_log_fini) struct wal_log log;
    wal_log_read(&log, fs_posix(), dir);
    ck_assert_int_eq(log.end.code, ERR_NONE);
    ck_assert_uint_eq(log.ends.n, logged);
    for (size_t i = 0; i < logged; i++)
        wal_test_check(&log, i, i, 500);
}
END_TEST

Suite *
wal_failure_suite(void)
{
    Suite *s = suite_create("wal_failure");
    TCase *t = tcase_create("wal_failure");
    tcase_add_loop_test(t, test_recover, 0, 4);
    tcase_add_loop_test(t, test_recover_twice, 0, 3);
    tcase_add_loop_test(t, test_crash, 0, 2);
    tcase_add_test(t, test_full_disk);
    suite_add_tcase(s, t);
    return s;
}
