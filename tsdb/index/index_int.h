/* index_int.h - the inside of an index reader, for the files of this folder. */
#pragma once
#include "base/bytes.h"
#include "tsdb/index/index_reader.h"

enum {
    INDEX_MAGIC = 0xbaaad700,
    INDEX_VERSION_2 = 2,
    INDEX_VERSION_3 = 3,
    INDEX_HEADER_BYTES = 5,
    INDEX_TOC_BYTES = 52,
    INDEX_SYMBOLS_SAMPLED = 8, /* every how many symbols the place of one is kept */
    INDEX_VALUES_SAMPLED = 32, /* every how many values of a name the place of one is kept */
};

/* The sorted strings of a file; a symbol's number is its position. */
struct index_symbols {
    struct str bytes; /* count x ustr */
    uint32_t count;
    uint32_t *places; /* of symbols 0, 8, 16, ... in `bytes` */
};
/* `section` is the body of the section: be32 count, then the strings. */
struct err index_symbols_open(struct str section, struct index_symbols *ret_symbols);
void index_symbols_fini(struct index_symbols *s);
/* False when there is no such symbol. */
bool index_symbols_at(const struct index_symbols *s, uint64_t number, struct str *ret_text);
bool index_symbols_find(const struct index_symbols *s, struct str text, uint32_t *ret_number);

/* One name in the table of postings lists. */
struct index_name {
    struct str text;
    uint32_t value_count;
    uint32_t first_sample; /* its values 0, 32, 64, ... are samples first_sample, +1, +2, ... */
};
/* Where the entry of a value begins in the table. */
struct index_sample {
    struct str value;
    uint32_t place;
};
/* The table of postings lists: from a pair to the offset of its list. */
struct index_table {
    struct str bytes; /* entries */
    VEC(struct index_name) names;     /* ascending */
    VEC(struct index_sample) samples; /* of the names in turn, ascending within a name */
    uint64_t all_offset;              /* list of all series; 0: none */
};
struct index_entry {
    struct str name, value;
    uint64_t list_offset;
};
/* `section` is the body of the section: be32 count, then the entries. */
struct err index_table_open(struct str section, struct index_table *ret_table);
void index_table_fini(struct index_table *t);
/* NULL when there is no such name. */
const struct index_name *index_table_name(const struct index_table *t, struct str name);
/* False when the name has no such value. */
bool index_table_find(const struct index_table *t, struct str name, struct str value,
                      uint64_t *ret_list_offset);
/* The values of a name that start with `prefix`, in order. */
struct index_values {
    struct reader at;
    uint32_t left; /* values of the name from there on */
    struct str prefix;
};
struct index_values index_table_values(const struct index_table *t, const struct index_name *name,
                                       struct str prefix);
bool index_values_next(struct index_values *v, struct index_entry *ret_entry);
/* False at the end and at what is no entry. */
bool index_entry_next(struct reader *r, struct index_entry *ret_entry);

struct index_reader {
    struct postings_source source;
    struct str image; /* borrowed for life */
    uint64_t series_start, series_end; /* entries lie between these offsets */
    struct index_symbols symbols;
    struct index_table table;
    struct match_cache *cache; /* borrowed for life; NULL: none. Set before it is shared */
    uint64_t generation;       /* in the cache */
};
static inline const struct index_reader *
index_reader_of(const struct postings_source *s)
{
    return container_of(s, const struct index_reader, source);
}

/* The body of the section at `offset`: be32 length, body, CRC. `what` is for the message. */
struct err index_section(struct str image, uint64_t offset, const char *what,
                         struct str *ret_body);
/* index_reader.c - a cursor over the verified entry of a series: labels, then chunks. */
struct err index_series_entry(const struct index_reader *r, uint32_t id, struct reader *ret_body);
/* lists.c - the postings list at an offset, byte-swapped into the arena. */
struct err index_list(const struct index_reader *r, uint64_t offset, struct arena *a,
                      struct postings *ret_list);
extern const struct postings_source_ops index_postings_ops;
