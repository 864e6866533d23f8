/* otlp.c - resources, metrics, points: which are mapped, which are refused and why. */
#include "ingest/otlp.h"

#include "base/bytes.h"
#include "base/mem.h"
#include "base/quote.h"
#include "ingest/otlp_int.h"
#include "ingest/otlp_name.h"

enum { SUFFIX_BYTES_MAX = sizeof "_bucket" - 1 };

/* How a type is mapped; its row is numbered as enum otlp_type. */
static const struct type_row {
    const char *name;
    bool is_cumulative; /* temporality is told, and has to be cumulative */
    enum metric_kind kind;
    struct err (*check)(const struct otlp_point *p); /* NULL: nothing can be wrong */
    struct err (*put)(struct otlp_family *f, const struct otlp_point *p);
} types[] = {
    [OTLP_NO_DATA] = {.name = "without data, or of an unknown type"},
    [OTLP_GAUGE] = {"a gauge", false, METRIC_KIND_GAUGE, NULL, otlp_put_number},
    [OTLP_SUM] = {"a sum", true, METRIC_KIND_GAUGE, NULL, otlp_put_number},
    [OTLP_HISTOGRAM] = {"a histogram", true, METRIC_KIND_HISTOGRAM, otlp_check_histogram,
                        otlp_put_histogram},
    [OTLP_EXPONENTIAL] = {"an exponential histogram", true, METRIC_KIND_HISTOGRAM,
                          otlp_check_exponential, otlp_put_exponential},
    [OTLP_SUMMARY] = {"a summary", false, METRIC_KIND_SUMMARY, NULL, otlp_put_summary},
};

/* --- refusals ----------------------------------------------------------------------------------
 */

void
otlp_refuse(struct otlp_map *m, const char *what, struct str name, size_t points, struct err e)
{
    m->refused.items += points;
    if (m->refused.reasons++ < OTLP_REASONS_MAX) {
        struct str shown = otlp_shown(m->arena, name);
        m->refused.text =
            arena_printf(m->arena, "%.*s%s%s %.*s: %s", STR_FMT(m->refused.text),
                         m->refused.text.n > 0 ? "; " : "", what, STR_FMT(shown), err_text(&e));
    }
    err_drop(e);
}

struct str
otlp_shown(struct arena *a, struct str name)
{
    AUTO(buf_fini) struct buf quoted = BUF_INIT;
    quote_text(str_of(name.p, size_min(name.n, OTLP_SHOWN_BYTES_MAX)), &quoted);
    return arena_str(a, buf_str(&quoted));
}

static struct err
check_metric(const struct otlp_metric *metric)
{
    const struct type_row *type = &types[metric->type];
    if (metric->type == OTLP_NO_DATA)
        return ERR(ERR_INVALID, "%s", type->name);
    if (type->is_cumulative && metric->temporality == OTLP_DELTA)
        return ERR(ERR_INVALID,
                   "%s of delta temporality: only cumulative ones are stored, let the "
                   "sender or a collector make it one",
                   type->name);
    if (type->is_cumulative && metric->temporality != OTLP_CUMULATIVE)
        return ERR(ERR_INVALID, "%s of temporality %d: only cumulative ones are stored", type->name,
                   (int)metric->temporality);
    if (metric->point_count == 0)
        return ERR(ERR_INVALID, "no data points");
    return OK;
}

static struct err
check_point(const struct otlp_metric *metric, const struct otlp_point *p)
{
    bool is_number = metric->type == OTLP_GAUGE || metric->type == OTLP_SUM;
    if (p->time_ns == 0)
        return ERR(ERR_INVALID, "a point has no time");
    if (is_number && !p->has_value && !otlp_is_stale(p))
        return ERR(ERR_INVALID, "a point has no value");
    return types[metric->type].check ? types[metric->type].check(p) : OK;
}

/* --- metrics
 * -------------------------------------------------------------------------------------- */

