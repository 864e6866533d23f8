/* verify_int.h - the parts of a verification, for the files of this folder.
 *
 * A check of a file is straight code over its bytes: TRY(broken(...)) reports and goes on, or
 * leaves the file, as the caller of verify_database() wants it. */
#pragma once
#include "base/arena.h"
#include "base/map.h"
#include "tsdb/inspect/database.h"
#include "tsdb/inspect/verify.h"
#include "tsdb/model/labels.h"

struct verify {
    struct fs *fs;   /* borrowed, as dir and opts */
    const char *dir; /* of the database */
    const struct verify_opts *opts;
    uint64_t broken;
};

/* Whether a file that is not there is a fault: one of a block is, unless the whole block was
 * deleted meanwhile; one of a log may have been truncated away. */
enum verify_absence { ABSENCE_IS_FINE, ABSENCE_IS_BROKEN };

/* One file that is checked. */
struct verify_file {
    struct verify *v;
    enum verify_absence absence;
    char *path;   /* whole; owned */
    size_t below; /* where the part of the path that is told begins */
    size_t findings;
    struct fs_map map; /* the file's bytes while `mapped` */
    bool mapped;
};
/* The file v->dir/<name>. */
void verify_file_init(struct verify_file *f, struct verify *v, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
void verify_file_fini(struct verify_file *f);
static inline void
auto_verify_file_fini(struct verify_file *f)
{
    verify_file_fini(f);
}
struct err verify_file_map(struct verify_file *f);
/* Consumes what checking the file has returned: that it was left, or that it is gone, is fine;
 * damage that a reader of tsdb/ found breaks `rule`. */
struct err verify_file_end(struct verify_file *f, struct err e, enum verify_rule rule);

/* Reports; OK when the check should go on in this file, else ERR_CANCELED. */
struct err broken(struct verify_file *f, enum verify_rule rule, uint64_t offset, const char *fmt,
                  ...) PRINTF_LIKE(4, 5);
/* The same where nothing can be read behind: always ERR_CANCELED. */
struct err broken_end(struct verify_file *f, enum verify_rule rule, uint64_t offset,
                      const char *fmt, ...) PRINTF_LIKE(4, 5);
/* A message of a reader as a finding; consumes `e`. */
struct err broken_by(struct verify_file *f, enum verify_rule rule, uint64_t offset, struct err e);
void told(struct verify_file *f, uint64_t offset, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* --- refs: a word for each series number -------------------------------------------------------
 */

struct ref_table {
    struct map pages;
    uint64_t *page; /* the last one used */
    uint64_t page_number;
};
void ref_table_init(struct ref_table *t);
void ref_table_fini(struct ref_table *t);
static inline void
auto_ref_table_fini(struct ref_table *t)
{
    ref_table_fini(t);
}
/* The word of `ref`, 0 at first. ERR_LIMIT when the refs take more memory than a gigabyte. */
struct err ref_table_at(struct ref_table *t, uint64_t ref, uint64_t **ret_word);
/* NULL when the word is 0 for sure. */
uint64_t *ref_table_find(struct ref_table *t, uint64_t ref);

/* --- blocks ------------------------------------------------------------------------------------
 */

struct index_series;

/* Whether a sorted list of big-endian numbers has this one. */
bool verify_ids_have(struct str ids, uint64_t id);

struct index_visitor {
    /* Each series in order; `offset` is that of its entry. */
    struct err (*series)(void *arg, uint32_t id, uint64_t offset, const struct index_series *s);
    void *arg;
};
/* The mapped file `f`. *ret_ids, big endian in the image, are all series; empty when they cannot
 * be told. */
struct err verify_index(struct verify_file *f, const struct index_visitor *visitor,
                        struct str *ret_ids);
struct err verify_block(struct verify *v, const struct database_block *block);

/* A chunk of any encoding whose times are given: V9. *ret_samples is what it announces;
 * *ret_known is false for encodings that are not looked into. */
struct err verify_chunk(unsigned encoding, struct str data, int64_t mint_ms, int64_t maxt_ms,
                        size_t *ret_samples, bool *ret_known);

/* --- the head ----------------------------------------------------------------------------------
 */

/* What a record says about series. An error ends its walk. */
struct record_visitor {
    struct err (*named)(void *arg, uint64_t ref, struct labels labels);
    struct err (*used)(void *arg, uint64_t ref);
    void *arg;
};
/* Decodes a record of the log, whatever its type: ERR_CORRUPT says what is wrong with its bytes.
 * *ret_known is false for types that are not known. */
struct err verify_record(struct str record, struct arena *scratch,
                         const struct record_visitor *visitor, bool *ret_known);

struct err verify_log(struct verify *v);
struct err verify_chunks_head(struct verify *v);
struct err verify_snapshot(struct verify *v, const char *name);
/* Records of the segments in one directory below v->dir, from segment `first` on. A record that
 * the crash tore at the very end is told. `record` is called for each; *whole becomes false as
 * soon as some cannot be read. */
struct err verify_segments(struct verify *v, const char *below, uint64_t first,
                           struct err (*record)(void *arg, struct verify_file *f, uint64_t offset,
                                                struct str record),
                           void *arg, bool *whole);
