/* source.h - all series of one block in label order, by numbers of merged symbols: what a
 * compaction reads.
 *
 * Threads: one. Errors: ERR_CORRUPT naming block, file and place. */
#pragma once
#include "tsdb/block/block.h"
#include "tsdb/block/segment.h"
#include "tsdb/block/tombstones.h"
#include "tsdb/chunk/recode.h"
#include "tsdb/index/index_reader.h"

struct source {
    struct block_parts block;
    const uint32_t *numbers; /* from symbols of the block to merged ones; borrowed */
    struct arena lists;
    struct postings all;
    size_t next; /* position in `all` */
    struct arena rows[2]; /* of the series that it is at, and of the one before */
    uint32_t id;          /* of that series in the block */
    const struct index_pair *pairs; /* merged numbers; NULL at the end */
    size_t pair_count;
    const struct index_chunk *chunks;
    size_t chunk_count;
};

/* At the first series. The block is borrowed. */
struct err source_open(struct source *s, const struct block *b, const uint32_t *numbers);
void source_close(struct source *s); /* allowed on a zeroed source */
/* Pairs of the series before stay valid until the next call. */
struct err source_next(struct source *s);
static inline bool
source_ended(const struct source *s)
{
    return s->pairs == NULL;
}
/* The order of label sets. Neither has ended. */
int source_cmp(const struct source *x, const struct source *y);

/* Chunks of one series on their way into a new block. */
struct passing_chunks {
    struct chunk_views views;
    size_t rewritten; /* how many of them are not as they stood in a chunk file */
};
/* Appends what the series' chunks hold in [mint, maxt), without what was deleted. New bytes are in
 * the arena. */
struct err source_chunks(const struct source *s, int64_t mint_ms, int64_t maxt_ms, struct arena *a,
                         struct passing_chunks *to);
