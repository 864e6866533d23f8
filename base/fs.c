/* fs.c - calls go to the implementation; whole-file and whole-tree helpers are built on them. */
#include "base/fs.h"

#include <string.h>

#include "base/assert.h"
#include "base/fs_int.h"
#include "base/mem.h"

enum {
    FS_TREE_DEPTH_MAX = 64,     /* nested directories that fs_remove_tree() follows */
    FS_READ_BYTES_MIN = 4 << 10 /* for files whose size reads as 0, such as those of /proc */
};

struct err
fs_open(struct fs *fs, const char *path, enum fs_open_mode mode, struct file **ret_file)
{
    return fs->ops->open(fs, path, mode, ret_file);
}

void
file_close(struct file *f)
{
    if (!f)
        return;
    char *path = f->path;
    f->ops->close(f);
    mem_free(path);
}

struct err
file_write_at(struct file *f, uint64_t offset, struct str bytes)
{
    return f->ops->write_at(f, offset, bytes);
}

struct err
file_read_at(struct file *f, uint64_t offset, void *to, size_t n, size_t *ret_n)
{
    return f->ops->read_at(f, offset, to, n, ret_n);
}

struct err
file_sync(struct file *f)
{
    return f->ops->sync(f);
}

struct err
file_truncate(struct file *f, uint64_t size_bytes)
{
    return f->ops->truncate(f, size_bytes);
}

struct err
file_size(struct file *f, uint64_t *ret_bytes)
{
    return f->ops->size(f, ret_bytes);
}

const char *
file_path(const struct file *f)
{
    return f->path;
}

struct err
fs_list_dir(struct fs *fs, const char *dir, struct fs_list *ret_list)
{
    return fs->ops->list_dir(fs, dir, ret_list);
}

void
fs_list_fini(struct fs_list *list)
{
    vec_each (list, entry)
        mem_free(entry->name);
    vec_fini(list);
}

struct err
fs_stat(struct fs *fs, const char *path, struct fs_stat *ret_stat)
{
    return fs->ops->stat(fs, path, ret_stat);
}

bool
fs_exists(struct fs *fs, const char *path)
{
    struct fs_stat st;
    struct err e = fs_stat(fs, path, &st);
    bool exists = e.code == ERR_NONE;
    err_drop(e);
    return exists;
}

struct err
fs_rename(struct fs *fs, const char *from, const char *to)
{
    return fs->ops->rename(fs, from, to);
}

struct err
fs_link(struct fs *fs, const char *from, const char *to)
{
    return fs->ops->link(fs, from, to);
}

struct err
fs_remove_file(struct fs *fs, const char *path)
{
    return fs->ops->remove_file(fs, path);
}

struct err
fs_sync_dir(struct fs *fs, const char *dir)
{
    return fs->ops->sync_dir(fs, dir);
}

char *
fs_path_below(const char *dir, struct str name)
{
    struct buf path = BUF_INIT;
    buf_printf(&path, "%s/%.*s", dir, STR_FMT(name));
    (void)buf_cstr(&path);
    return path.p;
}

struct err
fs_map(struct fs *fs, const char *path, struct fs_map *ret_map)
{
    return fs->ops->map(fs, path, 0, ret_map);
}

struct err
fs_map_reserve(struct fs *fs, const char *path, size_t bytes, struct fs_map *ret_map)
{
    return fs->ops->map(fs, path, bytes, ret_map);
}

void
fs_unmap(struct fs *fs, struct fs_map *map)
{
    fs->ops->unmap(fs, map);
    *map = (struct fs_map){.private = NULL};
}

struct err
fs_free_bytes(struct fs *fs, const char *path, uint64_t *ret_bytes)
{
    return fs->ops->free_bytes(fs, path, ret_bytes);
}

struct err
fs_disk_bytes(struct fs *fs, const char *path, uint64_t *ret_bytes)
{
    return fs->ops->disk_bytes(fs, path, ret_bytes);
}

struct err
fs_lock_file(struct fs *fs, const char *path, struct file **ret_file)
{
    return fs->ops->lock_file(fs, path, ret_file);
}

struct err
fs_lock_holder(struct fs *fs, const char *path, uint64_t *ret_pid)
{
    return fs->ops->lock_holder(fs, path, ret_pid);
}

/* --- built on the primitives ---------------------------------------------------------------- */

static bool
is_dir(struct fs *fs, const char *path)
{
    struct fs_stat st;
    struct err e = fs_stat(fs, path, &st);
    bool yes = e.code == ERR_NONE && st.kind == FS_DIR;
    err_drop(e);
    return yes;
}

struct err
fs_make_dirs(struct fs *fs, const char *path)
{
    if (is_dir(fs, path))
        return OK;
    AUTO(buf_fini) struct buf partial = BUF_INIT;
    for (struct str rest = str_of_cstr(path); rest.n > 0;) {
        size_t before = rest.n;
        struct str part = str_split(&rest, '/');
        buf_append(&partial, part);
        if (part.n > 0 && !is_dir(fs, buf_cstr(&partial)))
            TRY(fs->ops->make_dir(fs, buf_cstr(&partial)));
        if (part.n < before)
            buf_put_u8(&partial, '/');
    }
    return OK;
}

struct err
fs_missing_is_fine(struct err e)
{
    if (e.code != ERR_NOT_FOUND)
        return e;
    err_drop(e);
    return OK;
}

