/* fs_overlay.h - a file system whose changes stay in memory: what is below is only read.
 *
 * A program that repairs, replays and writes as it opens a directory can so be pointed at one
 * that is not its own, even while another process writes there. Files that are changed are
 * copied to memory first, removed names are hidden, locks are granted without being taken.
 *
 *   struct fs *fs = fs_overlay_open(fs_posix());
 *   db_open(... fs ...); ... db_close(db);
 *   fs_overlay_close(fs);
 * A name is known by its spelling: use one. Threads: any, like the fs below. */
#pragma once
#include "base/fs.h"

/* Of one file in memory; a write that would pass it gives ERR_NO_SPACE. */
enum { FS_OVERLAY_FILE_BYTES_MAX = 1 << 30 };

/* `inner` is borrowed for life. The caller owns the result. */
struct fs *fs_overlay_open(struct fs *inner);
/* NULL is allowed; no file and no map of it may be open. */
void fs_overlay_close(struct fs *fs);

DEFINE_AUTO(struct fs *, fs_overlay_close)
