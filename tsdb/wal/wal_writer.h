/* wal_writer.h - one thread's view of writing a log: frames records into pages and segments.
 *
 * Records are put, which only frames them in memory (and writes whenever a segment is full),
 * then committed: written and, if wanted, synced. What was put since the last commit can be
 * taken back from the disk as a whole. wal.c hands the writer from leader to leader.
 * Threads: one at a time. */
#pragma once
#include "base/fs.h"
#include "base/str.h"
#include "base/vec.h"
#include "tsdb/wal/wal.h"

/* What was said of a segment's records: wal_enqueue_dated(). */
struct wal_segment_time {
    uint64_t segment;
    int64_t newest_ms;
};

struct wal_writer {
    struct fs *fs;          /* borrowed */
    char *dir;              /* owned */
    uint64_t segment_bytes; /* immutable, as `sync` */
    enum wal_sync_mode sync;

    struct file *file; /* the current segment; NULL after a failure */
    uint64_t segment;  /* its number */
    uint64_t written;  /* bytes of it in the kernel */
    struct buf framed; /* bytes that go behind those */

    uint64_t good_segment, good_offset; /* end of the last commit */
    uint64_t first_segment;             /* of this writer */
    VEC(struct wal_segment_time) times; /* ascending; 16 bytes a segment, whatever becomes of it */
    VEC(struct file *) retired;         /* full segments that nobody has synced yet */
    uint64_t bytes_total;               /* written by all commits */
};

/* Creates the segment behind the last one that exists. The caller owns *w in any case. */
struct err wal_writer_open(struct wal_writer *w, const struct wal_opts *opts);
void wal_writer_fini(struct wal_writer *w);

/* Frames one record as stored; `flags` are WAL_FLAG_*. Changes to the next segment first when
 * the record does not fit the current one. */
struct err wal_writer_put(struct wal_writer *w, struct str stored, unsigned flags);
/* Of the record put last. */
void wal_writer_date(struct wal_writer *w, int64_t newest_ms);
int64_t wal_writer_newest_ms(const struct wal_writer *w, uint64_t segment);
/* Begins the next segment, unless the current one is empty; everything put has been committed.
 * The one that ends is left in w->retired, or synced with WAL_SYNC_BATCH. */
struct err wal_writer_cut(struct wal_writer *w);
/* Writes what was put; with WAL_SYNC_BATCH also syncs it. From then on it is not taken back. */
struct err wal_writer_commit(struct wal_writer *w, enum wal_sync_mode sync);
/* The end of the last commit. */
static inline struct wal_position
wal_writer_end(const struct wal_writer *w)
{
    return (struct wal_position){w->good_segment, w->good_offset};
}
/* Syncs and closes full segments: those that wal_writer_commit() has left in w->retired. May
 * run beside everything else when the caller has moved them to `files`. */
struct err wal_writer_retire(struct wal_writer *w, struct file **files, size_t count);
/* Zeros up to the end of the page, and a sync: nothing may be put afterwards. */
struct err wal_writer_finish(struct wal_writer *w);
/* After a failure of any of these: takes back what was not committed and starts the segment
 * behind the good end. May fail and be called again. */
struct err wal_writer_rollback(struct wal_writer *w);