/* Recursion is bounded by FS_TREE_DEPTH_MAX. Links are removed, never followed. */
static struct err
remove_tree_below(struct fs *fs, const char *dir, unsigned depth)
{
    if (depth > FS_TREE_DEPTH_MAX)
        return ERR(ERR_LIMIT, "remove %s: more than %d nested directories", dir, FS_TREE_DEPTH_MAX);
    AUTO(fs_list_fini) struct fs_list list = VEC_INIT;
    TRY(fs_missing_is_fine(fs_list_dir(fs, dir, &list)));
    AUTO(buf_fini) struct buf path = BUF_INIT;
    vec_each (&list, entry) {
        buf_clear(&path);
        buf_printf(&path, "%s/%s", dir, entry->name);
        if (entry->kind == FS_DIR)
            TRY(remove_tree_below(fs, buf_cstr(&path), depth + 1));
        else
            TRY(fs_missing_is_fine(fs_remove_file(fs, buf_cstr(&path))));
    }
    return fs_missing_is_fine(fs->ops->remove_dir(fs, dir));
}

struct err
fs_remove_tree(struct fs *fs, const char *path)
{
    return remove_tree_below(fs, path, 1);
}

static struct err
add_tree_bytes(struct fs *fs, const char *path, unsigned depth, uint64_t *sum)
{
    struct fs_stat st;
    if (depth > FS_TREE_DEPTH_MAX)
        return ERR(ERR_LIMIT, "size of %s: more than %d nested directories", path,
                   FS_TREE_DEPTH_MAX);
    struct err e = fs_stat(fs, path, &st);
    if (e.code != ERR_NONE)
        return fs_missing_is_fine(e);
    if (st.kind != FS_DIR) {
        *sum += st.size_bytes;
        return OK;
    }
    AUTO(fs_list_fini) struct fs_list list = VEC_INIT;
    AUTO(buf_fini) struct buf below = BUF_INIT;
    TRY(fs_missing_is_fine(fs_list_dir(fs, path, &list)));
    vec_each (&list, entry) {
        buf_clear(&below);
        buf_printf(&below, "%s/%s", path, entry->name);
        if (entry->kind != FS_OTHER)
            TRY(add_tree_bytes(fs, buf_cstr(&below), depth + 1, sum));
    }
    return OK;
}

struct err
fs_tree_bytes(struct fs *fs, const char *path, uint64_t *ret_bytes)
{
    uint64_t sum = 0;
    TRY(add_tree_bytes(fs, path, 1, &sum));
    *ret_bytes = sum;
    return OK;
}

struct err
fs_read_file(struct fs *fs, const char *path, size_t limit_bytes, struct buf *to)
{
    AUTO(file_close) struct file *f = NULL;
    TRY(fs_open(fs, path, FS_READ, &f));
    uint64_t size_bytes;
    TRY(file_size(f, &size_bytes));
    if (size_bytes > limit_bytes)
        return ERR(ERR_TOO_LARGE, "%s: %ju bytes, more than %zu", path, (uintmax_t)size_bytes,
                   limit_bytes);

    /* The size is a hint only: the file may grow, and those of /proc have none. */
    size_t start = to->n;
    size_t want = size_min(size_max(size_bytes, FS_READ_BYTES_MIN), limit_bytes) + 1;
    for (;;) {
        buf_reserve(to, want);
        size_t got = 0;
        struct err e = file_read_at(f, to->n - start, to->p + to->n, want, &got);
        if (e.code == ERR_NONE && to->n - start + got > limit_bytes)
            e = ERR(ERR_TOO_LARGE, "%s: more than %zu bytes", path, limit_bytes);
        if (e.code != ERR_NONE) {
            to->n = start;
            return e;
        }
        to->n += got;
        if (got < want)
            return OK;
        want = size_min(FS_READ_BYTES_MIN + (to->n - start), limit_bytes - (to->n - start) + 1);
    }
}

static struct err
sync_parent(struct fs *fs, const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return fs_sync_dir(fs, ".");
    AUTO(buf_fini) struct buf dir = BUF_INIT;
    buf_append(&dir, str_of(path, slash == path ? 1 : (size_t)(slash - path)));
    return fs_sync_dir(fs, buf_cstr(&dir));
}

static struct err
write_synced(struct fs *fs, const char *path, struct str bytes)
{
    AUTO(file_close) struct file *f = NULL;
    TRY(fs_open(fs, path, FS_WRITE_OVER, &f));
    TRY(file_write_at(f, 0, bytes));
    return file_sync(f);
}

/* A crash leaves the old file, the new one, or either of them and <path>.tmp, which the next
 * call overwrites. */
struct err
fs_write_file(struct fs *fs, const char *path, struct str bytes)
{
    AUTO(buf_fini) struct buf tmp = BUF_INIT;
    buf_printf(&tmp, "%s.tmp", path);
    const char *tmp_path = buf_cstr(&tmp);
    struct err e = write_synced(fs, tmp_path, bytes);
    if (e.code == ERR_NONE)
        e = fs_rename(fs, tmp_path, path);
    if (e.code != ERR_NONE) {
        err_drop(fs_remove_file(fs, tmp_path)); /* the first failure is the one to tell */
        return e;
    }
    return sync_parent(fs, path);
}
