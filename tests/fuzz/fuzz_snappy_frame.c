/* A stream that is accepted decodes to as much as it announces, and survives another round. */
#include "base/assert.h"
#include "base/mem.h"
#include "base/snappy_frame.h"
#include "tests/fuzz/fuzz.h"

enum { LIMIT_BYTES = 1 << 20 };

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str stream = str_of((const char *)data, size);
    AUTO(buf_fini) struct buf plain = BUF_INIT, packed = BUF_INIT, again = BUF_INIT;
    size_t announced = 0;
    struct err e = snappy_frame_decoded_bytes(stream, &announced);
    bool well_formed = e.code == ERR_NONE;
    err_drop(e);
    if (announced > LIMIT_BYTES)
        return 0;
    e = snappy_frame_decode(stream, &plain);
    if (e.code == ERR_NONE) {
        ASSERT(well_formed && plain.n == announced);
        snappy_frame_encode(buf_str(&plain), &packed);
        e = snappy_frame_decode(buf_str(&packed), &again);
        ASSERT(e.code == ERR_NONE && str_eq(buf_str(&plain), buf_str(&again)));
    }
    err_drop(e);
    return 0;
}
