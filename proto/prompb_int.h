/* prompb_int.h - prometheus.TimeSeries, Label and Sample: what remote write and read share.
 *
 * Source: prometheus prompb/types.proto. Threads: any. */
#pragma once
#include "base/pb.h"
#include "tsdb/model/sample.h"

enum { SERIES_LABELS = 1, SERIES_SAMPLES = 2, SERIES_EXEMPLARS = 3, SERIES_HISTOGRAMS = 4 };
enum { LABEL_NAME = 1, LABEL_VALUE = 2 };
enum { SAMPLE_VALUE = 1, SAMPLE_TIMESTAMP = 2 };

/* Appends a field `samples` of a TimeSeries: as bits, for a double may lose them (sample.h). */
void prompb_put_sample(struct buf *to, struct sample s);
/* What that appends, in bytes. */
size_t prompb_sample_field_bytes(struct sample s);
