/* tracer.h - which requests are traced, and the thread that sends their traces away.
 *
 * Finished traces wait in a bounded queue; a full one drops the newest, and counts. One thread
 * takes batches of them, encodes and posts them, and tries again as the configuration says; no
 * request ever waits for it.
 * Threads: open and close by the owner, when no request has a trace; the others any. */
#pragma once
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "net/trace/trace.h"
#include "net/trace/trace_config.h"

enum {
    TRACER_QUEUE_MAX = 1024,      /* traces that wait */
    TRACER_BATCH_MAX = 128,       /* traces of one request */
    TRACER_BATCH_DELAY_MS = 1000, /* a batch that is not full waits so long for company */
    TRACER_STOP_MS = 3000,        /* for what is left when the process ends */
};

struct tracer_opts {
    const struct trace_config *config; /* borrowed for life, as the others */
    const char *version;               /* of the program */
    const struct clock *clock;
    struct metrics *metrics;
    struct log *log; /* may be NULL */
};
struct err tracer_open(const struct tracer_opts *opts, struct tracer **ret_tracer);
/* Sends what waits, for at most TRACER_STOP_MS, and drops the rest. NULL is allowed. */
void tracer_close(struct tracer *t);

struct trace_start {
    const char *name;       /* of the span of the request; copied */
    struct str traceparent; /* header; empty: none */
    bool forced;            /* sampled whatever the sampler says */
    uint64_t start_ns;      /* of that span, monotonic; 0: now */
};
/* NULL when it is not to be sampled, or `t` is NULL. The first span is open. */
struct trace *tracer_begin(struct tracer *t, const struct trace_start *start);
/* Ends its spans and queues it. NULL is allowed. */
void tracer_finish(struct trace *trace);
