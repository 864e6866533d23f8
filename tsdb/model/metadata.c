/* metadata.c - names of the kinds, as Prometheus' model.MetricType spells them. */
#include "tsdb/model/metadata.h"

#include "base/assert.h"

const char *
metric_kind_text(enum metric_kind kind)
{
    switch (kind) {
    case METRIC_KIND_UNKNOWN:
        return "unknown";
    case METRIC_KIND_COUNTER:
        return "counter";
    case METRIC_KIND_GAUGE:
        return "gauge";
    case METRIC_KIND_HISTOGRAM:
        return "histogram";
    case METRIC_KIND_GAUGE_HISTOGRAM:
        return "gaugehistogram";
    case METRIC_KIND_SUMMARY:
        return "summary";
    case METRIC_KIND_INFO:
        return "info";
    case METRIC_KIND_STATESET:
        return "stateset";
    }
    UNREACHABLE("no such kind");
}
