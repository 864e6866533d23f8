/* aggregate.c - sum, avg, min, max, count, group, stddev and stdvar by group.
 *
 * The child is drained once: each of its series is added to the columns of its group, in the
 * order of the series, so that sums round as Prometheus' do. Then the groups are yielded in
 * the order in which they were first seen. */
#include <math.h>

#include "base/assert.h"
#include "querygw/promql/aggregate_histogram.h"
#include "querygw/promql/delayed_name.h"
#include "querygw/promql/histogram_point.h"
#include "querygw/promql/kahan.h"
#include "querygw/promql/op.h"
#include "querygw/promql/series_key.h"

/* One group; the arrays have an element a step. The column's values are the running sums,
 * means, extremes or counts; absent steps hold what the first value must meet. For stddev and
 * stdvar they are means, and c is the sum of squares around the mean (Welford). */
struct group {
    struct column column;
    double *c;         /* sum, avg: what rounding lost so far */
    uint32_t *counts;  /* avg, stddev, stdvar */
    uint64_t *running; /* avg: steps that went over to a running mean; NULL while there are none */
    struct group_histograms histograms; /* sum, avg */
};

struct op_aggregate {
    struct op op;
    struct op *child;
    struct key_map numbers; /* of groups */
    struct label_scratch labels;
    struct group *groups;
    size_t count, cap;
    bool drained;
    size_t yielded;
};

static void
add_sum(struct group *g, const struct column *c)
{
    for (size_t b, e = c->begin; column_next_run(c, &b, &e);)
        for (size_t i = b; i < e; i++) {
            struct kahan k = {g->column.values[i], g->c[i]};
            kahan_add(&k, c->values[i]);
            g->column.values[i] = k.sum;
            g->c[i] = k.c;
        }
}

static struct kahan_mean
mean_at(const struct group *g, size_t i)
{
    return (struct kahan_mean){
        .k = {g->column.values[i], g->c[i]},
        .count = g->counts[i],
        .running = g->running && (g->running[i / 64] >> (i % 64) & 1),
    };
}

static void
add_avg(struct group *g, const struct column *c, struct arena *a, uint32_t steps)
{
    for (size_t b, e = c->begin; column_next_run(c, &b, &e);)
        for (size_t i = b; i < e; i++) {
            struct kahan_mean m = mean_at(g, i);
            kahan_mean_add(&m, c->values[i]);
            g->column.values[i] = m.k.sum;
            g->c[i] = m.k.c;
            g->counts[i]++;
            if (m.running && !g->running)
                g->running = ARENA_ARRAY(a, uint64_t, column_words(steps));
            if (m.running)
                g->running[i / 64] |= UINT64_C(1) << (i % 64);
        }
}

static void
add_count(struct group *g, const struct column *c)
{
    for (size_t b, e = c->begin; column_next_run(c, &b, &e);)
        for (size_t i = b; i < e; i++)
            g->column.values[i]++;
}

static void
add_present(struct group *g, const struct column *c)
{
    for (size_t b, e = c->begin; column_next_run(c, &b, &e);)
        for (size_t i = b; i < e; i++)
            g->column.values[i] = 1;
}

static void
add_variance(struct group *g, const struct column *c)
{
    for (size_t b, e = c->begin; column_next_run(c, &b, &e);)
        for (size_t i = b; i < e; i++) {
            double v = c->values[i], mean = g->column.values[i];
            if (g->counts[i]++ == 0) {
                g->column.values[i] = v;
                g->c[i] = isfinite(v) ? 0 : NAN;
                continue;
            }
            double delta = v - mean;
            mean += delta / g->counts[i];
            g->column.values[i] = mean;
            g->c[i] += delta * (v - mean);
        }
}

/* Starts as NaN, which every number replaces and which stays when there is no number. */
static void
add_max(struct group *g, const struct column *c)
{
    for (size_t b, e = c->begin; column_next_run(c, &b, &e);)
        for (size_t i = b; i < e; i++) {
            double best = g->column.values[i], v = c->values[i];
            g->column.values[i] = best < v || isnan(best) ? v : best;
        }
}

static void
add_min(struct group *g, const struct column *c)
{
    for (size_t b, e = c->begin; column_next_run(c, &b, &e);)
        for (size_t i = b; i < e; i++) {
            double best = g->column.values[i], v = c->values[i];
            g->column.values[i] = best > v || isnan(best) ? v : best;
        }
}

static struct err
group_init(struct op_aggregate *o, struct group *g, struct labels labels)
{
    struct arena *a = o->op.x->arena;
    uint32_t steps = o->op.plan->grid.steps;
    enum promql_agg op = o->op.plan->aggregate.op;
    *g = (struct group){0};
    column_init(&g->column, a, steps);
    g->column.labels = labels_copy(a, labels);
    g->column.begin = steps;
    bool variance = op == PROMQL_AGG_STDDEV || op == PROMQL_AGG_STDVAR;
    if (op == PROMQL_AGG_SUM || op == PROMQL_AGG_AVG || variance)
        g->c = ARENA_ARRAY(a, double, steps);
    if (op == PROMQL_AGG_AVG || variance)
        g->counts = ARENA_ARRAY(a, uint32_t, steps);
    if (op == PROMQL_AGG_MIN || op == PROMQL_AGG_MAX)
        for (size_t i = 0; i < steps; i++)
            g->column.values[i] = NAN;
    return arena_check(a);
}

