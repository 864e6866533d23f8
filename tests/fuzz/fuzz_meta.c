/* meta.json is refused, or says when its block begins and ends. */
#include "base/assert.h"
#include "tests/fuzz/fuzz.h"
#include "tsdb/block/meta.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct block_meta m;
    struct err e = block_meta_parse(str_of((const char *)data, size), &m);
    ASSERT(e.code == ERR_NONE || e.code == ERR_CORRUPT || e.code == ERR_INVALID);
    if (e.code == ERR_NONE) {
        ASSERT(m.mint_ms <= m.maxt_ms);
        block_meta_fini(&m);
    }
    err_drop(e);
    return 0;
}
