/* pb.c - tags, wire types and lengths of protobuf.
 *
 * A reader that met malformed bytes stands at its end (reader_fail), so that loops over
 * pb_next() stop; the caller looks at r->code once, after the loop. */
#include "base/pb.h"

#include "base/assert.h"

enum { PB_NUMBER_MAX = (1 << 29) - 1 };

bool
pb_next(struct reader *r, struct pb_field *ret_field)
{
    if (reader_left(r) == 0)
        return false;
    uint64_t tag = reader_uvarint(r);
    struct pb_field f = {.number = (uint32_t)(tag >> 3), .wire = (enum pb_wire)(tag & 7)};
    if (tag >> 3 == 0 || tag >> 3 > PB_NUMBER_MAX)
        reader_fail(r);
    if (r->code != ERR_NONE)
        return false;
    switch ((unsigned)(tag & 7)) {
    case PB_VARINT:
        f.value = reader_uvarint(r);
        break;
    case PB_I64:
        f.value = reader_le64(r);
        break;
    case PB_LEN:
        f.bytes = reader_ustr(r);
        break;
    case PB_I32: {
        struct str four = reader_bytes(r, 4);
        f.value = four.n == 4 ? load_le32(four.p) : 0;
        break;
    }
    default: /* groups (3, 4) and the numbers that no version of the format uses */
        reader_fail(r);
    }
    if (r->code != ERR_NONE)
        return false;
    *ret_field = f;
    return true;
}

void
pb_put_tag(struct buf *b, uint32_t number, enum pb_wire wire)
{
    ASSERT(number > 0 && number <= PB_NUMBER_MAX);
    buf_put_uvarint(b, (uint64_t)number << 3 | (uint64_t)wire);
}

void
pb_put_u64(struct buf *b, uint32_t number, uint64_t v)
{
    if (v == 0)
        return;
    pb_put_tag(b, number, PB_VARINT);
    buf_put_uvarint(b, v);
}

void
pb_put_i64(struct buf *b, uint32_t number, int64_t v)
{
    pb_put_u64(b, number, (uint64_t)v);
}

void
pb_put_f64(struct buf *b, uint32_t number, double v)
{
    if (bits_of_f64(v) == 0) /* -0 is not the default value */
        return;
    pb_put_tag(b, number, PB_I64);
    buf_reserve(b, 8);
    store_le64(b->p + b->n, bits_of_f64(v));
    b->n += 8;
}

void
pb_put_bytes(struct buf *b, uint32_t number, struct str v)
{
    if (v.n == 0)
        return;
    pb_put_message(b, number, v.n);
    buf_append(b, v);
}

void
pb_put_message(struct buf *b, uint32_t number, size_t bytes)
{
    pb_put_tag(b, number, PB_LEN);
    buf_put_uvarint(b, bytes);
}

size_t
pb_bytes_size(uint32_t number, size_t bytes)
{
    return uvarint_bytes((uint64_t)number << 3) + uvarint_bytes(bytes) + bytes;
}
