/* fs_fault.c - counts the calls that reach another fs and fails the chosen ones.
 *
 * One lock guards the counters and the list of unsynced files; no call of the inner fs is made
 * under it. */
#include "base/fs_fault.h"

#include <errno.h>
#include <string.h>

#include "base/assert.h"
#include "base/fs_int.h"
#include "base/lock.h"
#include "base/mem.h"

/* A file that may lose its tail in a power cut. */
struct unsynced {
    char *path; /* owned */
    uint64_t safe_bytes;
};

struct fs_fault {
    struct fs base;
    struct fs *inner; /* borrowed; immutable */

    struct lock lock;
    struct fs_fault_opts opts GUARDED_BY(lock); /* calls and errnum filled in */
    uint64_t calls GUARDED_BY(lock);
    bool fired GUARDED_BY(lock);
    unsigned broken_calls GUARDED_BY(lock); /* bits of fs_fault_call that fail now */
    int broken_errnum GUARDED_BY(lock);
    VEC(struct unsynced) unsynced GUARDED_BY(lock);
};

struct fault_file {
    struct file base;
    struct file *inner; /* owned */
    struct fs_fault *fs;
};

/* What a call is to do. */
struct verdict {
    int errnum;        /* 0: pass it on */
    size_t torn_bytes; /* a failing write writes these first */
};

static const struct fs_ops fault_ops;

static struct fs_fault *
fault_of(struct fs *fs)
{
    ASSERT(fs->ops == &fault_ops);
    return container_of(fs, struct fs_fault, base);
}

static struct fault_file *
fault_file_of(struct file *f)
{
    return container_of(f, struct fault_file, base);
}

/* The heart: counts one call and says what becomes of it. */
static struct verdict
judge(struct fs_fault *ff, enum fs_fault_call call)
{
    LOCKED(&ff->lock);
    if (ff->opts.calls & call) {
        ff->calls++;
        if (ff->calls == ff->opts.fail_call) {
            ff->fired = true;
            if (ff->opts.mode == FS_FAULT_CRASH) {
                ff->broken_calls |= FS_FAULT_MUTATING;
                ff->broken_errnum = ff->opts.errnum;
            }
            return (struct verdict){ff->opts.errnum, ff->opts.torn_bytes};
        }
    }
    return (struct verdict){ff->broken_calls & call ? ff->broken_errnum : 0, 0};
}

static struct err
judge_path(struct fs_fault *ff, enum fs_fault_call call, const char *what, const char *path)
{
    struct verdict v = judge(ff, call);
    return v.errnum ? err_errno(v.errnum, "%s %s: injected fault", what, path) : OK;
}

/* --- unsynced tails ------------------------------------------------------------------------- */

static struct unsynced *
unsynced_find(struct fs_fault *ff, const char *path) REQUIRES(ff->lock)
{
    vec_each (&ff->unsynced, u) {
        if (strcmp(u->path, path) == 0)
            return u;
    }
    return NULL;
}

static void
unsynced_remove(struct fs_fault *ff, const char *path) REQUIRES(ff->lock)
{
    struct unsynced *u = unsynced_find(ff, path);
    if (!u)
        return;
    mem_free(u->path);
    *u = *vec_last(&ff->unsynced);
    ff->unsynced.n--;
}

/* The file is about to change and has `size_bytes` now. */
static void
note_write(struct fs_fault *ff, const char *path, uint64_t size_bytes)
{
    LOCKED(&ff->lock);
    if (unsynced_find(ff, path))
        return;
    vec_push(&ff->unsynced, ((struct unsynced){mem_dup_text(path, strlen(path)), size_bytes}));
}

static void
note_truncate(struct fs_fault *ff, const char *path, uint64_t size_bytes)
{
    LOCKED(&ff->lock);
    struct unsynced *u = unsynced_find(ff, path);
    if (u)
        u->safe_bytes = u64_min(u->safe_bytes, size_bytes);
}

