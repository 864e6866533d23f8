/* block.h - one block on disk: an immutable run of hours, answered as a series_set.
 *
 * <block>/meta.json, index, tombstones, chunks/ as Prometheus writes them (spec/tsdb.md
 * sections 5 to 8). All files are mapped, none is held in memory.
 * Threads: immutable after opening: any. Errors: ERR_CORRUPT naming the part. */
#pragma once
#include "tsdb/block/meta.h"
#include "tsdb/model/matcher.h"
#include "tsdb/series_set.h"

struct block;
struct match_cache;

/* Opens <dir>; takes *meta (which block_meta_load() gave) when it succeeds. */
struct err block_open(struct fs *fs, const char *dir, struct block_meta *meta,
                      struct block **ret_block);
/* As index_reader_use_cache(); before others know the block. */
void block_use_cache(struct block *b, struct match_cache *cache);
/* One more who closes it; returns b. */
struct block *block_ref(struct block *b);
/* The last one to call it closes the block; no set of it may be open then. NULL is allowed. */
void block_close(struct block *b);
DEFINE_AUTO(struct block *, block_close)
const struct block_meta *block_meta_of(const struct block *b);
uint64_t block_bytes(const struct block *b); /* of its files, when it was opened */
/* Some sample of the block can lie in [mint, maxt], both inclusive. */
bool block_overlaps(const struct block *b, int64_t mint_ms, int64_t maxt_ms);

/* As the functions of the same name in tsdb/db.h, over this block alone. Deleted samples are
 * left out of chunks; names and values ignore time and deletions, as Prometheus' do. */
struct err block_select(const struct block *b, const struct select_query *q,
                        struct matchers matchers, struct arena *a, struct series_set **ret_set);
struct err block_label_names(const struct block *b, struct matchers matchers, struct arena *a,
                             struct str_list *ret_names);
struct err block_label_values(const struct block *b, struct str name, struct matchers matchers,
                              struct arena *a, struct str_list *ret_values);

/* What a block is made of, for compactions and deletions. Borrowed from the block. */
struct block_parts {
    struct fs *fs;
    const char *dir;
    const struct index_reader *index;
    const struct segments *segments;
    const struct tombstones *tombstones;
};
struct block_parts block_parts_of(const struct block *b);

/* Reads everything: index, every chunk, and that both and meta.json agree. */
struct err block_check(const struct block *b);
