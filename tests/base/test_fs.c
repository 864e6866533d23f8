/* The real file system: what was written is read back, and every failure has the right code. */
#include "tests/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"

/* "<dir>/<name>"; valid for the next three calls. */
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
put_file(const char *path, struct str bytes)
{
    AUTO(file_close) struct file *f = NULL;
    CK_OK(fs_open(fs_posix(), path, FS_WRITE_OVER, &f));
    CK_OK(file_write_at(f, 0, bytes));
}

static void
expect_file(const char *path, struct str want)
{
    AUTO(buf_fini) struct buf got = BUF_INIT;
    CK_OK(fs_read_file(fs_posix(), path, 1 << 20, &got));
    ck_assert_msg(str_eq(buf_str(&got), want), "%s holds \"%.*s\"", path, STR_FMT(buf_str(&got)));
}

static const struct open_case {
    const char *name;
    enum fs_open_mode mode;
    enum err_code code_existing, code_missing;
    struct str left; /* what an existing file with "old" then holds */
} open_cases[] = {
    {"read", FS_READ, ERR_NONE, ERR_NOT_FOUND, STR_INIT("old")},
    {"new", FS_WRITE_NEW, ERR_IO, ERR_NONE, STR_INIT("old")},
    {"over", FS_WRITE_OVER, ERR_NONE, ERR_NONE, STR_INIT("")},
    {"keep", FS_WRITE_KEEP, ERR_NONE, ERR_NONE, STR_INIT("old")},
};

static enum err_code
code_of_open(const char *path, enum fs_open_mode mode)
{
    AUTO(file_close) struct file *f = NULL;
    struct err e = fs_open(fs_posix(), path, mode, &f);
    if (e.code == ERR_NONE)
        ck_assert_str_eq(file_path(f), path);
    else
        ck_assert_ptr_nonnull(strstr(err_text(&e), path));
    err_drop(e);
    return e.code;
}

START_TEST(test_open)
{
    const struct open_case *c = &open_cases[_i];
    const char *dir = test_dir();
    const char *existing = path_in(dir, "existing"), *missing = path_in(dir, "missing");
    put_file(existing, STR("old"));
    ROW_ASSERT(c->name, code_of_open(existing, c->mode) == c->code_existing);
    expect_file(existing, c->left);
    ROW_ASSERT(c->name, code_of_open(missing, c->mode) == c->code_missing);
    ROW_ASSERT(c->name, fs_exists(fs_posix(), missing) == (c->code_missing == ERR_NONE));
}
END_TEST

START_TEST(test_read_write)
{
    AUTO(file_close) struct file *f = NULL;
    CK_OK(fs_open(fs_posix(), path_in(test_dir(), "f"), FS_WRITE_NEW, &f));
    CK_OK(file_write_at(f, 4, STR("abcdef")));
    CK_OK(file_write_at(f, 6, STR("XY")));
    CK_OK(file_write_at(f, 0, STR("")));
    CK_OK(file_sync(f));
    uint64_t size = 0;
    CK_OK(file_size(f, &size));
    ck_assert_uint_eq(size, 10);

    char got[16];
    size_t n = 0;
    CK_OK(file_read_at(f, 0, got, sizeof got, &n)); /* stops at the end */
    ck_assert(str_eq(str_of(got, n), STR("\0\0\0\0abXYef")));
    CK_OK(file_read_at(f, 6, got, 2, &n));
    ck_assert(str_eq(str_of(got, n), STR("XY")));
    CK_OK(file_read_at(f, 100, got, sizeof got, &n));
    ck_assert_uint_eq(n, 0);

    CK_OK(file_truncate(f, 5));
    CK_OK(file_size(f, &size));
    ck_assert_uint_eq(size, 5);
    CK_OK(file_truncate(f, 8)); /* grows with zeros */
    CK_OK(file_read_at(f, 0, got, sizeof got, &n));
    ck_assert(str_eq(str_of(got, n), STR("\0\0\0\0a\0\0\0")));
}
END_TEST