/* Synced or removed: there is nothing left to lose. */
static void
note_safe(struct fs_fault *ff, const char *path)
{
    LOCKED(&ff->lock);
    unsynced_remove(ff, path);
}

/* Also moves the files below a renamed directory. */
static void
note_rename(struct fs_fault *ff, const char *from, const char *to)
{
    size_t from_bytes = strlen(from);
    LOCKED(&ff->lock);
    unsynced_remove(ff, to);
    vec_each (&ff->unsynced, u) {
        bool below = strncmp(u->path, from, from_bytes) == 0 &&
                     (u->path[from_bytes] == '/' || u->path[from_bytes] == '\0');
        if (!below)
            continue;
        struct buf moved = BUF_INIT;
        buf_printf(&moved, "%s%s", to, u->path + from_bytes);
        mem_free(u->path);
        u->path = mem_dup_text(moved.p, moved.n);
        buf_fini(&moved);
    }
}

static struct err
cut_tail(struct fs *inner, const struct unsynced *u)
{
    AUTO(file_close) struct file *f = NULL;
    struct err e = fs_open(inner, u->path, FS_WRITE_KEEP, &f);
    if (e.code != ERR_NONE)
        return e;
    uint64_t size_bytes;
    TRY(file_size(f, &size_bytes));
    return size_bytes > u->safe_bytes ? file_truncate(f, u->safe_bytes) : OK;
}

struct err
fs_fault_power_cut(struct fs *fs)
{
    struct fs_fault *ff = fault_of(fs);
    for (;;) {
        struct unsynced u;
        {
            LOCKED(&ff->lock);
            if (ff->unsynced.n == 0)
                return OK;
            u = vec_pop(&ff->unsynced);
        }
        struct err e = fs_exists(ff->inner, u.path) ? cut_tail(ff->inner, &u) : OK;
        mem_free(u.path);
        TRY(e);
    }
}

/* --- open files ----------------------------------------------------------------------------- */

static void
fault_file_close(struct file *f)
{
    file_close(fault_file_of(f)->inner);
    mem_free(fault_file_of(f));
}

static struct err
fault_write_at(struct file *f, uint64_t offset, struct str bytes)
{
    struct fault_file *file = fault_file_of(f);
    struct verdict v = judge(file->fs, FS_FAULT_WRITE);
    if (v.errnum)
        bytes.n = size_min(bytes.n, v.torn_bytes);
    if (bytes.n > 0) {
        uint64_t size_bytes;
        TRY(file_size(file->inner, &size_bytes));
        note_write(file->fs, f->path, size_bytes);
        TRY(file_write_at(file->inner, offset, bytes));
    }
    return v.errnum ? err_errno(v.errnum, "write %s: injected fault", f->path) : OK;
}

static struct err
fault_read_at(struct file *f, uint64_t offset, void *to, size_t n, size_t *ret_n)
{
    struct fault_file *file = fault_file_of(f);
    TRY(judge_path(file->fs, FS_FAULT_READ, "read", f->path));
    return file_read_at(file->inner, offset, to, n, ret_n);
}

static struct err
fault_sync(struct file *f)
{
    struct fault_file *file = fault_file_of(f);
    TRY(judge_path(file->fs, FS_FAULT_SYNC, "sync", f->path));
    TRY(file_sync(file->inner));
    note_safe(file->fs, f->path);
    return OK;
}

static struct err
fault_truncate(struct file *f, uint64_t size_bytes)
{
    struct fault_file *file = fault_file_of(f);
    TRY(judge_path(file->fs, FS_FAULT_TRUNCATE, "truncate", f->path));
    uint64_t before_bytes;
    TRY(file_size(file->inner, &before_bytes));
    TRY(file_truncate(file->inner, size_bytes));
    if (size_bytes > before_bytes)
        note_write(file->fs, f->path, before_bytes);
    note_truncate(file->fs, f->path, size_bytes);
    return OK;
}

