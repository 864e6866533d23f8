/* blocks.h - the blocks of one database directory: found, judged, opened.
 *
 * A directory whose name is a ULID is a block. One without a readable meta.json is skipped with
 * a warning, for it was never finished; one that a loaded block names as its parent is removed,
 * for that block has its samples. Any other that does not open is an error: an operator must
 * decide. Left-overs of writers and deleters (<ULID>.tmp, .tmp-for-creation,
 * .tmp-for-deletion) are removed.
 * Source: spec/tsdb.md sections 0 and 13 (prometheus tsdb/db.go, openBlocks, reloadBlocks).
 * Threads: immutable after opening: any. */
#pragma once
#include "base/fs.h"
#include "base/log.h"
#include "tsdb/block/block.h"

struct blocks {
    VEC(struct block *) v; /* ascending mint_ms; a reference of each */
};
#define BLOCKS_INIT {.v = VEC_INIT}

/* `log` may be NULL. Both are borrowed for the call only. */
struct err blocks_open(struct fs *fs, struct log *log, const char *dir, struct blocks *ret_blocks);
/* One that was just written into `dir`. */
struct err blocks_open_one(struct fs *fs, const char *dir, const struct ulid *ulid,
                           struct block **ret_block);
void blocks_close(struct blocks *b);
/* Another list of the same blocks. */
struct blocks blocks_share(const struct blocks *b);
/* Takes a reference of `block`, at its place. */
void blocks_add(struct blocks *b, struct block *block);
static inline void
auto_blocks_close(struct blocks *b)
{
    blocks_close(b);
}
/* Samples of a head must not be older: blocks have them. INT64_MIN without blocks. */
int64_t blocks_min_valid_ms(const struct blocks *b);
