/* fs_posix.c - the kernel's files. Stateless: one static fs serves every thread.
 *
 * Interrupted and short reads and writes are continued. A failed fsync is not repeated: the
 * kernel may have dropped the pages, so a second one that succeeds would prove nothing. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/fs_int.h"
#include "base/mem.h"

enum { FILE_MODE = 0640, DIR_MODE = 0750 };

struct posix_file {
    struct file base;
    int fd; /* owned */
};

static struct posix_file *
posix_of(struct file *f)
{
    return container_of(f, struct posix_file, base);
}

/* open(2) that restarts when interrupted; -1 and errno as usual. */
static int
open_fd(const char *path, int flags)
{
    int fd;
    do {
        fd = open(path, flags | O_CLOEXEC, FILE_MODE);
    } while (fd < 0 && errno == EINTR);
    return fd;
}

/* --- open files ----------------------------------------------------------------------------- */

static void
posix_close(struct file *f)
{
    struct posix_file *pf = posix_of(f);
    (void)close(pf->fd); /* what must survive was synced; Linux frees the number in any case */
    mem_free(pf);
}

static struct err
posix_write_at(struct file *f, uint64_t offset, struct str bytes)
{
    if (offset > INT64_MAX || bytes.n > INT64_MAX - offset)
        return err_errno(EFBIG, "write %s", f->path);
    while (bytes.n > 0) {
        ssize_t n = pwrite(posix_of(f)->fd, bytes.p, bytes.n, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return err_errno(n < 0 ? errno : EIO, "write %s", f->path);
        bytes = str_skip(bytes, (size_t)n);
        offset += (uint64_t)n;
    }
    return OK;
}

static struct err
posix_read_at(struct file *f, uint64_t offset, void *to, size_t n, size_t *ret_n)
{
    if (offset > INT64_MAX || n > INT64_MAX - offset)
        return err_errno(EFBIG, "read %s", f->path);
    size_t done = 0;
    while (done < n) {
        ssize_t got = pread(posix_of(f)->fd, (char *)to + done, n - done, (off_t)(offset + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_errno(errno, "read %s", f->path);
        if (got == 0)
            break;
        done += (size_t)got;
    }
    *ret_n = done;
    return OK;
}

static struct err
posix_sync(struct file *f)
{
    if (fdatasync(posix_of(f)->fd) != 0)
        return err_errno(errno, "sync %s", f->path);
    return OK;
}

static struct err
posix_truncate(struct file *f, uint64_t size_bytes)
{
    if (size_bytes > INT64_MAX)
        return err_errno(EFBIG, "truncate %s", f->path);
    int failed;
    do {
        failed = ftruncate(posix_of(f)->fd, (off_t)size_bytes);
    } while (failed && errno == EINTR);
    return failed ? err_errno(errno, "truncate %s", f->path) : OK;
}

static struct err
posix_size(struct file *f, uint64_t *ret_bytes)
{
    struct stat st;
    if (fstat(posix_of(f)->fd, &st) != 0)
        return err_errno(errno, "stat %s", f->path);
    *ret_bytes = (uint64_t)st.st_size;
    return OK;
}

static const struct file_ops posix_file_ops = {
    .close = posix_close,
    .write_at = posix_write_at,
    .read_at = posix_read_at,
    .sync = posix_sync,
    .truncate = posix_truncate,
    .size = posix_size,
};

static struct file *
file_of_fd(int fd, const char *path)
{
    struct posix_file *pf = mem_alloc(sizeof *pf);
    *pf = (struct posix_file){
        .base = {.ops = &posix_file_ops, .path = mem_dup_text(path, strlen(path))},
        .fd = fd,
    };
    return &pf->base;
}

/* --- names ---------------------------------------------------------------------------------- */

static struct err
posix_open(struct fs *fs, const char *path, enum fs_open_mode mode, struct file **ret_file)
{
    (void)fs;
    static const int flags[] = {
        [FS_READ] = O_RDONLY,
        [FS_WRITE_NEW] = O_RDWR | O_CREAT | O_EXCL,
        [FS_WRITE_OVER] = O_RDWR | O_CREAT | O_TRUNC,
        [FS_WRITE_KEEP] = O_RDWR | O_CREAT,
    };
    ASSERT((size_t)mode < ARRAY_LEN(flags));
    int fd = open_fd(path, flags[mode]);
    if (fd < 0)
        return err_errno(errno, "open %s", path);
    *ret_file = file_of_fd(fd, path);
    return OK;
}

static struct err
posix_lock_file(struct fs *fs, const char *path, struct file **ret_file)
{
    (void)fs;
    int fd = open_fd(path, O_RDWR | O_CREAT);
    if (fd < 0)
        return err_errno(errno, "open %s", path);
    AUTO(file_close) struct file *f = file_of_fd(fd, path);
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK)
            return ERR(ERR_CONFLICT, "lock %s: held by another process", path);
        return err_errno(errno, "lock %s", path);
    }
    *ret_file = TAKE(f);
    return OK;
}

enum { LOCKS_LINE_BYTES_MAX = 256 };

/* A line of /proc/locks: "5: FLOCK  ADVISORY  WRITE 1234 08:01:5678 0 EOF" (proc(5)). */
static bool
is_lock_line(const char *line, const struct stat *st, uint64_t *ret_pid)
{
    unsigned long pid, inode;
    unsigned dev_major, dev_minor;
    if (sscanf(line, "%*u: FLOCK %*s %*s %lu %x:%x:%lu", &pid, &dev_major, &dev_minor, &inode) != 4)
        return false;
    bool same = inode == st->st_ino && dev_major == major(st->st_dev) &&
                dev_minor == minor(st->st_dev);
    if (same)
        *ret_pid = pid;
    return same;
}

static void
close_stream(FILE *f)
{
    if (f)
        (void)fclose(f);
}
DEFINE_AUTO(FILE *, close_stream)

static struct err
posix_lock_holder(struct fs *fs, const char *path, uint64_t *ret_pid)
{
    (void)fs;
    struct stat st;
    char line[LOCKS_LINE_BYTES_MAX];
    *ret_pid = 0;
    if (stat(path, &st) != 0)
        return errno == ENOENT ? OK : err_errno(errno, "stat %s", path);
    AUTO(close_stream) FILE *locks = fopen("/proc/locks", "re");
    while (locks && fgets(line, sizeof line, locks)) {
        if (is_lock_line(line, &st, ret_pid))
            break;
    }
    return OK;
}

static enum fs_kind
kind_of_mode(mode_t mode)
{
    return S_ISREG(mode) ? FS_FILE : S_ISDIR(mode) ? FS_DIR : FS_OTHER;
}

/* Not every file system fills in d_type. A name that has gone meanwhile is FS_OTHER. */
static enum fs_kind
kind_of_dirent(DIR *dir, const struct dirent *d)
{
    if (d->d_type == DT_REG)
        return FS_FILE;
    if (d->d_type == DT_DIR)
        return FS_DIR;
    struct stat st;
    if (d->d_type == DT_UNKNOWN && fstatat(dirfd(dir), d->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0)
        return kind_of_mode(st.st_mode);
    return FS_OTHER;
}

static int
compare_entries(const void *a, const void *b)
{
    return strcmp(((const struct fs_entry *)a)->name, ((const struct fs_entry *)b)->name);
}

static void
close_dir(DIR *dir)
{
    if (dir)
        closedir(dir);
}
DEFINE_AUTO(DIR *, close_dir)

static struct err
posix_list_dir(struct fs *fs, const char *path, struct fs_list *ret_list)
{
    (void)fs;
    AUTO(close_dir) DIR *dir = opendir(path);
    if (!dir)
        return err_errno(errno, "list %s", path);
    AUTO(fs_list_fini) struct fs_list list = VEC_INIT;
    for (;;) {
        errno = 0;
        const struct dirent *d = readdir(dir);
        if (!d && errno)
            return err_errno(errno, "list %s", path);
        if (!d)
            break;
        if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
            continue;
        char *name = mem_dup_text(d->d_name, strlen(d->d_name));
        vec_push(&list, ((struct fs_entry){name, kind_of_dirent(dir, d)}));
    }
    if (list.n > 1)
        qsort(list.v, list.n, sizeof *list.v, compare_entries);
    *ret_list = list;
    list = (struct fs_list)VEC_INIT;
    return OK;
}

static struct err
posix_stat(struct fs *fs, const char *path, struct fs_stat *ret_stat)
{
    (void)fs;
    struct stat st;
    if (stat(path, &st) != 0)
        return err_errno(errno, "stat %s", path);
    *ret_stat = (struct fs_stat){
        .kind = kind_of_mode(st.st_mode),
        .size_bytes = (uint64_t)st.st_size,
        .modified_ms = (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000,
    };
    return OK;
}

static struct err
posix_make_dir(struct fs *fs, const char *path)
{
    if (mkdir(path, DIR_MODE) == 0)
        return OK;
    int errnum = errno;
    struct fs_stat st; /* mkdir may also say EROFS or EACCES about what exists */
    struct err e = posix_stat(fs, path, &st);
    bool is_dir = e.code == ERR_NONE && st.kind == FS_DIR;
    err_drop(e);
    return is_dir ? OK : err_errno(errnum, "make directory %s", path);
}

static struct err
posix_rename(struct fs *fs, const char *from, const char *to)
{
    (void)fs;
    if (rename(from, to) != 0)
        return err_errno(errno, "rename %s to %s", from, to);
    return OK;
}

static struct err
posix_link(struct fs *fs, const char *from, const char *to)
{
    (void)fs;
    if (link(from, to) != 0)
        return err_errno(errno, "link %s to %s", from, to);
    return OK;
}

static struct err
posix_remove_file(struct fs *fs, const char *path)
{
    (void)fs;
    if (unlink(path) != 0)
        return err_errno(errno, "remove %s", path);
    return OK;
}

static struct err
posix_remove_dir(struct fs *fs, const char *path)
{
    (void)fs;
    if (rmdir(path) != 0)
        return err_errno(errno, "remove %s", path);
    return OK;
}

static struct err
posix_sync_dir(struct fs *fs, const char *path)
{
    (void)fs;
    int fd = open_fd(path, O_RDONLY | O_DIRECTORY);
    if (fd < 0)
        return err_errno(errno, "open %s", path);
    int errnum = fsync(fd) == 0 ? 0 : errno;
    (void)close(fd);
    return errnum ? err_errno(errnum, "sync %s", path) : OK;
}

static struct err
posix_map(struct fs *fs, const char *path, size_t reserve_bytes, struct fs_map *ret_map)
{
    AUTO(file_close) struct file *f = NULL;
    TRY(posix_open(fs, path, FS_READ, &f));
    struct stat st;
    if (fstat(posix_of(f)->fd, &st) != 0)
        return err_errno(errno, "stat %s", path);
    if (!S_ISREG(st.st_mode))
        return ERR(ERR_IO, "map %s: not a file", path);
    size_t bytes = size_max((size_t)st.st_size, reserve_bytes);
    if (bytes == 0) { /* mmap(2) refuses those */
        *ret_map = (struct fs_map){.bytes = STR("")};
        return OK;
    }
    void *p = mmap(NULL, bytes, PROT_READ, MAP_SHARED, posix_of(f)->fd, 0);
    if (p == MAP_FAILED)
        return err_errno(errno, "map %s", path);
    *ret_map = (struct fs_map){.bytes = str_of(p, bytes), .private = p};
    return OK;
}

static void
posix_unmap(struct fs *fs, struct fs_map *map)
{
    (void)fs;
    if (!map->private)
        return;
    int failed = munmap(map->private, map->bytes.n);
    ASSERT(!failed);
}

static struct err
posix_free_bytes(struct fs *fs, const char *path, uint64_t *ret_bytes)
{
    (void)fs;
    struct statvfs st;
    if (statvfs(path, &st) != 0)
        return err_errno(errno, "statvfs %s", path);
    *ret_bytes = (uint64_t)st.f_bavail * (uint64_t)st.f_frsize;
    return OK;
}

static struct err
posix_disk_bytes(struct fs *fs, const char *path, uint64_t *ret_bytes)
{
    (void)fs;
    struct statvfs st;
    if (statvfs(path, &st) != 0)
        return err_errno(errno, "statvfs %s", path);
    *ret_bytes = (uint64_t)st.f_blocks * (uint64_t)st.f_frsize;
    return OK;
}

struct fs *
fs_posix(void)
{
    static const struct fs_ops ops = {
        .open = posix_open,
        .list_dir = posix_list_dir,
        .stat = posix_stat,
        .make_dir = posix_make_dir,
        .rename = posix_rename,
        .link = posix_link,
        .remove_file = posix_remove_file,
        .remove_dir = posix_remove_dir,
        .sync_dir = posix_sync_dir,
        .map = posix_map,
        .unmap = posix_unmap,
        .free_bytes = posix_free_bytes,
        .disk_bytes = posix_disk_bytes,
        .lock_file = posix_lock_file,
        .lock_holder = posix_lock_holder,
    };
    static struct fs fs = {.ops = &ops};
    return &fs;
}
