/* absent.c - absent(), absent_over_time(): 1 at the steps where the argument has no element. */
#include "querygw/promql/op.h"

struct op_absent {
    struct op op;
    struct op *child;
    bool done;
    struct column column;
};

/* Marks the steps that have an element. */
static struct err
absent_drain(struct op_absent *o)
{
    for (struct column *c;;) {
        TRY(op_next(o->child, &c));
        if (!c)
            return OK;
        TRY(exec_work(o->op.x, c->end - c->begin));
        for (size_t w = 0; w < column_words(c->end); w++)
            o->column.present[w] |= c->present[w];
    }
}

static struct err
absent_next(struct op *op, struct column **ret_column)
{
    struct op_absent *o = (struct op_absent *)op;
    uint32_t steps = op->plan->grid.steps;
    struct column *c = &o->column;
    *ret_column = NULL;
    if (o->done)
        return OK;
    o->done = true;
    TRY(absent_drain(o));
    for (size_t i = 0; i < steps; i++)
        c->values[i] = 1;
    for (size_t w = 0; w < column_words(steps); w++)
        c->present[w] = ~c->present[w];
    if (steps % 64)
        c->present[steps / 64] &= (UINT64_C(1) << (steps % 64)) - 1;
    if (!column_fit(c, steps))
        return OK;
    c->labels = op->plan->absent.labels;
    c->drop_name = op->x->limits.delays_names && op->plan->absent.child->kind == PLAN_RANGE_CALL;
    *ret_column = c;
    return OK;
}

static const struct op_ops absent_ops = {absent_next};

struct op *
op_absent_open(struct exec *x, const struct plan_node *n)
{
    struct op_absent *o = ARENA_NEW(x->arena, struct op_absent);
    o->op = (struct op){&absent_ops, x, n};
    o->child = op_open(x, n->absent.child);
    column_init(&o->column, x->arena, n->grid.steps);
    return &o->op;
}
