/* tracer.c - see tracer.h. */
#include "net/trace/tracer.h"

#include <pthread.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/lock.h"
#include "net/trace/trace_spans.h"
#include "net/trace/trace_otlp.h"
#include "net/trace/trace_post.h"

struct tracer {
    struct tracer_opts opts;
    struct buf resource;     /* immutable */
    struct trace_post *post; /* of the thread */
    struct metric *exported, *dropped, *failed;
    pthread_t thread;
    struct lock lock;
    struct cond changed;
    struct trace *queue[TRACER_QUEUE_MAX] GUARDED_BY(lock); /* a ring */
    size_t first GUARDED_BY(lock), count GUARDED_BY(lock);
    bool stopping GUARDED_BY(lock);
    uint64_t stop_ns GUARDED_BY(lock);
};

static const struct metric_spec traces_spec = {
    .type = METRIC_COUNTER,
    .name = "mneme_tracing_traces_total",
    .help = "Traces of requests, by what became of them: exported; dropped, for the queue was "
            "full; failed, for the collector did not take them.",
    .labels = {"result"},
};

static uint64_t
now_ns(const struct tracer *t)
{
    return clock_mono_ns(t->opts.clock);
}

/* --- the thread ------------------------------------------------------------------------------ */

/* Waits for a batch that is full or old enough; 0 when there is nothing left and never will be. */
static size_t
take_batch(struct tracer *t, struct trace **batch)
{
    LOCKED(&t->lock);
    while (t->count == 0 && !t->stopping)
        cond_wait(&t->changed, &t->lock);
    uint64_t until_ns = now_ns(t) + TRACER_BATCH_DELAY_MS * UINT64_C(1000000);
    while (t->count < TRACER_BATCH_MAX && !t->stopping) {
        if (!cond_wait_until(&t->changed, &t->lock, until_ns))
            break;
    }
    size_t n = size_min(t->count, TRACER_BATCH_MAX);
    for (size_t i = 0; i < n; i++)
        batch[i] = t->queue[(t->first + i) % TRACER_QUEUE_MAX];
    t->first = (t->first + n) % TRACER_QUEUE_MAX;
    t->count -= n;
    return n;
}

/* False when the process ends meanwhile. */
static bool
pause_ms(struct tracer *t, int64_t ms)
{
    uint64_t until_ns = now_ns(t) + (uint64_t)ms * 1000000;
    LOCKED(&t->lock);
    while (!t->stopping) {
        if (!cond_wait_until(&t->changed, &t->lock, until_ns) && now_ns(t) >= until_ns)
            return true;
    }
    return false;
}

/* How long one request may take now; 0: not at all. */
static int64_t
time_left_ms(struct tracer *t)
{
    LOCKED(&t->lock);
    if (!t->stopping)
        return t->opts.config->timeout_ms;
    uint64_t now = now_ns(t);
    if (now >= t->stop_ns)
        return 0;
    return i64_min(t->opts.config->timeout_ms, (int64_t)((t->stop_ns - now) / 1000000));
}

/* With doubling pauses while the collector says that it may take it later. */
static struct err
send(struct tracer *t, struct str message)
{
    const struct trace_config *c = t->opts.config;
    int64_t waited_ms = 0, next_ms = c->retry.first_ms;
    for (;;) {
        int64_t timeout_ms = time_left_ms(t);
        if (timeout_ms == 0)
            return ERR(ERR_TIMEOUT, "the process ends");
        struct err e = trace_post_send(t->post, message, timeout_ms);
        if (e.code == ERR_NONE || !err_retryable(e.code) || waited_ms + next_ms > c->retry.total_ms)
            return e;
        if (!pause_ms(t, next_ms))
            return e;
        err_drop(e);
        waited_ms += next_ms;
        next_ms = i64_min(2 * next_ms, c->retry.pause_max_ms);
    }
}

static void *
export_traces(void *arg)
{
    struct tracer *t = arg;
    struct trace *batch[TRACER_BATCH_MAX];
    AUTO(buf_fini) struct buf message = BUF_INIT;
    bool was_failing = false;
    size_t n;
    while ((n = take_batch(t, batch)) > 0) {
        buf_clear(&message);
        trace_otlp_encode(buf_str(&t->resource), batch, n, &message);
        for (size_t i = 0; i < n; i++)
            trace_free(batch[i]);
        struct err e = send(t, buf_str(&message));
        bool failing = e.code != ERR_NONE;
        metric_add(failing ? t->failed : t->exported, (double)n);
        if (failing && !was_failing) /* once an outage; the counter has them all */
            log_warn(t->opts.log, "traces are not exported", KV_ERR(e));
        was_failing = failing;
        err_drop(e);
    }
    return NULL;
}

