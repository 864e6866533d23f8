/* A segment reads up to an end or a fault; what stands before the fault reads without one. */
#include "base/assert.h"
#include "base/mem.h"
#include "tests/fuzz/fuzz.h"
#include "tsdb/wal/wal_frames.h"

static struct err
read_all(struct str image, size_t *ret_records, size_t *ret_where)
{
    AUTO(wal_frames_fini) struct wal_frames f = WAL_FRAMES_INIT;
    wal_frames_begin(&f, image);
    struct str record;
    bool more = true;
    struct err e = OK;
    size_t n = 0;
    while ((e = wal_frames_next(&f, &record, &more)).code == ERR_NONE && more) {
        ASSERT(f.record_at < f.at && f.at <= image.n);
        n++;
    }
    *ret_records = n;
    *ret_where = f.record_at;
    return e;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str image = str_of((const char *)data, size);
    size_t records, where, again;
    struct err e = read_all(image, &records, &where);
    if (e.code) {
        ASSERT(e.code == ERR_CORRUPT || e.code == ERR_LIMIT);
        image.n = where;
        struct err repaired = read_all(image, &again, &where);
        ASSERT(repaired.code == ERR_NONE && again == records);
    }
    err_drop(e);
    return 0;
}
