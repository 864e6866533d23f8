/* index_writer.h - writes the index file of a block, version 2, as Prometheus does.
 *
 * Series are given in ascending label order; the file is written when all are known, because
 * symbols stand in front of series. Memory: 8 bytes a label, 24 a chunk, each text once unless
 * borrowed; while the lists are made, 4 bytes a label and a symbol more. Format: README.md.
 * Threads: one. */
#pragma once
#include "base/fs.h"
#include "tsdb/index/index_reader.h"

struct index_writer;
struct index_writer *index_writer_open(void);
void index_writer_close(struct index_writer *w); /* NULL is allowed */
DEFINE_AUTO(struct index_writer *, index_writer_close)

/* Copies what it needs. ERR_INVALID for a label set that is not behind the one before, or for
 * chunks that do not ascend without overlap. */
struct err index_writer_add(struct index_writer *w, struct labels labels,
                            const struct index_chunk *chunks, size_t count);

/* Before the first series: its texts, and those of all behind it, outlive the writer and are
 * borrowed. Otherwise they are copied. */
void index_writer_borrow(struct index_writer *w);

/* Gives the symbols beforehand: ascending, none twice; those that no series uses are left out of
 * the file, but for the empty one, which always stands in it. Array and texts are borrowed until
 * the writer is closed. Series come by numbers then. */
void index_writer_symbols(struct index_writer *w, const struct str *sorted, size_t count);
/* The order of labels_cmp(), for numbers that ascend as their texts. */
int index_pairs_cmp(const struct index_pair *x, size_t x_count, const struct index_pair *y,
                    size_t y_count);
/* As index_writer_add(), after index_writer_symbols(). */
struct err index_writer_add_numbered(struct index_writer *w, const struct index_pair *pairs,
                                     size_t count, const struct index_chunk *chunks,
                                     size_t chunk_count);

/* Writes and syncs a new file. ERR_LIMIT when a part of it would pass what the format can hold. */
struct err index_writer_finish(struct index_writer *w, struct fs *fs, const char *path);
