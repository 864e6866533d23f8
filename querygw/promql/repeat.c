/* repeat.c - what does not depend on time: evaluated at the first step, told for every step. */

#include "querygw/promql/element.h"
#include "querygw/promql/op.h"

struct op_repeat {
    struct op op;
    struct op *child;
    struct column column;
};

static struct err
repeat_next(struct op *op, struct column **ret_column)
{
    struct op_repeat *o = (struct op_repeat *)op;
    uint32_t steps = op->plan->grid.steps;
    uint64_t total = op->x->stats.samples_total;
    struct column *once;
    TRY(op_next(o->child, &once));
    uint64_t looked_at = op->x->stats.samples_total - total;
    for (size_t i = 1; looked_at && i < steps; i++) /* as if each step had looked */
        stats_count(&op->x->stats, i, looked_at, 0);
    *ret_column = NULL;
    if (!once)
        return OK;
    TRY(exec_work(op->x, steps));
    o->column.labels = once->labels;
    column_clear(&o->column, steps);
    o->column.drop_name = once->drop_name;
    struct element e = column_element(once, 0);
    column_set_element(&o->column, op->x->arena, steps, 0, &e);
    column_repeat(&o->column, steps);
    *ret_column = &o->column;
    return OK;
}

static const struct op_ops repeat_ops = {repeat_next};

struct op *
op_repeat_open(struct exec *x, const struct plan_node *n)
{
    struct op_repeat *o = ARENA_NEW(x->arena, struct op_repeat);
    o->op = (struct op){&repeat_ops, x, n};
    o->child = op_open(x, n->child);
    column_init(&o->column, x->arena, n->grid.steps);
    return &o->op;
}