START_TEST(test_bad_calls)
{
    const char *path = path_in(test_dir(), "f");
    put_file(path, STR("x"));
    AUTO(file_close) struct file *f = NULL;
    CK_OK(fs_open(fs_posix(), path, FS_READ, &f));
    char byte;
    size_t n = 77;
    CK_ERR(ERR_IO, file_write_at(f, 0, STR("y"))); /* opened for reading */
    CK_ERR(ERR_IO, file_truncate(f, 0));
    CK_ERR(ERR_IO, file_truncate(f, UINT64_MAX));
    CK_ERR(ERR_IO, file_write_at(f, UINT64_MAX, STR("y")));
    CK_ERR(ERR_IO, file_read_at(f, (uint64_t)INT64_MAX + 1, &byte, 1, &n));
    ck_assert_uint_eq(n, 77);
    expect_file(path, STR("x"));
}
END_TEST

/* /dev/full says ENOSPC for every write. */
START_TEST(test_no_space)
{
    if (access("/dev/full", W_OK) != 0)
        return;
    AUTO(file_close) struct file *f = NULL;
    CK_OK(fs_open(fs_posix(), "/dev/full", FS_WRITE_KEEP, &f));
    CK_ERR(ERR_NO_SPACE, file_write_at(f, 0, STR("x")));
}
END_TEST

START_TEST(test_missing)
{
    const char *path = path_in(test_dir(), "missing");
    struct fs_stat st;
    struct fs_list list;
    struct fs_map map;
    uint64_t bytes;
    AUTO(buf_fini) struct buf b = BUF_INIT;
    ck_assert(!fs_exists(fs_posix(), path));
    CK_ERR(ERR_NOT_FOUND, fs_stat(fs_posix(), path, &st));
    CK_ERR(ERR_NOT_FOUND, fs_list_dir(fs_posix(), path, &list));
    CK_ERR(ERR_NOT_FOUND, fs_map(fs_posix(), path, &map));
    CK_ERR(ERR_NOT_FOUND, fs_read_file(fs_posix(), path, 10, &b));
    CK_ERR(ERR_NOT_FOUND, fs_remove_file(fs_posix(), path));
    CK_ERR(ERR_NOT_FOUND, fs_rename(fs_posix(), path, path_in(test_dir(), "other")));
    CK_ERR(ERR_NOT_FOUND, fs_sync_dir(fs_posix(), path));
    CK_ERR(ERR_NOT_FOUND, fs_free_bytes(fs_posix(), path, &bytes));
    CK_OK(fs_remove_tree(fs_posix(), path)); /* the one call that does not mind */
}
END_TEST

START_TEST(test_dirs)
{
    const char *dir = test_dir();
    CK_OK(fs_make_dirs(fs_posix(), path_in(dir, "a/b//c/")));
    CK_OK(fs_make_dirs(fs_posix(), path_in(dir, "a/b/c"))); /* again */
    put_file(path_in(dir, "a/z"), STR("12345"));
    put_file(path_in(dir, "a/Z"), STR(""));
    ck_assert_int_eq(symlink("/", path_in(dir, "a/link")), 0);
    CK_OK(fs_sync_dir(fs_posix(), path_in(dir, "a")));

    static const struct fs_entry want[] = {
        {(char *)"Z", FS_FILE}, {(char *)"b", FS_DIR}, {(char *)"link", FS_OTHER},
        {(char *)"z", FS_FILE}};
    AUTO(fs_list_fini) struct fs_list list = VEC_INIT;
    CK_OK(fs_list_dir(fs_posix(), path_in(dir, "a"), &list));
    ck_assert_uint_eq(list.n, ARRAY_LEN(want));
    for (size_t i = 0; i < list.n; i++) {
        ck_assert_str_eq(list.v[i].name, want[i].name);
        ck_assert_int_eq(list.v[i].kind, want[i].kind);
    }

    struct fs_stat st;
    CK_OK(fs_stat(fs_posix(), path_in(dir, "a/z"), &st));
    ck_assert(st.kind == FS_FILE && st.size_bytes == 5);
    ck_assert_int_gt(st.modified_ms, INT64_C(1577836800000)); /* 2020 */
    CK_OK(fs_stat(fs_posix(), path_in(dir, "a/b"), &st));
    ck_assert_int_eq(st.kind, FS_DIR);
    CK_ERR(ERR_IO, fs_make_dirs(fs_posix(), path_in(dir, "a/z/below")));
    CK_ERR(ERR_IO, fs_make_dirs(fs_posix(), path_in(dir, "a/z")));

    CK_OK(fs_remove_tree(fs_posix(), path_in(dir, "a"))); /* does not follow the link to / */
    ck_assert(!fs_exists(fs_posix(), path_in(dir, "a")));
    ck_assert(fs_exists(fs_posix(), dir));
}
END_TEST

