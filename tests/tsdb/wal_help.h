/* wal_help.h - what the tests of the log share: reading a log as a list of records. */
#pragma once
#include "base/fs.h"
#include "base/str.h"
#include "base/vec.h"
#include "tsdb/wal/wal.h"

/* Copies of records, all in one buffer. */
struct wal_log {
    struct buf bytes;
    VEC(size_t) ends;         /* of record i in bytes */
    struct err end;           /* OK, or what stopped the reader; owned */
    uint64_t segment, offset; /* of that */
};

/* Every record up to the end or the first fault. */
void wal_log_read(struct wal_log *log, struct fs *fs, const char *dir);
void wal_log_fini(struct wal_log *log);
struct str wal_log_at(const struct wal_log *log, size_t i);

static inline void
auto_wal_log_fini(struct wal_log *log)
{
    wal_log_fini(log);
}

/* A record of `bytes` bytes, hard to compress, that depends on `seed` alone; at least 1 byte.
 * Appended to *to, returned as a view that dies with the next one. */
struct str wal_make_record(struct buf *to, uint64_t seed, size_t bytes);

/* Segments of two pages, no syncs, not compressed. */
struct wal_opts wal_test_opts(struct fs *fs, const char *dir);
struct wal *wal_test_open(const struct wal_opts *opts);
/* Logs wal_make_record(seed, bytes) and waits for it. */
struct err wal_test_log(struct wal *w, uint64_t seed, size_t bytes);
/* Record i of a log that was read is that one. */
void wal_test_check(const struct wal_log *log, size_t i, uint64_t seed, size_t bytes);
