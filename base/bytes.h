/* bytes.h - the only integer encodings of the tree: big and little endian, uvarint, varint.
 *
 * Loads and stores go through memcpy: no alignment demands. `struct reader` is a cursor whose
 * error is sticky: read every field, then look at r.code once; a failed read gives 0.
 * uvarint is LEB128 of at most 10 bytes (Go binary.PutUvarint), varint its zigzag form.
 * Threads: any (values). */
#pragma once
#include <stdint.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"

enum { UVARINT_BYTES_MAX = 10 };

#define BYTES_LOAD_STORE(name, type, order)                                                        \
    static inline type load_##name(const void *p)                                                  \
    {                                                                                              \
        type v;                                                                                    \
        memcpy(&v, p, sizeof v);                                                                   \
        return order(v);                                                                           \
    }                                                                                              \
    static inline void store_##name(void *p, type v)                                               \
    {                                                                                              \
        v = order(v);                                                                              \
        memcpy(p, &v, sizeof v);                                                                   \
    }
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "mneme is tested on little-endian machines only"
#endif
#define BYTES_SAME(v) (v)
BYTES_LOAD_STORE(be16, uint16_t, __builtin_bswap16)
BYTES_LOAD_STORE(be32, uint32_t, __builtin_bswap32)
BYTES_LOAD_STORE(be64, uint64_t, __builtin_bswap64)
BYTES_LOAD_STORE(le16, uint16_t, BYTES_SAME)
BYTES_LOAD_STORE(le32, uint32_t, BYTES_SAME)
BYTES_LOAD_STORE(le64, uint64_t, BYTES_SAME)
#undef BYTES_LOAD_STORE
#undef BYTES_SAME

static inline uint64_t
bits_of_f64(double v)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    return bits;
}

static inline double
f64_of_bits(uint64_t bits)
{
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

static inline uint64_t
zigzag_of_i64(int64_t v)
{
    return ((uint64_t)v << 1) ^ (uint64_t)(v >> 63);
}

static inline int64_t
i64_of_zigzag(uint64_t u)
{
    return (int64_t)(u >> 1) ^ -(int64_t)(u & 1);
}

/* Writes at most UVARINT_BYTES_MAX bytes at p; returns how many. */
static inline size_t
store_uvarint(void *p, uint64_t v)
{
    uint8_t *out = p;
    size_t n = 0;
    while (v >= 0x80) {
        out[n++] = (uint8_t)(v | 0x80);
        v >>= 7;
    }
    out[n++] = (uint8_t)v;
    return n;
}

static inline size_t
store_varint(void *p, int64_t v)
{
    return store_uvarint(p, zigzag_of_i64(v));
}

static inline size_t
uvarint_bytes(uint64_t v)
{
    return (size_t)(63 - __builtin_clzll(v | 1)) / 7 + 1;
}

void buf_put_be16(struct buf *b, uint16_t v);
void buf_put_be32(struct buf *b, uint32_t v);
void buf_put_be64(struct buf *b, uint64_t v);
void buf_put_uvarint(struct buf *b, uint64_t v);
void buf_put_varint(struct buf *b, int64_t v);
/* A uvarint of the length, then the bytes. */
void buf_put_ustr(struct buf *b, struct str s);

/* --- reader ------------------------------------------------------------------------------- */

struct reader {
    const uint8_t *p, *end; /* what is left */
    const uint8_t *start;   /* for offsets in messages */
    enum err_code code;     /* ERR_NONE or ERR_CORRUPT; sticky */
};

static inline struct reader
reader_of(struct str s)
{
    const uint8_t *p = (const uint8_t *)s.p;
    return (struct reader){p, s.n > 0 ? p + s.n : p, p, ERR_NONE}; /* p may be NULL */
}

static inline size_t
reader_left(const struct reader *r)
{
    return (size_t)(r->end - r->p);
}

static inline size_t
reader_offset(const struct reader *r)
{
    return (size_t)(r->p - r->start);
}

/* Marks the input as bad and moves to its end, so that every loop over it stops. */
static inline void
reader_fail(struct reader *r)
{
    r->code = ERR_CORRUPT;
    r->p = r->end;
}

uint8_t reader_u8(struct reader *r);
uint16_t reader_be16(struct reader *r);
uint32_t reader_be32(struct reader *r);
uint64_t reader_be64(struct reader *r);
uint64_t reader_le64(struct reader *r);
/* The general case of reader_uvarint(), out of line. */
uint64_t reader_uvarint_slow(struct reader *r);
/* The next n bytes as a view into the input; empty on failure. */
struct str reader_bytes(struct reader *r, size_t n);
/* A uvarint length and that many bytes. */
struct str reader_ustr(struct reader *r);

static inline uint64_t
reader_uvarint(struct reader *r)
{
    if (__builtin_expect(r->p < r->end && *r->p < 0x80, 1))
        return *r->p++;
    return reader_uvarint_slow(r);
}

static inline int64_t
reader_varint(struct reader *r)
{
    return i64_of_zigzag(reader_uvarint(r));
}

/* OK, or ERR_CORRUPT with `what` and the offset reached. */
struct err reader_check(const struct reader *r, const char *what);
