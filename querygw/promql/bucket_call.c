/* bucket_call.c - histogram_quantile(), histogram_quantiles(), histogram_fraction(): over native
 * histograms, and over classic ones: series that differ in their label "le" only are the buckets of
 * one.
 *
 * The child is drained once; then each histogram is computed, step by step. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "base/numtext.h"
#include "querygw/promql/bucket_notes.h"
#include "querygw/promql/delayed_name.h"
#include "querygw/promql/held.h"
#include "querygw/promql/histogram_stats.h"
#include "querygw/promql/op.h"
#include "querygw/promql/quantile.h"
#include "querygw/promql/scalar.h"
#include "querygw/promql/series_key.h"

struct bucket_column {
    double upper;
    size_t number; /* in the order of the child */
    struct held_column *held;
};

struct bucket_set {
    struct labels labels;    /* with the name, without "le" */
    struct bucket_column *v; /* sorted by upper once the child is drained */
    size_t n, cap;
    struct held_column *natives; /* native histograms of the same labels; what else is in them
                                    stands among the buckets too */
    uint32_t begin, end;         /* steps */
};

struct op_buckets {
    struct op op;
    struct op *child;
    const double *args[PLAN_BUCKETS_ARGS_MAX]; /* a value a step */
    bool started;
    struct key_map numbers;
    struct bucket_set *histograms;
    size_t count, cap;
    struct bucket *room; /* for the largest histogram */
    size_t at, at_arg;   /* the histogram and the quantile that come next, */
    uint32_t at_step;    /* and the first step that was not yet looked at */
    struct column column;
    struct label_scratch group, labels, marked;
    struct label_guard guard;
    struct bucket_notes notes;
};

/* --- draining ------------------------------------------------------------------------------ */

static struct err
find_histogram(struct op_buckets *o, struct labels labels, const struct column *c,
               struct bucket_set **ret_histogram)
{
    struct exec *x = o->op.x;
    uint32_t number;
    bool is_new;
    TRY(key_map_find_or_add(&o->numbers, labels_key(&o->labels, labels, x->hash_seed), &number,
                            &is_new));
    if (is_new) {
        o->histograms =
            arena_more(x->arena, o->histograms, sizeof *o->histograms, o->count, &o->cap);
        o->histograms[o->count++] = (struct bucket_set){.labels = labels_copy(x->arena, labels),
                                                        .begin = o->op.plan->grid.steps};
    }
    struct bucket_set *h = *ret_histogram = &o->histograms[number];
    h->begin = c->begin < h->begin ? c->begin : h->begin;
    h->end = c->end > h->end ? c->end : h->end;
    return OK;
}

static struct err
add_bucket(struct op_buckets *o, const struct column *c)
{
    struct exec *x = o->op.x;
    struct bucket_column b = {0};
    struct err e = numtext_parse(labels_get(c->labels, STR("le")), &b.upper);
    err_drop(e);
    if (e.code)
        return bucket_notes_bad_bound(x, c->labels, o->op.plan->range);
    struct bucket_set *h;
    struct labels labels = labels_set(&o->group, c->labels, STR("le"), STR(""));
    TRY(find_histogram(o, labels, c, &h));
    TRY(held_copy(x, c, &b.held));
    h->v = arena_more(x->arena, h->v, sizeof *h->v, h->n, &h->cap);
    b.number = h->n;
    h->v[h->n++] = b;
    return OK;
}

static struct err
add_natives(struct op_buckets *o, const struct column *c)
{
    struct held_column *held;
    struct bucket_set *h;
    TRY(find_histogram(o, c->labels, c, &h));
    TRY(held_copy(o->op.x, c, &held));
    held->next = h->natives;
    h->natives = held;
    return OK;
}

