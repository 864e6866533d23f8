/* snapshot_int.h - names of snapshots; for the .c files of this folder only. */
#pragma once
#include "tsdb/head/snapshot.h"

/* Appends the path of a whole snapshot. */
void snapshot_put_path(struct buf *to, const char *dir, struct snapshot_pos pos);
/* Deletes what stands below `dir` under such names, unfinished ones too, but that at `keep` (NULL:
 * nothing is kept). */
struct err snapshot_delete_but(struct fs *fs, const char *dir, const struct snapshot_pos *keep);
