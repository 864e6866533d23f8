/* Whichever call of the file system fails, or is the last one before a crash: there is the old
 * snapshot or the new one, each whole, or one of both that fits the log. */
#include "tests/harness.h"

#include <errno.h>
#include <stdio.h>

#include "base/fs_fault.h"
#include "base/mem.h"
#include "tests/tsdb/snapshot_kit.h"

static const struct snapshot_pos old_place = {2, 100}, new_place = {3, 32768};
static const struct snapshot_kit old_kit = {21, 20, 3, 10}, new_kit = {22, 400, 5, 10};

static const struct failure_case {
    const char *name;
    enum fs_fault_mode mode;
    int errnum;
    size_t torn_bytes;
    bool power_cut;
    bool had_old; /* else the new one is the first */
} failure_cases[] = {
    {"one failure", FS_FAULT_ONCE, EIO, 0, false, true},
    {"a full disk, once", FS_FAULT_ONCE, ENOSPC, 1000, false, false},
    {"the process dies", FS_FAULT_CRASH, EIO, 7, false, true},
    {"power is cut", FS_FAULT_CRASH, EIO, 7, true, true},
    {"power is cut, nothing before", FS_FAULT_CRASH, EIO, 7, true, false},
};

/* What a start finds; true for the new snapshot. */
static bool
check_found(const struct failure_case *c, const char *dir, bool finished)
{
    AUTO(buf_fini) struct buf path = BUF_INIT, wal_dir = BUF_INIT;
    buf_printf(&wal_dir, "%s/wal", dir);
    struct snapshot_pos pos = {0, 0};
    bool none;
    CK_OK(snapshot_find(fs_posix(), dir, buf_cstr(&wal_dir), &path, &pos, &none));
    bool is_new = !none && pos.segment == new_place.segment;
    ROW_ASSERT(c->name, is_new || !finished);
    ROW_ASSERT(c->name, !none || !c->had_old);
    if (!none)
        snapshot_kit_check(fs_posix(), buf_cstr(&path), is_new ? &new_kit : &old_kit);
    AUTO(fs_list_fini) struct fs_list left = VEC_INIT;
    CK_OK(fs_list_dir(fs_posix(), dir, &left));
    ROW_ASSERT(c->name, left.n == (none ? 1 : 2)); /* wal, and the snapshot */
    return is_new;
}

static void
make_log(const char *dir)
{
    char path[512];
    snprintf(path, sizeof path, "%s/wal", dir);
    CK_OK(fs_make_dirs(fs_posix(), path));
    snprintf(path, sizeof path, "%s/wal/00000003", dir);
    CK_OK(fs_write_file(fs_posix(), path, STR("")));
}

START_TEST(test_every_call)
{
    const struct failure_case *c = &failure_cases[_i];
    AUTO(fs_fault_close) struct fs *fs = fs_fault_open(fs_posix(), NULL);
    unsigned without_new = 0, with_new = 0;
    for (uint64_t call = 1;; call++) {
        const char *dir = test_dir();
        make_log(dir);
        if (c->had_old)
            CK_OK(snapshot_kit_write(fs_posix(), dir, old_place, &old_kit));
        fs_fault_arm(fs, &(struct fs_fault_opts){.fail_call = call,
                                                 .errnum = c->errnum,
                                                 .torn_bytes = c->torn_bytes,
                                                 .mode = c->mode});
        struct err e = snapshot_kit_write(fs, dir, new_place, &new_kit);
        bool fired = fs_fault_fired(fs), finished = e.code == ERR_NONE;
        ROW_ASSERT(c->name, finished == !fired);
        err_drop(e);
        if (c->power_cut)
            CK_OK(fs_fault_power_cut(fs));
        bool is_new = check_found(c, dir, finished);
        with_new += is_new;
        without_new += !is_new;
        CK_OK(snapshot_delete_all(fs_posix(), dir));
        if (!fired)
            break;
    }
    ROW_ASSERT(c->name, without_new > 5 && with_new >= 1);
}
END_TEST

/* Deleting is cut short at any call: what is left is never taken for a snapshot. */
START_TEST(test_delete)
{
    AUTO(fs_fault_close) struct fs *fs = fs_fault_open(fs_posix(), NULL);
    unsigned gone = 0, whole = 0;
    for (uint64_t call = 1;; call++) {
        const char *dir = test_dir();
        make_log(dir);
        CK_OK(snapshot_kit_write(fs_posix(), dir, new_place, &new_kit));
        fs_fault_arm(fs, &(struct fs_fault_opts){.fail_call = call, .mode = FS_FAULT_CRASH});
        err_drop(snapshot_delete_all(fs, dir));
        bool fired = fs_fault_fired(fs);
        struct failure_case c = {.name = "deleting"};
        bool is_new = check_found(&c, dir, false);
        whole += is_new;
        gone += !is_new;
        CK_OK(snapshot_delete_all(fs_posix(), dir));
        if (!fired)
            break;
    }
    ck_assert(whole >= 1 && gone > 2);
}
END_TEST

/* A second one at the same place: the first stays, and nothing of the second. */
START_TEST(test_twice)
{
    const char *dir = test_dir();
    make_log(dir);
    struct failure_case c = {.name = "twice", .had_old = true};
    CK_OK(snapshot_kit_write(fs_posix(), dir, new_place, &new_kit));
    CK_OK(snapshot_kit_write(fs_posix(), dir, new_place, &old_kit));
    ck_assert(check_found(&c, dir, true));
}
END_TEST

Suite *
snapshot_failure_suite(void)
{
    Suite *s = suite_create("snapshot_failure");
    TCase *t = tcase_create("snapshot_failure");
    tcase_add_loop_test(t, test_every_call, 0, ARRAY_LEN(failure_cases));
    tcase_add_test(t, test_delete);
    tcase_add_test(t, test_twice);
    suite_add_tcase(s, t);
    return s;
}
