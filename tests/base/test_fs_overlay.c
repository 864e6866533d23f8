/* Changes through an overlay are seen through it, and the files below stay as they are. */
#include "tests/harness.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fs_overlay.h"
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

/* Every name and content below `dir`, one a line. */
static void
list_tree(struct fs *fs, const char *dir, const char *prefix, struct buf *to)
{
    AUTO(fs_list_fini) struct fs_list entries = VEC_INIT;
    AUTO(buf_fini) struct buf path = BUF_INIT, name = BUF_INIT;
    CK_OK(fs_list_dir(fs, dir, &entries));
    vec_each (&entries, entry) {
        buf_clear(&path);
        buf_clear(&name);
        buf_printf(&path, "%s/%s", dir, entry->name);
        buf_printf(&name, "%s%s", prefix, entry->name);
        if (entry->kind == FS_DIR) {
            buf_printf(to, "%s/ ", buf_cstr(&name));
            buf_put_u8(&name, '/');
            list_tree(fs, buf_cstr(&path), buf_cstr(&name), to);
        } else {
            buf_printf(to, "%s=", buf_cstr(&name));
            CK_OK(fs_read_file(fs, buf_cstr(&path), 1 << 20, to));
            buf_put_u8(to, ' ');
        }
    }
}

static void
write_below(const char *dir, const char *name, const char *text)
{
    CK_OK(fs_write_file(fs_posix(), path_in(dir, name), str_of_cstr(text)));
}

static struct err
change(struct fs *fs, const char *path, uint64_t offset, const char *text)
{
    AUTO(file_close) struct file *f = NULL;
    TRY(fs_open(fs, path, FS_WRITE_KEEP, &f));
    return file_write_at(f, offset, str_of_cstr(text));
}

static struct err
cut(struct fs *fs, const char *path, uint64_t bytes)
{
    AUTO(file_close) struct file *f = NULL;
    TRY(fs_open(fs, path, FS_WRITE_KEEP, &f));
    return file_truncate(f, bytes);
}

static struct err
make(struct fs *fs, const char *path, enum fs_open_mode mode, const char *text)
{
    AUTO(file_close) struct file *f = NULL;
    TRY(fs_open(fs, path, mode, &f));
    return file_write_at(f, 0, str_of_cstr(text));
}

/* Below: a=abc, d/x=1, d/y=2. */
enum step {
    CHANGE,
    GROW,
    CUT,
    CUT_GROW,
    NEW,
    OVER,
    KEEP,
    REMOVE,
    REMOVE_TREE,
    AGAIN,
    RENAME,
    RENAME_NEW,
    RENAME_DIR,
    RENAME_TWICE,
    RENAME_BELOW,
    LINK,
    LINK_NEW,
    REPLACE,
    MAKE_DIR
};
static const struct overlay_case {
    const char *name;
    enum step step;
    const char *want; /* what the overlay then shows */
} overlay_cases[] = {
    {"bytes are changed", CHANGE, "a=aXc d/ d/x=1 d/y=2 "},
    {"a file grows", GROW, "a=abcdef d/ d/x=1 d/y=2 "},
    {"a file is cut", CUT, "a=a d/ d/x=1 d/y=2 "},
    {"a new file", NEW, "a=abc b=new d/ d/x=1 d/y=2 "},
    {"a file is made anew", OVER, "a=new d/ d/x=1 d/y=2 "},
    {"a file is kept", KEEP, "a=newc d/ d/x=1 d/y=2 "},
    {"a file is removed", REMOVE, "d/ d/x=1 d/y=2 "},
    {"a tree is removed", REMOVE_TREE, "a=abc "},
    {"a removed tree is made again, empty", AGAIN, "a=abc d/ d/z=3 "},
    {"a file is renamed", RENAME, "b=abc d/ d/x=1 d/y=2 "},
    {"a new file is renamed over another", RENAME_NEW, "a=new d/ d/x=1 d/y=2 "},
    {"a directory is renamed", RENAME_DIR, "a=abc e/ e/x=1 e/y=2 "},
    {"and again, with a change in it", RENAME_TWICE, "a=abc f/ f/x=1 f/y=9 "},
    {"a file in a renamed directory is removed", RENAME_BELOW, "a=abc e/ e/y=2 "},
    {"a second name, and the first goes", LINK, "b=abc d/ d/x=1 d/y=2 "},
    {"a change is seen by both names", LINK_NEW, "a=abc b=nXw c=nXw d/ d/x=1 d/y=2 "},
    {"a file is replaced as a whole", REPLACE, "a=whole d/ d/x=1 d/y=2 "},
    {"directories are made", MAKE_DIR, "a=abc d/ d/x=1 d/y=2 p/ p/q/ "},
};

static void
link_below(struct fs *fs, const char *dir)
{
    CK_OK(fs_link(fs, path_in(dir, "a"), path_in(dir, "b")));
    CK_ERR(ERR_IO, fs_link(fs, path_in(dir, "a"), path_in(dir, "b")));
    CK_OK(fs_remove_file(fs, path_in(dir, "a")));
}

