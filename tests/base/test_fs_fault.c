/* Faults strike the chosen call and no other; a crash test can walk over every call. */
#include "tests/harness.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/fs_fault.h"
#include "base/mem.h"

static const char *
path_in(const char *dir, const char *name)
{
    static char paths[4][512];
    static unsigned turn;
    char *path = paths[turn++ % 4];
    ck_assert_int_lt(snprintf(path, sizeof paths[0], "%s/%s", dir, name), (int)sizeof paths[0]);
    return path;
}

static void
expect_file(const char *path, struct str want)
{
    AUTO(buf_fini) struct buf got = BUF_INIT;
    CK_OK(fs_read_file(fs_posix(), path, 1 << 20, &got));
    ck_assert_msg(str_eq(buf_str(&got), want), "%s holds \"%.*s\"", path, STR_FMT(buf_str(&got)));
}

/* One call of each mutating kind, in this order; the position of the first failure, or 0. */
static int
one_of_each(struct fs *fs, const char *dir)
{
    int position = 0, failed = 0;
    AUTO(file_close) struct file *f = NULL;
#define STEP(call)                                                                                 \
    do {                                                                                           \
        struct err e_ = (call);                                                                    \
        position++;                                                                                \
        if (e_.code != ERR_NONE && !failed)                                                        \
            failed = position;                                                                     \
        err_drop(e_);                                                                              \
    } while (0)
    STEP(fs_make_dirs(fs, path_in(dir, "sub")));
    STEP(fs_open(fs, path_in(dir, "f"), FS_WRITE_NEW, &f));
    if (!f)
        return failed;
    STEP(file_write_at(f, 0, STR("abc")));
    STEP(file_truncate(f, 2));
    STEP(file_sync(f));
    STEP(fs_rename(fs, path_in(dir, "f"), path_in(dir, "g")));
    STEP(fs_sync_dir(fs, dir));
    STEP(fs_link(fs, path_in(dir, "g"), path_in(dir, "h")));
    STEP(fs_remove_file(fs, path_in(dir, "g")));
    STEP(fs_remove_tree(fs, path_in(dir, "sub")));
#undef STEP
    return failed;
}
enum { MUTATING_CALLS = 10 };

START_TEST(test_every_call)
{
    AUTO(fs_fault_close) struct fs *fs = fs_fault_open(fs_posix(), NULL);
    ck_assert_int_eq(one_of_each(fs, test_dir()), 0);
    ck_assert_uint_eq(fs_fault_calls(fs), MUTATING_CALLS);
    ck_assert(!fs_fault_fired(fs));
    for (int n = 1; n <= MUTATING_CALLS; n++) {
        fs_fault_arm(fs, &(struct fs_fault_opts){.fail_call = (uint64_t)n});
        ck_assert_int_eq(one_of_each(fs, test_dir()), n);
        ck_assert(fs_fault_fired(fs));
    }
    fs_fault_arm(fs, &(struct fs_fault_opts){.fail_call = MUTATING_CALLS + 1});
    ck_assert_int_eq(one_of_each(fs, test_dir()), 0);
    ck_assert(!fs_fault_fired(fs));
}
END_TEST

static const struct error_case {
    const char *name;
    int errnum;
    enum err_code want;
} error_cases[] = {
    {"default", 0, ERR_IO},
    {"disk full", ENOSPC, ERR_NO_SPACE},
    {"quota", EDQUOT, ERR_NO_SPACE},
    {"read-only", EROFS, ERR_IO},
};

START_TEST(test_errno)
{
    const struct error_case *c = &error_cases[_i];
    const struct fs_fault_opts opts = {.fail_call = 1, .errnum = c->errnum};
    AUTO(fs_fault_close) struct fs *fs = fs_fault_open(fs_posix(), &opts);
    struct err e = fs_make_dirs(fs, path_in(test_dir(), "d"));
    ROW_ASSERT(c->name, e.code == c->want);
    ck_assert_ptr_nonnull(strstr(err_text(&e), "injected"));
    err_drop(e);
}
END_TEST

