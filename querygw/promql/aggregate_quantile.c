/* aggregate_quantile.c - quantile by group.
 *
 * Every value of a group counts, so its columns are kept; a few steps at a time gather their
 * values, and each finds the two of them that count. */
#include <string.h>

#include "base/mem.h"
#include "querygw/promql/delayed_name.h"
#include "querygw/promql/held.h"
#include "querygw/promql/histogram_point.h"
#include "querygw/promql/label_rows.h"
#include "querygw/promql/op.h"
#include "querygw/promql/quantile.h"
#include "querygw/promql/scalar.h"

enum { GATHER_STEPS = 8 }; /* a cache line of each column */

struct quantile_group {
    struct held_column *columns; /* the last one first */
    size_t count;
    uint32_t begin, end; /* steps of any of them */
    bool drop_name;
};

struct op_quantile {
    struct op op;
    struct op *child;
    bool drained;
    double *q; /* a step */
    struct label_rows rows;
    struct label_scratch scratch;
    struct quantile_group *groups;
    size_t cap, yielded, held;
    double *values;    /* of the steps that are gathered ... */
    size_t values_cap; /* ... each has so much room */
    struct column column;
};

/* Warns even where nothing is aggregated: of NaN, of the largest and of the smallest. */
static struct err
quantile_read(struct op_quantile *o)
{
    const struct plan_node *n = o->op.plan;
    double low = 0, high = 1;
    bool nan = false;
    o->q = ARENA_ARRAY(o->op.x->arena, double, n->grid.steps);
    TRY(scalar_fill(o->op.x, n->aggregate.param, o->q));
    for (size_t i = 0; i < n->grid.steps; i++) {
        nan = nan || isnan(o->q[i]);
        low = fmin(low, o->q[i]);
        high = fmax(high, o->q[i]);
    }
    if (nan)
        TRY(quantile_check(o->op.x, NAN, n->aggregate.param_range));
    TRY(quantile_check(o->op.x, high, n->aggregate.param_range));
    return quantile_check(o->op.x, low, n->aggregate.param_range);
}

static struct err
quantile_drain(struct op_quantile *o)
{
    struct exec *x = o->op.x;
    TRY(quantile_read(o));
    for (struct column *c;;) {
        TRY(op_next(o->child, &c));
        if (!c)
            return OK;
        TRY(exec_work(x, c->end - c->begin + 1));
        if (column_drop_histograms(c)) {
            TRY(histogram_note_ignored_by(x, STR("quantile"), o->op.plan->aggregate.child_range));
            if (!column_fit(c, o->op.plan->grid.steps))
                continue;
        }
        uint32_t number;
        struct held_column *h;
        const struct grouping *by = &o->op.plan->aggregate.grouping;
        TRY(label_rows_find(&o->rows, labels_group(&o->scratch, by, c->labels), &number));
        o->groups = arena_more(x->arena, o->groups, sizeof *o->groups, number, &o->cap);
        TRY(held_copy(x, c, &h));
        o->held += h->samples;
        struct quantile_group *g = &o->groups[number];
        g->begin = g->count && g->begin < h->begin ? g->begin : h->begin;
        g->drop_name = group_drops_name(g->drop_name, g->end, c);
        g->end = g->end > h->end ? g->end : h->end;
        h->next = g->columns;
        g->columns = h;
        g->count++;
    }
}

/* The values of some steps, from each column at once. */
struct step_values {
    double *v[GATHER_STEPS];
    size_t n[GATHER_STEPS];
};

static void
gather(const struct quantile_group *g, size_t first, size_t end, struct step_values *to)
{
    memset(to->n, 0, sizeof to->n);
    for (const struct held_column *h = g->columns; h; h = h->next)
        for (size_t step = first; step < end; step++)
            if (held_has(h, step))
                to->v[step - first][to->n[step - first]++] = h->values[step - h->begin];
}

static struct err
quantile_fill(struct op_quantile *o, const struct quantile_group *g)
{
    struct arena *a = o->op.x->arena;
    column_clear(&o->column, o->op.plan->grid.steps);
    if (g->count > o->values_cap) {
        o->values_cap = 2 * g->count;
        o->values = ARENA_ARRAY(a, double, GATHER_STEPS * o->values_cap);
        TRY(arena_check(a));
    }
    struct step_values at;
    for (size_t i = 0; i < GATHER_STEPS; i++)
        at.v[i] = o->values + i * o->values_cap;
    for (size_t first = g->begin; first < g->end; first += GATHER_STEPS) {
        size_t end = size_min(first + GATHER_STEPS, g->end);
        gather(g, first, end, &at);
        TRY(exec_work(o->op.x, (end - first) * g->count));
        for (size_t i = 0; i < end - first; i++)
            if (at.n[i] > 0)
                column_set(&o->column, first + i,
                           quantile_of_values(o->q[first + i], at.v[i], at.n[i]));
    }
    return OK;
}

static struct err
quantile_next(struct op *op, struct column **ret_column)
{
    struct op_quantile *o = (struct op_quantile *)op;
    if (!o->drained)
        TRY(quantile_drain(o));
    o->drained = true;
    *ret_column = NULL;
    if (o->yielded == o->rows.count) {
        exec_release(op->x, o->held);
        o->held = 0;
        return OK;
    }
    TRY(quantile_fill(o, &o->groups[o->yielded]));
    o->column.drop_name = o->groups[o->yielded].drop_name;
    column_fit(&o->column, op->plan->grid.steps); /* a group has a value somewhere */
    o->column.labels = o->rows.v[o->yielded++];
    *ret_column = &o->column;
    return OK;
}

static const struct op_ops quantile_ops = {quantile_next};

struct op *
op_quantile_open(struct exec *x, const struct plan_node *n)
{
    struct op_quantile *o = ARENA_NEW(x->arena, struct op_quantile);
    o->op = (struct op){&quantile_ops, x, n};
    o->child = op_open(x, n->aggregate.child);
    o->scratch.arena = x->arena;
    label_rows_init(&o->rows, x);
    column_init(&o->column, x->arena, n->grid.steps);
    return &o->op;
}
