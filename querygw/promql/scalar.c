/* scalar.c - numbers and arithmetic between them. Recursion is bounded by PROMQL_DEPTH_MAX. */
#include "querygw/promql/scalar.h"

#include "base/assert.h"
#include "querygw/promql/arith.h"

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
    case PLAN_TEXT:
    case PLAN_INSTANT:
    case PLAN_RANGE:
    case PLAN_RANGE_CALL:
    case PLAN_NEGATE:
    case PLAN_VECTOR_SCALAR:
    case PLAN_AGGREGATE:
    case PLAN_REPEAT:
        break;
    }
    UNREACHABLE("not of type scalar");
}
