/* index_writer_int.h - what the files of the index writer share. */
#pragma once
#include "tsdb/index/file_writer.h"
#include "tsdb/index/index_writer.h"

#define SYMBOL_UNUSED UINT32_MAX

struct written_series {
    size_t first_chunk;
    uint32_t first_pair;
    uint32_t pair_count, chunk_count;
};

/* What is to be written. */
struct written {
    VEC(struct index_pair) pairs; /* series by series; positions in `symbols` when writing */
    VEC(struct index_chunk) chunks;
    VEC(struct written_series) series;
    const struct str *symbols; /* sorted; borrowed */
    size_t symbol_count;
    uint32_t *numbers; /* of the symbols in the file, or SYMBOL_UNUSED; 0 is the empty one */
    uint32_t used_symbols; /* the empty one included */
};

/* A section whose body is written in pieces: its length must be known first. */
struct index_section_writer {
    uint32_t crc;
    size_t from; /* of what is in `pending` and not in the checksum yet */
};
void index_section_begin(struct file_writer *out, struct index_section_writer *s,
                         uint32_t body_bytes);
/* Writes pending bytes once they are a piece long. */
struct err index_section_flush(struct file_writer *out, struct index_section_writer *s);
void index_section_end(struct file_writer *out, struct index_section_writer *s);
void index_align(struct file_writer *out, unsigned to);

/* lists_writer.c - the list of all series, then one for each pair in use; appends an entry each
 * to `table`. ids[] are the numbers of the series in the file. */
struct err index_write_lists(const struct written *w, const uint32_t *ids, struct file_writer *out,
                             struct buf *table, uint32_t *ret_entries);