static struct err
fault_size(struct file *f, uint64_t *ret_bytes)
{
    return file_size(fault_file_of(f)->inner, ret_bytes);
}

static const struct file_ops fault_file_ops = {
    .close = fault_file_close,
    .write_at = fault_write_at,
    .read_at = fault_read_at,
    .sync = fault_sync,
    .truncate = fault_truncate,
    .size = fault_size,
};

static struct file *
file_of_inner(struct fs_fault *ff, const char *path, struct file *inner)
{
    struct fault_file *file = mem_alloc(sizeof *file);
    *file = (struct fault_file){
        .base = {.ops = &fault_file_ops, .path = mem_dup_text(path, strlen(path))},
        .inner = inner,
        .fs = ff,
    };
    return &file->base;
}

/* --- names ---------------------------------------------------------------------------------- */

static struct err
fault_open(struct fs *fs, const char *path, enum fs_open_mode mode, struct file **ret_file)
{
    struct fs_fault *ff = fault_of(fs);
    TRY(judge_path(ff, mode == FS_READ ? FS_FAULT_READ : FS_FAULT_CREATE, "open", path));
    struct file *inner;
    TRY(fs_open(ff->inner, path, mode, &inner));
    if (mode == FS_WRITE_OVER)
        note_truncate(ff, path, 0);
    *ret_file = file_of_inner(ff, path, inner);
    return OK;
}

static struct err
fault_lock_file(struct fs *fs, const char *path, struct file **ret_file)
{
    struct fs_fault *ff = fault_of(fs);
    TRY(judge_path(ff, FS_FAULT_CREATE, "lock", path));
    struct file *inner;
    TRY(fs_lock_file(ff->inner, path, &inner));
    *ret_file = file_of_inner(ff, path, inner);
    return OK;
}

static struct err
fault_list_dir(struct fs *fs, const char *dir, struct fs_list *ret_list)
{
    TRY(judge_path(fault_of(fs), FS_FAULT_READ, "list", dir));
    return fs_list_dir(fault_of(fs)->inner, dir, ret_list);
}

static struct err
fault_stat(struct fs *fs, const char *path, struct fs_stat *ret_stat)
{
    return fs_stat(fault_of(fs)->inner, path, ret_stat);
}

static struct err
fault_make_dir(struct fs *fs, const char *path)
{
    struct fs *inner = fault_of(fs)->inner;
    TRY(judge_path(fault_of(fs), FS_FAULT_MAKE_DIR, "make directory", path));
    return inner->ops->make_dir(inner, path);
}

static struct err
fault_rename(struct fs *fs, const char *from, const char *to)
{
    struct fs_fault *ff = fault_of(fs);
    TRY(judge_path(ff, FS_FAULT_RENAME, "rename", from));
    TRY(fs_rename(ff->inner, from, to));
    note_rename(ff, from, to);
    return OK;
}

static struct err
fault_link(struct fs *fs, const char *from, const char *to)
{
    TRY(judge_path(fault_of(fs), FS_FAULT_CREATE, "link", from));
    return fs_link(fault_of(fs)->inner, from, to);
}

static struct err
fault_remove_file(struct fs *fs, const char *path)
{
    struct fs_fault *ff = fault_of(fs);
    TRY(judge_path(ff, FS_FAULT_REMOVE, "remove", path));
    TRY(fs_remove_file(ff->inner, path));
    note_safe(ff, path);
    return OK;
}

static struct err
fault_remove_dir(struct fs *fs, const char *path)
{
    struct fs *inner = fault_of(fs)->inner;
    TRY(judge_path(fault_of(fs), FS_FAULT_REMOVE, "remove", path));
    return inner->ops->remove_dir(inner, path);
}

static struct err
fault_sync_dir(struct fs *fs, const char *dir)
{
    TRY(judge_path(fault_of(fs), FS_FAULT_SYNC, "sync", dir));
    return fs_sync_dir(fault_of(fs)->inner, dir);
}

