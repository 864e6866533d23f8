/* meta.h - what a block says about itself: <block>/meta.json, read and written whole.
 *
 * What this version does not know ("thanos" and whatever comes with it) is kept as it was
 * written, so that a rewrite loses nothing of other programs'. Written as Prometheus and Thanos
 * write it, byte for byte: a line an item, tabs.
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

/* A block that another one was made from and replaces. The zero name stands for a head. */
struct block_parent {
    struct ulid ulid;
    int64_t mint_ms, maxt_ms; /* as in its meta.json */
};

struct block_meta {
    struct ulid ulid;
    int64_t mint_ms, maxt_ms; /* of its samples; maxt_ms itself is behind them */
    uint64_t samples, series, chunks, deletions; /* 0 where the file does not say */
    uint64_t float_samples, histogram_samples;   /* since Prometheus 3; 0 before */
    uint32_t level;                   /* 1 from a head, one more with each compaction */
    unsigned hints;                   /* of enum block_hint */
    bool deletable;                   /* a compaction of it left nothing */
    bool failed;                      /* a compaction of it failed: it is left alone */
    VEC(struct ulid) sources;         /* blocks of heads whose samples it has */
    VEC(struct block_parent) parents; /* direct ones */
    /* Members that this version does not know, as text ready to be written again. */
    struct buf unknown, unknown_stats, unknown_compaction, unknown_hints;
    bool line_end; /* behind the text: Thanos writes one */
};

struct err block_meta_parse(struct str text, struct block_meta *ret_meta);
/* Reads <dir>/meta.json. */
struct err block_meta_load(struct fs *fs, const char *dir, struct block_meta *ret_meta);
/* Allowed on a zeroed meta. */
void block_meta_fini(struct block_meta *m);
static inline void
auto_block_meta_fini(struct block_meta *m)
{
    block_meta_fini(m);
}

/* Appends the text of the file. */
void block_meta_format(const struct block_meta *m, struct buf *to);
/* The same in one line, without what this version does not know: for APIs. */
void block_meta_format_line(const struct block_meta *m, struct buf *to);
/* Replaces <dir>/meta.json as a whole: a crash leaves the old one or the new one. */
struct err block_meta_write(struct fs *fs, const char *dir, const struct block_meta *m);

enum block_mark { BLOCK_MARK_FAILED, BLOCK_MARK_DELETABLE };
/* Sets compaction.failed or compaction.deletable in <dir>/meta.json; all else stays. */
struct err block_meta_mark(struct fs *fs, const char *dir, enum block_mark mark);
