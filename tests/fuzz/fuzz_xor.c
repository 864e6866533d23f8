/* What decodes is checked the same, and encoded again it decodes to the same samples. */
#include "base/assert.h"
#include "base/mem.h"
#include "tests/fuzz/fuzz.h"
#include "tsdb/chunk/xor.h"

enum { ENCODED_MAX = 1000 };

static void
check_again(const struct sample_columns *want)
{
    AUTO(sample_columns_fini) struct sample_columns got = SAMPLE_COLUMNS_INIT;
    AUTO(mem_free) uint8_t *buffer = mem_alloc(want->n * (XOR_SAMPLE_BYTES_MAX + 1) + 64);
    struct xor_appender x;
    xor_init(&x);
    for (size_t i = 0; i < want->n; i++)
        xor_append(&x, buffer, want->t_ms[i], want->bits[i]);
    size_t bytes = xor_seal(&x, buffer);
    struct err e = xor_decode(str_of((char *)buffer, bytes), INT64_MIN, INT64_MAX, &got);
    ASSERT(e.code == ERR_NONE && got.n == want->n);
    ASSERT(memcmp(got.t_ms, want->t_ms, got.n * sizeof *got.t_ms) == 0);
    ASSERT(memcmp(got.bits, want->bits, got.n * sizeof *got.bits) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str chunk = str_of((const char *)data, size);
    AUTO(sample_columns_fini) struct sample_columns got = SAMPLE_COLUMNS_INIT;
    struct err e = xor_decode(chunk, INT64_MIN, INT64_MAX, &got);
    int64_t mint, maxt;
    struct err check = xor_check(chunk, &mint, &maxt);
    if (check.code == ERR_NONE)
        ASSERT(e.code == ERR_NONE && got.t_ms[0] == mint && got.t_ms[got.n - 1] == maxt);
    if (e.code == ERR_NONE && got.n > 0 && got.n < ENCODED_MAX)
        check_again(&got);
    err_drop(e);
    err_drop(check);
    return 0;
}
