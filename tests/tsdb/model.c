/* model.c - what a database must hold; looks at answers only. */
#include "tests/tsdb/model.h"

#include <stdlib.h>

#include "base/mem.h"

void
model_init(struct model *m, int64_t block_range_ms)
{
    *m = (struct model){
        .block_range_ms = block_range_ms,
        .maxt_ms = INT64_MIN,
        .block_end_ms = INT64_MIN,
        .series = VEC_INIT};
}

void
model_fini(struct model *m)
{
    vec_each (&m->series, s) {
        mem_free(s->text);
        vec_fini(&s->sure);
        vec_fini(&s->doubtful);
    }
    vec_fini(&m->series);
}

/* --- series ----------------------------------------------------------------------------------- */

static int
by_name(const void *a, const void *b)
{
    return str_cmp(((const struct label *)a)->name, ((const struct label *)b)->name);
}

/* The name of a series in the model, from labels in any order. */
static enum label_fault
text_of(struct labels labels, struct buf *to)
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

static struct model_series *
find_text(const struct model *m, const char *text)
{
    for (size_t i = 0; i < m->series.n; i++) {
        if (strcmp(m->series.v[i].text, text) == 0)
            return &m->series.v[i];
    }
    return NULL;
}

/* The series of a row, made when missing; NULL when its labels are refused. */
static struct model_series *
series_of(struct model *m, struct labels labels, enum label_fault *ret_fault)
{
    AUTO(buf_fini) struct buf text = BUF_INIT;
    *ret_fault = text_of(labels, &text);
    if (*ret_fault != LABEL_FAULT_NONE)
        return NULL;
    struct model_series *s = find_text(m, buf_cstr(&text));
    if (s)
        return s;
    vec_push(&m->series, ((struct model_series){.text = mem_dup_text(text.p, text.n)}));
    return vec_last(&m->series);
}

bool
model_last(const struct model *m, struct labels labels, struct sample *ret_last)
{
    AUTO(buf_fini) struct buf text = BUF_INIT;
    const struct model_series *s = NULL;
    if (text_of(labels, &text) == LABEL_FAULT_NONE)
        s = find_text(m, buf_cstr(&text));
    if (!s || s->sure.n == 0)
        return false;
    *ret_last = *vec_last(&s->sure);
    return true;
}

/* --- requests --------------------------------------------------------------------------------- */

static int64_t
min_valid_ms(const struct model *m)
{
    int64_t half = m->block_range_ms / 2;
    int64_t bound = m->maxt_ms < INT64_MIN + half ? INT64_MIN : m->maxt_ms - half;
    return bound > m->block_end_ms ? bound : m->block_end_ms;
}

/* `last` may be NULL. */
static enum sample_fate
fate_of(const struct sample *last, struct sample x, int64_t min_valid)
{
    if (x.t_ms < min_valid)
        return SAMPLE_OUT_OF_BOUNDS;
    if (last && x.t_ms == last->t_ms)
        return x.bits == last->bits ? SAMPLE_REPEATED : SAMPLE_DUPLICATE;
    return last && x.t_ms < last->t_ms ? SAMPLE_OUT_OF_ORDER : SAMPLE_STORED;
}

static struct sample *
last_of(struct model_series *s)
{
    return s->sure.n > 0 ? vec_last(&s->sure) : NULL;
}

VEC_TYPE(fates, enum sample_fate);

/* One row as if it were alone in its request. */
static void
judge_row(struct model_series *s, const struct model_row *row, int64_t min_valid,
          struct fates *to)
{
    const struct sample *last = last_of(s);
    for (size_t i = 0; i < row->sample_count; i++) {
        enum sample_fate fate = fate_of(last, row->samples[i], min_valid);
        vec_push(to, fate);
        if (fate == SAMPLE_STORED)
            last = &row->samples[i];
    }
}

