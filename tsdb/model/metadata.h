/* metadata.h - what is known of a metric family: type, help and unit.
 *
 * Source: prometheus model/metadata, tsdb/record (type 6). Threads: any (values). */
#pragma once
#include "base/str.h"

/* Numbered as in the log and in prompb. */
enum metric_kind {
    METRIC_KIND_UNKNOWN,
    METRIC_KIND_COUNTER,
    METRIC_KIND_GAUGE,
    METRIC_KIND_HISTOGRAM,
    METRIC_KIND_GAUGE_HISTOGRAM,
    METRIC_KIND_SUMMARY,
    METRIC_KIND_INFO,
    METRIC_KIND_STATESET,
};

struct metadata {
    enum metric_kind kind;
    struct str help, unit; /* borrowed as its maker says */
};

/* What is told of one family. */
struct family_metadata {
    struct str family; /* name; borrowed as its maker says */
    struct metadata value;
};
struct family_metadata_list {
    struct family_metadata *v;
    size_t n;
};

/* As the query API calls it: "counter", "gaugehistogram". */
const char *metric_kind_text(enum metric_kind kind);