static const struct torn_case {
    const char *name;
    size_t torn_bytes;
    struct str want;
} torn_cases[] = {
    {"nothing", 0, STR_INIT("1234")},
    {"prefix", 3, STR_INIT("1234abc")},
    {"whole", 6, STR_INIT("1234abcdef")},
    {"more than there is", 100, STR_INIT("1234abcdef")},
};

START_TEST(test_torn_write)
{
    const struct torn_case *c = &torn_cases[_i];
    AUTO(fs_fault_close) struct fs *fs = fs_fault_open(fs_posix(), NULL);
    const char *path = path_in(test_dir(), "f");
    AUTO(file_close) struct file *f = NULL;
    CK_OK(fs_open(fs, path, FS_WRITE_NEW, &f));
    CK_OK(file_write_at(f, 0, STR("1234")));
    fs_fault_arm(fs, &(struct fs_fault_opts){
                         .fail_call = 1, .torn_bytes = c->torn_bytes, .mode = FS_FAULT_CRASH});
    CK_ERR(ERR_IO, file_write_at(f, 4, STR("abcdef")));
    CK_ERR(ERR_IO, file_write_at(f, 10, STR("later"))); /* dead: not even a prefix */
    CK_ERR(ERR_IO, file_sync(f));
    expect_file(path, c->want);
}
END_TEST

START_TEST(test_disk_full_and_healed)
{
    AUTO(fs_fault_close) struct fs *fs = fs_fault_open(fs_posix(), NULL);
    const char *dir = test_dir();
    const char *path = path_in(dir, "f");
    CK_OK(fs_write_file(fs, path, STR("old")));
    fs_fault_break(fs, FS_FAULT_WRITE, ENOSPC);
    for (int i = 0; i < 3; i++)
        CK_ERR(ERR_NO_SPACE, fs_write_file(fs, path, STR("new")));
    expect_file(path, STR("old"));
    ck_assert(!fs_exists(fs, path_in(dir, "f.tmp"))); /* cleaned up */
    fs_fault_heal(fs);
    CK_OK(fs_write_file(fs, path, STR("new")));
    expect_file(path, STR("new"));
}
END_TEST

START_TEST(test_reads)
{
    const struct fs_fault_opts opts = {.fail_call = 2, .calls = FS_FAULT_READ};
    AUTO(fs_fault_close) struct fs *fs = fs_fault_open(fs_posix(), &opts);
    const char *path = path_in(test_dir(), "f");
    CK_OK(fs_write_file(fs, path, STR("x"))); /* not counted */
    AUTO(buf_fini) struct buf b = BUF_INIT;
    CK_ERR(ERR_IO, fs_read_file(fs, path, 10, &b)); /* opens, then fails to read */
    CK_OK(fs_read_file(fs, path, 10, &b));
    ck_assert_uint_eq(fs_fault_calls(fs), 4);
    struct fs_map map;
    struct fs_list list;
    fs_fault_break(fs, FS_FAULT_READ, EIO);
    CK_ERR(ERR_IO, fs_map(fs, path, &map));
    CK_ERR(ERR_IO, fs_list_dir(fs, path, &list));
    CK_OK(fs_write_file(fs, path, STR("y")));
}
END_TEST

/* fs_write_file() leaves the old or the new content at whichever call the machine dies. */
START_TEST(test_write_file_crashes)
{
    AUTO(fs_fault_close) struct fs *fs = fs_fault_open(fs_posix(), NULL);
    const char *path = path_in(test_dir(), "f");
    uint64_t n = 1;
    for (;; n++) {
        CK_OK(fs_write_file(fs_posix(), path, STR("old content")));
        fs_fault_arm(fs, &(struct fs_fault_opts){
                             .fail_call = n, .torn_bytes = 2, .mode = FS_FAULT_CRASH});
        struct err e = fs_write_file(fs, path, STR("new"));
        bool wrote = e.code == ERR_NONE;
        err_drop(e);
        CK_OK(fs_fault_power_cut(fs));
        AUTO(buf_fini) struct buf got = BUF_INIT;
        CK_OK(fs_read_file(fs_posix(), path, 100, &got));
        ck_assert(str_eq(buf_str(&got), STR("new")) ||
                  (!wrote && str_eq(buf_str(&got), STR("old content"))));
        if (!fs_fault_fired(fs))
            break;
    }
    ck_assert_uint_eq(n, 6); /* create, write, sync, rename, sync of the directory, none */
}
END_TEST

