/* index_reader.h - a block's index file: which series it has, under which labels, in which chunks.
 *
 * The reader is a view of the file's bytes (a mapping): it copies no string. Opening verifies
 * the header, the table of contents, the symbols and the table of postings lists; a list or a
 * series is verified each time it is read, so that damage costs only the queries that meet it.
 * Strings given out are borrowed from the image.
 * Source: spec/tsdb.md section 6 (prometheus tsdb/docs/format/index.md); README.md has the bytes.
 * Threads: immutable after opening: any. Errors: ERR_CORRUPT naming offset and part,
 * ERR_UNIMPLEMENTED for versions that this reader does not know. */
#pragma once
#include "base/bytes.h"
#include "tsdb/index/match.h"
#include "tsdb/model/labels.h"
#include "tsdb/series_set.h"

enum {
    INDEX_SERIES_ALIGN = 16,         /* a series' number is its offset divided by this */
    INDEX_SERIES_BYTES_MAX = 64 << 20, /* of one entry: a month of chunks takes 30 KiB */
};

struct index_reader;

/* Borrows `image` for life. The caller owns *ret_reader. */
struct err index_reader_open(struct str image, struct index_reader **ret_reader);
void index_reader_close(struct index_reader *r); /* NULL is allowed */
DEFINE_AUTO(struct index_reader *, index_reader_close)

/* From now on keeps what matchers find there; borrowed for life. Before others know the reader. */
void index_reader_use_cache(struct index_reader *r, struct match_cache *cache);

/* For postings_match(). */
const struct postings_source *index_reader_postings(const struct index_reader *r);

struct index_chunk {
    int64_t mint_ms, maxt_ms; /* of its samples, both inclusive */
    uint64_t ref;             /* segment << 32 | offset: see tsdb/block/segment.h */
};
struct index_series {
    struct labels labels; /* array in the arena */
    const struct index_chunk *chunks; /* in the arena, as the file orders them */
    size_t chunk_count;
};
/* The entry of one series. */
struct err index_reader_series(const struct index_reader *r, uint32_t id, struct arena *a,
                               struct index_series *ret_series);

/* The same by numbers of symbols, for who reads all series: no text is looked at. */
struct index_pair {
    uint32_t name, value;
};
struct index_numbered_series {
    const struct index_pair *pairs; /* arrays in the arena */
    size_t pair_count;
    const struct index_chunk *chunks;
    size_t chunk_count;
};
struct err index_reader_series_numbered(const struct index_reader *r, uint32_t id, struct arena *a,
                                        struct index_numbered_series *ret_series);
/* All symbols in the order of their numbers, ascending: `count` times reader_ustr(). */
struct reader index_reader_symbols(const struct index_reader *r, uint32_t *ret_count);
/* The numbers of all series, in label order. */
struct err index_reader_all(const struct index_reader *r, struct arena *a,
                            struct postings *ret_all);

/* Names, or values of one name, that occur in the file, or in the series found. */
struct err index_reader_names(const struct index_reader *r, struct arena *a,
                              struct str_list *ret_names);
struct err index_reader_values(const struct index_reader *r, struct str name, struct arena *a,
                               struct str_list *ret_values);
struct err index_reader_names_of(const struct index_reader *r, struct postings found,
                                 struct arena *a, struct str_list *ret_names);
struct err index_reader_values_of(const struct index_reader *r, struct str name,
                                  struct postings found, struct arena *a,
                                  struct str_list *ret_values);

/* Reads everything: every list and every series, sorted and consistent with each other. */
struct err index_reader_check(const struct index_reader *r);