static struct err
fault_map(struct fs *fs, const char *path, size_t reserve_bytes, struct fs_map *ret_map)
{
    TRY(judge_path(fault_of(fs), FS_FAULT_READ, "map", path));
    return fs_map_reserve(fault_of(fs)->inner, path, reserve_bytes, ret_map);
}

static void
fault_unmap(struct fs *fs, struct fs_map *map)
{
    fs_unmap(fault_of(fs)->inner, map);
}

static struct err
fault_free_bytes(struct fs *fs, const char *path, uint64_t *ret_bytes)
{
    return fs_free_bytes(fault_of(fs)->inner, path, ret_bytes);
}

static struct err
fault_lock_holder(struct fs *fs, const char *path, uint64_t *ret_pid)
{
    return fs_lock_holder(fault_of(fs)->inner, path, ret_pid);
}

static struct err
fault_disk_bytes(struct fs *fs, const char *path, uint64_t *ret_bytes)
{
    return fs_disk_bytes(fault_of(fs)->inner, path, ret_bytes);
}

static const struct fs_ops fault_ops = {
    .open = fault_open,
    .list_dir = fault_list_dir,
    .stat = fault_stat,
    .make_dir = fault_make_dir,
    .rename = fault_rename,
    .link = fault_link,
    .remove_file = fault_remove_file,
    .remove_dir = fault_remove_dir,
    .sync_dir = fault_sync_dir,
    .map = fault_map,
    .unmap = fault_unmap,
    .free_bytes = fault_free_bytes,
    .disk_bytes = fault_disk_bytes,
    .lock_file = fault_lock_file,
    .lock_holder = fault_lock_holder,
};

/* --- control -------------------------------------------------------------------------------- */

struct fs *
fs_fault_open(struct fs *inner, const struct fs_fault_opts *opts)
{
    struct fs_fault *ff = mem_alloc_zero(sizeof *ff);
    ff->base.ops = &fault_ops;
    ff->inner = inner;
    lock_init(&ff->lock, LOCK_RANK_LEAF);
    fs_fault_arm(&ff->base, opts ? opts : &(struct fs_fault_opts){.fail_call = 0});
    return &ff->base;
}

void
fs_fault_close(struct fs *fs)
{
    if (!fs)
        return;
    struct fs_fault *ff = fault_of(fs);
    vec_each (&ff->unsynced, u)
        mem_free(u->path);
    vec_fini(&ff->unsynced);
    lock_fini(&ff->lock);
    mem_free(ff);
}

void
fs_fault_arm(struct fs *fs, const struct fs_fault_opts *opts)
{
    struct fs_fault *ff = fault_of(fs);
    LOCKED(&ff->lock);
    ff->opts = *opts;
    if (ff->opts.errnum == 0)
        ff->opts.errnum = EIO;
    if (ff->opts.calls == 0)
        ff->opts.calls = FS_FAULT_MUTATING;
    ff->calls = 0;
    ff->fired = false;
    ff->broken_calls = 0;
}

uint64_t
fs_fault_calls(struct fs *fs)
{
    struct fs_fault *ff = fault_of(fs);
    LOCKED(&ff->lock);
    return ff->calls;
}

bool
fs_fault_fired(struct fs *fs)
{
    struct fs_fault *ff = fault_of(fs);
    LOCKED(&ff->lock);
    return ff->fired;
}

void
fs_fault_break(struct fs *fs, unsigned calls, int errnum)
{
    ASSERT(errnum != 0);
    struct fs_fault *ff = fault_of(fs);
    LOCKED(&ff->lock);
    ff->broken_calls = calls;
    ff->broken_errnum = errnum;
}

void
fs_fault_heal(struct fs *fs)
{
    struct fs_fault *ff = fault_of(fs);
    LOCKED(&ff->lock);
    ff->opts.fail_call = 0;
    ff->broken_calls = 0;
}
