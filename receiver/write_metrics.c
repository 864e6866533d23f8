/* write_metrics.c - families, and the children that are known ahead. */
#include "receiver/write_metrics.h"

#include "base/mem.h"

static const double count_buckets[] = {10, 50, 100, 500, 1000, 5000, 10000};

static const char *const fate_names[SAMPLE_FATE_COUNT] = {
    [SAMPLE_OUT_OF_ORDER] = "out_of_order",   [SAMPLE_DUPLICATE] = "duplicate_timestamp",
    [SAMPLE_OUT_OF_BOUNDS] = "out_of_bounds", [SAMPLE_TOO_OLD] = "too_old",
    [SAMPLE_TOO_NEW] = "too_far_in_future",
};
static const char *const fault_names[LABEL_FAULT_COUNT] = {
    [LABEL_FAULT_EMPTY_SET] = "no_labels",       [LABEL_FAULT_EMPTY_NAME] = "empty_label_name",
    [LABEL_FAULT_DUPLICATE] = "duplicate_label", [LABEL_FAULT_NOT_UTF8] = "not_utf8",
    [LABEL_FAULT_TOO_MANY] = "too_many_labels",  [LABEL_FAULT_TOO_LONG] = "label_too_long",
    [LABEL_FAULT_MALFORMED] = "malformed",
};

static const char *const exemplar_names[EXEMPLAR_FATE_COUNT] = {
    [EXEMPLAR_STORED] = "stored",
    [EXEMPLAR_REPEATED] = "repeated",
    [EXEMPLAR_DISABLED] = "disabled",
    [EXEMPLAR_OUT_OF_ORDER] = "out_of_order",
    [EXEMPLAR_LABELS_TOO_LONG] = "labels_too_long",
    [EXEMPLAR_LABELS_INVALID] = "labels_invalid",
    [EXEMPLAR_NO_SERIES] = "no_series",
};

static struct metric_family *
sizes_family(struct metrics *m, const char *name, const char *help)
{
    return metrics_family(m, &(struct metric_spec){.type = METRIC_HISTOGRAM,
                                                   .name = name,
                                                   .help = help,
                                                   .labels = {"code", "tenant"},
                                                   .buckets = count_buckets,
                                                   .bucket_count = ARRAY_LEN(count_buckets)});
}

static struct metric_family *
counter_family(struct metrics *m, const char *name, const char *help, const char *label)
{
    return metrics_family(
        m, &(struct metric_spec){
               .type = METRIC_COUNTER, .name = name, .help = help, .labels = {label}});
}

static struct metric *
child(struct metric_family *f, const char *value)
{
    return metric_with(f, (struct str[]){str_of_cstr(value)}, 1);
}

static void
init_rejected(struct write_metrics *w, struct metrics *m)
{
    struct metric_family *f = counter_family(m, "mneme_receive_rejected_samples_total",
                                             "Samples that were not stored, by reason.", "reason");
    for (size_t i = 0; i < SAMPLE_FATE_COUNT; i++)
        w->rejected_samples[i] = fate_names[i] ? child(f, fate_names[i]) : NULL;
    w->invalid_histograms = child(f, "invalid_histogram");
    w->refused_items[WRITE_REMOTE] = NULL;
    w->refused_items[WRITE_OTLP] = child(f, "otlp_point");
    w->refused_items[WRITE_TEXT] = child(f, "text_line");
    f = counter_family(m, "mneme_receive_rejected_series_total",
                       "Series of requests whose samples were not stored, by reason.", "reason");
    for (size_t i = 0; i < LABEL_FAULT_COUNT; i++)
        w->rejected_series[i] = fault_names[i] ? child(f, fault_names[i]) : NULL;
    w->over_series_limit = child(f, "head_series_limit");
    w->bad_tenants = child(f, "bad_tenant");
    w->without_name = child(f, "no_metric_name");
    w->without_samples = child(f, "no_samples");
}

/* What came beside samples: no request fails for it. */
static void
init_extras(struct write_metrics *w, struct metrics *m)
{
    struct metric_family *f =
        counter_family(m, "mneme_receive_exemplars_total",
                       "Exemplars of write requests, by what became of them.", "result");
    for (size_t i = 0; i < EXEMPLAR_FATE_COUNT; i++)
        w->exemplars[i] = child(f, exemplar_names[i]);
    f = counter_family(m, "mneme_receive_metadata_total",
                       "Metadata of metric families in write requests, by what became of it.",
                       "result");
    w->metadata_stored = child(f, "stored");
    w->metadata_refused = child(f, "refused");
}

