/* snapshot.h - a head's series and open chunks on disk, so that a start need not read the log.
 *
 * A snapshot is a directory <head>/chunk_snapshot.SEGMENT.OFFSET, framed as the log is. It says
 * what a head held when its log ended at that position: whoever has loaded it (and chunks_head,
 * which has all but the open chunks) replays the log from there on. It is made on a clean stop.
 * Source: spec/tsdb.md sections 10 and 11. Format, invariants N1 to N5: README.md.
 * Threads: one at a time. */
#pragma once
#include "base/fs.h"
#include "tsdb/head/snapshot_record.h"
#include "tsdb/wal/wal.h"

/* A place in the log: everything before it is in the snapshot. */
struct snapshot_pos {
    uint64_t segment, offset;
};
/* Where a log that is not open ends: its last segment and the length of that. ERR_NOT_FOUND for a
 * log without segments. */
struct err snapshot_pos_of_log(struct fs *fs, const char *wal_dir, struct snapshot_pos *ret_pos);

/* The newest snapshot below `dir` that fits the log, its path appended to *ret_path. Removes what
 * a crash left of others, and all snapshots when the last segment of the log is older than the
 * newest one (N4): then, and when there is none, *ret_none. */
struct err snapshot_find(struct fs *fs, const char *dir, const char *wal_dir, struct buf *ret_path,
                         struct snapshot_pos *ret_pos, bool *ret_none);
/* Every snapshot below `dir`, and what is left of others. */
struct err snapshot_delete_all(struct fs *fs, const char *dir);

/* --- writing ---------------------------------------------------------------------------------- */

enum { SNAPSHOT_BATCH_BYTES = 10 << 20 }; /* of records that wait before they are written */

struct snapshot_writer;
struct snapshot_opts {
    struct fs *fs;   /* borrowed for life */
    const char *dir; /* of the head; copied */
    struct snapshot_pos pos;
    enum wal_compression compression;
};
/* Begins <name>.tmp. The caller owns *ret_writer. */
struct err snapshot_writer_open(const struct snapshot_opts *opts,
                                struct snapshot_writer **ret_writer);
/* First all series, then all deletions, then all exemplars. Nothing is kept of the arguments. */
struct err snapshot_add_series(struct snapshot_writer *w, const struct snapshot_series *s);
void snapshot_add_deletion(struct snapshot_writer *w, const struct snapshot_deletion *d);
struct err snapshot_add_exemplar(struct snapshot_writer *w, const struct snapshot_exemplar *e);
/* Writes the rest, syncs it, gives it its name and deletes older snapshots. Until then, and after
 * a failure, there is no snapshot at `pos`. Nothing but close may follow. */
struct err snapshot_writer_finish(struct snapshot_writer *w);
/* Removes what was not finished, if it can. NULL is allowed. */
void snapshot_writer_close(struct snapshot_writer *w);
DEFINE_AUTO(struct snapshot_writer *, snapshot_writer_close)

/* --- reading ---------------------------------------------------------------------------------- */

enum snapshot_kind { SNAPSHOT_END, SNAPSHOT_SERIES, SNAPSHOT_DELETION, SNAPSHOT_EXEMPLAR };
struct snapshot_item {
    enum snapshot_kind kind;
    union {
        struct snapshot_series series;
        struct snapshot_deletion deletion;
        struct snapshot_exemplar exemplar;
    };
};

struct snapshot_reader;
/* `path` as snapshot_find() gave it. */
struct err snapshot_reader_open(struct fs *fs, const char *path,
                                struct snapshot_reader **ret_reader);
/* The next item, in the order of writing, valid until the next call; SNAPSHOT_END behind the last.
 * After any error the snapshot is not to be used, not even what was read of it: ERR_CORRUPT for
 * damage and for one that ends too early (N2), ERR_UNIMPLEMENTED for what we cannot hold. */
struct err snapshot_reader_next(struct snapshot_reader *r, struct snapshot_item *ret_item);
void snapshot_reader_close(struct snapshot_reader *r); /* NULL is allowed */
DEFINE_AUTO(struct snapshot_reader *, snapshot_reader_close)
