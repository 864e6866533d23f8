/* model.c - what a database must answer to a request, and hold from then on. */
#include "tests/tsdb/model.h"

#include <stdlib.h>

#include "base/mem.h"
#include "tsdb/model/label_key.h"

void
model_init(struct model *m, int64_t block_range_ms, int64_t ooo_window_ms)
{
    *m = (struct model){.block_range_ms = block_range_ms,
                        .ooo_window_ms = ooo_window_ms,
                        .maxt_ms = INT64_MIN,
                        .block_end_ms = INT64_MIN,
                        .head_mint_ms = INT64_MIN,
                        .kept_from_ms = INT64_MIN,
                        .series = VEC_INIT};
    arena_init(&m->values, 0);
}

void
model_fini(struct model *m)
{
    vec_each (&m->series, s) {
        mem_free(s->text);
        vec_fini(&s->held);
        vec_fini(&s->doubtful);
        vec_fini(&s->gone);
        vec_fini(&s->shadows);
    }
    vec_fini(&m->series);
    arena_fini(&m->values);
}

/* --- series ----------------------------------------------------------------------------------- */

static int
by_name(const void *a, const void *b)
{
    return str_cmp(((const struct label *)a)->name, ((const struct label *)b)->name);
}

enum label_fault
model_text_of(struct labels labels, struct buf *to)
{
    struct label v[LABELS_COUNT_MAX];
    size_t n = 0;
    for (size_t i = 0; i < labels.n; i++)
        v[i] = labels.v[i];
    if (labels.n > 1)
        qsort(v, labels.n, sizeof *v, by_name);
    for (size_t i = 0; i < labels.n; i++) {
        if (i > 0 && str_eq(v[i].name, v[i - 1].name))
            return LABEL_FAULT_DUPLICATE;
        if (v[i].value.n == 0)
            continue;
        buf_printf(to, "%.*s=%.*s,", STR_FMT(v[i].name), STR_FMT(v[i].value));
        n++;
    }
    return n > 0 ? LABEL_FAULT_NONE : LABEL_FAULT_EMPTY_SET;
}

struct model_series *
model_find_text(const struct model *m, const char *text)
{
    for (size_t i = 0; i < m->series.n; i++) {
        if (strcmp(m->series.v[i].text, text) == 0)
            return &m->series.v[i];
    }
    return NULL;
}

const struct model_series *
model_find(const struct model *m, struct labels labels)
{
    AUTO(buf_fini) struct buf text = BUF_INIT;
    if (model_text_of(labels, &text) != LABEL_FAULT_NONE)
        return NULL;
    return model_find_text(m, buf_cstr(&text));
}

/* The series of a row, made when missing; NULL when its labels are refused. */
static struct model_series *
series_of(struct model *m, struct labels labels, enum label_fault *ret_fault)
{
    AUTO(buf_fini) struct buf text = BUF_INIT;
    *ret_fault = model_text_of(labels, &text);
    if (*ret_fault != LABEL_FAULT_NONE)
        return NULL;
    struct model_series *s = model_find_text(m, buf_cstr(&text));
    if (s)
        return s;
    vec_push(&m->series, ((struct model_series){.text = mem_dup_text(text.p, text.n)}));
    return vec_last(&m->series);
}

/* --- fates: spec/tsdb.md section 12 -------------------------------------------------------------
 */

int64_t
model_min_valid_ms(const struct model *m)
{
    int64_t half = m->block_range_ms / 2;
    int64_t bound = m->maxt_ms < INT64_MIN + half ? INT64_MIN : m->maxt_ms - half;
    return bound > m->block_end_ms ? bound : m->block_end_ms;
}

struct limits {
    int64_t min_valid_ms, late_min_ms;
    bool late;
};

static struct limits
limits_of(const struct model *m)
{
    struct limits l = {model_min_valid_ms(m), INT64_MIN, m->ooo_window_ms > 0};
    if (m->maxt_ms >= INT64_MIN + m->ooo_window_ms)
        l.late_min_ms = m->maxt_ms - m->ooo_window_ms;
    return l;
}

/* A series while the samples of a row are judged. */
struct newest {
    bool known, kind_unsure;
    int64_t t_ms;
    struct model_value value;
};

static struct newest
newest_of(const struct model_series *s)
{
    return (struct newest){s->has_newest, s->kind_unsure, s->newest.t_ms, s->newest.value};
}

