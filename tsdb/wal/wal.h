/* wal.h - an append-only log: segments of pages of records; the write-ahead log of a head
 * (directory wal) and that of its samples out of order (wbl).
 *
 * Writing is in two steps, so that order is fixed without I/O under anybody's lock:
 * wal_enqueue() copies records into the queue (their order in the log is the order of these
 * calls) and returns a ticket; wal_wait() returns once the ticket's records are in the kernel
 * (or, with WAL_SYNC_BATCH, on the disk). The first waiter becomes the leader: it frames all
 * queued records and writes them with one call; the others sleep until it is done.
 * Byte format: README.md (spec/tsdb.md sections 1 and 13; prometheus tsdb/wlog).
 *
 * Failure: a failed write or sync poisons the log. Every ticket of that batch and every queued
 * one fails, and so do all later calls, until wal_recover().
 * Threads: any for enqueue and wait; the rest by the owner alone. */
#pragma once
#include "base/clock.h"
#include "base/fs.h"
#include "base/str.h"

struct wal; /* opaque: wal.c */

enum {
    WAL_PAGE_BYTES = 32 << 10,       /* a fragment never straddles a page        */
    WAL_RECORD_BYTES_MAX = 64 << 20, /* our limit: bounds memory during replay   */
    WAL_QUEUED_BYTES_MAX = 64 << 20, /* records that wait: above it ERR_OVERLOAD */
    WAL_SEGMENT_BYTES_DEFAULT = 128 << 20,
};
enum wal_sync_mode { WAL_SYNC_NONE, WAL_SYNC_BATCH };
enum wal_compression { WAL_PLAIN, WAL_SNAPPY };
#define WAL_TIME_NONE    INT64_MIN /* nothing in it has a time */
#define WAL_TIME_UNKNOWN INT64_MAX /* nobody has said */

struct wal_opts {
    struct fs *fs;          /* borrowed for life */
    const char *dir;        /* <tenant>/wal or wbl; copied; made when missing */
    uint64_t segment_bytes; /* a multiple of WAL_PAGE_BYTES */
    enum wal_sync_mode sync;
    enum wal_compression compression;
    /* 0: behind the last segment that exists, none of which may be missing. Else this one, which
     * does not exist, whatever lies before it. */
    uint64_t begin_segment;
};

/* A place where a record begins, or the end of one. */
struct wal_position {
    uint64_t segment, offset;
};

/* Position in the order of all records of this process' log. 0 is "nothing to wait for". */
typedef uint64_t wal_ticket;

/* Starts a new segment behind the last one that exists, as Prometheus does; repairs nothing
 * (see wal_reader.h: replay and repair come first), but removes what a crash left of a checkpoint
 * or a truncation. ERR_CORRUPT when a segment is missing. The caller owns *ret_wal. */
struct err wal_open(const struct wal_opts *opts, struct wal **ret_wal);
/* Flushes what is queued, pads the page, syncs. Call once before wal_close() on a clean stop. */
struct err wal_finish(struct wal *w);
void wal_close(struct wal *w); /* NULL is allowed */

/* `records` are decoded record bodies (type byte first), each at most WAL_RECORD_BYTES_MAX.
 * Compressed here, on the caller's thread. ERR_UNAVAILABLE/ERR_NO_SPACE (the poison's own code
 * and cause) while poisoned; nothing is queued then. */
struct err wal_enqueue(struct wal *w, const struct str *records, size_t count,
                       wal_ticket *ret_ticket);
/* The same when it is known that no sample, histogram or exemplar in them is newer than
 * `newest_ms`: wal_newest_ms() remembers it. */
struct err wal_enqueue_dated(struct wal *w, const struct str *records, size_t count,
                             int64_t newest_ms, wal_ticket *ret_ticket);
struct err wal_wait(struct wal *w, wal_ticket ticket);
/* Where the log ends as it is written: what stands before is never taken back by a failure. */
struct wal_position wal_end(struct wal *w);
/* Newest ticket known to be written. */
wal_ticket wal_written(const struct wal *w);
/* After a failure: cuts the torn tail off the current segment (so that replay meets no torn
 * record in the middle of the log), starts a new segment and writes `records` first: those
 * that the owner knows to be lost and still needs. OK lifts the poison. */
struct err wal_recover(struct wal *w, const struct str *records, size_t count);
/* Begins a new segment now, unless the current one is empty: records of tickets given out from
 * now on are in *ret_segment or later. Those of earlier ones may be, too. A failure poisons. */
struct err wal_cut(struct wal *w, uint64_t *ret_segment);
/* What is known of the newest time in a segment that is not written to any more. */
int64_t wal_newest_ms(struct wal *w, uint64_t segment);
/* The poison: OK while healthy, else a copy of the cause. */
struct err wal_health(struct wal *w);
uint64_t wal_segment(const struct wal *w);       /* number of the one being written */
uint64_t wal_failures(const struct wal *w);      /* that poisoned it, since open */
uint64_t wal_bytes_written(const struct wal *w); /* since open, for metrics */

DEFINE_AUTO(struct wal *, wal_close)
