/* series_encode.c - one TimeSeries from a row. */
#include "proto/series_encode.h"

#include "base/assert.h"
#include "base/mem.h"
#include "proto/write_walk.h"

void
series_encode_rest(struct buf *to, const struct append_request *r, const struct append_row *row)
{
    for (size_t i = 0; i < row->exemplar_count; i++)
        prompb_put_exemplar(to, &r->exemplars[row->first_exemplar + i]);
    for (size_t i = 0; i < row->histogram_count; i++)
        prompb_put_histogram(to, &r->histograms[row->first_histogram + i]);
}

size_t
series_bytes(const struct append_request *r, const struct append_row *row, size_t rest_bytes)
{
    size_t bytes = row->label_key.n + rest_bytes;
    for (size_t i = 0; i < row->sample_count; i++)
        bytes += prompb_sample_field_bytes(r->samples[row->first_sample + i]);
    return bytes;
}

size_t
series_field_bytes(size_t series_bytes)
{
    return pb_bytes_size(WRITE_SERIES, series_bytes);
}

char *
series_store(char *at, const struct append_request *r, const struct append_row *row,
             size_t series_bytes, struct str rest)
{
    *at++ = WRITE_SERIES << 3 | PB_LEN;
    at += store_uvarint(at, series_bytes);
    const char *end = at + series_bytes;
    if (row->label_key.n > 0)
        memcpy(at, row->label_key.p, row->label_key.n);
    at += row->label_key.n;
    for (size_t i = 0; i < row->sample_count; i++)
        at += prompb_store_sample(at, r->samples[row->first_sample + i]);
    if (rest.n > 0)
        memcpy(at, rest.p, rest.n);
    at += rest.n;
    ASSERT(at == end);
    return at;
}

void
series_encode(struct buf *to, const struct append_request *r, const struct append_row *row)
{
    AUTO(buf_fini) struct buf rest = BUF_INIT;
    if (series_has_rest(row))
        series_encode_rest(&rest, r, row);
    size_t bytes = series_bytes(r, row, rest.n);
    buf_reserve(to, series_field_bytes(bytes));
    to->n = (size_t)(series_store(to->p + to->n, r, row, bytes, buf_str(&rest)) - to->p);
}