static struct err
begin_family(struct otlp_map *m, const struct otlp_metric *metric, struct otlp_family *ret_family)
{
    TRY(check_metric(metric));
    bool total = metric->type == OTLP_SUM && metric->monotonic;
    bool ratio = metric->type == OTLP_GAUGE && str_eq(metric->unit, STR("1"));
    AUTO(buf_fini) struct buf name = BUF_INIT;
    otlp_metric_name(metric->name, metric->unit,
                     total   ? OTLP_SUFFIX_TOTAL
                     : ratio ? OTLP_SUFFIX_RATIO
                             : OTLP_SUFFIX_NONE,
                     &name);
    if (name.n == 0)
        return ERR(ERR_INVALID, "the name has no letter or digit");
    if (name.n + SUFFIX_BYTES_MAX > LABEL_NAME_BYTES_MAX)
        return ERR(ERR_INVALID, "the name is longer than %d bytes", LABEL_NAME_BYTES_MAX);
    *ret_family = (struct otlp_family){
        .map = m, .metric = metric, .name = arena_str(m->arena, buf_str(&name))};
    return OK;
}

/* A fault of the point is refused here; only limits come back. */
static struct err
map_point(struct otlp_family *f, const struct otlp_point *p)
{
    TRY(arena_admit(f->map->arena, 0)); /* labels and names are small, but many */
    struct err e = check_point(f->metric, p);
    if (e.code == ERR_NONE)
        e = otlp_point_labels(f->map, p->attributes);
    if (e.code != ERR_NONE) {
        otlp_refuse(f->map, "metric", f->metric->name, 1, e);
        return OK;
    }
    f->stored++;
    f->map->refused.items_taken++;
    return types[f->metric->type].put(f, p);
}

static struct err
put_metadata(struct otlp_family *f)
{
    bool counter = f->metric->type == OTLP_SUM && f->metric->monotonic;
    return batch_builder_metadata(
        &f->map->builder,
        &(struct family_metadata){f->name,
                                  {counter ? METRIC_KIND_COUNTER : types[f->metric->type].kind,
                                   f->metric->description, f->metric->unit}});
}

/* *newest_ns grows to the newest point that was mapped. */
static struct err
map_metric(struct otlp_map *m, const struct otlp_metric *metric, uint64_t *newest_ns)
{
    struct otlp_family f;
    struct err e = begin_family(m, metric, &f);
    if (e.code != ERR_NONE) {
        otlp_refuse(m, "metric", metric->name, metric->point_count, e);
        return OK;
    }
    for (size_t i = 0; i < metric->point_count; i++) {
        uint64_t before = f.stored;
        TRY(map_point(&f, &metric->points[i]));
        if (f.stored > before)
            *newest_ns = u64_max(*newest_ns, metric->points[i].time_ns);
    }
    return f.stored > 0 ? put_metadata(&f) : OK;
}

static struct err
map_resource(struct otlp_map *m, const struct otlp_resource *r)
{
    uint64_t newest_ns = 0;
    otlp_resource_labels(m, r);
    for (size_t i = 0; i < r->metric_count; i++)
        TRY(map_metric(m, &r->metrics[i], &newest_ns));
    if (!m->options->target_info || newest_ns == 0 || !otlp_target_labels(m, r))
        return OK;
    TRY(otlp_row(m, STR("target_info"), "", STR(""), STR("")));
    return batch_builder_sample(&m->builder, (struct sample){otlp_ms(newest_ns), bits_of_f64(1)});
}

struct err
otlp_to_batch(struct arena *a, const struct otlp_request *request,
              const struct otlp_options *options, struct batch *ret_batch)
{
    struct otlp_map m = {.options = options,
                         .arena = a,
                         .labels = {.v = ARENA_ARRAY(a, struct label, OTLP_LABELS_ROOM)},
                         .resource_labels = {.v = ARENA_ARRAY(a, struct label, OTLP_LABELS_ROOM)},
                         .row = ARENA_ARRAY(a, struct label, OTLP_LABELS_ROOM)};
    otlp_shape_init(&m.shape, a);
    batch_builder_init(&m.builder, a);
    struct err e = OK;
    for (size_t i = 0; i < request->resource_count && e.code == ERR_NONE; i++)
        e = map_resource(&m, &request->resources[i]);
    size_t more = m.refused.reasons - size_min(m.refused.reasons, OTLP_REASONS_MAX);
    if (more > 0)
        m.refused.text = arena_printf(a, "%.*s; and %zu more", STR_FMT(m.refused.text), more);
    batch_builder_fini(&m.builder);
    TRY(e);
    *ret_batch = batch_builder_finish(&m.builder);
    ret_batch->refused = m.refused;
    return OK;
}
