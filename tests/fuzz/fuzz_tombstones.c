/* Tombstones are refused, or are joined spans of ascending series. */
#include "base/assert.h"
#include "tests/fuzz/fuzz.h"
#include "tsdb/block/tombstones.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(tombstones_fini) struct tombstones t = TOMBSTONES_INIT;
    struct err e = tombstones_parse(str_of((const char *)data, size), &t);
    ASSERT(e.code == ERR_NONE || t.series.n == 0);
    err_drop(e);
    for (size_t i = 0; i < t.series.n; i++) {
        ASSERT(i == 0 || t.series.v[i - 1].id < t.series.v[i].id);
        const struct interval *v;
        size_t n = tombstones_of(&t, t.series.v[i].id, &v);
        ASSERT(n > 0);
        for (size_t k = 0; k < n; k++) {
            ASSERT(v[k].mint_ms <= v[k].maxt_ms);
            ASSERT(k == 0 || v[k - 1].maxt_ms + 1 < v[k].mint_ms);
            ASSERT(intervals_cover(v, n, v[k].mint_ms, v[k].maxt_ms));
        }
    }
    return 0;
}
