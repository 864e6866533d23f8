/* model_values.c - comparing values, keeping samples in order. */
#include "tests/tsdb/model_values.h"

#include <string.h>

#include "tests/tsdb/histogram_kit.h"

bool
model_value_is_stale(struct model_value v)
{
    return v.histogram ? histogram_is_stale(v.histogram) : v.bits == STALE_NAN_BITS;
}

bool
model_value_same(struct model_value x, struct model_value y)
{
    if (!x.histogram || !y.histogram)
        return !x.histogram && !y.histogram && x.bits == y.bits;
    if (!kit_counts_same(x.histogram, y.histogram))
        return false;
    bool gauges = x.histogram->reset == HISTOGRAM_GAUGE && y.histogram->reset == HISTOGRAM_GAUGE;
    bool counters = x.histogram->reset != HISTOGRAM_GAUGE && y.histogram->reset != HISTOGRAM_GAUGE;
    return model_value_is_stale(x) || gauges || counters;
}

void
model_value_format(struct model_value v, struct buf *to)
{
    const struct histogram *h = v.histogram;
    if (h)
        buf_printf(to, "%s%s count %jx sum %jx schema %d",
                   h->reset == HISTOGRAM_GAUGE ? "gauge " : "",
                   h->kind == HISTOGRAM_FLOAT ? "float histogram" : "histogram",
                   (uintmax_t)h->count, (uintmax_t)h->sum, h->schema);
    else
        buf_printf(to, "float %jx", (uintmax_t)v.bits);
}

/* spec/tsdb.md section 12: identical bits; a float's stale marker stands for a histogram's. */
enum model_likeness
model_value_repeats(struct model_value sent, struct model_value newest)
{
    bool markers = model_value_is_stale(sent) && model_value_is_stale(newest);
    if (markers && sent.histogram && !newest.histogram)
        return MODEL_ALIKE; /* the newest may stand for a histogram's: model.c */
    if (!newest.histogram)
        return !sent.histogram && sent.bits == newest.bits ? MODEL_SAME : MODEL_OTHER;
    if (!sent.histogram)
        return markers ? MODEL_SAME : MODEL_OTHER;
    bool same = kit_counts_same(sent.histogram, newest.histogram) &&
                sent.histogram->sum == newest.histogram->sum; /* NaNs have different bits */
    return same ? MODEL_SAME : MODEL_OTHER;
}

size_t
model_samples_at(const struct model_samples *s, int64_t t_ms)
{
    size_t low = 0, high = s->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (s->v[middle].t_ms < t_ms)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool
model_samples_have(const struct model_samples *s, int64_t t_ms)
{
    size_t at = model_samples_at(s, t_ms);
    return at < s->n && s->v[at].t_ms == t_ms;
}

void
model_samples_insert(struct model_samples *s, struct model_sample x)
{
    size_t at = s->n;
    while (at > 0 && s->v[at - 1].t_ms > x.t_ms)
        at--;
    vec_push(s, x);
    memmove(&s->v[at + 1], &s->v[at], (s->n - 1 - at) * sizeof *s->v);
    s->v[at] = x;
}
