/* bytes.c - the parts of bytes.h that are not worth inlining. */
#include "base/bytes.h"

#include "base/assert.h"

void
buf_put_be16(struct buf *b, uint16_t v)
{
    buf_reserve(b, sizeof v);
    store_be16(b->p + b->n, v);
    b->n += sizeof v;
}

void
buf_put_be32(struct buf *b, uint32_t v)
{
    buf_reserve(b, sizeof v);
    store_be32(b->p + b->n, v);
    b->n += sizeof v;
}

void
buf_put_be64(struct buf *b, uint64_t v)
{
    buf_reserve(b, sizeof v);
    store_be64(b->p + b->n, v);
    b->n += sizeof v;
}

void
buf_put_uvarint(struct buf *b, uint64_t v)
{
    buf_reserve(b, UVARINT_BYTES_MAX);
    b->n += store_uvarint(b->p + b->n, v);
}

void
buf_put_varint(struct buf *b, int64_t v)
{
    buf_put_uvarint(b, zigzag_of_i64(v));
}

void
buf_put_ustr(struct buf *b, struct str s)
{
    buf_put_uvarint(b, s.n);
    buf_append(b, s);
}

/* True, and `n` bytes may be read at r->p; or the reader has failed. */
static bool
reader_has(struct reader *r, size_t n)
{
    if (reader_left(r) >= n)
        return true;
    reader_fail(r);
    return false;
}

uint8_t
reader_u8(struct reader *r)
{
    return reader_has(r, 1) ? *r->p++ : 0;
}

#define READER_FIXED(name, type)                                                                   \
    type reader_##name(struct reader *r)                                                           \
    {                                                                                              \
        if (!reader_has(r, sizeof(type)))                                                          \
            return 0;                                                                              \
        type v = load_##name(r->p);                                                                \
        r->p += sizeof v;                                                                          \
        return v;                                                                                  \
    }
READER_FIXED(be16, uint16_t)
READER_FIXED(be32, uint32_t)
READER_FIXED(be64, uint64_t)
READER_FIXED(le64, uint64_t)
#undef READER_FIXED

/* Seven bits of each byte, moved together. */
static uint64_t
join_sevens(uint64_t v)
{
    v &= UINT64_C(0x7f7f7f7f7f7f7f7f);
    v = (v & UINT64_C(0x007f007f007f007f)) | (v & UINT64_C(0x7f007f007f007f00)) >> 1;
    v = (v & UINT64_C(0x00003fff00003fff)) | (v & UINT64_C(0x3fff00003fff0000)) >> 2;
    return (v & UINT64_C(0x000000000fffffff)) | (v & UINT64_C(0x0fffffff00000000)) >> 4;
}

uint64_t
reader_uvarint_slow(struct reader *r)
{
    if (reader_left(r) >= sizeof(uint64_t)) { /* no branch depends on the length */
        uint64_t word = load_le64(r->p), ends = ~word & UINT64_C(0x8080808080808080);
        if (ends != 0) {
            r->p += ((unsigned)__builtin_ctzll(ends) + 1) / 8;
            return join_sevens(word & (ends ^ (ends - 1))); /* up to the first end */
        }
    }
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 70 && r->p < r->end; shift += 7) {
        uint8_t byte = *r->p++;
        if (shift == 63 && byte > 1)
            break; /* a 65th bit */
        v |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return v;
    }
    reader_fail(r);
    return 0;
}

struct str
reader_bytes(struct reader *r, size_t n)
{
    if (!reader_has(r, n))
        return (struct str){NULL, 0};
    struct str s = {(const char *)r->p, n};
    r->p += n;
    return s;
}

struct str
reader_ustr(struct reader *r)
{
    uint64_t n = reader_uvarint(r);
    if (n > reader_left(r)) {
        reader_fail(r);
        return (struct str){NULL, 0};
    }
    return reader_bytes(r, n);
}

struct err
reader_check(const struct reader *r, const char *what)
{
    ASSERT(r->p <= r->end);
    if (r->code == ERR_NONE)
        return OK;
    return ERR(r->code, "%s: malformed or cut short (%zu bytes)", what,
               (size_t)(r->end - r->start));
}