/* A series may be native at some steps and a bucket at others. */
static struct err
add_series(struct op_buckets *o, struct column *c)
{
    if (c->histograms) {
        TRY(add_natives(o, c));
        column_drop_histograms(c);
        if (!column_fit(c, o->op.plan->grid.steps))
            return OK;
    }
    return add_bucket(o, c);
}

static int
compare_bounds(const void *a, const void *b)
{
    const struct bucket_column *x = a, *y = b;
    int order = value_less(y->upper, x->upper) - value_less(x->upper, y->upper);
    return order ? order : (x->number > y->number) - (x->number < y->number);
}

static struct err
buckets_start(struct op_buckets *o)
{
    struct exec *x = o->op.x;
    const struct plan_node *n = o->op.plan;
    o->started = true;
    for (size_t k = 0; k < n->buckets.arg_count; k++) {
        double *values = ARENA_ARRAY(x->arena, double, n->grid.steps);
        TRY(arena_check(x->arena));
        TRY(scalar_fill(x, n->buckets.args[k], values));
        o->args[k] = values;
        for (size_t i = 0; !n->buckets.fraction && i < n->grid.steps; i++)
            TRY(quantile_check(x, values[i], n->buckets.args[k]->range));
    }
    for (struct column *c;;) {
        TRY(op_next(o->child, &c));
        if (!c)
            break;
        TRY(exec_work(x, c->end - c->begin));
        TRY(add_series(o, c));
    }
    size_t most = 0;
    for (size_t i = 0; i < o->count; i++) {
        if (o->histograms[i].n)
            qsort(o->histograms[i].v, o->histograms[i].n, sizeof *o->histograms[i].v,
                  compare_bounds);
        most = size_max(most, o->histograms[i].n);
    }
    o->room = ARENA_ARRAY(x->arena, struct bucket, most);
    return OK;
}

/* --- computing ----------------------------------------------------------------------------- */

/* The buckets that have a count at `step`. */
static size_t
take_buckets(struct op_buckets *o, const struct bucket_set *h, size_t step)
{
    size_t n = 0;
    for (size_t i = 0; i < h->n; i++) {
        const struct held_column *held = h->v[i].held;
        if (held_has(held, step))
            o->room[n++] = (struct bucket){h->v[i].upper, held->values[step - held->begin]};
    }
    return n;
}

static const struct float_histogram *
native_at(const struct bucket_set *h, size_t step)
{
    for (const struct held_column *held = h->natives; held; held = held->next)
        if (held_has(held, step) && held_histogram(held, step))
            return held_histogram(held, step);
    return NULL;
}

static struct err
compute_native(struct op_buckets *o, const struct bucket_set *h,
               const struct float_histogram *native, size_t step)
{
    const struct plan_node *n = o->op.plan;
    unsigned findings = 0;
    double value =
        n->buckets.fraction
            ? histogram_stats_fraction(native, o->args[0][step], o->args[1][step], &findings)
            : histogram_stats_quantile(native, o->args[o->at_arg][step], &findings);
    column_set(&o->column, step, value);
    TRY(exec_work(o->op.x, 1 + native->positive.n + native->negative.n));
    return bucket_notes_native(o->op.x, h->labels, n->range, findings);
}

static struct err
compute_step(struct op_buckets *o, const struct bucket_set *h, size_t step)
{
    const struct plan_node *n = o->op.plan;
    size_t count = take_buckets(o, h, step);
    const struct float_histogram *native = native_at(h, step);
    if (native && count)
        return bucket_notes_both_kinds(o->op.x, h->labels, n->range);
    if (native)
        return compute_native(o, h, native, step);
    if (count == 0)
        return OK;
    if (n->buckets.fraction) {
        column_set(&o->column, step,
                   bucket_fraction(o->args[0][step], o->args[1][step], o->room, count));
        return OK;
    }
    struct bucket_fix fix;
    column_set(&o->column, step, bucket_quantile(o->args[o->at_arg][step], o->room, count, &fix));
    if (!fix.forced)
        return OK;
    return bucket_notes_add(&o->notes, bucket_notes_name(o->op.x, h->labels),
                            grid_time_ms(&n->grid, step), &fix);
}