void
model_store(struct model *m, const struct model_row *rows, size_t count,
            struct append_result *ret_want)
{
    *ret_want = (struct append_result){0};
    enum label_fault fault;
    struct fates fates = VEC_INIT;
    int64_t min_valid = min_valid_ms(m);
    for (size_t i = 0; i < count; i++) {
        struct model_series *s = series_of(m, rows[i].labels, &fault);
        ret_want->label_faults[fault]++;
        if (s)
            judge_row(s, &rows[i], min_valid, &fates);
    }
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        struct model_series *s = series_of(m, rows[i].labels, &fault);
        for (size_t j = 0; s && j < rows[i].sample_count; j++) {
            struct sample x = rows[i].samples[j];
            enum sample_fate fate = fates.v[at++];
            if (fate == SAMPLE_STORED) /* again: an earlier row may have the same labels */
                fate = fate_of(last_of(s), x, INT64_MIN);
            ret_want->fates[fate]++;
            if (fate != SAMPLE_STORED)
                continue;
            vec_push(&s->sure, x);
            m->maxt_ms = i64_max(m->maxt_ms, x.t_ms);
        }
    }
    vec_fini(&fates);
}

void
model_doubt(struct model *m, const struct model_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        enum label_fault fault;
        struct model_series *s = series_of(m, rows[i].labels, &fault);
        for (size_t j = 0; s && j < rows[i].sample_count; j++)
            vec_push(&s->doubtful, rows[i].samples[j]);
    }
}

void
model_forget_doubtful(struct model *m)
{
    vec_each (&m->series, s)
        vec_clear(&s->doubtful);
}

/* --- comparing -------------------------------------------------------------------------------- */

/* All samples of one series of an answer. */
static struct err
decode_series(const struct series_view *series, int64_t mint_ms, int64_t maxt_ms,
              struct sample_columns *to)
{
    to->n = 0;
    for (size_t i = 0; i < series->chunk_count; i++) {
        const struct chunk_view *c = &series->chunks[i];
        if (c->mint_ms > c->maxt_ms || c->mint_ms > maxt_ms || c->maxt_ms < mint_ms)
            return ERR(ERR_CONFLICT, "a chunk from %jd to %jd", (intmax_t)c->mint_ms,
                       (intmax_t)c->maxt_ms);
        if (i > 0 && c->mint_ms <= c[-1].maxt_ms)
            return ERR(ERR_CONFLICT, "chunks overlap at %jd", (intmax_t)c->mint_ms);
        TRY(chunk_decode_floats(c, mint_ms, maxt_ms, to));
    }
    for (size_t i = 1; i < to->n; i++) {
        if (to->t_ms[i] <= to->t_ms[i - 1])
            return ERR(ERR_CONFLICT, "samples do not ascend at %jd", (intmax_t)to->t_ms[i]);
    }
    return OK;
}

static bool
is_doubtful(const struct model_series *s, struct sample x)
{
    for (size_t i = 0; i < s->doubtful.n; i++) {
        if (s->doubtful.v[i].t_ms == x.t_ms && s->doubtful.v[i].bits == x.bits)
            return true;
    }
    return false;
}

/* Walks the sure samples in the range beside those found. */
static struct err
compare_samples(const struct model_series *s, const struct sample_columns *got,
                enum model_view view, int64_t mint_ms, int64_t maxt_ms)
{
    size_t at = 0;
    for (size_t i = 0; i < s->sure.n; i++) {
        struct sample want = s->sure.v[i];
        if (want.t_ms < mint_ms || want.t_ms > maxt_ms)
            continue;
        for (; at < got->n && got->t_ms[at] < want.t_ms; at++) {
            struct sample x = {got->t_ms[at], got->bits[at]};
            if (view == MODEL_EXACT || !is_doubtful(s, x))
                return ERR(ERR_CONFLICT, "a sample nobody stored at %jd", (intmax_t)x.t_ms);
        }
        bool there = at < got->n && got->t_ms[at] == want.t_ms;
        if (there && got->bits[at] != want.bits)
            return ERR(ERR_CONFLICT, "another value at %jd: %jx, want %jx", (intmax_t)want.t_ms,
                       (uintmax_t)got->bits[at], (uintmax_t)want.bits);
        if (!there && view != MODEL_DAMAGED)
            return ERR(ERR_CONFLICT, "no sample at %jd, of %zu sure and %zu found",
                       (intmax_t)want.t_ms, s->sure.n, got->n);
        at += there;
    }
    for (; at < got->n; at++) {
        if (view == MODEL_EXACT || !is_doubtful(s, (struct sample){got->t_ms[at], got->bits[at]}))
            return ERR(ERR_CONFLICT, "a sample nobody stored at %jd", (intmax_t)got->t_ms[at]);
    }
    return OK;
}

