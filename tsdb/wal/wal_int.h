/* wal_int.h - numbers and names of the log's files; for the .c files of this folder only. */
#pragma once
#include "base/fs.h"
#include "base/str.h"
#include "base/vec.h"
#include "tsdb/wal/wal.h"

enum {
    WAL_FRAGMENT_HEADER_BYTES = 7, /* kind and flags, be16 length, be32 CRC */
    WAL_FRAGMENT_BYTES_MAX = WAL_PAGE_BYTES - WAL_FRAGMENT_HEADER_BYTES,
};

enum wal_fragment_kind {
    WAL_PAGE_END = 0, /* the rest of the page is zeros */
    WAL_FULL = 1,     /* a whole record */
    WAL_FIRST = 2,
    WAL_MIDDLE = 3,
    WAL_LAST = 4,
};
enum { WAL_KIND_MASK = 7, WAL_FLAG_SNAPPY = 8, WAL_FLAG_ZSTD = 16 };

/* What a log's directory holds, each ascending. */
struct wal_listing {
    VEC(uint64_t) segments;
    VEC(uint64_t) checkpoints;
    VEC(char *) unfinished; /* names of checkpoints that were never finished; owned */
};
#define WAL_LISTING_INIT                                                                           \
    {                                                                                              \
        VEC_INIT, VEC_INIT, VEC_INIT                                                               \
    }
/* All empty when there is no directory. A gap is not judged; a checkpoint that is not a directory
 * is ERR_CORRUPT. */
struct err wal_list(struct fs *fs, const char *dir, struct wal_listing *ret_listing);
void wal_listing_fini(struct wal_listing *l);
/* Segments that count are first .. next-1, those behind the newest checkpoint; `next` is the one
 * to begin. ERR_CORRUPT when one is missing. */
struct err wal_live_segments(struct fs *fs, const char *dir, uint64_t *ret_first,
                             uint64_t *ret_next);
/* "<dir>/00000007"; clears *path first; valid until it changes. */
const char *wal_segment_path(struct buf *path, const char *dir, uint64_t segment);
/* "<dir>/checkpoint.00000007<suffix>", likewise. */
const char *wal_checkpoint_path(struct buf *path, const char *dir, uint64_t segment,
                                const char *suffix);
#define WAL_UNFINISHED_SUFFIX ".tmp"
/* Appends the record as the log stores it; returns its WAL_FLAG_*. */
unsigned wal_store(struct str record, enum wal_compression compression, struct buf *to);
/* Drops what is at and behind a position: later segments first, then the end of this one, each
 * step synced before the next. A crash in between leaves the log as it was but for segments
 * missing at its end, and doing it again finishes it. */
struct err wal_drop_behind(struct fs *fs, const char *dir, uint64_t segment, uint64_t offset);

static inline void
auto_wal_listing_fini(struct wal_listing *l)
{
    wal_listing_fini(l);
}
