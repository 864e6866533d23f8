/* otlp.h - OTLP metrics as series: what Thanos 0.43 makes of them, but for what README.md lists.
 *
 * A metric or point that cannot be mapped is refused alone, with its reason; all others are kept.
 * Sources: OpenTelemetry's "Prometheus and OpenMetrics Compatibility", spec/receive.md section 1.9.
 * Threads: any (pure). */
#pragma once
#include "ingest/batch.h"
#include "proto/otlp.h"

struct otlp_options {
    bool target_info;           /* a series target_info for each resource */
    const struct str *promoted; /* resource attributes that become labels of every series */
    size_t promoted_count;
};

/* Fills *ret_batch but for the tenant; all of it in the arena. ERR_TOO_LARGE above a limit of a
 * batch: see batch_builder.h. */
struct err otlp_to_batch(struct arena *a, const struct otlp_request *request,
                         const struct otlp_options *options, struct batch *ret_batch);