static void
init_messages(struct write_metrics *w, struct metrics *m)
{
    struct metric_family *f =
        counter_family(m, "mneme_receive_messages_total",
                       "Write requests whose headers named a message that is known.", "message");
    for (enum ingest_message i = 0; i < INGEST_MESSAGE_COUNT; i++)
        w->messages[i] = child(f, ingest_message_name(i));
    w->start_timestamps = metrics_single(
        m, &(struct metric_spec){
               .type = METRIC_COUNTER,
               .name = "mneme_receive_start_timestamps_dropped_total",
               .help = "Start timestamps of samples and histograms, which are not stored."});
}

static void
init_gauges(struct metrics *m, unsigned replication_factor)
{
    metric_set(metrics_single(
                   m, &(struct metric_spec){.type = METRIC_GAUGE,
                                            .name = "thanos_receive_replication_factor",
                                            .help = "How many copies of each sample are written."}),
               replication_factor > 0 ? replication_factor : 1);
}

/* As Thanos counts a node that is alone: the local database is where every write is forwarded to,
 * once. Both results are there from the start, for alerts that divide one by the other. */
static void
init_forwards(struct write_metrics *w, struct metrics *m)
{
    static const char *const results[] = {"success", "error"};
    struct metric_family *forwards = counter_family(m, "thanos_receive_forward_requests_total",
                                                    "The number of forward requests.", "result");
    struct metric_family *replications =
        counter_family(m, "thanos_receive_replications_total",
                       "The number of replication operations done by the receiver. The success of "
                       "replication is fulfilled when a quorum is met.",
                       "result");
    for (size_t i = 0; i < ARRAY_LEN(results); i++) {
        w->forwards[i] = child(forwards, results[i]);
        w->replications[i] = child(replications, results[i]);
    }
}

void
write_metrics_init(struct write_metrics *w, struct metrics *m, unsigned replication_factor)
{
    w->timeseries = sizes_family(m, "thanos_receive_write_timeseries",
                                 "Series of the write requests that came as far as storing.");
    w->samples = sizes_family(m, "thanos_receive_write_samples",
                              "Samples of the write requests that came as far as storing.");
    w->tenants = metrics_bound(m, "tenant of writes", WRITE_METRICS_TENANTS_MAX);
    init_forwards(w, m);
    init_rejected(w, m);
    init_extras(w, m);
    init_messages(w, m);
    struct metric_family *refused = counter_family(m, "mneme_receive_refused_requests_total",
                                                   "Write requests refused as a whole.", "reason");
    for (enum err_code code = ERR_NONE + 1; code < ERR_CODE_COUNT; code++)
        w->refused[code] = child(refused, err_name(code));
    init_gauges(m, replication_factor);
}

/* Most counts of most requests are 0. */
static void
add(struct metric *c, uint64_t amount)
{
    if (c && amount > 0)
        metric_add(c, (double)amount);
}

/* By the tenants that series went to. */
static void
count_sizes(const struct write_metrics *w, const struct write *q, int status)
{
    struct str code = arena_printf(q->arena, "%d", status);
    bool failed = status >= 300;
    metric_inc(w->forwards[failed]);
    metric_inc(w->replications[failed]);
    for (size_t i = 0; i < q->rewritten.count; i++) {
        const struct batch *b = &q->rewritten.batches[i].batch;
        struct str labels[] = {code, metric_bound_pass(w->tenants, b->tenant)};
        if (!batch_has_content(b))
            continue;
        metric_observe(metric_with(w->timeseries, labels, 2), (double)b->series_count);
        metric_observe(metric_with(w->samples, labels, 2), (double)b->request.sample_count);
    }
}

void
write_metrics_count(const struct write_metrics *w, const struct write *q, enum err_code code,
                    int status)
{
    if (q->negotiated)
        metric_inc(w->messages[q->format.message]);
    if (q->reached_sink)
        count_sizes(w, q, status);
    if (code != ERR_NONE) {
        metric_inc(w->refused[code]);
        return;
    }
    for (size_t i = 0; i < SAMPLE_FATE_COUNT; i++)
        add(w->rejected_samples[i], q->result.fates[i]);
    add(w->refused_items[q->protocol.kind], q->batch.refused.items);
    for (size_t i = 0; i < LABEL_FAULT_COUNT; i++)
        add(w->rejected_series[i], q->result.label_faults[i]);
    add(w->over_series_limit, q->result.series_over_limit);
    add(w->bad_tenants, q->rewritten.bad_tenant_rows);
    add(w->without_name, q->batch.refused_series.without_name);
    add(w->without_samples, q->batch.refused_series.without_samples);
    add(w->start_timestamps, q->batch.start_timestamp_count);
    add(w->invalid_histograms, q->result.histograms_invalid);
    for (size_t i = 0; i < EXEMPLAR_FATE_COUNT; i++)
        add(w->exemplars[i], q->result.exemplar_fates[i]);
    add(w->metadata_stored, q->result.metadata_stored);
    add(w->metadata_refused, q->result.metadata_refused);
}
