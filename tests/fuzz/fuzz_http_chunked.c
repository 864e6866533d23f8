/* A chunked body decodes the same whole and in pieces of the first byte's length. */
#include "base/assert.h"
#include "base/mem.h"
#include "net/http_chunked.h"
#include "tests/fuzz/fuzz.h"

enum { LIMIT_BYTES = 256 };

static enum err_code
decode(struct str in, size_t step, struct buf *to, struct str *ret_rest)
{
    struct chunk_reader r = CHUNK_READER_INIT;
    struct err e = OK;
    while (in.n > 0 && r.state != CHUNK_DONE && e.code == ERR_NONE) {
        struct str piece = str_of(in.p, size_min(step, in.n));
        e = chunk_reader_feed(&r, &piece, LIMIT_BYTES, to);
        in = str_skip(in, (size_t)(piece.p - in.p));
    }
    ASSERT(to->n <= LIMIT_BYTES);
    *ret_rest = in;
    enum err_code code = e.code;
    err_drop(e);
    return code;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    AUTO(buf_fini) struct buf whole = BUF_INIT, pieces = BUF_INIT;
    struct str in = str_of((const char *)data + 1, size - 1), rest, rest_again;
    enum err_code code = decode(in, SIZE_MAX, &whole, &rest);
    ASSERT(decode(in, 1u + data[0] % 16, &pieces, &rest_again) == code);
    ASSERT(str_eq(buf_str(&whole), buf_str(&pieces)));
    ASSERT(code != ERR_NONE || str_eq(rest, rest_again));
    return 0;
}
