/* chunk.c - one door to all chunk encodings. */
#include "tsdb/chunk/chunk.h"

#include "base/bytes.h"
#include "tsdb/chunk/histogram_int.h"
#include "tsdb/chunk/xor.h"
#include "tsdb/chunk/xor2.h"

/* A byte from outside that names no encoding that we know, or one of another kind. */
static struct err
wrong_encoding(enum chunk_encoding e, const char *what)
{
    if (e == CHUNK_NONE)
        return ERR(ERR_CORRUPT, "chunk without an encoding");
    return ERR(ERR_UNIMPLEMENTED, "chunk encoding %u cannot be read as %s", (unsigned)e, what);
}

/* Nothing to sort out. */
static bool
is_within(const struct chunk_view *c, int64_t mint_ms, int64_t maxt_ms)
{
    return mint_ms <= c->mint_ms && c->maxt_ms <= maxt_ms;
}

struct err
chunk_decode_floats(const struct chunk_view *c, int64_t mint_ms, int64_t maxt_ms,
                    struct sample_columns *to)
{
    if (is_within(c, mint_ms, maxt_ms)) {
        mint_ms = INT64_MIN;
        maxt_ms = INT64_MAX;
    }
    if (c->encoding == CHUNK_XOR)
        return xor_decode(c->data, mint_ms, maxt_ms, to);
    if (c->encoding == CHUNK_XOR2)
        return xor2_decode(c->data, mint_ms, maxt_ms, to, NULL);
    return wrong_encoding(c->encoding, "floats");
}

struct err
chunk_decode_floats_starts(const struct chunk_view *c, int64_t mint_ms, int64_t maxt_ms,
                           struct sample_columns *to, struct start_column *starts)
{
    if (c->encoding == CHUNK_XOR2)
        return xor2_decode(c->data, mint_ms, maxt_ms, to, starts);
    size_t from = to->n;
    TRY(chunk_decode_floats(c, mint_ms, maxt_ms, to));
    for (; from < to->n; from++)
        vec_push(starts, 0);
    return OK;
}

struct err
chunk_decode_histograms(const struct chunk_view *c, int64_t mint_ms, int64_t maxt_ms,
                        struct arena *a, struct histogram_columns *to)
{
    if (!chunk_holds_histograms(c->encoding))
        return wrong_encoding(c->encoding, "histograms");
    return histogram_decode(c, mint_ms, maxt_ms, a, to);
}

struct err
chunk_check(enum chunk_encoding encoding, struct str data, int64_t *ret_mint_ms,
            int64_t *ret_maxt_ms)
{
    if (encoding == CHUNK_XOR)
        return xor_check(data, ret_mint_ms, ret_maxt_ms);
    if (encoding == CHUNK_XOR2)
        return xor2_check(data, ret_mint_ms, ret_maxt_ms);
    if (chunk_holds_histograms(encoding))
        return histogram_check(encoding, data, ret_mint_ms, ret_maxt_ms);
    return wrong_encoding(encoding, "samples");
}

struct err
chunk_check_end(const struct bit_reader *r)
{
    size_t used = (r->at + 7) / 8;
    size_t left = r->bytes - used;
    if (left > 1 || (left == 1 && r->p[used] != 0)) /* README.md: old writers leave one */
        return ERR(ERR_CORRUPT, "chunk of %zu bytes: bytes left over behind bit %zu", r->bytes,
                   r->at);
    return OK;
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
        count &= CHUNK_ST_COUNT_MASK;
        break;
    case CHUNK_NONE:
        return ERR(ERR_CORRUPT, "chunk without an encoding");
    default: /* a byte from outside */
        return ERR(ERR_UNIMPLEMENTED, "chunk encoding %u is not known", (unsigned)c->encoding);
    }
    *ret_count = count;
    return OK;
}