/* The group that a series with these labels belongs to; new groups are made. */
static struct err
group_of(struct op_aggregate *o, struct labels series, struct group **ret_group)
{
    struct exec *x = o->op.x;
    struct labels labels = labels_group(&o->labels, &o->op.plan->aggregate.grouping, series);
    uint32_t number;
    bool is_new;
    TRY(key_map_find_or_add(&o->numbers, labels_key(&o->labels, labels, x->hash_seed), &number,
                            &is_new));
    if (is_new) {
        ASSERT(number == o->count);
        o->groups = arena_more(x->arena, o->groups, sizeof *o->groups, o->count, &o->cap);
        TRY(group_init(o, &o->groups[o->count++], labels));
    }
    *ret_group = &o->groups[number];
    return OK;
}

static void
group_add(struct op_aggregate *o, struct group *g, const struct column *c)
{
    for (size_t w = c->begin / 64; w < column_words(c->end); w++)
        g->column.present[w] |= c->present[w];
    g->column.drop_name = group_drops_name(g->column.drop_name, g->column.end, c);
    if (c->begin < g->column.begin)
        g->column.begin = c->begin;
    if (c->end > g->column.end)
        g->column.end = c->end;
    enum promql_agg op = o->op.plan->aggregate.op;
    if (op == PROMQL_AGG_SUM)
        add_sum(g, c);
    else if (op == PROMQL_AGG_AVG)
        add_avg(g, c, o->op.x->arena, o->op.plan->grid.steps);
    else if (op == PROMQL_AGG_COUNT)
        add_count(g, c);
    else if (op == PROMQL_AGG_GROUP)
        add_present(g, c);
    else if (op == PROMQL_AGG_STDDEV || op == PROMQL_AGG_STDVAR)
        add_variance(g, c);
    else if (op == PROMQL_AGG_MAX)
        add_max(g, c);
    else if (op == PROMQL_AGG_MIN)
        add_min(g, c);
    else
        UNREACHABLE("plan.c refuses the others");
}

/* What the aggregation makes of the histograms of `c`: they are added up, count as elements, or are
 * left out with a note. False when no float is left to be added. */
static struct err
group_take_histograms(struct op_aggregate *o, struct group *g, struct column *c, bool *ret_more)
{
    const struct plan_node *n = o->op.plan;
    enum promql_agg op = n->aggregate.op;
    *ret_more = true;
    if (op == PROMQL_AGG_COUNT || op == PROMQL_AGG_GROUP)
        return OK;
    if (op == PROMQL_AGG_SUM || op == PROMQL_AGG_AVG)
        return group_histograms_take(o->op.x, n, &g->histograms, &g->column, c, ret_more);
    column_drop_histograms(c);
    *ret_more = column_fit(c, n->grid.steps);
    return histogram_note_ignored_by(o->op.x, promql_aggregator(op)->name,
                                     n->aggregate.child_range);
}

static struct err
aggregate_drain(struct op_aggregate *o)
{
    for (struct column *c;;) {
        TRY(op_next(o->child, &c));
        if (!c)
            return OK;
        struct group *g;
        TRY(group_of(o, c->labels, &g));
        bool more = true;
        if (c->histograms)
            TRY(group_take_histograms(o, g, c, &more));
        if (more)
            group_add(o, g, c);
        TRY(exec_work(o->op.x, c->end - c->begin));
    }
}

static double
group_value(const struct group *g, enum promql_agg op, size_t i)
{
    if (op == PROMQL_AGG_SUM)
        return g->column.values[i] + g->c[i];
    if (op == PROMQL_AGG_AVG) {
        struct kahan_mean m = mean_at(g, i);
        return kahan_mean_value(&m);
    }
    double variance = g->c[i] / g->counts[i];
    return op == PROMQL_AGG_STDDEV ? sqrt(variance) : variance;
}

/* From running state to results. */
static void
group_finish(struct group *g, enum promql_agg op)
{
    if (!g->c) /* min, max, count, group */
        return;
    for (size_t i = g->column.begin; i < g->column.end; i++)
        if (column_has(&g->column, i))
            g->column.values[i] = group_value(g, op, i);
}

static struct err
aggregate_next(struct op *op, struct column **ret_column)
{
    struct op_aggregate *o = (struct op_aggregate *)op;
    const struct plan_node *n = op->plan;
    if (!o->drained) {
        TRY(aggregate_drain(o));
        o->drained = true;
    }
    *ret_column = NULL;
    while (o->yielded < o->count) {
        struct group *g = &o->groups[o->yielded++];
        group_finish(g, n->aggregate.op);
        TRY(group_histograms_finish(op->x, n, &g->histograms, &g->column));
        if (!column_fit(&g->column, n->grid.steps))
            continue; /* nothing but histograms that could not be aggregated */
        TRY(exec_work(op->x, g->column.end - g->column.begin));
        *ret_column = &g->column;
        return OK;
    }
    return OK;
}

static const struct op_ops aggregate_ops = {aggregate_next};

struct op *
op_aggregate_open(struct exec *x, const struct plan_node *n)
{
    struct op_aggregate *o = ARENA_NEW(x->arena, struct op_aggregate);
    o->op = (struct op){&aggregate_ops, x, n};
    o->child = op_open(x, n->aggregate.child);
    o->labels.arena = x->arena;
    key_map_init(&o->numbers, x->arena);
    return &o->op;
}
