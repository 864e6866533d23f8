/* block_delete.h - takes a whole block away.
 *
 * Threads: any; no other thread may write the same block. */
#pragma once
#include "base/fs.h"
#include "base/ulid.h"

/* Removes <dir>/<ULID>: renamed to <ULID>.tmp-for-deletion, then removed, so that a crash leaves
 * the block, or what the next opening removes (tsdb/blocks.h). Readers that have it open go on.
 * A missing block is fine. */
struct err block_delete(struct fs *fs, const char *dir, const struct ulid *ulid);
