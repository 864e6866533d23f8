/* observe.h - what an operator gets to see of single requests: log lines and traces, as
 * --request.logging-config and --tracing.config ask for them.
 * Threads: main. */
#pragma once
#include "base/arena.h"
#include "net/request_log.h"
#include "net/trace/tracer.h"

struct observe {
    struct arena arena; /* of both configurations */
    struct request_log_config log_config;
    struct trace_config trace_config;
    struct request_log *request_log; /* NULL: not asked for */
    struct tracer *tracer;           /* NULL: not asked for, or not possible (logged) */
};

struct observe_opts {
    struct str request_logging_yaml, tracing_yaml; /* empty: nothing asked for */
    struct metrics *metrics;
    struct log *log;
};
/* *o is zeroed. ERR_INVALID for YAML that says nothing sensible; observe_close() is due all the
 * same. */
struct err observe_open(struct observe *o, const struct observe_opts *opts);
/* No server runs any more. Allowed on a zeroed one. */
void observe_close(struct observe *o);
