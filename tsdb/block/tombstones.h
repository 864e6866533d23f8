/* tombstones.h - what was deleted out of a block: <block>/tombstones.
 *
 * Deletions are spans of time of single series, named by their number in the index.
 * Source: spec/tsdb.md section 7 (prometheus tsdb/docs/format/tombstones.md).
 * Threads: immutable after reading: any. Errors: ERR_CORRUPT naming offset and reason. */
#pragma once
#include "base/fs.h"
#include "base/vec.h"
#include "tsdb/model/interval.h"

enum { TOMBSTONES_MAGIC = 0x0130ba30, TOMBSTONES_VERSION = 1 };
/* A file above it is refused; Prometheus rewrites a block long before. */
enum { TOMBSTONES_BYTES_MAX = 256 << 20 };

/* All deletions of one series. */
struct tombstone_series {
    uint64_t id;
    size_t first, count; /* in spans */
};
/* Creation: all zero says that nothing was deleted. */
struct tombstones {
    VEC(struct tombstone_series) series; /* ascending ids */
    VEC(struct interval) spans;          /* joined within a series */
};
#define TOMBSTONES_INIT {.series = VEC_INIT, .spans = VEC_INIT}

/* One deletion. */
struct tombstone {
    uint64_t id;
    struct interval span; /* mint_ms <= maxt_ms */
};
/* Adds deletions, in any order, to those that are there. */
void tombstones_add(struct tombstones *t, const struct tombstone *more, size_t n);

/* The whole file's bytes; nothing of them is kept. */
struct err tombstones_parse(struct str image, struct tombstones *ret_tombstones);
void tombstones_fini(struct tombstones *t);
static inline void
auto_tombstones_fini(struct tombstones *t)
{
    tombstones_fini(t);
}
/* Reads <dir>/tombstones; a missing file says that nothing was deleted. */
struct err tombstones_load(struct fs *fs, const char *dir, struct tombstones *ret_tombstones);
/* Appends the whole file's bytes. */
void tombstones_format(const struct tombstones *t, struct buf *to);
/* Replaces <dir>/tombstones as a whole: a crash leaves the old one or the new one. */
struct err tombstones_write(struct fs *fs, const char *dir, const struct tombstones *t);
/* The joined deletions of one series; *ret_spans is borrowed. Returns how many. */
size_t tombstones_of(const struct tombstones *t, uint64_t id, const struct interval **ret_spans);
