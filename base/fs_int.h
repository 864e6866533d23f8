/* fs_int.h - what an implementation of fs.h provides; shared by fs*.c only.
 *
 * An implementation embeds struct fs and struct file as its `base` and fills two tables. The
 * contract of each entry is that of the function of the same name in fs.h; what can be built
 * from these (fs_write_file(), fs_remove_tree(), ...) stands in fs.c once for all of them. */
#pragma once
#include "base/fs.h"

struct fs_ops {
    struct err (*open)(struct fs *fs, const char *path, enum fs_open_mode mode,
                       struct file **ret_file);
    struct err (*list_dir)(struct fs *fs, const char *dir, struct fs_list *ret_list);
    struct err (*stat)(struct fs *fs, const char *path, struct fs_stat *ret_stat);
    /* One directory whose parent exists; an existing directory is fine. */
    struct err (*make_dir)(struct fs *fs, const char *path);
    struct err (*rename)(struct fs *fs, const char *from, const char *to);
    struct err (*link)(struct fs *fs, const char *from, const char *to);
    struct err (*remove_file)(struct fs *fs, const char *path);
    /* An empty directory; ERR_NOT_FOUND when it is missing. */
    struct err (*remove_dir)(struct fs *fs, const char *path);
    struct err (*sync_dir)(struct fs *fs, const char *dir);
    /* At least `reserve_bytes` long, 0 for fs_map(). */
    struct err (*map)(struct fs *fs, const char *path, size_t reserve_bytes,
                      struct fs_map *ret_map);
    void (*unmap)(struct fs *fs, struct fs_map *map);
    struct err (*free_bytes)(struct fs *fs, const char *path, uint64_t *ret_bytes);
    struct err (*disk_bytes)(struct fs *fs, const char *path, uint64_t *ret_bytes);
    struct err (*lock_file)(struct fs *fs, const char *path, struct file **ret_file);
    struct err (*lock_holder)(struct fs *fs, const char *path, uint64_t *ret_pid);
};

struct file_ops {
    void (*close)(struct file *f); /* frees the file, but not its path */
    struct err (*write_at)(struct file *f, uint64_t offset, struct str bytes);
    struct err (*read_at)(struct file *f, uint64_t offset, void *to, size_t n, size_t *ret_n);
    struct err (*sync)(struct file *f);
    struct err (*truncate)(struct file *f, uint64_t size_bytes);
    struct err (*size)(struct file *f, uint64_t *ret_bytes);
};

struct fs {
    const struct fs_ops *ops;
};

struct file {
    const struct file_ops *ops;
    char *path; /* as given to open; owned */
};