/* SAMPLE_FATE_COUNT: a repetition or a duplicate. */
static enum sample_fate
fate_of(const struct limits *l, const struct newest *newest, int64_t t_ms, struct model_value v)
{
    bool valid = t_ms >= l->min_valid_ms;
    if (valid && (!newest->known || t_ms > newest->t_ms))
        return SAMPLE_STORED;
    if (valid && t_ms == newest->t_ms) {
        switch (model_value_repeats(v, newest->value)) {
        case MODEL_OTHER:
            return SAMPLE_DUPLICATE;
        case MODEL_SAME:
            return SAMPLE_REPEATED;
        case MODEL_ALIKE:
            return SAMPLE_FATE_COUNT;
        }
    }
    if (l->late)
        return t_ms >= l->late_min_ms ? SAMPLE_STORED_LATE : SAMPLE_TOO_OLD;
    return valid ? SAMPLE_OUT_OF_ORDER : SAMPLE_OUT_OF_BOUNDS;
}

/* --- requests --------------------------------------------------------------------------------- */

/* A sample of a row with its fate so far. */
struct judged {
    int64_t t_ms;
    struct model_value value;
    enum sample_fate fate;
    bool kind_unsure; /* a stale marker of any kind */
};
VEC_TYPE(judged_list, struct judged);

static struct model_value
stale_histogram(struct model *m, enum histogram_kind kind)
{
    struct histogram *marker = ARENA_NEW(&m->values, struct histogram);
    *marker = (struct histogram){.kind = kind, .sum = STALE_NAN_BITS};
    return (struct model_value){0, marker};
}

/* A float's stale marker behind a histogram is a marker of that kind. When the head has forgotten
 * the series meanwhile, or has its newest sample as a late one, nobody knows what it is. */
static void
turn_marker(struct model *m, const struct newest *newest, struct judged *x)
{
    if (x->value.histogram || x->value.bits != STALE_NAN_BITS)
        return;
    if (!newest->known && !newest->kind_unsure)
        return;
    x->kind_unsure = newest->kind_unsure || newest->t_ms < m->head_mint_ms;
    if (!x->kind_unsure && newest->value.histogram)
        x->value = stale_histogram(m, newest->value.histogram->kind);
}

static void
judge_one(struct model *m, const struct limits *l, struct newest *newest, struct judged x,
          struct judged_list *to)
{
    x.fate = fate_of(l, newest, x.t_ms, x.value);
    if (x.fate == SAMPLE_STORED) {
        turn_marker(m, newest, &x);
        *newest = (struct newest){true, x.kind_unsure, x.t_ms, x.value};
    }
    vec_push(to, x);
}

static bool
is_valid(const struct histogram *h)
{
    struct err e = histogram_validate(h);
    bool valid = e.code == ERR_NONE;
    err_drop(e);
    return valid;
}

/* One row as if it were alone in its request. */
static void
judge_row(struct model *m, const struct model_series *s, const struct model_row *row,
          const struct limits *l, struct judged_list *to)
{
    struct newest newest = newest_of(s);
    for (size_t i = 0; i < row->sample_count; i++) {
        struct judged x = {row->samples[i].t_ms, model_float(row->samples[i].bits), 0, false};
        judge_one(m, l, &newest, x, to);
    }
    for (size_t i = 0; i < row->histogram_count; i++) {
        if (!is_valid(&row->histograms[i].value))
            continue;
        struct histogram *kept = ARENA_NEW(&m->values, struct histogram);
        *kept = histogram_copy(&row->histograms[i].value, &m->values);
        judge_one(m, l, &newest, (struct judged){row->histograms[i].t_ms, {0, kept}, 0, false}, to);
    }
}

/* And what it may be instead. */
static void
hold(struct model *m, struct model_series *s, struct model_sample x, const struct judged *judged)
{
    model_samples_insert(&s->held, x);
    for (int kind = 0; judged->kind_unsure && kind < 2; kind++) {
        x.value = stale_histogram(m, (enum histogram_kind)kind);
        model_samples_insert(&s->held, x);
    }
}

static void
store_in_order(struct model *m, struct model_series *s, const struct judged *x)
{
    s->has_newest = true;
    s->newest = (struct model_sample){
        .t_ms = x->t_ms, .value = x->value, .hold = HELD_SURE, .way = STORED_IN_ORDER};
    s->kind_unsure = x->kind_unsure;
    hold(m, s, s->newest, x);
    m->maxt_ms = i64_max(m->maxt_ms, x->t_ms);
}

/* There is a sample at that time; of one that was lost nothing is in memory. */
static bool
meets_another(const struct model *m, const struct model_series *s, int64_t t_ms)
{
    bool meets = false;
    for (size_t i = model_samples_at(&s->held, t_ms); i < s->held.n && s->held.v[i].t_ms == t_ms;
         i++)
        meets = meets || s->held.v[i].hold > HELD_PERHAPS || t_ms < m->kept_from_ms;
    return meets;
}

