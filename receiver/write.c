/* write.c - the write spine; the stages stand in the folders below, in this order. */
#include "receiver/write.h"

#include "receiver/meta_monitoring.h"

static const struct tenant_limits *
limits_for(const struct write *q, struct str tenant)
{
    return q->hold.limits ? limits_of(q->hold.limits, tenant) : &tenant_unlimited;
}

static void
count_hits(const struct write *q, struct str tenant, enum limit_kind kind, uint64_t hits)
{
    if (q->policy)
        policy_count_hits(q->policy, tenant, kind, hits);
}

/* --- what refuses a request as a whole -------------------------------------------------------- */

static struct err
check_size(const struct write *q, struct str tenant, size_t bytes, uint64_t bytes_max)
{
    if (bytes_max == 0 || bytes <= bytes_max)
        return OK;
    count_hits(q, tenant, LIMIT_BODY_SIZE, 1);
    return ERR(ERR_TOO_LARGE, "write request too large: %zu bytes, limit %ju", bytes,
               (uintmax_t)bytes_max);
}

/* The tenant's limit of bytes holds for the body as it came, and for what it becomes. */
static struct err
decode(struct write *q, struct str tenant)
{
    uint64_t bytes_max = limits_for(q, tenant)->size_bytes;
    struct ingest_body body = q->body;
    TRY(check_size(q, tenant, body.bytes.n, bytes_max));
    bool own = bytes_max > 0 && bytes_max < body.decoded_bytes_max;
    if (own)
        body.decoded_bytes_max = bytes_max;
    struct err e = write_decode(q, &body);
    if (e.code == ERR_UNAVAILABLE)
        memory_limit_refused(q->memory, MEMORY_REFUSED_WRITE);
    if (own && e.code == ERR_TOO_LARGE)
        count_hits(q, tenant, LIMIT_BODY_SIZE, 1);
    return e;
}

static struct err
admit(struct write *q, const struct tenant_limits *t)
{
    struct ingest_limits limits = {
        .series_max = t->series > 0 ? t->series : q->limits->series_max,
        .samples_max = t->samples > 0 ? t->samples : q->limits->samples_max,
    };
    TRACED(q->trace, "admit");
    trace_attr_str(q->trace, "tenant", q->batch.tenant);
    trace_attr_i64(q->trace, "series", (int64_t)q->batch.series_count);
    trace_attr_i64(q->trace, "samples", (int64_t)q->batch.request.sample_count);
    struct err e = ingest_admit(&limits, &q->batch);
    if (e.code != ERR_NONE) {
        bool series = limits.series_max > 0 && q->batch.series_count > limits.series_max;
        count_hits(q, q->batch.tenant, series ? LIMIT_SERIES : LIMIT_SAMPLES, 1);
    }
    return e;
}

/* As Thanos: the request as a whole. What the head counts itself refuses new series alone. */
static struct err
check_monitored(struct write *q, const struct tenant_limits *t)
{
    double series = 0;
    if (t->head_series == 0 || !q->policy ||
        !policy_is_over_monitored(q->policy, q->batch.tenant, t->head_series, &series))
        return OK;
    q->retry_after_s = META_MONITORING_INTERVAL_S;
    count_hits(q, q->batch.tenant, LIMIT_HEAD_SERIES, 1);
    return ERR(ERR_OVERLOAD,
               "tenant is above active series limit: %.0f series in all receivers, limit %ju",
               series, (uintmax_t)t->head_series);
}

