/* map_call.c - a function of single elements over a vector: abs(up), clamp(up, 0, 1). */
#include "querygw/promql/delayed_name.h"
#include "querygw/promql/func_map.h"
#include "querygw/promql/op.h"
#include "querygw/promql/scalar.h"
#include "querygw/promql/series_key.h"

struct op_map {
    struct op op;
    struct op *child;
    const double *args[MAP_ARGS_MAX];
    bool started;
    struct label_scratch labels;
    struct label_guard guard;
};

static struct err
map_start(struct op_map *o)
{
    const struct plan_node *n = o->op.plan;
    o->started = true;
    for (size_t i = 0; i < n->map.arg_count; i++) {
        double *values = ARENA_ARRAY(o->op.x->arena, double, n->grid.steps);
        TRY(arena_check(o->op.x->arena));
        TRY(scalar_fill(o->op.x, n->map.args[i], values));
        o->args[i] = values;
    }
    return OK;
}

/* timestamp() of what is no selector. */
static void
map_evaluation_time(const struct promql_grid *g, struct column *c)
{
    for (size_t i = c->begin; i < c->end; i++)
        c->values[i] = (double)grid_time_ms(g, i) / 1000;
}

static void
map_histograms(const struct map_function *f, struct column *c)
{
    for (size_t i = c->begin; i < c->end; i++) {
        const struct float_histogram *h = column_histogram(c, i);
        if (!h)
            column_unset(c, i);
        else if (column_has(c, i))
            c->values[i] = f->of_histogram(h);
    }
    c->histograms = NULL;
}

static void
map_apply(struct op_map *o, struct column *c)
{
    const struct plan_node *n = o->op.plan;
    switch (n->map.what) {
    case PLAN_MAP_FUNCTION:
        if (n->map.function->of_histogram) {
            map_histograms(n->map.function, c);
            break;
        }
        if (column_drop_histograms(c) && !column_fit(c, n->grid.steps))
            break;
        n->map.function->run(c, o->args);
        break;
    case PLAN_MAP_TIME:
        map_evaluation_time(&n->grid, c);
        c->histograms = NULL;
        break;
    case PLAN_MAP_KEEP:
        break;
    case PLAN_MAP_START:
        if (!o->op.x->limits.use_start_timestamps)
            column_clear(c, n->grid.steps);
        break;
    case PLAN_MAP_NONE:
        column_clear(c, n->grid.steps);
        break;
    }
}

static struct err
map_next(struct op *op, struct column **ret_column)
{
    struct op_map *o = (struct op_map *)op;
    struct column *c;
    if (!o->started)
        TRY(map_start(o));
    do {
        TRY(op_next(o->child, &c));
        *ret_column = c;
        if (!c)
            return OK;
        TRY(exec_work(op->x, c->end - c->begin));
        map_apply(o, c);
    } while (!column_fit(c, op->plan->grid.steps));
    bool of_histogram =
        op->plan->map.what == PLAN_MAP_FUNCTION && op->plan->map.function->of_histogram;
    if (!of_histogram || op->x->limits.delays_names)
        return drop_name(&o->guard, &o->labels, c);
    /* type and unit stay */
    c->labels = labels_set(&o->labels, c->labels, STR(LABEL_METRIC_NAME), STR(""));
    return label_guard_pass(&o->guard, c);
}

static const struct op_ops map_ops = {map_next};

struct op *
op_map_open(struct exec *x, const struct plan_node *n)
{
    struct op_map *o = ARENA_NEW(x->arena, struct op_map);
    o->op = (struct op){&map_ops, x, n};
    o->child = op_open(x, n->map.child);
    o->labels.arena = x->arena;
    label_guard_init(&o->guard, x, LABEL_GUARD_DISJOINT, n->grid.steps);
    return &o->op;
}
