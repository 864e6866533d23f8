/* db_int.h - the inside of a database, for the files of this folder. */
#pragma once
#include "base/ulid.h"
#include "base/vec.h"
#include "tsdb/block/block_writer.h"
#include "tsdb/db.h"
#include "tsdb/head/head.h"
#include "tsdb/view.h"

/* Where the oldest hours of the head are on their way into a block: see db_cut.c. */
enum cut_stage {
    CUT_NONE,
    CUT_SETTLING,  /* nothing older is taken any more; appends under way may still bring some */
    CUT_WRITTEN,   /* the block is there; views from before it read the same from the head */
    CUT_FORGOTTEN, /* unlinked; views and appends from before that may still see it */
};

struct cut {
    enum cut_stage stage;
    int64_t end_ms; /* what is older leaves */
    uint64_t mark;  /* of head_begin_cut() */
    uint64_t view;  /* older ones have to be released first */
};

/* The same of late samples: see db_cut_late.c. */
enum late_cut_stage {
    LATE_CUT_NONE,
    LATE_CUT_WRITING, /* all are in chunks_head; some may be in blocks */
    LATE_CUT_WRITTEN, /* all are; views from before it read the same from the head */
    LATE_CUT_DROPPED, /* unlinked, as CUT_FORGOTTEN; the head is not cut meanwhile */
};

struct late_cut {
    enum late_cut_stage stage;
    struct head_late_cut of_head; /* mint_ms: what is older is in blocks */
    uint64_t view;                /* older ones have to be released first */
};

/* A block of no view any more, or not yet: its files are to be deleted. */
struct unwanted_block {
    struct ulid ulid;
    bool replaced; /* by one that is there: T16 */
};

struct db {
    /* configuration (immutable) */
    struct db_opts opts;
    char *dir; /* owned; opts.dir */
    char *lock_path;
    struct file *lock_file; /* held while open */

    struct views views;
    struct head *head;

    struct lock maintain_lock; /* one pass at a time; held over I/O, never by readers or appends */
    struct cut cut GUARDED_BY(maintain_lock);
    struct late_cut late_cut GUARDED_BY(maintain_lock);
    bool late_due GUARDED_BY(maintain_lock);          /* the head was cut: late samples are next */
    int64_t truncate_to_ms GUARDED_BY(maintain_lock); /* of the log; INT64_MIN: nothing to do */
    /* Blocks have changed since db_tidy(), or it has left something to be done. */
    bool untidy GUARDED_BY(maintain_lock);
    VEC(struct unwanted_block) unwanted GUARDED_BY(maintain_lock);
    _Atomic(uint64_t) cuts, cuts_failed, compactions; /* figures */
};

/* Of several failures the first is told. Takes `e`. */
static inline void
db_keep_first(struct err *first, struct err e)
{
    if (first->code == ERR_NONE)
        *first = e;
    else
        err_drop(e);
}

/* db_blocks.c - by the maintaining thread. */
struct ulid db_new_ulid(const struct db *db);
/* One that was just written into the directory, if `made` says so (taken). What failed to be
 * written, or does not open, is unwanted: there may be something of it, and whoever wrote it will
 * do so again. */
struct err db_take_block(struct db *db, struct err made, const struct ulid *ulid,
                         struct block **ret_block) REQUIRES(db->maintain_lock);
/* One of the current view, whose files have changed. */
struct err db_reopen_block(struct db *db, const struct block *old, struct block **ret_block)
    REQUIRES(db->maintain_lock);
/* All of `set`, as a block of the database: sets fs, dir and ulid of *o. *ret_block is NULL when
 * there was nothing to write. */
struct err db_write_block(struct db *db, struct block_writer_opts *o, struct series_set *set,
                          struct block **ret_block) REQUIRES(db->maintain_lock);
/* A block was to be written, of samples or of blocks; ERR_NONE: it is there. */
void db_count_compaction(struct db *db, enum err_code code);
/* What the current view says of the head. */
struct view_bounds db_view_bounds(struct db *db);
/* Readers see these blocks (taken), the bounds, and what is deleted out of the head by now, from
 * the view on whose number it returns. */
uint64_t db_publish(struct db *db, struct blocks *blocks, struct view_bounds bounds)
    REQUIRES(db->maintain_lock);
/* The same with one block more (taken; NULL: none). */
uint64_t db_publish_block(struct db *db, struct block *block, struct view_bounds bounds)
    REQUIRES(db->maintain_lock);
/* Blocks chosen[0..n) of the current view leave, `added` (taken; NULL: nobody) comes in their
 * place: what leaves is unwanted once that is published. */
void db_replace_blocks(struct db *db, const struct view *view, const size_t *chosen, size_t n,
                       struct block *added) REQUIRES(db->maintain_lock);
/* Those that could not be deleted stay unwanted; the first failure is told. */
struct err db_delete_unwanted(struct db *db) REQUIRES(db->maintain_lock);
/* Files of a block that was replaced are still there. Before any block is replaced they must not
 * be: the new one might not name all that its samples were in, and a restart would take those for
 * blocks (T16). */
bool db_has_replaced(const struct db *db) REQUIRES(db->maintain_lock);
/* The head begins where one of these blocks ends: if they just left, a restart would bring back out
 * of the log what was in them. */
bool db_head_begins_at(const struct view *view, const size_t *chosen, size_t n);

/* db_tidy.c - deletes blocks that have had their time, compacts others. What fails of it keeps
 * nothing else from being done, and is tried again by the next call. */
struct err db_tidy(struct db *db) REQUIRES(db->maintain_lock);

/* db_cut.c - as many steps of cutting as can be done without waiting. */
enum cut_kind {
    CUT_WHEN_DUE, /* by the rule of 1.5 ranges */
    CUT_ALL,      /* whatever is there */
};
struct err db_cut(struct db *db, enum cut_kind kind) REQUIRES(db->maintain_lock);
/* Nobody has written for 1.5 ranges: then the clock cuts, since no sample will. */
bool db_is_idle(const struct db *db);
/* db_cut_late.c - the same for late samples, if the head was cut before; or for all. */
struct err db_cut_late(struct db *db, enum cut_kind kind) REQUIRES(db->maintain_lock);
