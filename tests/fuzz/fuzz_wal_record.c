/* Bodies of records: the three types that are decoded, each tried on every input's type. */
#include "base/assert.h"
#include "base/mem.h"
#include "tests/fuzz/fuzz.h"
#include "tsdb/wal/record.h"

static void
read_series(struct record_cursor *c, struct str record)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    uint64_t ref;
    struct labels l;
    record_read_series(c, record);
    while (record_next_series(c, &a, &ref, &l))
        ASSERT(l.n == 0 || l.v[l.n - 1].value.p + l.v[l.n - 1].value.n <= record.p + record.n);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str record = str_of((const char *)data, size);
    struct record_cursor c;
    uint64_t ref;
    int64_t mint, maxt;
    struct sample s;
    read_series(&c, record);
    struct err e = record_cursor_check(&c);
    ASSERT(e.code == ERR_NONE || e.code == ERR_CORRUPT);
    err_drop(e);
    for (record_read_samples(&c, record); record_next_sample(&c, &ref, &s);)
        ASSERT(record_type_of(record) == RECORD_SAMPLES);
    err_drop(record_cursor_check(&c));
    for (record_read_tombstones(&c, record); record_next_tombstone(&c, &ref, &mint, &maxt);)
        ASSERT(record_type_of(record) == RECORD_TOMBSTONES);
    err_drop(record_cursor_check(&c));
    return 0;
}