START_TEST(test_remove_tree_depth)
{
    const char *dir = test_dir();
    AUTO(buf_fini) struct buf deep = BUF_INIT;
    buf_append(&deep, str_of_cstr(dir));
    for (int i = 0; i < 70; i++)
        buf_append(&deep, STR("/d"));
    CK_OK(fs_make_dirs(fs_posix(), buf_cstr(&deep)));
    CK_ERR(ERR_LIMIT, fs_remove_tree(fs_posix(), path_in(dir, "d")));
    ck_assert(fs_exists(fs_posix(), buf_cstr(&deep)));
}
END_TEST

START_TEST(test_whole_file)
{
    const char *dir = test_dir();
    const char *path = path_in(dir, "f"), *tmp = path_in(dir, "f.tmp");
    CK_OK(fs_write_file(fs_posix(), path, STR("first and long")));
    CK_OK(fs_write_file(fs_posix(), path, STR("second")));
    ck_assert(!fs_exists(fs_posix(), tmp));

    AUTO(buf_fini) struct buf b = BUF_INIT;
    buf_append(&b, STR("kept:"));
    CK_ERR(ERR_TOO_LARGE, fs_read_file(fs_posix(), path, 5, &b));
    ck_assert(str_eq(buf_str(&b), STR("kept:")));
    CK_OK(fs_read_file(fs_posix(), path, 6, &b));
    ck_assert(str_eq(buf_str(&b), STR("kept:second")));
    CK_OK(fs_read_file(fs_posix(), path, SIZE_MAX, &b));
    ck_assert(str_eq(buf_str(&b), STR("kept:secondsecond")));
    CK_ERR(ERR_IO, fs_read_file(fs_posix(), dir, 1 << 20, &b)); /* a directory */

    buf_clear(&b); /* a file whose size reads as 0 */
    CK_OK(fs_read_file(fs_posix(), "/proc/self/stat", 1 << 16, &b));
    ck_assert_uint_gt(b.n, 10);
    CK_ERR(ERR_TOO_LARGE, fs_read_file(fs_posix(), "/proc/self/stat", 10, &b));
    CK_ERR(ERR_NOT_FOUND, fs_write_file(fs_posix(), path_in(dir, "no/f"), STR("")));
}
END_TEST

START_TEST(test_read_long)
{
    const char *path = path_in(test_dir(), "f");
    AUTO(buf_fini) struct buf want = BUF_INIT;
    for (unsigned i = 0; i < 20000; i++)
        buf_printf(&want, "%u,", i);
    CK_OK(fs_write_file(fs_posix(), path, buf_str(&want)));
    expect_file(path, buf_str(&want));
}
END_TEST

START_TEST(test_map)
{
    const char *dir = test_dir();
    const char *path = path_in(dir, "f"), *empty = path_in(dir, "empty");
    put_file(path, STR("mapped"));
    put_file(empty, STR(""));
    struct fs_map map;
    CK_OK(fs_map(fs_posix(), path, &map));
    ck_assert(str_eq(map.bytes, STR("mapped")));
    fs_unmap(fs_posix(), &map);
    fs_unmap(fs_posix(), &map); /* twice is fine */
    CK_OK(fs_map(fs_posix(), empty, &map));
    ck_assert_uint_eq(map.bytes.n, 0);
    fs_unmap(fs_posix(), &map);
    CK_ERR(ERR_IO, fs_map(fs_posix(), dir, &map));
}
END_TEST

START_TEST(test_rename)
{
    const char *dir = test_dir();
    const char *from = path_in(dir, "from"), *to = path_in(dir, "to");
    put_file(from, STR("new"));
    put_file(to, STR("old"));
    CK_OK(fs_rename(fs_posix(), from, to));
    expect_file(to, STR("new"));
    ck_assert(!fs_exists(fs_posix(), from));
    CK_OK(fs_remove_file(fs_posix(), to));
    ck_assert(!fs_exists(fs_posix(), to));
    CK_ERR(ERR_IO, fs_remove_file(fs_posix(), dir)); /* a directory */
}
END_TEST

