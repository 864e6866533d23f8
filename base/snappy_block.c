/* snappy_block.c - one loop over tags; short runs are copied by fixed sizes where there is room for
 * them, whatever comes behind is written over by the next. */
#include "base/snappy_block.h"

#include <stdint.h>
#include <string.h>

enum {
    TAG_LITERAL = 0,
    TAG_COPY_1 = 1, /* bytes of the offset behind the tag, for 1 and 2; 4 for 3 */
    TAG_COPY_2 = 2,
    TAG_COPY_4 = 3,
    LITERAL_LONG = 60, /* from here on the length stands in 1 to 4 bytes behind the tag */
    SHORT = 16,        /* bytes, copied at once */
    RUN_MAX = 64,      /* bytes of a copy */
};

struct decoding {
    const uint8_t *in, *in_end;
    uint8_t *out, *out_end;
    uint8_t *start;
};

static inline size_t
in_left(const struct decoding *d)
{
    return (size_t)(d->in_end - d->in);
}
static inline size_t
out_left(const struct decoding *d)
{
    return (size_t)(d->out_end - d->out);
}

/* Little endian; the caller has seen that they are there. */
static inline __attribute__((always_inline)) size_t
take_number(struct decoding *d, unsigned bytes)
{
    size_t v = 0;
    for (unsigned i = 0; i < bytes; i++)
        v |= (size_t)d->in[i] << (8 * i);
    d->in += bytes;
    return v;
}

static inline bool
take_literal(struct decoding *d, unsigned tag)
{
    size_t n = (tag >> 2) + 1;
    if (__builtin_expect(n <= SHORT && in_left(d) >= SHORT && out_left(d) >= SHORT, 1)) {
        memcpy(d->out, d->in, SHORT);
    } else {
        if (n > LITERAL_LONG) {
            unsigned bytes = (unsigned)n - LITERAL_LONG;
            if (in_left(d) < bytes)
                return false;
            n = take_number(d, bytes) + 1;
        }
        if (n > in_left(d) || n > out_left(d))
            return false;
        memcpy(d->out, d->in, n);
    }
    d->in += n;
    d->out += n;
    return true;
}

/* `n` bytes of what stands `offset` bytes before the end are repeated; they may overlap their copy:
 * pieces are copied in order, none larger than the offset. */
static inline __attribute__((always_inline)) bool
repeat(struct decoding *d, size_t offset, size_t n)
{
    if (offset == 0 || offset > (size_t)(d->out - d->start) || n > out_left(d))
        return false;
    const uint8_t *from = d->out - offset;
    uint8_t *to = d->out;
    d->out += n;
    if (__builtin_expect(offset >= SHORT && d->out_end - to >= RUN_MAX, 1)) {
        memcpy(to, from, SHORT);
        if (__builtin_expect(n > SHORT, 0)) {
            for (size_t i = SHORT; i < RUN_MAX; i += SHORT)
                memcpy(to + i, from + i, SHORT);
        }
    } else if (offset >= sizeof(uint64_t) && d->out_end - to >= RUN_MAX) {
        for (size_t i = 0; i < n; i += sizeof(uint64_t))
            memcpy(to + i, from + i, sizeof(uint64_t));
    } else {
        for (size_t i = 0; i < n; i++)
            to[i] = from[i];
    }
    return true;
}

/* The length is in the tag, the offset behind it; the shortest form has three bits of it in the
 * tag. */
static inline bool
take_copy(struct decoding *d, unsigned tag)
{
    static const uint8_t offset_bytes[] = {[TAG_COPY_1] = 1, [TAG_COPY_2] = 2, [TAG_COPY_4] = 4};
    if (in_left(d) < offset_bytes[tag & 3])
        return false;
    if ((tag & 3) == TAG_COPY_1)
        return repeat(d, (size_t)(tag >> 5) << 8 | take_number(d, 1), 4 + (tag >> 2 & 7));
    if ((tag & 3) == TAG_COPY_2)
        return repeat(d, take_number(d, 2), (tag >> 2) + 1);
    return repeat(d, take_number(d, 4), (tag >> 2) + 1);
}

bool
snappy_block_decode(struct str elements, char *to, size_t bytes)
{
    struct decoding d = {.in = (const uint8_t *)elements.p, .out = (uint8_t *)to};
    d.in_end = d.in + elements.n;
    d.out_end = d.out + bytes;
    d.start = d.out;
    while (d.in < d.in_end) {
        unsigned tag = *d.in++;
        bool good = (tag & 3) == TAG_LITERAL ? take_literal(&d, tag) : take_copy(&d, tag);
        if (!good)
            return false;
    }
    return d.out == d.out_end;
}