static bool
has_sure(const struct model_series *s, int64_t mint_ms, int64_t maxt_ms)
{
    for (size_t i = 0; i < s->sure.n; i++) {
        if (s->sure.v[i].t_ms >= mint_ms && s->sure.v[i].t_ms <= maxt_ms)
            return true;
    }
    return false;
}

/* What comparing the series of an answer needs. */
struct look {
    const struct model *m;
    enum model_view view;
    int64_t mint_ms, maxt_ms;
    bool adopt;   /* what is found becomes what is sure */
    size_t found; /* series with sure samples in range */
};

static struct err
look_at_series(struct look *l, const struct series_view *series, struct sample_columns *columns)
{
    AUTO(buf_fini) struct buf text = BUF_INIT;
    if (text_of(series->labels, &text) != LABEL_FAULT_NONE)
        return ERR(ERR_CONFLICT, "a series without sound labels");
    struct model_series *s = find_text(l->m, buf_cstr(&text));
    if (!s)
        return ERR(ERR_CONFLICT, "series %s: nobody made it", buf_cstr(&text));
    TRY_IN(decode_series(series, l->mint_ms, l->maxt_ms, columns), "series %s", s->text);
    TRY_IN(compare_samples(s, columns, l->view, l->mint_ms, l->maxt_ms), "series %s", s->text);
    l->found += has_sure(s, l->mint_ms, l->maxt_ms);
    s->seen = true;
    if (!l->adopt)
        return OK;
    vec_clear(&s->sure);
    for (size_t i = 0; i < columns->n; i++)
        vec_push(&s->sure, ((struct sample){columns->t_ms[i], columns->bits[i]}));
    return OK;
}

static struct err
look_at_all(struct look *l, struct db *db)
{
    AUTO(arena_fini) struct arena a, previous;
    arena_init(&a, 0);
    arena_init(&previous, 0);
    AUTO(sample_columns_fini) struct sample_columns columns = SAMPLE_COLUMNS_INIT;
    struct matcher any;
    TRY(matcher_make(&a, MATCH_REGEX, STR("id"), STR(".*"), &any));
    struct select_query q = {
        .mint_ms = l->mint_ms, .maxt_ms = l->maxt_ms, .want = SELECT_CHUNKS};
    AUTO(series_set_close) struct series_set *set = NULL;
    TRY(db_select(db, &q, (struct matchers){&any, 1}, &a, &set));
    struct labels before = {NULL, 0};
    for (;;) {
        struct series_view series;
        bool more;
        TRY(series_set_next(set, &series, &more));
        if (!more)
            return OK;
        if (before.n > 0 && labels_cmp(before, series.labels) >= 0)
            return ERR(ERR_CONFLICT, "series do not ascend");
        TRY(look_at_series(l, &series, &columns));
        arena_reset(&previous);
        before = labels_copy(&previous, series.labels);
    }
}

static struct err
look_and_count(struct look *l, struct db *db)
{
    size_t expected = 0;
    for (size_t i = 0; i < l->m->series.n; i++)
        expected += has_sure(&l->m->series.v[i], l->mint_ms, l->maxt_ms);
    TRY(look_at_all(l, db));
    if (l->found != expected && l->view != MODEL_DAMAGED)
        return ERR(ERR_CONFLICT, "%zu series with samples, want %zu", l->found, expected);
    return OK;
}

struct err
model_compare(const struct model *m, struct db *db, enum model_view view, int64_t mint_ms,
              int64_t maxt_ms)
{
    struct look l = {m, view, mint_ms, maxt_ms, false, 0};
    return look_and_count(&l, db);
}

struct err
model_adopt(struct model *m, struct db *db, enum model_view view)
{
    vec_each (&m->series, s)
        s->seen = false;
    struct look l = {m, view, INT64_MIN, INT64_MAX, true, 0};
    TRY(look_and_count(&l, db));
    vec_each (&m->series, s) {
        if (view != MODEL_DAMAGED) /* else the log may have what lost chunks have hidden */
            vec_clear(&s->doubtful);
        if (!s->seen)
            vec_clear(&s->sure);
    }
    return OK;
}
