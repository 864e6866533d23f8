/* Of snappy blocks the decoder accepts what the library does, and gives the same bytes. */
#include <snappy-c.h>

#include "base/assert.h"
#include "base/codec.h"
#include "base/mem.h"
#include "tests/fuzz/fuzz.h"

enum { LIMIT_BYTES = 1 << 16 };

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str block = str_of((const char *)data, size);
    AUTO(buf_fini) struct buf got = BUF_INIT;
    size_t n;
    if (snappy_uncompressed_length(block.p, block.n, &n) != SNAPPY_OK || n > LIMIT_BYTES)
        return 0;
    AUTO(mem_free) char *want = mem_alloc(n);
    bool valid = snappy_uncompress(block.p, block.n, want, &n) == SNAPPY_OK;
    struct err e = snappy_decode(block, LIMIT_BYTES, &got);
    ASSERT((e.code == ERR_NONE) == valid);
    if (valid)
        ASSERT(str_eq(buf_str(&got), str_of(want, n)));
    err_drop(e);
    return 0;
}
