/* fs_fault.h - a file system that fails where a test wants it to; wraps any other.
 *
 * A crash test runs its story once for every call that could be the last one:
 *
 *   for (uint64_t n = 1;; n++) {
 *       fs_fault_arm(fs, &(struct fs_fault_opts){.fail_call = n, .mode = FS_FAULT_CRASH});
 *       err_drop(story(fs));
 *       if (!fs_fault_fired(fs))
 *           break;                    every call of the story has been the failing one
 *       fs_fault_power_cut(fs);       or not: then it was only the process that died
 *       check what a reopened store holds, through the inner fs; start afresh
 *   }
 *
 * Reads, sizes, listings and maps pass unless FS_FAULT_READ is asked for.
 * Threads: any, like the fs below. */
#pragma once
#include "base/fs.h"

/* What a call does to the disk; a bit each. */
enum fs_fault_call {
    FS_FAULT_CREATE = 1,   /* fs_open() of any mode but FS_READ, fs_lock_file(), fs_link() */
    FS_FAULT_WRITE = 2,    /* file_write_at()                                   */
    FS_FAULT_SYNC = 4,     /* file_sync(), fs_sync_dir()                        */
    FS_FAULT_TRUNCATE = 8, /* file_truncate()                                   */
    FS_FAULT_RENAME = 16,
    FS_FAULT_REMOVE = 32,  /* each file and directory of a tree on its own      */
    FS_FAULT_MAKE_DIR = 64,
    FS_FAULT_READ = 128,   /* fs_open() with FS_READ, file_read_at(), fs_map(), fs_list_dir() */
};
/* Every call that changes the disk. */
#define FS_FAULT_MUTATING 127u

enum fs_fault_mode {
    FS_FAULT_ONCE,  /* the call after the failing one works again            */
    FS_FAULT_CRASH, /* every later mutating call fails too, as after a crash */
};

struct fs_fault_opts {
    uint64_t fail_call;      /* the call to fail, counted from 1; 0: none */
    int errnum;              /* its errno; 0 means EIO                    */
    size_t torn_bytes;       /* a failing write writes that much first    */
    enum fs_fault_mode mode;
    unsigned calls; /* bits of the calls that are counted and may fail; 0: FS_FAULT_MUTATING */
};

/* `inner` is borrowed for life; `opts` may be NULL: nothing fails. The caller owns the result. */
struct fs *fs_fault_open(struct fs *inner, const struct fs_fault_opts *opts);
/* NULL is allowed; no file of it may be open. */
void fs_fault_close(struct fs *fs);

/* Starts anew with these options: the count goes to 0, all faults are healed. */
void fs_fault_arm(struct fs *fs, const struct fs_fault_opts *opts);
/* Calls counted since the last fs_fault_arm() (or fs_fault_open()). */
uint64_t fs_fault_calls(struct fs *fs);
/* The call that was to fail has been reached. */
bool fs_fault_fired(struct fs *fs);
/* From now on all these calls (bits) fail with `errnum`: a disk that is full, or dead. */
void fs_fault_break(struct fs *fs, unsigned calls, int errnum);
/* Nothing fails any more. */
void fs_fault_heal(struct fs *fs);

/* Forgets what was not synced: cuts every file that grew back to its size at its last sync.
 * The model of a power cut is that of a journalling file system whose names are safe: names,
 * removals and bytes overwritten in place stay. Files are known by their path as given, so
 * write to a file through one spelling; a file renamed while open counts as its old name. */
struct err fs_fault_power_cut(struct fs *fs);

DEFINE_AUTO(struct fs *, fs_fault_close)
