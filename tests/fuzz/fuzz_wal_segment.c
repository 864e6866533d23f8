/* A segment reads up to an end or a fault; what stands before the fault reads without one, also
 * when samples are passed over: then all other records are still there. */
#include "base/assert.h"
#include "base/mem.h"
#include "tests/fuzz/fuzz.h"
#include "tsdb/wal/wal_frames.h"

enum { SAMPLES = 2 };

static struct err
read_all(struct str image, uint32_t unwanted, size_t *ret_records, size_t *ret_others,
         size_t *ret_where)
{
    AUTO(wal_frames_fini) struct wal_frames f = WAL_FRAMES_INIT;
    wal_frames_begin(&f, image);
    f.unwanted = unwanted;
    struct str record;
    bool more = true;
    struct err e = OK;
    size_t n = 0, others = 0;
    while ((e = wal_frames_next(&f, &record, &more)).code == ERR_NONE && more) {
        ASSERT(f.record_at < f.at && f.at <= image.n);
        n++;
        others += record.n == 0 || record.p[0] != SAMPLES;
    }
    *ret_records = n;
    *ret_others = others;
    *ret_where = f.record_at;
    return e;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str image = str_of((const char *)data, size);
    size_t records, others, where, again, again_others;
    struct err e = read_all(image, 0, &records, &others, &where);
    if (e.code) {
        ASSERT(e.code == ERR_CORRUPT || e.code == ERR_LIMIT);
        image.n = where;
        struct err repaired = read_all(image, 0, &again, &again_others, &where);
        ASSERT(repaired.code == ERR_NONE && again == records);
    }
    err_drop(e);
    struct err passed = read_all(image, 1u << SAMPLES, &again, &again_others, &where);
    ASSERT(passed.code == ERR_NONE && again <= records && again_others == others);
    return 0;
}
