/* fs.h - the file system behind an interface: the only door to files.
 *
 * fs_posix() is the real one; fs_fault.h wraps any fs and makes chosen calls fail, tears
 * writes and forgets what was not synced. Paths are NUL-terminated, relative to the process.
 * Errors carry the path and strerror; a full disk is ERR_NO_SPACE, a missing file
 * ERR_NOT_FOUND, everything else ERR_IO.
 * Threads: any; one `struct file` belongs to one thread at a time, except file_read_at(). */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "base/vec.h"

struct fs;
struct file;

enum fs_open_mode {
    FS_READ,       /* must exist                                  */
    FS_WRITE_NEW,  /* created, must not exist; read and write     */
    FS_WRITE_OVER, /* created or cut to 0 bytes; read and write   */
    FS_WRITE_KEEP, /* created or kept as it is; read and write    */
};

enum fs_kind { FS_FILE, FS_DIR, FS_OTHER };

struct fs_stat {
    enum fs_kind kind;
    uint64_t size_bytes;
    int64_t modified_ms;
};

struct fs_entry {
    char *name; /* without the directory; owned by the list */
    enum fs_kind kind;
};
VEC_TYPE(fs_list, struct fs_entry);

/* A read-only mapping of a whole file. */
struct fs_map {
    struct str bytes;
    void *private; /* of the fs that made it */
};

struct fs *fs_posix(void);

/* The caller owns *ret_file. */
struct err fs_open(struct fs *fs, const char *path, enum fs_open_mode mode, struct file **ret_file);
/* NULL is allowed. Never syncs; cannot fail. */
void file_close(struct file *f);
/* Writes all of `bytes` at `offset`; on failure an unknown prefix may have been written. */
struct err file_write_at(struct file *f, uint64_t offset, struct str bytes);
/* Reads up to n bytes; *ret_n < n only at the end of the file. */
struct err file_read_at(struct file *f, uint64_t offset, void *to, size_t n, size_t *ret_n);
struct err file_sync(struct file *f); /* fdatasync */
struct err file_truncate(struct file *f, uint64_t size_bytes);
struct err file_size(struct file *f, uint64_t *ret_bytes);
const char *file_path(const struct file *f);

/* "dir/name" on the heap, with a NUL; the caller frees it. */
char *fs_path_below(const char *dir, struct str name);

/* Sorted by name, without "." and "..". Free with fs_list_fini(). */
struct err fs_list_dir(struct fs *fs, const char *dir, struct fs_list *ret_list);
void fs_list_fini(struct fs_list *list);
static inline void
auto_fs_list_fini(struct fs_list *list)
{
    fs_list_fini(list);
}
struct err fs_stat(struct fs *fs, const char *path, struct fs_stat *ret_stat);
bool fs_exists(struct fs *fs, const char *path);
/* Consumes `e` and returns it, but ERR_NOT_FOUND as OK: nothing to list or to remove is what is
 * wanted, or somebody else has removed it already. */
struct err fs_missing_is_fine(struct err e);
/* With parents, mode 0750; existing directories are fine. */
struct err fs_make_dirs(struct fs *fs, const char *path);
struct err fs_rename(struct fs *fs, const char *from, const char *to);
/* A second name of the same file, which no longer depends on the first; `to` must not exist, and
 * lie on the same file system. */
struct err fs_link(struct fs *fs, const char *from, const char *to);
/* A missing file is ERR_NOT_FOUND. */
struct err fs_remove_file(struct fs *fs, const char *path);
/* A directory and all below it; a missing one is fine. */
struct err fs_remove_tree(struct fs *fs, const char *path);
/* fsync of a directory: makes renames and new names in it outlive a power cut. */
struct err fs_sync_dir(struct fs *fs, const char *dir);
/* Appends the whole file to *to; ERR_TOO_LARGE above limit_bytes. */
struct err fs_read_file(struct fs *fs, const char *path, size_t limit_bytes, struct buf *to);
/* Replaces `path` as a whole: <path>.tmp, sync, rename, sync of the directory. */
struct err fs_write_file(struct fs *fs, const char *path, struct str bytes);
struct err fs_map(struct fs *fs, const char *path, struct fs_map *ret_map);
/* As fs_map(), but `bytes` long even though the file is shorter: for a file that is being
 * written. Bytes past its end must not be touched before they were written. */
struct err fs_map_reserve(struct fs *fs, const char *path, size_t bytes, struct fs_map *ret_map);
void fs_unmap(struct fs *fs, struct fs_map *map);
/* Bytes free for this process on the file system that holds `path`. */
struct err fs_free_bytes(struct fs *fs, const char *path, uint64_t *ret_bytes);
/* Bytes of the whole file system that holds `path`, used or not. */
struct err fs_disk_bytes(struct fs *fs, const char *path, uint64_t *ret_bytes);
/* The sizes of all files below a directory (or of one file). What goes meanwhile counts as 0, as
 * does a missing path. */
struct err fs_tree_bytes(struct fs *fs, const char *path, uint64_t *ret_bytes);
/* Takes an exclusive advisory lock, creating the file; ERR_CONFLICT when another process has
 * it. Held until file_close(). */
struct err fs_lock_file(struct fs *fs, const char *path, struct file **ret_file);
/* The process that holds that lock, without trying to take it: 0 when nobody does, or when the
 * system does not tell (locks of another container are not seen). */
struct err fs_lock_holder(struct fs *fs, const char *path, uint64_t *ret_pid);

DEFINE_AUTO(struct file *, file_close)