static void
store_late(struct model *m, struct model_series *s, const struct judged *x, struct model_want *want)
{
    enum model_shade shade = model_shade_at(s, x->t_ms);
    bool meets = meets_another(m, s, x->t_ms);
    bool may_repeat = meets || shade == MODEL_TWILIGHT || model_samples_have(&s->gone, x->t_ms);
    struct model_sample late = {
        .t_ms = x->t_ms,
        .value = x->value,
        .hold = meets || shade == MODEL_TWILIGHT ? HELD_PERHAPS : HELD_SURE,
        .way = STORED_LATE,
        .unsettled = shade == MODEL_SHADE,
    };
    want->late_or_repeated += may_repeat;
    want->fates[SAMPLE_STORED_LATE] += !may_repeat;
    hold(m, s, late, x);
}

/* Again: an earlier row may have the same labels. */
static void
store_one(struct model *m, struct model_series *s, struct judged x, struct limits l,
          struct model_want *want)
{
    struct newest newest = newest_of(s);
    l.min_valid_ms = INT64_MIN;
    if (x.fate == SAMPLE_STORED)
        x.fate = fate_of(&l, &newest, x.t_ms, x.value);
    if (x.fate == SAMPLE_STORED_LATE) {
        store_late(m, s, &x, want);
        return;
    }
    if (x.fate == SAMPLE_FATE_COUNT)
        want->repeated_or_duplicate++;
    else
        want->fates[x.fate]++;
    if (x.fate == SAMPLE_STORED)
        store_in_order(m, s, &x);
}

/* Series as places in m->series: it grows. */
struct judged_row {
    size_t series, judged_end;
};

void
model_store(struct model *m, const struct model_row *rows, size_t count,
            struct model_want *ret_want)
{
    *ret_want = (struct model_want){.histograms_invalid = 0};
    struct judged_list judged = VEC_INIT;
    VEC(struct judged_row) good = VEC_INIT;
    struct limits limits = limits_of(m);
    for (size_t i = 0; i < count; i++) {
        enum label_fault fault;
        struct model_series *s = series_of(m, rows[i].labels, &fault);
        ret_want->label_faults[fault]++;
        for (size_t j = 0; j < rows[i].histogram_count; j++)
            ret_want->histograms_invalid += !is_valid(&rows[i].histograms[j].value);
        if (!s)
            continue;
        judge_row(m, s, &rows[i], &limits, &judged);
        vec_push(&good, ((struct judged_row){(size_t)(s - m->series.v), judged.n}));
    }
    size_t at = 0;
    vec_each (&good, row) {
        for (; at < row->judged_end; at++)
            store_one(m, &m->series.v[row->series], judged.v[at], limits, ret_want);
    }
    vec_fini(&judged);
    vec_fini(&good);
}

/* With what a stale marker may have become. */
static void
doubt_one(struct model *m, struct model_series *s, int64_t t_ms, struct model_value v)
{
    vec_push(&s->doubtful, ((struct model_sample){.t_ms = t_ms, .value = v}));
    for (int kind = 0; !v.histogram && v.bits == STALE_NAN_BITS && kind < 2; kind++) {
        struct model_value marker = stale_histogram(m, (enum histogram_kind)kind);
        vec_push(&s->doubtful, ((struct model_sample){.t_ms = t_ms, .value = marker}));
    }
}

void
model_doubt(struct model *m, const struct model_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        enum label_fault fault;
        struct model_series *s = series_of(m, rows[i].labels, &fault);
        for (size_t j = 0; s && j < rows[i].sample_count; j++)
            doubt_one(m, s, rows[i].samples[j].t_ms, model_float(rows[i].samples[j].bits));
        for (size_t j = 0; s && j < rows[i].histogram_count; j++) {
            struct histogram *kept = ARENA_NEW(&m->values, struct histogram);
            *kept = histogram_copy(&rows[i].histograms[j].value, &m->values);
            doubt_one(m, s, rows[i].histograms[j].t_ms, (struct model_value){0, kept});
        }
    }
}

void
model_forget_doubtful(struct model *m)
{
    vec_each (&m->series, s) {
        vec_each (&s->doubtful, x) { /* one that another hides, or a deletion, may be there */
            x->way = STORED_LATE;
            x->hold = HELD_PERHAPS;
            if (model_samples_have(&s->held, x->t_ms))
                model_samples_insert(&s->held, *x);
            if (model_shade_at(s, x->t_ms) != MODEL_LIGHT)
                model_samples_insert(&s->gone, *x);
        }
        vec_clear(&s->doubtful);
    }
}

void
model_written(struct model *m)
{
    vec_each (&m->series, s) {
        vec_each (&s->held, x)
            x->hold = x->hold == HELD_IN_MEMORY ? HELD_WRITTEN : x->hold;
    }
}

void
model_let_go(struct model *m, int64_t before_ms)
{
    m->kept_from_ms = i64_max(m->kept_from_ms, before_ms);
    vec_each (&m->series, s) {
        for (size_t i = 0; i < s->held.n && s->held.v[i].t_ms < m->kept_from_ms; i++)
            s->held.v[i].hold = HELD_PERHAPS;
    }
}
