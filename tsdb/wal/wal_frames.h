/* wal_frames.h - the records inside the bytes of one segment. Pure: no files.
 *
 * Rules: README.md (prometheus tsdb/wlog/reader.go). Stricter than Prometheus where its writer
 * cannot have made the bytes: a fragment never crosses its page, unknown flags are refused, and
 * a fragment that the end of the segment cuts is torn. A segment that does not fill its last
 * page reads as if it were padded with zeros.
 * Threads: one at a time. */
#pragma once
#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"

/* A record as it is stored: perhaps compressed. */
struct wal_stored {
    struct str bytes;
    unsigned flags; /* WAL_FLAG_*, of wal_int.h */
};
/* Its first byte, which is the type of a record, from the beginning of its bytes; false when that
 * cannot be told without decompressing it. */
bool wal_stored_type(const struct wal_stored *s, uint8_t *ret_type);
/* The record itself: as it is, or decompressed behind what *plain has, which may move. ERR_CORRUPT,
 * ERR_LIMIT as below. Threads: any. */
struct err wal_stored_open(const struct wal_stored *s, struct buf *plain, struct str *ret_record);

struct wal_frames {
    struct str image; /* the whole segment; borrowed */
    size_t at;        /* behind what was read */
    size_t record_at; /* first fragment of the record returned last, or of the fault */
    /* Bit n: records whose first byte is n are passed over, where that byte can be seen without
     * decompressing the record. Their checksums are looked at all the same. */
    uint32_t unwanted;
    struct buf joined; /* stored bytes of a record of several fragments; owned */
    struct buf plain;  /* decompressed record; owned */
};
#define WAL_FRAMES_INIT                                                                            \
    {                                                                                              \
        .image = {NULL, 0}, .joined = BUF_INIT, .plain = BUF_INIT                                  \
    }

void wal_frames_fini(struct wal_frames *f);
/* Starts at the beginning of another segment; keeps memory. */
void wal_frames_begin(struct wal_frames *f, struct str image);
/* Reads on from there, where a record begins, or from the end. */
void wal_frames_skip(struct wal_frames *f, uint64_t offset);
/* The next record, decompressed; a view valid until the next call. *ret_more is false, and the
 * record empty, at the end. ERR_CORRUPT for damage and a torn end, ERR_LIMIT for a record above
 * WAL_RECORD_BYTES_MAX; f->record_at is then where a repair has to cut. */
struct err wal_frames_next(struct wal_frames *f, struct str *ret_record, bool *ret_more);
/* The same without decompressing it. */
struct err wal_frames_next_stored(struct wal_frames *f, struct wal_stored *ret_stored,
                                  bool *ret_more);
/* After a failure of either: moves to where the next record begins that the damage has not reached,
 * or to the end. */
void wal_frames_resync(struct wal_frames *f);
/* The record that it has just returned, in the memory of `f`; an error names the offset. */
struct err wal_frames_open(struct wal_frames *f, const struct wal_stored *stored,
                           struct str *ret_record);

static inline void
auto_wal_frames_fini(struct wal_frames *f)
{
    wal_frames_fini(f);
}