static void
link_new(struct fs *fs, const char *dir)
{
    CK_OK(make(fs, path_in(dir, "b"), FS_WRITE_NEW, "new"));
    CK_OK(fs_link(fs, path_in(dir, "b"), path_in(dir, "c")));
    CK_OK(change(fs, path_in(dir, "c"), 1, "X"));
}

static void
take_step(struct fs *fs, const char *dir, enum step step)
{
    switch (step) {
    case CHANGE:
        CK_OK(change(fs, path_in(dir, "a"), 1, "X"));
        break;
    case GROW:
        CK_OK(change(fs, path_in(dir, "a"), 3, "def"));
        break;
    case CUT:
        CK_OK(cut(fs, path_in(dir, "a"), 1));
        break;
    case CUT_GROW:
        CK_OK(cut(fs, path_in(dir, "a"), 1));
        CK_OK(cut(fs, path_in(dir, "a"), 3));
        break;
    case NEW:
        CK_OK(make(fs, path_in(dir, "b"), FS_WRITE_NEW, "new"));
        break;
    case OVER:
        CK_OK(make(fs, path_in(dir, "a"), FS_WRITE_OVER, "new"));
        break;
    case KEEP:
        CK_OK(make(fs, path_in(dir, "a"), FS_WRITE_KEEP, "new"));
        CK_OK(change(fs, path_in(dir, "a"), 3, "c"));
        break;
    case REMOVE:
        CK_OK(fs_remove_file(fs, path_in(dir, "a")));
        break;
    case REMOVE_TREE:
        CK_OK(fs_remove_tree(fs, path_in(dir, "d")));
        break;
    case AGAIN:
        CK_OK(fs_remove_tree(fs, path_in(dir, "d")));
        CK_OK(fs_make_dirs(fs, path_in(dir, "d")));
        CK_OK(make(fs, path_in(dir, "d/z"), FS_WRITE_NEW, "3"));
        break;
    case RENAME:
        CK_OK(fs_rename(fs, path_in(dir, "a"), path_in(dir, "b")));
        break;
    case RENAME_NEW:
        CK_OK(make(fs, path_in(dir, "b"), FS_WRITE_NEW, "new"));
        CK_OK(fs_rename(fs, path_in(dir, "b"), path_in(dir, "a")));
        break;
    case RENAME_DIR:
        CK_OK(fs_rename(fs, path_in(dir, "d"), path_in(dir, "e")));
        break;
    case RENAME_TWICE:
        CK_OK(change(fs, path_in(dir, "d/y"), 0, "9"));
        CK_OK(fs_rename(fs, path_in(dir, "d"), path_in(dir, "e")));
        CK_OK(fs_rename(fs, path_in(dir, "e"), path_in(dir, "f")));
        break;
    case RENAME_BELOW:
        CK_OK(fs_rename(fs, path_in(dir, "d"), path_in(dir, "e")));
        CK_OK(fs_remove_file(fs, path_in(dir, "e/x")));
        break;
    case LINK:
        link_below(fs, dir);
        break;
    case LINK_NEW:
        link_new(fs, dir);
        break;
    case REPLACE:
        CK_OK(fs_write_file(fs, path_in(dir, "a"), STR("whole")));
        break;
    case MAKE_DIR:
        CK_OK(fs_make_dirs(fs, path_in(dir, "p/q")));
        break;
    }
}

static void
fill(const char *dir)
{
    write_below(dir, "a", "abc");
    CK_OK(fs_make_dirs(fs_posix(), path_in(dir, "d")));
    write_below(dir, "d/x", "1");
    write_below(dir, "d/y", "2");
}

START_TEST(test_changes)
{
    const struct overlay_case *c = &overlay_cases[_i];
    const char *dir = test_dir();
    AUTO(buf_fini) struct buf seen = BUF_INIT, below = BUF_INIT;
    fill(dir);
    AUTO(fs_overlay_close) struct fs *fs = fs_overlay_open(fs_posix());
    take_step(fs, dir, c->step);
    list_tree(fs, dir, "", &seen);
    ck_assert_msg(strcmp(buf_cstr(&seen), c->want) == 0, "row \"%s\": %s", c->name,
                  buf_cstr(&seen));
    list_tree(fs_posix(), dir, "", &below);
    ck_assert_str_eq(buf_cstr(&below), "a=abc d/ d/x=1 d/y=2 ");
}
END_TEST

START_TEST(test_cut_reads_as_zeros)
{
    const char *dir = test_dir();
    AUTO(buf_fini) struct buf seen = BUF_INIT;
    fill(dir);
    AUTO(fs_overlay_close) struct fs *fs = fs_overlay_open(fs_posix());
    take_step(fs, dir, CUT_GROW);
    CK_OK(fs_read_file(fs, path_in(dir, "a"), 100, &seen));
    ck_assert(str_eq(buf_str(&seen), str_of("a\0\0", 3)));
}
END_TEST

