/* bits.h - bit streams of chunks: most significant bit first, the last byte padded with zeros.
 *
 * The reader looks at the stream through a window of 64 bits that is loaded anew at every
 * position: one load, one shift, no state to keep in step. Past the end it sees zeros, and
 * bit_reader_overrun() says so afterwards: a loop over a bounded number of items needs no
 * check of its own. The writer collects bits in a word and stores whole words.
 * Threads: any (values). */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/assert.h"
#include "base/bytes.h"

/* Bits at the top of bit_reader_peek() that are the stream's whatever the position is. */
enum { BIT_WINDOW_BITS = 57 };

struct bit_reader {
    const uint8_t *p; /* borrowed */
    size_t bytes;     /* length at p */
    size_t at;        /* position in bits; may pass the end */
};

static inline struct bit_reader
bit_reader_of(struct str s)
{
    return (struct bit_reader){(const uint8_t *)s.p, s.n, 0};
}

/* Fewer than 8 bytes are left: the bytes there are, then zeros. */
static inline uint64_t
bit_reader_load_tail(const struct bit_reader *r, size_t byte)
{
    if (byte >= r->bytes)
        return 0;
    if (r->bytes >= sizeof(uint64_t)) /* the last word, without what lies before */
        return load_be64(r->p + r->bytes - sizeof(uint64_t))
               << (byte + sizeof(uint64_t) - r->bytes) * 8;
    uint64_t word = 0;
    for (unsigned shift = 56; byte < r->bytes; byte++, shift -= 8)
        word |= (uint64_t)r->p[byte] << shift;
    return word;
}

/* 8 bytes of the stream, zeros past its end. */
static inline uint64_t
bit_reader_load(const struct bit_reader *r, size_t byte)
{
    return __builtin_expect(byte + sizeof(uint64_t) <= r->bytes, 1) ? load_be64(r->p + byte)
                                                                    : bit_reader_load_tail(r, byte);
}

/* The stream from the position on, left-aligned; BIT_WINDOW_BITS of it are valid. */
static inline uint64_t
bit_reader_peek(const struct bit_reader *r)
{
    return bit_reader_load(r, r->at >> 3) << (r->at & 7);
}

/* The next n bits as a number; 1 <= n <= 64. */
static inline uint64_t
bit_reader_take(struct bit_reader *r, unsigned n)
{
    size_t byte = r->at >> 3;
    unsigned skip = r->at & 7;
    uint64_t word = bit_reader_load(r, byte) << skip;
    if (skip + n > 64) /* the ninth byte */
        word |= (byte + 8 < r->bytes ? r->p[byte + 8] : 0u) >> (8 - skip);
    r->at += n;
    return word >> (64 - n);
}

/* More was read than there is. */
static inline bool
bit_reader_overrun(const struct bit_reader *r)
{
    return r->at > r->bytes * 8;
}

struct bit_writer {
    uint8_t *at;   /* where the next word goes; borrowed */
    uint64_t acc;  /* bits not yet stored, left-aligned; zeros below them */
    unsigned bits; /* how many, 0..63 */
};

/* Appends the low n bits of v; 1 <= n <= 64. Stores 8 bytes at `at` every time, and moves on
 * once they are full. */
static inline void
bit_writer_put(struct bit_writer *w, uint64_t v, unsigned n)
{
    uint64_t left = v << (64 - n);
    uint64_t acc = w->acc | left >> w->bits;
    uint64_t rest = (left << 1) << (63 - w->bits); /* what did not fit; 0 when bits is 0 */
    unsigned total = w->bits + n;
    store_be64(w->at, acc);
    w->at += (total >> 6) << 3;
    w->acc = total >> 6 ? rest : acc;
    w->bits = total & 63;
}
