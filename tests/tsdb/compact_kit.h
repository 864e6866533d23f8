/* compact_kit.h - blocks made of samples that a test knows, and what is in a block. */
#pragma once
#include "base/rand.h"
#include "base/vec.h"
#include "tests/tsdb/block_kit.h"
#include "tsdb/block/block.h"

enum {
    KIT_SERIES = 7,
    KIT_ROW_RANGE_MS = 1000,
    KIT_ROW_SAMPLES = 40, /* of a series in a block */
    KIT_ROW_CHUNK_SAMPLES = 15,
};

/* Sample of a series: {__name__="m", [odd="yes",] s="N"}, so that symbols differ with the series
 * that a block has. */
struct kit_point {
    size_t series;
    int64_t t_ms;
    uint64_t bits;
};
VEC_TYPE(kit_points, struct kit_point);

/* In order of series and time, each time once. */
void kit_sort_points(struct kit_points *p);
/* What a block has, as readers see it. */
void kit_read_points(const struct block *b, struct kit_points *to);
void kit_assert_same_points(const char *name, const struct kit_points *got,
                            const struct kit_points *want);

/* Opens <dir>/<ULID of `number`>. */
void kit_open_block(const char *dir, uint8_t number, struct block **ret_block);
bool kit_has_block(const char *dir, uint8_t number);
struct ulid kit_ulid(uint8_t number);
/* A block of sorted points with chunks of at most `chunk_samples`. */
void kit_make_block(const char *dir, uint8_t number, int64_t mint_ms, int64_t maxt_ms,
                    const struct kit_points *points, size_t chunk_samples);
/* n blocks in a row, numbers from 0, of all series: samples each 20 ms over 800 ms, then none up to
 * the next one. */
void kit_make_row(const char *dir, size_t n, struct block **ret_blocks);