/* 1.0, 0.25, NaN: as OpenMetrics writes bounds. */
static struct str
quantile_text(double q, char *room)
{
    size_t n = numtext_g(q, room);
    struct str text = str_of(room, n);
    if (!isfinite(q) || str_find_byte(text, '.') < n || str_find_byte(text, 'e') < n)
        return text;
    memcpy(room + n, ".0", 2);
    return str_of(room, n + 2);
}

/* The next run of steps that share their labels: all of them, unless a label tells the quantile
 * and that changes. False when the histogram's current quantile has no more. */
static bool
next_run(struct op_buckets *o, const struct bucket_set *h, uint32_t *ret_begin, uint32_t *ret_end)
{
    uint32_t begin = o->at_step > h->begin ? o->at_step : h->begin, end = h->end;
    if (begin >= end)
        return false;
    const double *q = o->args[o->at_arg];
    if (o->op.plan->buckets.label.n)
        for (end = begin + 1; end < h->end && bits_of_f64(q[end]) == bits_of_f64(q[begin]);)
            end++;
    o->at_step = *ret_end = end;
    *ret_begin = begin;
    return true;
}

static struct err
yield_run(struct op_buckets *o, const struct bucket_set *h, uint32_t begin, struct column **ret)
{
    const struct plan_node *n = o->op.plan;
    struct column *c = &o->column;
    c->labels = h->labels;
    c->drop_name = o->op.x->limits.delays_names;
    if (!c->drop_name)
        c->labels = labels_drop_metric(&o->labels, h->labels);
    if (n->buckets.label.n) {
        char *text = arena_alloc(o->op.x->arena, NUMTEXT_BYTES_MAX + 2);
        c->labels = labels_set(&o->marked, c->labels, n->buckets.label,
                               quantile_text(o->args[o->at_arg][begin], text));
    }
    *ret = c;
    return delayed_is_lenient(&o->op) ? OK : label_guard_pass(&o->guard, c);
}

static struct err
buckets_next(struct op *op, struct column **ret_column)
{
    struct op_buckets *o = (struct op_buckets *)op;
    const struct plan_node *n = op->plan;
    size_t arg_count = n->buckets.fraction ? 1 : n->buckets.arg_count;
    if (!o->started)
        TRY(buckets_start(o));
    *ret_column = NULL;
    while (o->at < o->count) {
        const struct bucket_set *h = &o->histograms[o->at];
        uint32_t begin, end;
        if (!next_run(o, h, &begin, &end)) {
            o->at_step = 0;
            if (++o->at_arg == arg_count) {
                o->at_arg = 0;
                o->at++;
            }
            continue;
        }
        column_clear(&o->column, n->grid.steps);
        TRY(exec_work(op->x, (end - begin) * h->n));
        for (size_t i = begin; i < end; i++)
            TRY(compute_step(o, h, i));
        if (column_fit(&o->column, n->grid.steps))
            return yield_run(o, h, begin, ret_column);
    }
    return bucket_notes_finish(&o->notes, n->range);
}

static const struct op_ops buckets_ops = {buckets_next};

struct op *
op_buckets_open(struct exec *x, const struct plan_node *n)
{
    struct op_buckets *o = ARENA_NEW(x->arena, struct op_buckets);
    o->op = (struct op){&buckets_ops, x, n};
    o->child = op_open(x, n->buckets.child);
    o->group.arena = o->labels.arena = o->marked.arena = x->arena;
    key_map_init(&o->numbers, x->arena);
    column_init(&o->column, x->arena, n->grid.steps);
    label_guard_init(&o->guard, x, LABEL_GUARD_DISJOINT, n->grid.steps);
    bucket_notes_init(&o->notes, x);
    return &o->op;
}
