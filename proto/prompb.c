/* prompb.c - samples as fields of a TimeSeries. */
#include "proto/prompb_int.h"

enum { SAMPLE_FIELD_BYTES_MAX = 2 + 1 + 8 + 1 + UVARINT_BYTES_MAX };
_Static_assert(SAMPLE_FIELD_BYTES_MAX - 2 < 0x80, "its length takes one byte");

void
prompb_put_sample(struct buf *to, struct sample s)
{
    buf_reserve(to, SAMPLE_FIELD_BYTES_MAX);
    to->n += prompb_store_sample(to->p + to->n, s);
}
