/* vector_of.c - vector(1): a scalar as the only element, without labels. */
#include "querygw/promql/op.h"
#include "querygw/promql/scalar.h"

struct op_vector_of {
    struct op op;
    bool done;
    struct column column;
};

static struct err
vector_of_next(struct op *op, struct column **ret_column)
{
    struct op_vector_of *o = (struct op_vector_of *)op;
    uint32_t steps = op->plan->grid.steps;
    *ret_column = NULL;
    if (o->done)
        return OK;
    o->done = true;
    TRY(scalar_fill(op->x, op->plan->child, o->column.values));
    column_fill(&o->column, steps);
    *ret_column = &o->column;
    return OK;
}

static const struct op_ops vector_of_ops = {vector_of_next};

struct op *
op_vector_of_open(struct exec *x, const struct plan_node *n)
{
    struct op_vector_of *o = ARENA_NEW(x->arena, struct op_vector_of);
    o->op = (struct op){&vector_of_ops, x, n};
    column_init(&o->column, x->arena, n->grid.steps);
    return &o->op;
}
