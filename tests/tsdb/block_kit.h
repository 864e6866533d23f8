/* block_kit.h - index files made by the book, and copies of blocks to break. */
#pragma once
#include "base/fs.h"
#include "tests/harness.h"
#include "tsdb/index/index_reader.h"

/* A whole index file of sorted label sets; series i has the one chunk {mint i, maxt i, ref 8}.
 * A plain writer, straight from the format's description. */
void kit_index(struct buf *to, const struct labels *series, size_t n);
/* n series {__name__="m", even="yes" or "no", i="0000".."9999"} in the arena. */
struct labels *kit_label_sets(struct arena *a, size_t n);
/* Writes the right checksum behind the section at `offset` (be32 length in front). */
void kit_index_reseal(struct buf *index, size_t offset);

struct matcher kit_matcher(struct arena *a, enum matcher_type type, const char *name,
                           const char *value);

/* Copies the files of a block (meta.json, index, tombstones, chunks/000001) to directory `to`. */
void kit_copy_block(const char *from, const char *to);
/* The bytes of a file of at most 1 MiB. */
void kit_read(struct buf *to, const char *dir, const char *name);
void kit_write(const char *dir, const char *name, struct str bytes);
