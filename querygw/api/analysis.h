/* analysis.h - data.analysis of Thanos' answers to analyze=true: what a query cost, and what each
 * of its operators took and each of its selections read, as a tree. Source: thanos
 * pkg/api/query/v1.go, queryTelemetry. Pure. Threads: any.
 */
#pragma once
#include "querygw/promql/measure.h"
#include "querygw/store/store_counted.h"

struct analysis {
    struct str query;
    double seconds; /* of its evaluation */
    struct promql_stats stats;
    const struct store_counts *counts;
    const struct measures *measures;
};

/* Appends the object. */
void analysis_write_json(const struct analysis *a, struct buf *to);
/* As Go's time.Duration prints itself: 1.5s, 2m0s, 3.25ms, 7µs, 0s. */
void analysis_put_duration(uint64_t ns, struct buf *to);
