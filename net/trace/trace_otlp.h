/* trace_otlp.h - traces as OTLP's ExportTraceServiceRequest.
 * Source: opentelemetry-proto, trace/v1/trace.proto. Threads: any (pure). */
#pragma once
#include "net/trace/trace_config.h"
#include "net/trace/trace_spans.h"

/* The resource, which is the same for all: service.name and service.version, then the configured
 * attributes. */
void trace_otlp_resource(const struct trace_config *config, const char *version, struct buf *to);
/* Appends the message about `n` traces of that resource. */
void trace_otlp_encode(struct str resource, struct trace *const *traces, size_t n, struct buf *to);