START_TEST(test_link)
{
    const char *dir = test_dir();
    const char *from = path_in(dir, "from"), *to = path_in(dir, "to");
    put_file(from, STR("kept"));
    CK_OK(fs_link(fs_posix(), from, to));
    CK_ERR(ERR_IO, fs_link(fs_posix(), from, to));
    CK_OK(fs_remove_file(fs_posix(), from));
    expect_file(to, STR("kept"));
    CK_ERR(ERR_NOT_FOUND, fs_link(fs_posix(), from, path_in(dir, "other")));
}
END_TEST

START_TEST(test_lock)
{
    const char *path = path_in(test_dir(), "lock");
    AUTO(file_close) struct file *first = NULL;
    struct file *second = NULL;
    CK_OK(fs_lock_file(fs_posix(), path, &first));
    CK_ERR(ERR_CONFLICT, fs_lock_file(fs_posix(), path, &second));
    ck_assert_ptr_null(second);
    file_close(TAKE(first));
    CK_OK(fs_lock_file(fs_posix(), path, &first));
}
END_TEST

START_TEST(test_free_bytes)
{
    uint64_t bytes = 0;
    CK_OK(fs_free_bytes(fs_posix(), test_dir(), &bytes));
    ck_assert_uint_gt(bytes, 0);
}
END_TEST

START_TEST(test_disk_bytes)
{
    uint64_t all, free_bytes;
    CK_OK(fs_disk_bytes(fs_posix(), test_dir(), &all));
    CK_OK(fs_free_bytes(fs_posix(), test_dir(), &free_bytes));
    ck_assert_uint_gt(all, 0);
    ck_assert_uint_ge(all, free_bytes);
    CK_ERR(ERR_NOT_FOUND, fs_disk_bytes(fs_posix(), "no/such/place", &all));
}
END_TEST

START_TEST(test_tree_bytes)
{
    AUTO(buf_fini) struct buf path = BUF_INIT;
    uint64_t bytes = 1;
    const char *dir = test_dir();
    CK_OK(fs_tree_bytes(fs_posix(), dir, &bytes));
    ck_assert_uint_eq(bytes, 0);
    buf_printf(&path, "%s/a/b", dir);
    CK_OK(fs_make_dirs(fs_posix(), buf_cstr(&path)));
    buf_append(&path, STR("/file"));
    CK_OK(fs_write_file(fs_posix(), buf_cstr(&path), STR("12345")));
    CK_OK(fs_tree_bytes(fs_posix(), buf_cstr(&path), &bytes));
    ck_assert_uint_eq(bytes, 5);
    buf_clear(&path);
    buf_printf(&path, "%s/other", dir);
    CK_OK(fs_write_file(fs_posix(), buf_cstr(&path), STR("12")));
    CK_OK(fs_tree_bytes(fs_posix(), dir, &bytes));
    ck_assert_uint_eq(bytes, 7);
    CK_OK(fs_tree_bytes(fs_posix(), "no/such/place", &bytes));
    ck_assert_uint_eq(bytes, 0);
}
END_TEST

Suite *
fs_suite(void)
{
    Suite *s = suite_create("fs");
    TCase *t = tcase_create("fs");
    tcase_add_loop_test(t, test_open, 0, ARRAY_LEN(open_cases));
    tcase_add_test(t, test_read_write);
    tcase_add_test(t, test_bad_calls);
    tcase_add_test(t, test_no_space);
    tcase_add_test(t, test_missing);
    tcase_add_test(t, test_dirs);
    tcase_add_test(t, test_remove_tree_depth);
    tcase_add_test(t, test_whole_file);
    tcase_add_test(t, test_read_long);
    tcase_add_test(t, test_map);
    tcase_add_test(t, test_rename);
    tcase_add_test(t, test_link);
    tcase_add_test(t, test_lock);
    tcase_add_test(t, test_free_bytes);
    tcase_add_test(t, test_disk_bytes);
    tcase_add_test(t, test_tree_bytes);
    suite_add_tcase(s, t);
    return s;
}
