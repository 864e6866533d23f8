/* aggregate_limit.c - limitk and limit_ratio: some of the series, whatever their values are.
 *
 * limitk takes what comes first. limit_ratio chooses by the hash of the labels: whether a series
 * belongs to the share does not depend on the others, and groups make no difference. Both are
 * filters: series stream through. Source: prometheus promql/engine.go (aggregationK). */
#include <math.h>

#include "base/numtext.h"
#include "querygw/promql/aggregate_k.h"
#include "querygw/promql/label_rows.h"
#include "querygw/promql/op.h"
#include "querygw/promql/scalar.h"

struct op_limit {
    struct op op;
    struct op *child;
    double *k; /* a step; NULL before the first series */
    bool any;  /* a step wants an element */
    struct label_rows groups;
    struct label_scratch scratch;
    uint32_t **taken; /* of each group, a count a step */
    size_t taken_cap;
};

static struct err
limit_counts(struct op_limit *o, struct labels series, uint32_t **ret_counts)
{
    struct exec *x = o->op.x;
    const struct plan_node *n = o->op.plan;
    uint32_t group;
    size_t before = o->groups.count;
    struct labels labels = labels_group(&o->scratch, &n->aggregate.grouping, series);
    TRY(label_rows_find(&o->groups, labels, &group));
    if (group == before) {
        o->taken = arena_more(x->arena, o->taken, sizeof *o->taken, before, &o->taken_cap);
        o->taken[group] = ARENA_ARRAY(x->arena, uint32_t, n->grid.steps);
        TRY(arena_check(x->arena));
    }
    *ret_counts = o->taken[group];
    return OK;
}

static struct err
limit_next(struct op *op, struct column **ret_column)
{
    struct op_limit *o = (struct op_limit *)op;
    struct column *c = NULL;
    if (!o->k)
        TRY(aggregate_read_k(op->x, op->plan, &o->k, &o->any));
    *ret_column = NULL;
    if (!o->any)
        return OK;
    do {
        uint32_t *taken;
        TRY(op_next(o->child, &c));
        *ret_column = c;
        if (!c)
            return OK;
        TRY(exec_work(op->x, c->end - c->begin + 1));
        TRY(limit_counts(o, c->labels, &taken));
        for (size_t i = c->begin; i < c->end; i++) {
            if (!column_has(c, i))
                continue;
            if (taken[i] < trunc(o->k[i]))
                taken[i]++;
            else
                column_unset(c, i);
        }
    } while (!column_fit(c, op->plan->grid.steps));
    return OK;
}

/* --- limit_ratio --------------------------------------------------------------------------- */

struct op_ratio {
    struct op op;
    struct op *child;
    double *ratio; /* a step; NULL before the first series */
};

static struct err
ratio_warn(struct op_ratio *o, double ratio, const char *cap)
{
    char text[NUMTEXT_BYTES_MAX];
    AUTO(buf_fini) struct buf note = BUF_INIT;
    buf_printf(&note,
               "PromQL warning: ratio value should be between -1 and 1, got %.*s, capping to %s",
               (int)numtext_g(ratio, text), text, cap);
    return notes_add(&o->op.x->notes, NOTE_WARNING, o->op.plan->aggregate.param_range,
                     buf_str(&note));
}

static struct err
ratio_read(struct op_ratio *o)
{
    uint32_t steps = o->op.plan->grid.steps;
    o->ratio = ARENA_ARRAY(o->op.x->arena, double, steps);
    TRY(scalar_fill(o->op.x, o->op.plan->aggregate.param, o->ratio));
    double low = INFINITY, high = -INFINITY;
    for (size_t i = 0; i < steps; i++) {
        if (isnan(o->ratio[i]))
            return ERR(ERR_EXECUTION, "Ratio value is NaN");
        low = fmin(low, o->ratio[i]);
        high = fmax(high, o->ratio[i]);
    }
    if (high > 1)
        TRY(ratio_warn(o, high, "1"));
    return low < -1 ? ratio_warn(o, low, "-1") : OK;
}

/* A negative ratio means the series that 1 + ratio leaves out. */
static bool
ratio_keeps(double ratio, double place)
{
    double r = fmax(-1, fmin(1, ratio));
    return r >= 0 ? place < r : place >= 1 + r;
}

static struct err
ratio_next(struct op *op, struct column **ret_column)
{
    struct op_ratio *o = (struct op_ratio *)op;
    struct column *c;
    if (!o->ratio)
        TRY(ratio_read(o));
    do {
        TRY(op_next(o->child, &c));
        *ret_column = c;
        if (!c)
            return OK;
        TRY(exec_work(op->x, c->end - c->begin + 1));
        double place = (double)labels_hash(c->labels) / (double)UINT64_MAX;
        for (size_t i = c->begin; i < c->end; i++)
            if (!ratio_keeps(o->ratio[i], place))
                column_unset(c, i);
    } while (!column_fit(c, op->plan->grid.steps));
    return OK;
}

static const struct op_ops ratio_ops = {ratio_next};

struct op *
op_ratio_open(struct exec *x, const struct plan_node *n)
{
    struct op_ratio *o = ARENA_NEW(x->arena, struct op_ratio);
    o->op = (struct op){&ratio_ops, x, n};
    o->child = op_open(x, n->aggregate.child);
    return &o->op;
}

static const struct op_ops limit_ops = {limit_next};

struct op *
op_limit_open(struct exec *x, const struct plan_node *n)
{
    struct op_limit *o = ARENA_NEW(x->arena, struct op_limit);
    o->op = (struct op){&limit_ops, x, n};
    o->child = op_open(x, n->aggregate.child);
    o->scratch.arena = x->arena;
    label_rows_init(&o->groups, x);
    return &o->op;
}
