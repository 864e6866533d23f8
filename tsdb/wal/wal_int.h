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

VEC_TYPE(wal_numbers, uint64_t);

/* Numbers of all segments, ascending; empty when there is no directory. A gap is not judged. */
struct err wal_list_segments(struct fs *fs, const char *dir, struct wal_numbers *ret_numbers);
/* "<dir>/00000007"; clears *path first; valid until it changes. */
const char *wal_segment_path(struct buf *path, const char *dir, uint64_t segment);
/* Drops what is at and behind a position: later segments first, then the end of this one, each
 * step synced before the next. A crash in between leaves the log as it was but for segments
 * missing at its end, and doing it again finishes it. */
struct err wal_cut(struct fs *fs, const char *dir, uint64_t segment, uint64_t offset);

static inline void
auto_wal_numbers_fini(struct wal_numbers *v)
{
    vec_fini(v);
}
