/* A chunk file gives chunks that lie in it, one behind the other, or says what is wrong. */
#include "base/assert.h"
#include "base/mem.h"
#include "tests/fuzz/fuzz.h"
#include "tsdb/block/segment.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str image = {(const char *)data, size};
    struct err e = segment_check_header(image);
    uint64_t at = SEGMENT_HEADER_BYTES;
    while (e.code == ERR_NONE) {
        struct chunk_view c = {.mint_ms = INT64_MIN, .maxt_ms = INT64_MAX};
        uint64_t end = 0;
        e = segment_chunk(image, at, &c, &end);
        if (e.code != ERR_NONE)
            break;
        ASSERT(end > at && end <= size);
        ASSERT(c.data.p >= image.p && c.data.p + c.data.n <= image.p + size);
        AUTO(sample_columns_fini) struct sample_columns got = SAMPLE_COLUMNS_INIT;
        err_drop(chunk_decode_floats(&c, INT64_MIN, INT64_MAX, &got));
        at = end;
    }
    ASSERT(e.code == ERR_CORRUPT || e.code == ERR_UNIMPLEMENTED);
    err_drop(e);
    return 0;
}
