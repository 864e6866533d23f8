/* bucket_notes.c - one note a metric, however many steps it is about. */
#include "querygw/promql/bucket_notes.h"

#include <math.h>
#include <time.h>

#include "base/mem.h"
#include "base/numtext.h"
#include "base/quote.h"
#include "querygw/promql/histogram_stats.h"

struct raised {
    struct str name;
    struct bucket_fix fix; /* of all */
    size_t samples;
    int64_t min_ms, max_ms;
};

void
bucket_notes_init(struct bucket_notes *b, struct exec *x)
{
    *b = (struct bucket_notes){.x = x};
    key_map_init(&b->numbers, x->arena);
}

static void
append_metric(struct buf *to, struct str name)
{
    if (name.n == 0)
        return;
    buf_append(to, STR(" for metric name "));
    quote_text(name, to);
}

struct str
bucket_notes_name(const struct exec *x, struct labels labels)
{
    return x->limits.delays_names ? labels_get(labels, STR(LABEL_METRIC_NAME)) : STR("");
}

struct err
bucket_notes_bad_bound(struct exec *x, struct labels labels, struct promql_range range)
{
    AUTO(buf_fini) struct buf text = BUF_INIT;
    buf_append(&text, STR("PromQL warning: bucket label \"le\" is missing or has a malformed value "
                          "of "));
    quote_text(labels_get(labels, STR("le")), &text);
    append_metric(&text, bucket_notes_name(x, labels));
    return notes_add(&x->notes, NOTE_WARNING, range, buf_str(&text));
}

static struct err
add_about_metric(struct exec *x, enum note_kind kind, const char *what, struct labels labels,
                 struct promql_range range)
{
    AUTO(buf_fini) struct buf text = BUF_INIT;
    buf_append(&text, str_of_cstr(what));
    append_metric(&text, bucket_notes_name(x, labels));
    return notes_add(&x->notes, kind, range, buf_str(&text));
}

struct err
bucket_notes_native(struct exec *x, struct labels labels, struct promql_range range,
                    unsigned findings)
{
    static const struct {
        unsigned finding;
        const char *text;
    } notes[] = {
        {HISTOGRAM_STATS_NAN_RESULT, "PromQL info: input to histogram_quantile has NaN "
                                     "observations, result is NaN"},
        {HISTOGRAM_STATS_NAN_SKEW, "PromQL info: input to histogram_quantile has NaN "
                                   "observations, result is skewed higher"},
        {HISTOGRAM_STATS_NAN_EXCLUDED, "PromQL info: input to histogram_fraction has NaN "
                                       "observations, which are excluded from all fractions"},
    };
    for (size_t i = 0; i < ARRAY_LEN(notes); i++)
        if (findings & notes[i].finding)
            TRY(add_about_metric(x, NOTE_INFO, notes[i].text, labels, range));
    return OK;
}

struct err
bucket_notes_both_kinds(struct exec *x, struct labels labels, struct promql_range range)
{
    return add_about_metric(x, NOTE_WARNING,
                            "PromQL warning: vector contains a mix of classic and native "
                            "histograms",
                            labels, range);
}

static struct err
find_metric(struct bucket_notes *b, struct str name, struct raised **ret_raised, bool *ret_new)
{
    uint32_t number;
    TRY(key_map_find_or_add(&b->numbers, hash128_seeded(name, b->x->hash_seed), &number, ret_new));
    if (*ret_new)
        b->v = arena_more(b->x->arena, b->v, sizeof *b->v, b->count, &b->cap);
    b->count += *ret_new;
    *ret_raised = &b->v[number];
    return OK;
}

struct err
bucket_notes_add(struct bucket_notes *b, struct str name, int64_t t_ms,
                 const struct bucket_fix *fix)
{
    struct raised *r;
    bool is_new;
    TRY(find_metric(b, name, &r, &is_new));
    if (is_new)
        *r = (struct raised){
            .name = arena_str(b->x->arena, name), .fix = *fix, .min_ms = t_ms, .max_ms = t_ms};
    r->samples++;
    r->min_ms = i64_min(r->min_ms, t_ms);
    r->max_ms = i64_max(r->max_ms, t_ms);
    r->fix.min_upper = fmin(r->fix.min_upper, fix->min_upper);
    r->fix.max_upper = fmax(r->fix.max_upper, fix->max_upper);
    r->fix.max_raise = fmax(r->fix.max_raise, fix->max_raise);
    return OK;
}

static void
append_number(struct buf *to, double v)
{
    char text[NUMTEXT_BYTES_MAX];
    buf_append(to, str_of(text, numtext_g(v, text)));
}

/* 1970-01-01T00:00:00Z */
static void
append_time(struct buf *to, int64_t ms)
{
    char text[64];
    struct tm tm;
    time_t s = (time_t)(ms / 1000);
    size_t n = gmtime_r(&s, &tm) ? strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm) : 0;
    buf_append(to, str_of(text, n));
}

struct err
bucket_notes_finish(struct bucket_notes *b, struct promql_range range)
{
    for (size_t i = 0; i < b->count; i++) {
        const struct raised *r = &b->v[i];
        AUTO(buf_fini) struct buf text = BUF_INIT;
        buf_append(&text, STR("PromQL info: input to histogram_quantile needed to be fixed for "
                              "monotonicity (see https://prometheus.io/docs/prometheus/latest/"
                              "querying/functions/#histogram_quantile)"));
        append_metric(&text, r->name);
        buf_append(&text, STR(", from buckets "));
        append_number(&text, r->fix.min_upper);
        buf_append(&text, STR(" to "));
        append_number(&text, r->fix.max_upper);
        buf_printf(&text, ", with a max diff of %.2g, over %zu samples from ", r->fix.max_raise,
                   r->samples);
        append_time(&text, r->min_ms);
        buf_append(&text, STR(" to "));
        append_time(&text, r->max_ms);
        TRY(notes_add(&b->x->notes, NOTE_INFO, range, buf_str(&text)));
    }
    return OK;
}
