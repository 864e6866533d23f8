/* engine.c - runs the operators of a plan and keeps what they yield. */
#include "querygw/promql/engine.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "querygw/promql/delayed_name.h"
#include "querygw/promql/extended.h"
#include "querygw/promql/op.h"
#include "querygw/promql/scalar.h"
#include "querygw/promql/select.h"

struct promql_run {
    struct exec x;
    const struct promql_plan *plan;
    struct promql_result *result;
    size_t cap; /* of result->series */
    struct delayed_names names;
};

struct err
promql_open(struct arena *a, const struct promql_plan *plan, struct store *store,
            const struct promql_limits *limits, struct promql_run **ret_run)
{
    struct promql_run *run = ARENA_NEW(a, struct promql_run);
    run->x = (struct exec){.arena = a, .store = store, .limits = *limits};
    run->x.hash_seed = hash_random_seed();
    notes_init(&run->x.notes, a, run->x.hash_seed);
    if (limits->counts_steps)
        run->x.stats.steps = ARENA_ARRAY(a, struct promql_step_stats, plan->grid.steps);
    delayed_names_init(&run->names, &run->x, plan->grid.steps);
    run->plan = plan;
    TRY(exec_check(&run->x));
    if (a->limit_bytes && plan->cells > a->limit_bytes / sizeof(double))
        return ERR(ERR_LIMIT, "query: %ju steps of its parts, more than fit in %zu bytes",
                   (uintmax_t)plan->cells, a->limit_bytes);
    *ret_run = run;
    return OK;
}

void
promql_close(struct promql_run *run)
{
    if (run)
        select_close_all(&run->x);
}

static struct promql_series *
result_push(struct promql_run *run)
{
    struct promql_result *r = run->result;
    r->series = arena_more(run->x.arena, r->series, sizeof *r->series, r->count, &run->cap);
    return &r->series[r->count++];
}

/* Bits [begin, end) of `from`, moved to 0; NULL when all are set. */
static const uint64_t *
present_copy(struct arena *a, const struct column *c)
{
    uint32_t n = c->end - c->begin;
    if (column_count(c) == n)
        return NULL;
    uint64_t *to = ARENA_ARRAY(a, uint64_t, column_words(n));
    for (size_t i = 0; i < n; i++)
        to[i / 64] |= (uint64_t)column_has(c, c->begin + i) << (i % 64);
    return to;
}

static struct err
keep_column(struct promql_run *run, const struct column *c)
{
    struct arena *a = run->x.arena;
    ASSERT(c->begin < c->end);
    TRY(exec_hold(&run->x, column_count(c)));
    TRY(arena_check(a));
    size_t n = c->end - c->begin;
    struct promql_series s = {.begin = c->begin, .end = c->end};
    s.labels = labels_copy(a, c->labels);
    s.values = arena_alloc(a, n * sizeof *s.values);
    memcpy(s.values, c->values + c->begin, n * sizeof *s.values);
    s.present = present_copy(a, c);
    if (c->histograms) {
        size_t samples;
        s.histograms = ARENA_ARRAY(a, const struct float_histogram *, n);
        TRY(histogram_points_keep(&run->x, a, c, s.histograms, &samples));
    }
    *result_push(run) = s;
    return OK;
}

static struct err
eval_vector(struct promql_run *run)
{
    struct op *root = op_open(&run->x, run->plan->root);
    for (struct column *c;;) {
        TRY(op_next(root, &c));
        if (!c)
            return OK;
        if (run->x.limits.delays_names)
            TRY(delayed_names_drop(&run->names, c));
        TRY(keep_column(run, c));
    }
}

/* The samples of the reader's series, in order of their times, as points at these times. */
static struct err
keep_samples(struct promql_run *run, const struct select_reader *r)
{
    struct arena *a = run->x.arena;
    const struct sample_columns *s = &r->samples;
    const struct histogram_points *h = &r->histograms;
    size_t points = s->n + h->n;
    TRY(exec_hold(&run->x, s->n));
    TRY(arena_check(a));
    int64_t *t_ms = arena_alloc(a, points * sizeof *t_ms);
    struct labels labels = r->series.labels;
    if (select_drops_name(r))
        labels = labels_drop_metric(&run->names.scratch, labels);
    struct promql_series to = {.labels = labels_copy(a, labels),
                               .t_ms = t_ms,
                               .values = arena_alloc(a, points * sizeof *to.values),
                               .end = (uint32_t)points};
    if (h->n)
        to.histograms = ARENA_ARRAY(a, const struct float_histogram *, points);
    for (size_t i = 0, k = 0, at = 0; at < points; at++) {
        bool is_float = k == h->n || (i < s->n && s->t_ms[i] < h->t_ms[k]);
        t_ms[at] = is_float ? s->t_ms[i] : h->t_ms[k];
        if (is_float)
            to.values[at] = f64_of_bits(s->bits[i++]);
        else
            TRY(histogram_point_keep(&run->x, a, h->v[k++], &to.histograms[at]));
    }
    *result_push(run) = to;
    return OK;
}

