/* scalar.c - numbers, arithmetic between them, time(), scalar(). Recursion is bounded by
 * PROMQL_DEPTH_MAX. */
#include "querygw/promql/scalar.h"

#include <math.h>

#include "base/assert.h"
#include "querygw/promql/arith.h"
#include "querygw/promql/op.h"

static struct err
scalar_binary(struct exec *x, const struct plan_node *n, double *to)
{
    double *right = ARENA_ARRAY(x->arena, double, n->grid.steps);
    TRY(arena_check(x->arena));
    TRY(scalar_fill(x, n->binary.left, to));
    TRY(scalar_fill(x, n->binary.right, right));
    for (size_t i = 0; i < n->grid.steps; i++)
        to[i] = arith_scalar(n->binary.op, to[i], right[i]);
    return OK;
}

/* The value of the only element; NaN where there is none, or several. */
static struct err
scalar_of(struct exec *x, const struct plan_node *n, double *to)
{
    struct op *child = op_open(x, n->child);
    uint8_t *counts = ARENA_ARRAY(x->arena, uint8_t, n->grid.steps);
    TRY(arena_check(x->arena));
    for (size_t i = 0; i < n->grid.steps; i++)
        to[i] = NAN;
    for (struct column *c;;) {
        TRY(op_next(child, &c));
        if (!c)
            return OK;
        TRY(exec_work(x, c->end - c->begin));
        column_drop_histograms(c);
        for (size_t b, e = c->begin; column_next_run(c, &b, &e);)
            for (size_t i = b; i < e; i++) {
                to[i] = counts[i] == 0 ? c->values[i] : NAN;
                counts[i] = 1;
            }
    }
}

/* min_of(), max_of() */
static struct err
scalar_pick(struct exec *x, const struct plan_node *n, double *to)
{
    double *other = ARENA_ARRAY(x->arena, double, n->grid.steps);
    TRY(arena_check(x->arena));
    TRY(scalar_fill(x, n->pick.args[0], to));
    TRY(scalar_fill(x, n->pick.args[1], other));
    for (size_t i = 0; i < n->grid.steps; i++)
        to[i] = n->pick.greater ? arith_max(to[i], other[i]) : arith_min(to[i], other[i]);
    return OK;
}

struct err
scalar_fill(struct exec *x, const struct plan_node *n, double *to)
{
    TRY(exec_work(x, n->grid.steps));
    switch (n->kind) {
    case PLAN_NUMBER:
        for (size_t i = 0; i < n->grid.steps; i++)
            to[i] = n->number;
        return OK;
    case PLAN_SCALAR_NEGATE:
        TRY(scalar_fill(x, n->child, to));
        for (size_t i = 0; i < n->grid.steps; i++)
            to[i] = -to[i];
        return OK;
    case PLAN_SCALAR_BINARY:
        return scalar_binary(x, n, to);
    case PLAN_SCALAR_TIME:
        for (size_t i = 0; i < n->grid.steps; i++)
            to[i] = (double)grid_time_ms(&n->grid, i) / 1000;
        return OK;
    case PLAN_SCALAR_OF:
        return scalar_of(x, n, to);
    case PLAN_SCALAR_PICK:
        return scalar_pick(x, n, to);
    case PLAN_TEXT:
    case PLAN_INSTANT:
    case PLAN_RANGE:
    case PLAN_RANGE_CALL:
    case PLAN_NEGATE:
    case PLAN_VECTOR_SCALAR:
    case PLAN_VECTOR_MATCH:
    case PLAN_VECTOR_SET:
    case PLAN_AGGREGATE:
    case PLAN_REPEAT:
    case PLAN_VECTOR_OF:
    case PLAN_MAP:
    case PLAN_ABSENT:
    case PLAN_SORT:
    case PLAN_RELABEL:
    case PLAN_BUCKETS:
    case PLAN_INFO:
        break;
    }
    UNREACHABLE("not of type scalar");
}