static struct err
check_rate(struct write *q, const struct tenant_limits *t)
{
    struct rate rate = {t->rate, t->burst};
    uint64_t samples = q->batch.request.sample_count + q->batch.request.histogram_count;
    uint64_t wait_ms = 0;
    if (rate.per_second == 0 || !q->policy)
        return OK;
    if (rates_take(policy_rates(q->policy), q->batch.tenant, rate, samples, &wait_ms))
        return OK;
    q->retry_after_s = wait_ms / 1000 + 1;
    count_hits(q, q->batch.tenant, LIMIT_RATE, 1);
    return ERR(ERR_OVERLOAD,
               "tenant is above its ingestion rate: limit %ju samples a second, %ju at once; "
               "%ju samples may come in %ju s",
               (uintmax_t)rate.per_second, (uintmax_t)(rate.burst ? rate.burst : rate.per_second),
               (uintmax_t)samples, (uintmax_t)q->retry_after_s);
}

/* --- storing ---------------------------------------------------------------------------------- */

static struct err
rewrite(struct write *q, const struct tenant_limits *t)
{
    if (!q->hold.rewrite) {
        q->rewritten = rewrite_nothing(q->arena, &q->batch, t);
        return OK;
    }
    TRY(rewrite_batch(q->hold.rewrite, q->arena, &q->batch, q->hold.limits, &q->rewritten));
    for (size_t i = 0; i < LABEL_FAULT_COUNT; i++)
        q->result.label_faults[i] += q->rewritten.label_faults[i];
    return OK;
}

static void
count_refused(const struct write *q, const struct rewritten_batch *b,
              const struct append_result *result)
{
    const struct tenant_limits *t = b->limits;
    struct str tenant = b->batch.tenant;
    for (enum limit_kind i = 0; i < LIMIT_KIND_COUNT; i++)
        count_hits(q, tenant, i, b->hits[i]);
    if (t->head_series > 0)
        count_hits(q, tenant, LIMIT_HEAD_SERIES, result->series_over_limit);
    if (t->ooo_window_ms >= 0) /* without a window, what is late is out of order */
        count_hits(q, tenant, LIMIT_TOO_OLD,
                   result->fates[SAMPLE_TOO_OLD] +
                       (t->ooo_window_ms == 0 ? result->fates[SAMPLE_OUT_OF_ORDER] : 0));
    if (t->future_window_ms >= 0)
        count_hits(q, tenant, LIMIT_TOO_NEW, result->fates[SAMPLE_TOO_NEW]);
}

struct err
write_store(struct write *q, const struct rewritten_batch *b)
{
    struct append_result result = {.series_created = 0};
    struct append_limits limits = limits_of_head(b->limits);
    limits.memory = q->memory;
    struct batch batch = b->batch;
    batch.request.limits = &limits;
    if (batch_has_content(&batch)) {
        TRACED(q->trace, "append");
        q->reached_sink = true;
        struct err e = sink_append(q->sink, &batch, q->arena, &result);
        q->result.rows_unnamed += e.code == ERR_NONE ? 0 : result.rows_unnamed;
        TRY(e);
        append_result_add(&q->result, &result);
        if (result.series_unknown > 0)
            memory_limit_refused(q->memory, MEMORY_REFUSED_SERIES);
    }
    count_refused(q, b, &result);
    return OK;
}

struct err
write_batch(struct write *q)
{
    const struct tenant_limits *t = limits_for(q, q->batch.tenant);
    TRY(admit(q, t));
    if (!batch_has_content(&q->batch))
        return OK;
    TRY(check_monitored(q, t));
    TRY(check_rate(q, t));
    TRY(rewrite(q, t));
    if (q->policy)
        policy_count_dropped(q->policy, q->rewritten.dropped.rows);
    if (q->replicator)
        return write_replicate(q);
    for (size_t i = 0; i < q->rewritten.count; i++)
        TRY(write_store(q, &q->rewritten.batches[i]));
    return OK;
}

struct err
write_run(struct write *q)
{
    struct str tenant;
    TRY(ingest_tenant(&q->tenant, &tenant));
    {
        TRACED(q->trace, "decode");
        TRY(decode(q, tenant));
    }
    q->batch.tenant = arena_str(q->arena, tenant); /* copies of rows may outlive the request */
    return write_batch(q);
}
