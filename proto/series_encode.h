/* series_encode.h - rows as prometheus.TimeSeries: sized first, then stored where there is room.
 *
 * A row's floats are written straight to their place. What else it has is rare, is encoded apart
 * once, and goes along as bytes: its rest. Label keys are copied as they are.
 * Source: prometheus prompb/types.proto. Threads: any. */
#pragma once
#include "tsdb/head/append.h"

/* Whether the row has a rest. */
static inline bool
series_has_rest(const struct append_row *row)
{
    return row->exemplar_count > 0 || row->histogram_count > 0;
}
/* Appends the row's exemplars and histograms. */
void series_encode_rest(struct buf *to, const struct append_request *r,
                        const struct append_row *row);

/* Bytes of the content of the row's TimeSeries, whose rest takes so many. */
size_t series_bytes(const struct append_request *r, const struct append_row *row,
                    size_t rest_bytes);
/* Of the field `timeseries` with such a content. */
size_t series_field_bytes(size_t series_bytes);
/* Stores that field at `at`, where there is room for it, and returns its end. */
char *series_store(char *at, const struct append_request *r, const struct append_row *row,
                   size_t series_bytes, struct str rest);
/* Appends it. */
void series_encode(struct buf *to, const struct append_request *r, const struct append_row *row);
