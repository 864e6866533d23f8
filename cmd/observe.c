/* observe.c - see observe.h. */
#include "cmd/observe.h"

#include "version.h"

static struct err
open_request_log(struct observe *o, const struct observe_opts *opts)
{
    if (str_trim(opts->request_logging_yaml).n == 0)
        return OK;
    TRY(request_log_config_read(&o->arena, opts->request_logging_yaml, &o->log_config));
    if (o->log_config.decision != REQUEST_LOG_NOTHING)
        o->request_log = request_log_open(&o->log_config, opts->log);
    return OK;
}

static struct err
open_tracer(struct observe *o, const struct observe_opts *opts)
{
    if (str_trim(opts->tracing_yaml).n == 0)
        return OK;
    TRY(trace_config_read(&o->arena, opts->tracing_yaml, &o->trace_config));
    if (o->trace_config.unsupported) { /* a manifest for Thanos starts, and nobody is fooled */
        log_error(opts->log, "requests are not traced",
                  KV_CSTR("reason", o->trace_config.unsupported));
        return OK;
    }
    struct tracer_opts tracer = {.config = &o->trace_config,
                                 .version = MNEME_VERSION,
                                 .clock = clock_system(),
                                 .metrics = opts->metrics,
                                 .log = opts->log};
    return tracer_open(&tracer, &o->tracer);
}

struct err
observe_open(struct observe *o, const struct observe_opts *opts)
{
    TRY_IN(open_request_log(o, opts), "request.logging-config");
    TRY_IN(open_tracer(o, opts), "tracing.config");
    return OK;
}

void
observe_close(struct observe *o)
{
    tracer_close(o->tracer);
    request_log_close(o->request_log);
    arena_fini(&o->arena);
}
