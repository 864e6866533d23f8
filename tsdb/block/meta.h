/* meta.h - what a block says about itself: <block>/meta.json.
 *
 * Keys that this version does not know are tolerated ("thanos" among them).
 * Source: spec/tsdb.md section 8 (prometheus tsdb/block.go, BlockMeta).
 * Threads: immutable after parsing: any. Errors: ERR_CORRUPT naming the key. */
#pragma once
#include "base/fs.h"
#include "base/ulid.h"
#include "base/vec.h"

enum {
    BLOCK_META_VERSION = 1,
    BLOCK_META_BYTES_MAX = 16 << 20,
    BLOCK_LEVEL_MAX = 1 << 20, /* of compaction; ten in practice */
};

/* How a block came to be, where that matters to others: bits of block_meta.hints. */
enum block_hint {
    BLOCK_FROM_OUT_OF_ORDER = 1,
    BLOCK_FROM_STALE_SERIES = 2,
    BLOCK_FROM_SELECTED_SERIES = 4,
};

struct block_meta {
    struct ulid ulid;
    int64_t mint_ms, maxt_ms; /* of its samples; maxt_ms itself is behind them */
    uint64_t samples, series, chunks, deletions; /* 0 where the file does not say */
    uint32_t level;      /* 1 from a head, one more with each compaction */
    unsigned hints;      /* of enum block_hint */
    bool deletable;      /* a compaction of it left nothing */
    VEC(struct ulid) parents; /* blocks that it was made from and replaces */
};

struct err block_meta_parse(struct str text, struct block_meta *ret_meta);
/* Reads <dir>/meta.json. */
struct err block_meta_load(struct fs *fs, const char *dir, struct block_meta *ret_meta);
void block_meta_fini(struct block_meta *m);
