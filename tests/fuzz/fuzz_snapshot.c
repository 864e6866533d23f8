/* What decodes as a record of a snapshot is encoded again, and that decodes to as much. */
#include "base/assert.h"
#include "base/mem.h"
#include "tests/fuzz/fuzz.h"
#include "tsdb/head/snapshot_record.h"
#include "tsdb/wal/record_exemplars.h"

static void
check_series(struct str record, struct arena *a, struct buf *again)
{
    struct snapshot_series s, t;
    struct xor_appender x;
    int64_t quarter_ms;
    struct err e = snapshot_decode_series(record, a, &s);
    ASSERT(e.code == ERR_NONE || e.code == ERR_CORRUPT || e.code == ERR_UNIMPLEMENTED);
    if (e.code == ERR_NONE) {
        snapshot_encode_series(&s, again);
        e = snapshot_decode_series(buf_str(again), a, &t);
        ASSERT(e.code == ERR_NONE && labels_eq(s.labels, t.labels) && s.last_bits == t.last_bits);
        ASSERT(str_eq(s.open.data, t.open.data) && s.last.positive.n == t.last.positive.n);
        if (s.open.encoding == CHUNK_XOR)
            e = snapshot_reopen_floats(&s, &x, &quarter_ms);
    }
    err_drop(e);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str record = str_of((const char *)data, size);
    AUTO(arena_fini) struct arena a;
    AUTO(buf_fini) struct buf again = BUF_INIT, triples = BUF_INIT;
    arena_init(&a, 0);
    check_series(record, &a, &again);
    struct snapshot_deletions c;
    struct snapshot_deletion d;
    for (snapshot_read_deletions(&c, record); snapshot_next_deletion(&c, &d);)
        snapshot_put_deletion(&triples, &d);
    err_drop(snapshot_deletions_check(&c));
    struct record_cursor r;
    struct snapshot_exemplar x;
    snapshot_read_exemplars(&r, record, &again);
    while (record_next_exemplar(&r, &a, &x.ref, &x.exemplar))
        ASSERT(x.exemplar.labels.n <= size);
    err_drop(record_cursor_check(&r));
    return 0;
}
