/* write_metrics.h - what /metrics tells about writes.
 *
 * Thanos' names where it has them (spec/receive.md section 5), mneme_receive_* for the rest.
 * Threads: any. */
#pragma once
#include "base/metrics.h"
#include "receiver/write.h"

enum { WRITE_METRICS_TENANTS_MAX = 1000 }; /* label values; later ones are "other" */

struct write_metrics {
    struct metric_bound *tenants;
    struct metric_family *timeseries, *samples;   /* histograms by code and tenant */
    struct metric *forwards[2], *replications[2]; /* success, error */
    struct metric *rejected_samples[SAMPLE_FATE_COUNT];
    struct metric *rejected_series[LABEL_FAULT_COUNT];
    struct metric *over_series_limit, *bad_tenants, *without_name, *without_samples; /* likewise */
    struct metric *invalid_histograms;
    struct metric *refused_items[WRITE_PROTOCOL_COUNT]; /* by decoders; NULL: never */
    struct metric *exemplars[EXEMPLAR_FATE_COUNT];
    struct metric *metadata_stored, *metadata_refused;
    struct metric *start_timestamps;
    struct metric *messages[INGEST_MESSAGE_COUNT];
    struct metric *refused[ERR_CODE_COUNT]; /* whole requests */
};

/* Children live as long as `m`. */
void write_metrics_init(struct write_metrics *w, struct metrics *m, unsigned replication_factor);
/* Counts a write that was answered with `status`; `code` is ERR_NONE unless the request was
 * refused as a whole. */
void write_metrics_count(const struct write_metrics *w, const struct write *q, enum err_code code,
                         int status);
