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
    int64_t end_ms;     /* what is older leaves */
    uint64_t mark;      /* of head_begin_cut() */
    uint64_t view;      /* older ones have to be released first */
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
    bool late_due GUARDED_BY(maintain_lock); /* the head was cut: late samples are next */
    int64_t truncate_to_ms GUARDED_BY(maintain_lock); /* of the log; INT64_MIN: nothing to do */
    /* Blocks have changed since db_tidy(), or it has left something to be done. */
    bool untidy GUARDED_BY(maintain_lock);
    /* Of no view any more, or not yet: their files are to be deleted. */
    VEC(struct ulid) unwanted GUARDED_BY(maintain_lock);
    _Atomic(uint64_t) cuts, cuts_failed, compactions; /* figures */
};

/* db_blocks.c - by the maintaining thread. */
struct ulid db_new_ulid(const struct db *db);
/* One that was just written into the directory. If it does not open it is unwanted: whoever wrote
 * it will do so again. */
struct err db_open_block(struct db *db, const struct ulid *ulid, struct block **ret_block)
    REQUIRES(db->maintain_lock);
/* All of `set`, as a block of the database: sets fs, dir and ulid of *o. *ret_block is NULL when
 * there was nothing to write. */
struct err db_write_block(struct db *db, struct block_writer_opts *o, struct series_set *set,
                          struct block **ret_block) REQUIRES(db->maintain_lock);
/* A block was to be written, of samples or of blocks; ERR_NONE: it is there. */
void db_count_compaction(struct db *db, enum err_code code);
/* What the current view says of the head. */
struct view_bounds db_view_bounds(struct db *db);
/* Readers see `block` (taken; NULL: only other bounds) from the view on whose number it returns. */
uint64_t db_publish_block(struct db *db, struct block *block, struct view_bounds bounds)
    REQUIRES(db->maintain_lock);

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