START_TEST(test_power_cut)
{
    AUTO(fs_fault_close) struct fs *fs = fs_fault_open(fs_posix(), NULL);
    const char *dir = test_dir();
    AUTO(file_close) struct file *synced = NULL, *moved = NULL, *cut = NULL, *gone = NULL;
    CK_OK(fs_make_dirs(fs, path_in(dir, "d.tmp")));
    CK_OK(fs_open(fs, path_in(dir, "synced"), FS_WRITE_NEW, &synced));
    CK_OK(fs_open(fs, path_in(dir, "d.tmp/moved"), FS_WRITE_NEW, &moved));
    CK_OK(fs_open(fs, path_in(dir, "cut"), FS_WRITE_NEW, &cut));
    CK_OK(fs_open(fs, path_in(dir, "gone"), FS_WRITE_NEW, &gone));
    struct file *all[] = {synced, moved, cut, gone};
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        CK_OK(file_write_at(all[i], 0, STR("1234")));
        CK_OK(file_sync(all[i]));
        CK_OK(file_write_at(all[i], 4, STR("56")));
    }
    CK_OK(file_sync(synced));
    CK_OK(fs_rename(fs, path_in(dir, "d.tmp"), path_in(dir, "d")));
    CK_OK(file_truncate(cut, 2));
    CK_OK(file_write_at(cut, 2, STR("xyz")));
    CK_OK(fs_remove_file(fs, path_in(dir, "gone")));
    CK_OK(fs_fault_power_cut(fs));
    expect_file(path_in(dir, "synced"), STR("123456"));
    expect_file(path_in(dir, "d/moved"), STR("1234"));
    expect_file(path_in(dir, "cut"), STR("12"));
    ck_assert(!fs_exists(fs, path_in(dir, "gone")));
}
END_TEST

struct writer {
    struct fs *fs;
    char path[512];
    int failures;
};

static void *
write_many(void *arg)
{
    struct writer *w = arg;
    AUTO(file_close) struct file *f = NULL;
    struct err e = fs_open(w->fs, w->path, FS_WRITE_OVER, &f);
    for (uint64_t i = 0; i < 200 && e.code == ERR_NONE; i++) {
        struct err failed = file_write_at(f, i, STR("x"));
        w->failures += failed.code != ERR_NONE;
        err_drop(failed);
    }
    err_drop(e);
    return NULL;
}

/* However threads interleave, exactly one call is the 300th write. */
START_TEST(test_threads)
{
    const struct fs_fault_opts opts = {.fail_call = 300, .calls = FS_FAULT_WRITE};
    AUTO(fs_fault_close) struct fs *fs = fs_fault_open(fs_posix(), &opts);
    const char *dir = test_dir();
    struct writer writers[4];
    pthread_t threads[ARRAY_LEN(writers)];
    for (size_t i = 0; i < ARRAY_LEN(writers); i++) {
        writers[i] = (struct writer){.fs = fs};
        snprintf(writers[i].path, sizeof writers[i].path, "%s/%zu", dir, i);
        ck_assert_int_eq(pthread_create(&threads[i], NULL, write_many, &writers[i]), 0);
    }
    int failures = 0;
    for (size_t i = 0; i < ARRAY_LEN(writers); i++) {
        pthread_join(threads[i], NULL);
        failures += writers[i].failures;
    }
    ck_assert_int_eq(failures, 1);
    ck_assert_uint_eq(fs_fault_calls(fs), 800);
}
END_TEST

Suite *
fs_fault_suite(void)
{
    Suite *s = suite_create("fs_fault");
    TCase *t = tcase_create("fs_fault");
    tcase_add_test(t, test_every_call);
    tcase_add_loop_test(t, test_errno, 0, ARRAY_LEN(error_cases));
    tcase_add_loop_test(t, test_torn_write, 0, ARRAY_LEN(torn_cases));
    tcase_add_test(t, test_disk_full_and_healed);
    tcase_add_test(t, test_reads);
    tcase_add_test(t, test_write_file_crashes);
    tcase_add_test(t, test_power_cut);
    tcase_add_test(t, test_threads);
    suite_add_tcase(s, t);
    return s;
}
