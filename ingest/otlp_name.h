/* otlp_name.h - names of OpenTelemetry as names of Prometheus.
 *
 * Exactly as Thanos 0.43 translates: Prometheus' strategy UnderscoreEscapingWithSuffixes. Sources:
 * OpenTelemetry's "Prometheus and OpenMetrics Compatibility", spec/receive.md section 1.9.
 * Threads: any (pure). */
#pragma once
#include "proto/otlp.h"

/* What suffix the type asks for. */
enum otlp_suffix { OTLP_SUFFIX_NONE, OTLP_SUFFIX_TOTAL, OTLP_SUFFIX_RATIO };

/* http.server.duration in ms: http_server_duration_milliseconds. Appended to *to; nothing for a
 * name without a letter or digit. */
void otlp_metric_name(struct str name, struct str unit, enum otlp_suffix suffix, struct buf *to);
/* http.method: http_method; a view of `name` when it is fine already, in the arena otherwise. Empty
 * when nothing but underscores would be left. */
struct str otlp_label_name(struct arena *a, struct str name);
