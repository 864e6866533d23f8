/* histogram_text.h - where a histogram's buckets begin and end, and histograms as text.
 *
 * Source: prometheus model/histogram (Bucket, String()): what promtool's dump prints.
 * Threads: any (values). */
#pragma once
#include "base/str.h"
#include "tsdb/model/histogram.h"

/* Upper bound of the positive bucket `index` of an exponential schema, at most
 * HISTOGRAM_SCHEMA_MAX: about 2^(index * 2^-schema), the very double that Prometheus has. That of
 * the bucket before is the lower one; negative buckets are mirrored. */
double histogram_bound(int32_t schema, int64_t index);

/* {count:9, sum:-3.5, [-2,-1):3, [-0.001,0.001]:1, (1,2]:5} appended; buckets ascend, those that
 * count nothing are left out. `h` keeps the rules of histogram_spans_check(). */
void histogram_format(const struct histogram *h, struct buf *to);
