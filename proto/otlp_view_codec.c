/* otlp_view_codec.c - from protobuf-c's messages to those of otlp.h. Texts and arrays of numbers
 * stay where they are; everything else is small and copied. */
#include "proto/otlp_int.h"

#include "base/bytes.h"

static struct otlp_attributes
view_attributes(struct arena *a, Otlp__KeyValue *const *v, size_t n)
{
    struct otlp_attribute *to = ARENA_ARRAY(a, struct otlp_attribute, n);
    for (size_t i = 0; i < n; i++)
        to[i] = (struct otlp_attribute){otlp_str(v[i]->key), otlp_text_of_value(a, v[i]->value)};
    return (struct otlp_attributes){to, n};
}

/* Through memory: a signalling NaN stays one. */
static uint64_t
bits_at(const double *v)
{
    return load_le64(v);
}

static void
view_exemplars(struct arena *a, Otlp__Exemplar *const *v, size_t n, struct otlp_point *p)
{
    struct otlp_exemplar *to = ARENA_ARRAY(a, struct otlp_exemplar, n);
    for (size_t i = 0; i < n; i++) {
        const Otlp__Exemplar *e = v[i];
        bool is_int = e->value_case == OTLP__EXEMPLAR__VALUE_AS_INT;
        to[i] = (struct otlp_exemplar){
            .time_ns = e->time_unix_nano,
            .bits = is_int ? bits_of_f64((double)e->as_int) : bits_at(&e->as_double),
            .has_value = e->value_case != OTLP__EXEMPLAR__VALUE__NOT_SET,
            .trace_id = otlp_str(e->trace_id),
            .span_id = otlp_str(e->span_id),
            .attributes = view_attributes(a, e->filtered_attributes, e->n_filtered_attributes),
        };
    }
    p->exemplars = to;
    p->exemplar_count = n;
}

/* The fields that points of all types have, by the same names. */
#define VIEW_POINT(a, from)                                                                        \
    {                                                                                              \
        .attributes = view_attributes((a), (from)->attributes, (from)->n_attributes),              \
        .start_ns = (from)->start_time_unix_nano, .time_ns = (from)->time_unix_nano,               \
        .flags = (from)->flags,                                                                    \
    }

static struct otlp_point
view_number(struct arena *a, const Otlp__NumberDataPoint *from)
{
    struct otlp_point p = VIEW_POINT(a, from);
    bool is_int = from->value_case == OTLP__NUMBER_DATA_POINT__VALUE_AS_INT;
    p.has_value = from->value_case != OTLP__NUMBER_DATA_POINT__VALUE__NOT_SET;
    p.bits = is_int ? bits_of_f64((double)from->as_int) : bits_at(&from->as_double);
    view_exemplars(a, from->exemplars, from->n_exemplars, &p);
    return p;
}

static struct otlp_point
view_histogram(struct arena *a, const Otlp__HistogramDataPoint *from)
{
    struct otlp_point p = VIEW_POINT(a, from);
    p.has_value = from->sum_or_none_case == OTLP__HISTOGRAM_DATA_POINT__SUM_OR_NONE_SUM;
    p.bits = bits_at(&from->sum);
    p.count = from->count;
    p.bucket_counts = (struct otlp_counts){from->bucket_counts, from->n_bucket_counts};
    p.bounds = from->explicit_bounds;
    p.bound_count = from->n_explicit_bounds;
    view_exemplars(a, from->exemplars, from->n_exemplars, &p);
    return p;
}

static struct otlp_buckets
view_buckets(const Otlp__Buckets *from)
{
    if (!from)
        return (struct otlp_buckets){0};
    return (struct otlp_buckets){from->offset, {from->bucket_counts, from->n_bucket_counts}};
}

static struct otlp_point
view_exponential(struct arena *a, const Otlp__ExponentialHistogramDataPoint *from)
{
    struct otlp_point p = VIEW_POINT(a, from);
    p.has_value = from->sum_or_none_case == OTLP__EXPONENTIAL_HISTOGRAM_DATA_POINT__SUM_OR_NONE_SUM;
    p.bits = bits_at(&from->sum);
    p.count = from->count;
    p.scale = from->scale;
    p.zero_count = from->zero_count;
    p.zero_threshold = from->zero_threshold;
    p.positive = view_buckets(from->positive);
    p.negative = view_buckets(from->negative);
    view_exemplars(a, from->exemplars, from->n_exemplars, &p);
    return p;
}

