/* wal_help.c - logs as lists of records, and records to fill them with. */
#include "tests/tsdb/wal_help.h"

#include "base/mem.h"
#include "tests/harness.h"
#include "tsdb/wal/wal_reader.h"

void
wal_log_read(struct wal_log *log, struct fs *fs, const char *dir)
{
    *log = (struct wal_log){.bytes = BUF_INIT};
    AUTO(wal_reader_close) struct wal_reader *r = NULL;
    log->end = wal_reader_open(fs, dir, 0, &r);
    while (log->end.code == ERR_NONE) {
        struct str record;
        bool more = false;
        log->end = wal_reader_next(r, &record, &more);
        wal_reader_where(r, &log->segment, &log->offset);
        if (log->end.code || !more)
            break;
        buf_append(&log->bytes, record);
        vec_push(&log->ends, log->bytes.n);
    }
}

void
wal_log_fini(struct wal_log *log)
{
    buf_fini(&log->bytes);
    vec_fini(&log->ends);
    err_drop(log->end);
}

struct str
wal_log_at(const struct wal_log *log, size_t i)
{
    ck_assert_uint_lt(i, log->ends.n);
    size_t from = i ? log->ends.v[i - 1] : 0;
    return str_of(log->bytes.p + from, log->ends.v[i] - from);
}

struct str
wal_make_record(struct buf *to, uint64_t seed, size_t bytes)
{
    buf_reserve(to, bytes);
    char *at = to->p + to->n;
    uint64_t x = seed * 0x9e3779b97f4a7c15u + 1;
    for (size_t i = 0; i < bytes; i++) {
        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        at[i] = (char)x;
    }
    at[0] = (char)(1 + seed % 13); /* some record type */
    to->n += bytes;
    return str_of(at, bytes);
}

struct wal_opts
wal_test_opts(struct fs *fs, const char *dir)
{
    return (struct wal_opts){
        .fs = fs, .dir = dir, .segment_bytes = 2 * WAL_PAGE_BYTES, .sync = WAL_SYNC_NONE};
}

struct wal *
wal_test_open(const struct wal_opts *opts)
{
    struct wal *w = NULL;
    CK_OK(wal_open(opts, &w));
    return w;
}

struct err
wal_test_log(struct wal *w, uint64_t seed, size_t bytes)
{
    AUTO(buf_fini) struct buf b = BUF_INIT;
    struct str record = wal_make_record(&b, seed, bytes);
    wal_ticket ticket;
    TRY(wal_enqueue(w, &record, 1, &ticket));
    return wal_wait(w, ticket);
}

void
wal_test_check(const struct wal_log *log, size_t i, uint64_t seed, size_t bytes)
{
    AUTO(buf_fini) struct buf b = BUF_INIT;
    ck_assert_msg(str_eq(wal_log_at(log, i), wal_make_record(&b, seed, bytes)), "record %zu", i);
}
