/* wal_reader.h - reads a log back, and repairs what a crash left.
 *
 * Threads: one at a time; the log must not be open for writing, but as said. */
#pragma once
#include "base/fs.h"
#include "base/str.h"
#include "tsdb/wal/wal_frames.h"

struct wal_reader;

/* Reads records of the segments behind the newest checkpoint from number `first` on (0: all), in
 * order. ERR_CORRUPT at once when a segment is missing between the checkpoint, where there is one,
 * and the last. */
struct err wal_reader_open(struct fs *fs, const char *dir, uint64_t first,
                           struct wal_reader **ret_reader);
/* Segments first .. end-1, which must exist; the log may be open and writing behind them. */
struct wal_reader *wal_reader_open_range(struct fs *fs, const char *dir, uint64_t first,
                                         uint64_t end);
void wal_reader_close(struct wal_reader *r);
/* Leaves out what stands before that offset, where a record begins, of that segment: a snapshot
 * has it. The offset may be behind the segment's end. Before the first record only. */
void wal_reader_skip(struct wal_reader *r, uint64_t segment, uint64_t offset);
/* From now on leaves out records whose first byte is n where bit n is set (wal_frames.h). */
void wal_reader_pass_over(struct wal_reader *r, uint32_t types);
/* The next record, decompressed; *ret_record is valid until the next call and has n == 0 (and
 * *ret_more false) behind the last. ERR_CORRUPT names segment, offset and cause: see
 * wal_reader_where(). A torn last record is ERR_CORRUPT too: wal_repair() cuts it off. */
struct err wal_reader_next(struct wal_reader *r, struct str *ret_record, bool *ret_more);
/* The same without decompressing it: *ret_stored is valid until the next call. Whoever opens it
 * finds damage there that its checksums do not show. */
struct err wal_reader_next_stored(struct wal_reader *r, struct wal_stored *ret_stored,
                                  bool *ret_more);
/* Segment and byte offset of the record returned last, or of the corruption. */
void wal_reader_where(const struct wal_reader *r, uint64_t *ret_segment, uint64_t *ret_offset);

/* Keeps everything before (segment, offset) and drops the rest, crash-safely, as Prometheus'
 * Repair does: later segments are deleted, the bad one is rewritten up to the offset. */
struct err wal_repair(struct fs *fs, const char *dir, uint64_t segment, uint64_t offset);

/* First and last number of the segments behind the newest checkpoint; *ret_none when there is
 * none. ERR_CORRUPT on a gap, also one behind the checkpoint. */
struct err wal_segments(struct fs *fs, const char *dir, uint64_t *ret_first, uint64_t *ret_last,
                        bool *ret_none);
/* The newest checkpoint.N directory: its path is appended to *ret_dir and N returned. */
struct err wal_last_checkpoint(struct fs *fs, const char *dir, struct buf *ret_dir,
                               uint64_t *ret_segment, bool *ret_none);
/* Bytes of all files of the log: segments and checkpoints. May run beside everything else. */
struct err wal_disk_bytes(struct fs *fs, const char *dir, uint64_t *ret_bytes);

DEFINE_AUTO(struct wal_reader *, wal_reader_close)
