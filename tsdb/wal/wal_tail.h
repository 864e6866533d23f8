/* wal_tail.h - reads a log while it is written, and goes on behind what is damaged.
 *
 * For queues: the reader follows the writer (wal_end()), holds a piece of a segment instead of
 * mapping all of it, so that a disk that fails gives an error, and loses of a damaged segment only
 * the records that the damage has reached. A head's log must not be read so: there a record needs
 * those before it (wal_reader.h).
 *
 *   wal_tail_seek(t, where to begin);
 *   while (wal_tail_next(t, wal_end(w), &record, &more) is OK && more) ...
 *
 * Threads: one at a time, beside everything that the log's owner does. */
#pragma once
#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"
#include "tsdb/wal/wal.h"

struct wal_tail;

struct wal_tail *wal_tail_open(struct fs *fs, const char *dir);
void wal_tail_close(struct wal_tail *t); /* NULL is allowed */
DEFINE_AUTO(struct wal_tail *, wal_tail_close)

/* The next record is the one that begins there: a position that wal_tail_where() gave, or the
 * beginning of a segment. */
void wal_tail_seek(struct wal_tail *t, struct wal_position at);
/* The next record before `end`, decompressed; *ret_record is valid until the next call. Segments
 * below end.segment are read to their end. *ret_more is false when there is none yet.
 * ERR_CORRUPT (ERR_LIMIT: a record above WAL_RECORD_BYTES_MAX): damage; the next call returns the
 * first record behind it. ERR_NOT_FOUND: the segment is gone, and the next call tries the one
 * behind it, if there can be one. Other failures: the next call tries again. */
struct err wal_tail_next(struct wal_tail *t, struct wal_position end, struct str *ret_record,
                         bool *ret_more);
/* Where the record returned last begins, or the fault. */
struct wal_position wal_tail_where(const struct wal_tail *t);
/* What the next call reads first. */
struct wal_position wal_tail_behind(const struct wal_tail *t);

/* The segments that there are, ascending, whether or not some are missing between them. */
struct wal_segment_size {
    uint64_t segment, bytes;
};
VEC_TYPE(wal_segment_sizes, struct wal_segment_size);
/* Appends to *ret_sizes. */
struct err wal_list_segments(struct fs *fs, const char *dir, struct wal_segment_sizes *ret_sizes);
