/* prompb.c - samples as fields of a TimeSeries. */
#include "proto/prompb_int.h"

enum { SAMPLE_BYTES_MAX = 1 + 8 + 1 + UVARINT_BYTES_MAX }; /* of the message itself */
_Static_assert(SAMPLE_BYTES_MAX < 0x80, "its length takes one byte");

static size_t
sample_bytes(struct sample s)
{
    return (s.bits ? 9 : 0) + (s.t_ms ? 1 + uvarint_bytes((uint64_t)s.t_ms) : 0);
}

size_t
prompb_sample_field_bytes(struct sample s)
{
    return 2 + sample_bytes(s);
}

void
prompb_put_sample(struct buf *to, struct sample s)
{
    uint8_t field[2 + SAMPLE_BYTES_MAX];
    size_t n = 0;
    field[n++] = SERIES_SAMPLES << 3 | PB_LEN;
    field[n++] = (uint8_t)sample_bytes(s);
    if (s.bits) {
        field[n++] = SAMPLE_VALUE << 3 | PB_I64;
        store_le64(field + n, s.bits);
        n += 8;
    }
    if (s.t_ms) {
        field[n++] = SAMPLE_TIMESTAMP << 3 | PB_VARINT;
        n += store_uvarint(field + n, (uint64_t)s.t_ms);
    }
    buf_append(to, str_of((const char *)field, n));
}
