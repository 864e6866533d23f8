/* histogram_point.c - sizes and notes. */
#include "querygw/promql/histogram_point.h"

#include "base/mem.h"
#include "base/quote.h"

enum {
    SAMPLE_BYTES = 16,
    HISTOGRAM_FIXED_BYTES = 168, /* of Prometheus' FloatHistogram: limits mean the same */
};

size_t
histogram_point_samples(const struct float_histogram *h)
{
    size_t words =
        h->positive.spans.n + h->negative.spans.n + h->positive.n + h->negative.n + h->bound_n;
    return (HISTOGRAM_FIXED_BYTES + 8 * words + SAMPLE_BYTES / 2) / SAMPLE_BYTES;
}

struct err
histogram_point_keep(struct exec *x, struct arena *a, const struct float_histogram *h,
                     const struct float_histogram **ret_copy)
{
    TRY(exec_hold(x, histogram_point_samples(h)));
    TRY(arena_check(a));
    *ret_copy = float_histogram_copy(h, a);
    return OK;
}

struct err
histogram_points_keep(struct exec *x, struct arena *a, const struct column *c,
                      const struct float_histogram **to, size_t *ret_samples)
{
    const struct float_histogram *last = NULL, *copy = NULL;
    *ret_samples = 0;
    for (size_t i = c->begin; i < c->end; i++) {
        const struct float_histogram *h = column_has(c, i) ? column_histogram(c, i) : NULL;
        if (h && h != last) {
            TRY(histogram_point_keep(x, a, h, &copy));
            *ret_samples += histogram_point_samples(h);
            last = h;
        }
        if (h)
            to[i - c->begin] = copy;
    }
    return OK;
}

void
histogram_points_add(struct histogram_points *p, struct arena *a, int64_t t_ms, int64_t start_ms,
                     const struct float_histogram *h)
{
    if (p->n == p->cap) {
        size_t cap = p->cap, starts_cap = p->cap;
        p->t_ms = arena_more(a, p->t_ms, sizeof *p->t_ms, p->n, &cap);
        p->start_ms = arena_more(a, p->start_ms, sizeof *p->start_ms, p->n, &starts_cap);
        p->v = arena_more(a, p->v, sizeof *p->v, p->n, &p->cap);
    }
    p->t_ms[p->n] = t_ms;
    p->start_ms[p->n] = start_ms;
    p->v[p->n++] = h;
}

const struct float_histogram *
histogram_forget_reset(struct arena *a, const struct float_histogram *h)
{
    if (h->reset != HISTOGRAM_RESET_YES && h->reset != HISTOGRAM_RESET_NO)
        return h;
    struct float_histogram *copy = ARENA_NEW(a, struct float_histogram);
    *copy = *h; /* shares the buckets */
    copy->reset = HISTOGRAM_RESET_UNKNOWN;
    return copy;
}

void
histogram_points_merge_tail(struct histogram_points *p, struct arena *a, size_t from)
{
    struct histogram_points both = {0};
    size_t x = 0, y = from, before = 0;
    while (x < from || y < p->n) {
        bool first = y == p->n || (x < from && p->t_ms[x] < p->t_ms[y]);
        if (!first && x < from && p->t_ms[x] == p->t_ms[y])
            x++;
        size_t take = first ? x++ : y++;
        bool follows = both.n == 0 || take == before + 1; /* what it was told to follow */
        const struct float_histogram *h =
            follows ? p->v[take] : histogram_forget_reset(a, p->v[take]);
        histogram_points_add(&both, a, p->t_ms[take], p->start_ms[take], h);
        before = take;
    }
    *p = both;
}

static const struct note_text {
    enum note_kind kind;
    const char *text;
} note_texts[HISTOGRAM_NOTE_COUNT_OF] = {
    [HISTOGRAM_NOTE_MIXED] = {NOTE_WARNING,
                              "PromQL warning: encountered a mix of histograms and floats for "
                              "metric name "},
    [HISTOGRAM_NOTE_MIXED_SCHEMAS] = {NOTE_WARNING,
                                      "PromQL warning: vector contains a mix of histograms with "
                                      "exponential and custom buckets schemas for metric name "},
    [HISTOGRAM_NOTE_NO_COUNTER] = {NOTE_WARNING, "PromQL warning: this native histogram metric is "
                                                 "not a counter: "},
    [HISTOGRAM_NOTE_NO_GAUGE] = {NOTE_WARNING, "PromQL warning: this native histogram metric is "
                                               "not a gauge: "},
    [HISTOGRAM_NOTE_IGNORED] = {NOTE_INFO, "PromQL info: ignored histograms in a range containing "
                                           "both floats and histograms for metric name "},
};

struct err
histogram_note_metric(struct exec *x, enum histogram_note note, struct promql_range range,
                      struct labels series)
{
    AUTO(buf_fini) struct buf text = BUF_INIT;
    buf_append(&text, str_of_cstr(note_texts[note].text));
    quote_text(labels_get(series, STR(LABEL_METRIC_NAME)), &text);
    return notes_add(&x->notes, note_texts[note].kind, range, buf_str(&text));
}

struct err
histogram_note_findings(struct exec *x, unsigned findings, struct promql_range range,
                        const char *operation)
{
    AUTO(buf_fini) struct buf text = BUF_INIT;
    if (findings & FLOAT_HISTOGRAM_RESET_CONFLICT) {
        buf_printf(&text, "PromQL warning: conflicting counter resets during histogram %s",
                   operation);
        TRY(notes_add(&x->notes, NOTE_WARNING, range, buf_str(&text)));
        buf_clear(&text);
    }
    if (!(findings & FLOAT_HISTOGRAM_BOUNDS_DIFFER))
        return OK;
    buf_printf(&text, "PromQL info: mismatched custom buckets were reconciled during %s",
               operation);
    return notes_add(&x->notes, NOTE_INFO, range, buf_str(&text));
}

struct err
histogram_note_ignored_by(struct exec *x, struct str aggregator, struct promql_range range)
{
    AUTO(buf_fini) struct buf text = BUF_INIT;
    buf_printf(&text, "PromQL info: ignored histogram in %.*s aggregation", STR_FMT(aggregator));
    return notes_add(&x->notes, NOTE_INFO, range, buf_str(&text));
}
