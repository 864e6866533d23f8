/* block_writer.h - writes a new block: series by series, or all that a series_set yields.
 *
 * Order, so that a crash leaves either no block or a whole one: chunks and index into
 * <ULID>.tmp-for-creation, each synced; meta.json, tombstones; sync of the directory; rename to
 * <ULID>; sync of the parent. What a crash leaves has the suffix and is removed at the next
 * opening (tsdb/blocks.h). Chunks are copied as they are.
 *
 *   block_writer_open(&opts, &w);
 *   for every series, in label order:
 *       block_writer_chunk(w, &chunk)...; block_writer_series(w, labels);
 *   block_writer_finish(w, &empty); block_writer_close(w);
 *
 * Errors name the new block. After one, the writer can only be closed. Threads: one. */
#pragma once
#include "tsdb/block/meta.h"
#include "tsdb/index/index_writer.h"
#include "tsdb/series_set.h"

enum { BLOCK_SEGMENT_BYTES_MAX = 512 << 20 };

/* All of it is borrowed for the life of the writer. */
struct block_writer_opts {
    struct fs *fs;
    const char *dir;    /* of the database: the parent of the block */
    struct ulid ulid;   /* of the new block */
    int64_t mint_ms, maxt_ms; /* for meta.json; chunks must lie in [mint, maxt) */
    bool span_of_chunks;      /* meta.json tells what the chunks span instead; any may come */
    bool borrows_labels;      /* the texts of all labels outlive the writer */
    uint64_t segment_bytes;   /* 0: BLOCK_SEGMENT_BYTES_MAX */
    uint32_t level;           /* 0: 1, as a block of a head */
    unsigned hints;           /* of enum block_hint */
    const struct ulid *sources; /* none: the block itself, as a block of a head */
    size_t source_count;
    const struct block_parent *parents;
    size_t parent_count;
    /* May be NULL. What the block is a part or a cleaned copy of: its only parent, whose hints
     * it inherits; all zero but the hints for what comes out of a head beside its order. */
    const struct block_meta *base;
};

struct block_writer;
/* The caller owns *ret_writer. */
struct err block_writer_open(const struct block_writer_opts *o, struct block_writer **ret_writer);
/* Without a finish that succeeded, removes what was written. NULL is allowed. */
void block_writer_close(struct block_writer *w);
DEFINE_AUTO(struct block_writer *, block_writer_close)
/* The next chunk of the series that the next block_writer_series() names. */
struct err block_writer_chunk(struct block_writer *w, const struct chunk_view *c);
/* The same for a chunk within a chunk file, whose checksum was verified and is copied with it:
 * the encoding stands right before c->data, the checksum right behind. */
struct err block_writer_framed_chunk(struct block_writer *w, const struct chunk_view *c);
/* Ends a series; one without chunks is left out. Labels must be behind those before. */
struct err block_writer_series(struct block_writer *w, struct labels labels);
/* Instead, for callers that have the symbols of all series beforehand: see index_writer.h. */
void block_writer_symbols(struct block_writer *w, const struct str *sorted, size_t count);
struct err block_writer_series_numbered(struct block_writer *w, const struct index_pair *pairs,
                                        size_t count);
/* Makes the block visible. Without any chunk nothing is left and *ret_empty is true. */
struct err block_writer_finish(struct block_writer *w, bool *ret_empty);

/* Pulls all of `set` into a new block. */
struct err block_write(const struct block_writer_opts *o, struct series_set *set, bool *ret_empty);