START_TEST(test_refusals)
{
    const char *dir = test_dir();
    struct file *f;
    struct fs_list list;
    struct fs_stat st;
    struct fs_map map;
    fill(dir);
    AUTO(fs_overlay_close) struct fs *fs = fs_overlay_open(fs_posix());
    CK_ERR(ERR_NOT_FOUND, fs_open(fs, path_in(dir, "none"), FS_READ, &f));
    CK_ERR(ERR_IO, fs_open(fs, path_in(dir, "a"), FS_WRITE_NEW, &f));
    CK_OK(fs_remove_file(fs, path_in(dir, "a")));
    CK_ERR(ERR_NOT_FOUND, fs_open(fs, path_in(dir, "a"), FS_READ, &f));
    CK_ERR(ERR_NOT_FOUND, fs_remove_file(fs, path_in(dir, "a")));
    CK_ERR(ERR_NOT_FOUND, fs_map(fs, path_in(dir, "a"), &map));
    CK_ERR(ERR_NOT_FOUND, fs_rename(fs, path_in(dir, "a"), path_in(dir, "b")));
    CK_ERR(ERR_IO, fs_remove_file(fs, path_in(dir, "d")));
    CK_ERR(ERR_IO, fs_list_dir(fs, path_in(dir, "d/x"), &list));
    CK_OK(fs_remove_tree(fs, path_in(dir, "d")));
    CK_ERR(ERR_NOT_FOUND, fs_list_dir(fs, path_in(dir, "d"), &list));
    CK_ERR(ERR_NOT_FOUND, fs_stat(fs, path_in(dir, "d/x"), &st));
    CK_OK(make(fs, path_in(dir, "big"), FS_WRITE_NEW, ""));
    CK_ERR(ERR_NO_SPACE, change(fs, path_in(dir, "big"), FS_OVERLAY_FILE_BYTES_MAX, "x"));
    CK_ERR(ERR_NO_SPACE, change(fs, path_in(dir, "big"), UINT64_MAX, "x"));
    CK_ERR(ERR_NO_SPACE, cut(fs, path_in(dir, "big"), FS_OVERLAY_FILE_BYTES_MAX + (uint64_t)1));
}
END_TEST

/* A map with room sees what is written later, and outlives the file's name. */
START_TEST(test_maps)
{
    enum { ROOM_BYTES = 200 << 10 };
    const char *dir = test_dir();
    struct fs_map below, above, empty;
    fill(dir);
    AUTO(fs_overlay_close) struct fs *fs = fs_overlay_open(fs_posix());
    CK_OK(fs_map(fs, path_in(dir, "a"), &below));
    ck_assert(str_eq(below.bytes, STR("abc")));
    CK_OK(make(fs, path_in(dir, "b"), FS_WRITE_NEW, "12"));
    CK_OK(fs_map_reserve(fs, path_in(dir, "b"), ROOM_BYTES, &above));
    ck_assert_uint_eq(above.bytes.n, ROOM_BYTES);
    CK_OK(change(fs, path_in(dir, "b"), 150 << 10, "late"));
    CK_OK(fs_remove_file(fs, path_in(dir, "b")));
    ck_assert(memcmp(above.bytes.p, "12", 2) == 0);
    ck_assert(memcmp(above.bytes.p + (150 << 10), "late", 4) == 0);
    CK_OK(make(fs, path_in(dir, "e"), FS_WRITE_NEW, ""));
    CK_OK(fs_map(fs, path_in(dir, "e"), &empty));
    ck_assert_uint_eq(empty.bytes.n, 0);
    fs_unmap(fs, &empty);
    fs_unmap(fs, &above);
    fs_unmap(fs, &below);
}
END_TEST

/* One of our own process, taken as another would take it. */
START_TEST(test_locks)
{
    const char *dir = test_dir();
    struct file *granted;
    uint64_t pid = 1;
    fill(dir);
    AUTO(fs_overlay_close) struct fs *fs = fs_overlay_open(fs_posix());
    CK_OK(fs_lock_holder(fs, path_in(dir, "none"), &pid));
    ck_assert_uint_eq(pid, 0);
    CK_OK(fs_lock_holder(fs, path_in(dir, "a"), &pid));
    ck_assert_uint_eq(pid, 0);
    AUTO(file_close) struct file *held = NULL;
    CK_OK(fs_lock_file(fs_posix(), path_in(dir, "a"), &held));
    CK_OK(fs_lock_holder(fs, path_in(dir, "a"), &pid));
    if (access("/proc/locks", R_OK) == 0)
        ck_assert_uint_eq(pid, (uint64_t)getpid());
    CK_OK(fs_lock_file(fs, path_in(dir, "a"), &granted)); /* in memory, whoever has it below */
    file_close(granted);
    CK_ERR(ERR_CONFLICT, fs_lock_file(fs_posix(), path_in(dir, "a"), &granted));
}
END_TEST

Suite *
fs_overlay_suite(void)
{
    Suite *s = suite_create("fs_overlay");
    TCase *t = tcase_create("fs_overlay");
    tcase_add_loop_test(t, test_changes, 0, ARRAY_LEN(overlay_cases));
    tcase_add_test(t, test_cut_reads_as_zeros);
    tcase_add_test(t, test_refusals);
    tcase_add_test(t, test_maps);
    tcase_add_test(t, test_locks);
    suite_add_tcase(s, t);
    return s;
}
