/* varbit.h - numbers of one bit to nine bytes inside a bit stream, and a stream that grows.
 *
 *   prefix      width   signed range (x fits n bits: -(2^(n-1)-1) .. 2^(n-1))
 *   0               0   0
 *   10              3   -3 .. 4
 *   110             6   -31 .. 32
 *   1110            9   -255 .. 256
 *   11110          12   -2047 .. 2048
 *   111110         18   -131071 .. 131072
 *   1111110        25   -16777215 .. 16777216
 *   11111110       56   -(2^55-1) .. 2^55
 *   11111111       64   the rest
 *
 * Unsigned numbers have the same prefixes and fill the width. Source: spec/tsdb.md section 4.1
 * (prometheus tsdb/chunkenc/varbit.go). Threads: any (values). */
#pragma once
#include "base/bytes.h"
#include "tsdb/chunk/bits.h"

enum { VARBIT_PREFIX_MAX = 8, VARBIT_BITS_MAX = VARBIT_PREFIX_MAX + 64 };

/* By the number of ones in the prefix. */
static const uint8_t varbit_widths[VARBIT_PREFIX_MAX + 1] = {0, 3, 6, 9, 12, 18, 25, 56, 64};

/* --- writing ------------------------------------------------------------------------------ */

/* A bit stream that grows on the heap; all zero is an empty one. */
struct bit_out {
    struct buf bytes; /* whole words of the stream */
    uint64_t acc;     /* as in struct bit_writer */
    unsigned bits;
};

static inline void
bit_out_put(struct bit_out *o, uint64_t v, unsigned n)
{
    buf_reserve(&o->bytes, sizeof(uint64_t));
    uint8_t *start = (uint8_t *)o->bytes.p;
    struct bit_writer w = {start + o->bytes.n, o->acc, o->bits};
    bit_writer_put(&w, v, n);
    o->bytes.n = (size_t)(w.at - start);
    o->acc = w.acc;
    o->bits = w.bits;
}

/* Length of the stream, its last byte padded. */
static inline size_t
bit_out_bytes(const struct bit_out *o)
{
    return o->bytes.n + (o->bits + 7) / 8;
}

/* Behind `ones` ones, a zero (unless they are 8), and v in the width that belongs to them. */
static inline void
varbit_put_width(struct bit_out *o, unsigned ones, uint64_t v)
{
    unsigned width = varbit_widths[ones];
    if (ones == VARBIT_PREFIX_MAX) {
        bit_out_put(o, 0xff, VARBIT_PREFIX_MAX);
        bit_out_put(o, v, width);
        return;
    }
    uint64_t prefix = (UINT64_C(2) << ones) - 2; /* ones, then a zero */
    uint64_t low = width ? v & (UINT64_MAX >> (64 - width)) : 0;
    bit_out_put(o, prefix << width | low, ones + 1 + width);
}

static inline void
varbit_put_int(struct bit_out *o, int64_t v)
{
    unsigned ones = v == 0 ? 0 : 1;
    for (; ones > 0 && ones < VARBIT_PREFIX_MAX; ones++) {
        uint64_t half = UINT64_C(1) << (varbit_widths[ones] - 1);
        if ((uint64_t)v + half - 1 < 2 * half)
            break;
    }
    varbit_put_width(o, ones, (uint64_t)v);
}

static inline void
varbit_put_uint(struct bit_out *o, uint64_t v)
{
    unsigned ones = v == 0 ? 0 : 1;
    while (ones > 0 && ones < VARBIT_PREFIX_MAX && v >> varbit_widths[ones] != 0)
        ones++;
    varbit_put_width(o, ones, v);
}

/* --- reading ------------------------------------------------------------------------------ */

/* Bits left; 0 past the end. */
static inline size_t
bit_reader_left(const struct bit_reader *r)
{
    return bit_reader_overrun(r) ? 0 : r->bytes * 8 - r->at;
}

/* Malformed bits: from now on they count as cut off. */
static inline void
bit_reader_fail(struct bit_reader *r)
{
    r->at = r->bytes * 8 + 1;
}

/* The width of the number at the position, which moves behind its prefix. */
static inline unsigned
varbit_take_width(struct bit_reader *r)
{
    uint64_t w = bit_reader_peek(r);
    unsigned ones = (unsigned)__builtin_clzll(~w | UINT64_C(1) << (63 - VARBIT_PREFIX_MAX));
    r->at += ones < VARBIT_PREFIX_MAX ? ones + 1 : VARBIT_PREFIX_MAX;
    return varbit_widths[ones];
}

static inline uint64_t
varbit_take_uint(struct bit_reader *r)
{
    unsigned width = varbit_take_width(r);
    return width ? bit_reader_take(r, width) : 0;
}

static inline int64_t
varbit_take_int(struct bit_reader *r)
{
    unsigned width = varbit_take_width(r);
    if (width == 0)
        return 0;
    uint64_t v = bit_reader_take(r, width);
    if (width < 64 && v > UINT64_C(1) << (width - 1))
        v -= UINT64_C(1) << width;
    return (int64_t)v;
}

/* base/bytes.h's uvarint at any position; an overlong one fails. */
static inline uint64_t
bit_reader_take_uvarint(struct bit_reader *r)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < UVARINT_BYTES_MAX; i++) {
        uint64_t byte = bit_reader_take(r, 8);
        v |= (byte & 0x7f) << (7 * i);
        if (byte < 0x80 && (i + 1 < UVARINT_BYTES_MAX || byte <= 1))
            return v;
    }
    bit_reader_fail(r);
    return 0;
}

static inline int64_t
bit_reader_take_varint(struct bit_reader *r)
{
    return i64_of_zigzag(bit_reader_take_uvarint(r));
}
