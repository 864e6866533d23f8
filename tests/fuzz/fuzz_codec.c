/* Decoders of outside bytes keep their limit; what they accept survives another round. The
 * first byte chooses the format. */
#include "base/assert.h"
#include "base/codec.h"
#include "base/mem.h"
#include "tests/fuzz/fuzz.h"

enum { LIMIT_BYTES = 1 << 16 };

static const struct format {
    struct err (*decode)(struct str in, size_t limit_bytes, struct buf *to);
    void (*encode)(struct str in, struct buf *to);
} formats[] = {
    {snappy_decode, snappy_encode},
    {zstd_decode, zstd_encode},
    {gzip_decode, gzip_encode},
};

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    const struct format *f = &formats[data[0] % ARRAY_LEN(formats)];
    AUTO(buf_fini) struct buf bytes = BUF_INIT, packed = BUF_INIT, again = BUF_INIT;
    struct err e = f->decode(str_of((const char *)data + 1, size - 1), LIMIT_BYTES, &bytes);
    if (e.code == ERR_NONE) {
        ASSERT(bytes.n <= LIMIT_BYTES);
        f->encode(buf_str(&bytes), &packed);
        e = f->decode(buf_str(&packed), bytes.n, &again);
        ASSERT(e.code == ERR_NONE && str_eq(buf_str(&bytes), buf_str(&again)));
    }
    err_drop(e);
    return 0;
}