static struct otlp_point
view_summary(struct arena *a, const Otlp__SummaryDataPoint *from)
{
    struct otlp_point p = VIEW_POINT(a, from);
    struct otlp_quantile *to = ARENA_ARRAY(a, struct otlp_quantile, from->n_quantile_values);
    for (size_t i = 0; i < from->n_quantile_values; i++)
        to[i] = (struct otlp_quantile){from->quantile_values[i]->quantile,
                                       bits_at(&from->quantile_values[i]->value)};
    p.has_value = true;
    p.bits = bits_at(&from->sum);
    p.count = from->count;
    p.quantiles = to;
    p.quantile_count = from->n_quantile_values;
    return p;
}

/* Points of one kind, each by its own function. */
#define VIEW_POINTS(a, m, data, view)                                                              \
    do {                                                                                           \
        struct otlp_point *to_ = ARENA_ARRAY((a), struct otlp_point, (data)->n_data_points);       \
        for (size_t i_ = 0; i_ < (data)->n_data_points; i_++)                                      \
            to_[i_] = view((a), (data)->data_points[i_]);                                          \
        (m)->points = to_;                                                                         \
        (m)->point_count = (data)->n_data_points;                                                  \
    } while (0)

static void
view_data(struct arena *a, const Otlp__Metric *from, struct otlp_metric *m)
{
    switch (from->data_case) {
    case OTLP__METRIC__DATA_GAUGE:
        m->type = OTLP_GAUGE;
        VIEW_POINTS(a, m, from->gauge, view_number);
        return;
    case OTLP__METRIC__DATA_SUM:
        m->type = OTLP_SUM;
        m->temporality = (enum otlp_temporality)from->sum->aggregation_temporality;
        m->monotonic = from->sum->is_monotonic;
        VIEW_POINTS(a, m, from->sum, view_number);
        return;
    case OTLP__METRIC__DATA_HISTOGRAM:
        m->type = OTLP_HISTOGRAM;
        m->temporality = (enum otlp_temporality)from->histogram->aggregation_temporality;
        VIEW_POINTS(a, m, from->histogram, view_histogram);
        return;
    case OTLP__METRIC__DATA_EXPONENTIAL_HISTOGRAM:
        m->type = OTLP_EXPONENTIAL;
        m->temporality =
            (enum otlp_temporality)from->exponential_histogram->aggregation_temporality;
        VIEW_POINTS(a, m, from->exponential_histogram, view_exponential);
        return;
    case OTLP__METRIC__DATA_SUMMARY:
        m->type = OTLP_SUMMARY;
        VIEW_POINTS(a, m, from->summary, view_summary);
        return;
    case OTLP__METRIC__DATA__NOT_SET:
    case _OTLP__METRIC__DATA__CASE_IS_INT_SIZE:
        return;
    }
}

static struct otlp_metric
view_metric(struct arena *a, const Otlp__Metric *from)
{
    struct otlp_metric m = {.name = otlp_str(from->name),
                            .description = otlp_str(from->description),
                            .unit = otlp_str(from->unit)};
    view_data(a, from, &m);
    return m;
}

static struct otlp_resource
view_resource(struct arena *a, const Otlp__ResourceMetrics *from)
{
    struct otlp_resource r = {0};
    if (from->resource)
        r.attributes = view_attributes(a, from->resource->attributes, from->resource->n_attributes);
    for (size_t i = 0; i < from->n_scope_metrics; i++)
        r.metric_count += from->scope_metrics[i]->n_metrics;
    struct otlp_metric *to = ARENA_ARRAY(a, struct otlp_metric, r.metric_count);
    r.metrics = to;
    for (size_t i = 0; i < from->n_scope_metrics; i++)
        for (size_t k = 0; k < from->scope_metrics[i]->n_metrics; k++)
            *to++ = view_metric(a, from->scope_metrics[i]->metrics[k]);
    return r;
}

struct otlp_request
otlp_view(struct arena *a, const Otlp__ExportRequest *request)
{
    struct otlp_resource *to = ARENA_ARRAY(a, struct otlp_resource, request->n_resource_metrics);
    for (size_t i = 0; i < request->n_resource_metrics; i++)
        to[i] = view_resource(a, request->resource_metrics[i]);
    return (struct otlp_request){to, request->n_resource_metrics};
}