/* up[5m] as the whole query: the samples as they are stored. */
static struct err
eval_samples(struct promql_run *run)
{
    const struct plan_node *n = run->plan->root;
    struct select_reader *r = select_open(&run->x, &n->select, &n->grid);
    for (bool more;;) {
        TRY(select_next(r, &more));
        if (!more)
            return OK;
        select_drop_stale(r);
        if (n->select.before_ms)
            TRY(extended_samples(r));
        size_t looked_at = r->samples.n;
        for (size_t i = 0; i < r->histograms.n; i++)
            looked_at += histogram_point_samples(r->histograms.v[i]);
        stats_count(&run->x.stats, 0, looked_at, looked_at);
        if (looked_at)
            TRY(keep_samples(run, r));
    }
}

static struct err
eval_scalar(struct promql_run *run)
{
    uint32_t steps = run->plan->grid.steps;
    double *values = ARENA_ARRAY(run->x.arena, double, steps);
    TRY(scalar_fill(&run->x, run->plan->root, values));
    TRY(exec_hold(&run->x, steps));
    run->result->scalar = values[0];
    if (!run->plan->instant)
        *result_push(run) = (struct promql_series){.values = values, .end = steps};
    return OK;
}

static int
series_cmp(const void *a, const void *b)
{
    const struct promql_series *x = a, *y = b;
    int c = labels_cmp(x->labels, y->labels);
    return c ? c : (x->begin > y->begin) - (x->begin < y->begin);
}

static bool
series_has(const struct promql_series *s, size_t i)
{
    return !s->present || (s->present[i / 64] >> (i % 64) & 1);
}

/* Adds the points of `more`, which has the same labels and no step in common, to `s`. */
static void
series_join(struct arena *a, struct promql_series *s, const struct promql_series *more)
{
    struct promql_series both = {.labels = s->labels, .begin = s->begin};
    both.end = s->end > more->end ? s->end : more->end;
    size_t n = both.end - both.begin;
    both.values = ARENA_ARRAY(a, double, n);
    uint64_t *present = ARENA_ARRAY(a, uint64_t, column_words((uint32_t)n));
    const struct promql_series *parts[] = {s, more};
    for (size_t p = 0; p < 2; p++) {
        size_t shift = parts[p]->begin - both.begin;
        if (parts[p]->histograms && !both.histograms)
            both.histograms = ARENA_ARRAY(a, const struct float_histogram *, n);
        for (size_t i = 0; i < parts[p]->end - parts[p]->begin; i++) {
            if (!series_has(parts[p], i))
                continue;
            both.values[shift + i] = parts[p]->values[i];
            if (parts[p]->histograms)
                both.histograms[shift + i] = parts[p]->histograms[i];
            present[(shift + i) / 64] |= UINT64_C(1) << ((shift + i) % 64);
        }
    }
    both.present = present;
    *s = both;
}

/* By labels; parts of one series that operators had to yield apart are joined. */
static struct err
sort_matrix(struct promql_run *run)
{
    struct promql_result *r = run->result;
    if (r->count < 2)
        return OK;
    qsort(r->series, r->count, sizeof *r->series, series_cmp);
    size_t last = 0;
    for (size_t i = 1; i < r->count; i++) {
        if (!labels_eq(r->series[last].labels, r->series[i].labels)) {
            r->series[++last] = r->series[i];
            continue;
        }
        if (r->series[i].t_ms)
            TRY(delayed_names_join(run->x.arena, &r->series[last], &r->series[i]));
        else
            series_join(run->x.arena, &r->series[last], &r->series[i]);
        TRY(arena_check(run->x.arena));
    }
    r->count = last + 1;
    return OK;
}

struct err
promql_eval(struct promql_run *run, struct promql_result **ret_result)
{
    ASSERT(!run->result);
    const struct promql_plan *plan = run->plan;
    struct promql_result *r = run->result = ARENA_NEW(run->x.arena, struct promql_result);
    r->grid = plan->grid;
    r->type = plan->instant ? plan->type : PROMQL_MATRIX;
    switch (plan->type) {
    case PROMQL_VECTOR:
        TRY(eval_vector(run));
        break;
    case PROMQL_MATRIX:
        TRY(eval_samples(run));
        break;
    case PROMQL_SCALAR:
        TRY(eval_scalar(run));
        break;
    case PROMQL_STRING:
        r->text = plan->root->text;
        break;
    case PROMQL_NONE:
        UNREACHABLE("no expression has this type");
    }
    if (r->type == PROMQL_MATRIX)
        TRY(sort_matrix(run));
    r->notes = run->x.notes;
    r->stats = run->x.stats;
    *ret_result = r;
    return OK;
}

size_t
promql_series_points(const struct promql_series *s)
{
    size_t count = 0;
    for (size_t i = 0; i < s->end - s->begin; i++)
        count += series_has(s, i);
    return count;
}

bool
promql_point_next(const struct promql_result *r, const struct promql_series *s, size_t *at,
                  struct promql_point *ret_point)
{
    size_t n = s->end - s->begin, i = *at;
    while (i < n && !series_has(s, i))
        i++;
    *at = i + 1;
    if (i >= n)
        return false;
    ret_point->step = (uint32_t)(s->begin + i);
    ret_point->value = s->values[i];
    ret_point->histogram = s->histograms ? s->histograms[i] : NULL;
    ret_point->t_ms = s->t_ms ? s->t_ms[i] : grid_time_ms(&r->grid, s->begin + i);
    return true;
}
