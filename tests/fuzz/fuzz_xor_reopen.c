/* A chunk that is reopened takes one sample more, and decodes to the same samples and that. */
#include "base/assert.h"
#include "base/mem.h"
#include "tests/fuzz/fuzz.h"
#include "tsdb/chunk/xor.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str chunk = str_of((const char *)data, size);
    AUTO(sample_columns_fini) struct sample_columns want = SAMPLE_COLUMNS_INIT;
    AUTO(sample_columns_fini) struct sample_columns got = SAMPLE_COLUMNS_INIT;
    struct xor_appender x;
    struct err e = xor_reopen(chunk, &x);
    if (e.code != ERR_NONE) {
        ASSERT(e.code == ERR_CORRUPT || e.code == ERR_LIMIT);
        err_drop(e);
        return 0;
    }
    AUTO(mem_free) uint8_t *buffer = mem_alloc(size + XOR_SAMPLE_BYTES_MAX + 8);
    memcpy(buffer, data, size);
    e = xor_decode(chunk, INT64_MIN, INT64_MAX, &want);
    ASSERT(e.code == ERR_NONE && x.count == want.n && x.bits == want.bits[want.n - 1]);
    if (x.count == UINT16_MAX)
        return 0;
    xor_append(&x, buffer, 1, 1);
    e = xor_decode(str_of((char *)buffer, xor_seal(&x, buffer)), INT64_MIN, INT64_MAX, &got);
    ASSERT(e.code == ERR_NONE && got.n == want.n + 1 && got.bits[want.n] == 1);
    ASSERT(memcmp(got.t_ms, want.t_ms, want.n * sizeof *got.t_ms) == 0);
    ASSERT(memcmp(got.bits, want.bits, want.n * sizeof *got.bits) == 0);
    return 0;
}