struct err
tracer_open(const struct tracer_opts *opts, struct tracer **ret_tracer)
{
    struct trace_post *post;
    TRY(trace_post_open(opts->config, &post));
    struct tracer *t = mem_alloc_zero(sizeof *t);
    t->opts = *opts;
    t->post = post;
    trace_otlp_resource(opts->config, opts->version, &t->resource);
    struct metric_family *f = metrics_family(opts->metrics, &traces_spec);
    t->exported = metric_with(f, (struct str[]){STR("exported")}, 1);
    t->dropped = metric_with(f, (struct str[]){STR("dropped")}, 1);
    t->failed = metric_with(f, (struct str[]){STR("failed")}, 1);
    lock_init(&t->lock, LOCK_RANK_LEAF);
    cond_init(&t->changed);
    int errnum = pthread_create(&t->thread, NULL, export_traces, t);
    ASSERT(errnum == 0); /* as every thread of a starting process */
    pthread_setname_np(t->thread, "tracer");
    *ret_tracer = t;
    return OK;
}

void
tracer_close(struct tracer *t)
{
    if (!t)
        return;
    lock_acquire(&t->lock);
    t->stopping = true;
    t->stop_ns = now_ns(t) + TRACER_STOP_MS * UINT64_C(1000000);
    cond_broadcast(&t->changed);
    lock_release(&t->lock);
    pthread_join(t->thread, NULL);
    ASSERT(t->count == 0);
    trace_post_close(t->post);
    buf_fini(&t->resource);
    cond_fini(&t->changed);
    lock_fini(&t->lock);
    mem_free(t);
}

/* --- requests ----------------------------------------------------------------------------------
 */

/* As OpenTelemetry's TraceIdRatioBased: the same trace is decided alike everywhere. */
static bool
in_ratio(const uint8_t id[TRACE_ID_BYTES], double ratio)
{
    return (double)(load_be64(id + TRACE_ID_BYTES / 2) >> 1) < ratio * 0x1p63;
}

static bool
is_sampled(const struct trace_config *c, const uint8_t id[TRACE_ID_BYTES],
           const struct traceparent *parent)
{
    if (c->parent_based && parent)
        return parent->sampled;
    switch (c->sampler) {
    case TRACE_SAMPLE_ALWAYS:
        return true;
    case TRACE_SAMPLE_NEVER:
        return false;
    case TRACE_SAMPLE_RATIO:
        return in_ratio(id, c->ratio);
    }
    UNREACHABLE("every sampler is above");
}

struct trace *
tracer_begin(struct tracer *t, const struct trace_start *start)
{
    if (!t)
        return NULL;
    struct traceparent parent;
    bool has_parent = traceparent_parse(start->traceparent, &parent);
    uint8_t id[TRACE_ID_BYTES];
    if (has_parent)
        memcpy(id, parent.trace_id, sizeof id);
    else
        rand_bytes(id, sizeof id);
    if (!start->forced && !is_sampled(t->opts.config, id, has_parent ? &parent : NULL))
        return NULL;
    struct trace *trace = trace_new(t->opts.clock, id, has_parent ? &parent : NULL);
    trace->tracer = t;
    (void)trace_scope_open(trace, arena_str(&trace->arena, str_of_cstr(start->name)).p);
    if (start->start_ns != 0)
        trace->spans[0].start_ns = start->start_ns;
    return trace;
}

void
tracer_finish(struct trace *trace)
{
    if (!trace)
        return;
    struct tracer *t = trace->tracer;
    trace_end(trace);
    {
        LOCKED(&t->lock);
        if (t->count < TRACER_QUEUE_MAX) {
            t->queue[(t->first + t->count++) % TRACER_QUEUE_MAX] = trace;
            trace = NULL;
            if (t->count == 1 || t->count == TRACER_BATCH_MAX)
                cond_signal(&t->changed);
        }
    }
    if (trace)
        metric_inc(t->dropped);
    trace_free(trace);
}
