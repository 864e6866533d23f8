/* chunk.c - one door to all chunk encodings. */
#include "tsdb/chunk/chunk.h"

#include "base/bytes.h"
#include "tsdb/chunk/xor.h"

enum { ST_COUNT_MASK = 0x3fff }; /* encodings 5 and 6 keep the counter reset in the top bits */

struct err
chunk_decode_floats(const struct chunk_view *c, int64_t mint_ms, int64_t maxt_ms,
                    struct sample_columns *to)
{
    if (c->encoding != CHUNK_XOR)
        return ERR(ERR_UNIMPLEMENTED, "chunk encoding %d cannot be read as floats",
                   (int)c->encoding);
    if (mint_ms <= c->mint_ms && c->maxt_ms <= maxt_ms) { /* nothing to sort out */
        mint_ms = INT64_MIN;
        maxt_ms = INT64_MAX;
    }
    return xor_decode(c->data, mint_ms, maxt_ms, to);
}

struct err
chunk_sample_count(const struct chunk_view *c, size_t *ret_count)
{
    if (c->data.n < XOR_HEADER_BYTES)
        return ERR(ERR_CORRUPT, "chunk of %zu bytes has no sample count", c->data.n);
    size_t count = load_be16(c->data.p);
    switch (c->encoding) {
    case CHUNK_XOR:
    case CHUNK_HISTOGRAM:
    case CHUNK_FLOAT_HISTOGRAM:
    case CHUNK_XOR2:
        break;
    case CHUNK_HISTOGRAM_ST:
    case CHUNK_FLOAT_HISTOGRAM_ST:
        count &= ST_COUNT_MASK;
        break;
    case CHUNK_NONE:
        return ERR(ERR_CORRUPT, "chunk without an encoding");
    default: /* a byte from outside */
        return ERR(ERR_UNIMPLEMENTED, "chunk encoding %u is not known", (unsigned)c->encoding);
    }
    *ret_count = count;
    return OK;
}
