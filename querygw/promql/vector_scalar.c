/* vector_scalar.c - operators between a vector and a scalar, and the unary minus.
 *
 * Arithmetic and the bool modifier drop the metric's name, which can make series equal: those
 * must not meet at a step. A comparison without bool keeps the elements for which it holds,
 * with the vector's value, whichever side it stands on. */
#include "querygw/promql/arith.h"
#include "querygw/promql/delayed_name.h"
#include "querygw/promql/element.h"
#include "querygw/promql/op.h"
#include "querygw/promql/scalar.h"
#include "querygw/promql/series_key.h"

struct op_vector_scalar {
    struct op op;
    struct op *child;
    double *scalar; /* NULL before the first call: it is told even when the vector is empty */
    bool drops_name;
    struct label_scratch labels;
    struct label_guard guard;
    struct arena *results; /* histograms of the column; NULL before the first */
};

static struct err
read_scalar(struct op_vector_scalar *o)
{
    const struct plan_node *n = o->op.plan;
    o->scalar = ARENA_ARRAY(o->op.x->arena, double, n->grid.steps);
    return scalar_fill(o->op.x, n->binary.scalar_left ? n->binary.left : n->binary.right,
                       o->scalar);
}

static struct arena *
fresh_results(struct op_vector_scalar *o)
{
    if (!o->results)
        o->results = exec_scratch(o->op.x);
    arena_reset(o->results);
    return o->results;
}

static struct err
apply_to_element(struct op_vector_scalar *o, struct column *c, size_t step)
{
    const struct plan_node *n = o->op.plan;
    struct element vector = column_element(c, step), scalar = {.value = o->scalar[step]}, result;
    enum element_outcome outcome;
    bool left = n->binary.scalar_left;
    TRY(element_binary(o->op.x, n, o->results, left ? scalar : vector, left ? vector : scalar,
                       &result, &outcome));
    if (left && promql_op_class(n->binary.op) == PROMQL_OP_COMPARISON)
        result = vector;
    if (outcome != ELEMENT_REFUSED && n->binary.returns_bool)
        result = (struct element){.value = outcome == ELEMENT_KEPT};
    else if (outcome != ELEMENT_KEPT)
        column_unset(c, step);
    if (column_has(c, step))
        column_set_element(c, o->op.x->arena, n->grid.steps, step, &result);
    return arena_check(o->results);
}

/* A column with histograms, or an operator that only they have. */
static struct err
apply_to_elements(struct op_vector_scalar *o, struct column *c)
{
    fresh_results(o);
    for (size_t i = c->begin; i < c->end; i++)
        if (column_has(c, i))
            TRY(apply_to_element(o, c, i));
    return OK;
}

static void
apply_scalar(struct op_vector_scalar *o, struct column *c)
{
    const struct plan_node *n = o->op.plan;
    enum promql_op op = n->binary.op;
    const double *left = n->binary.scalar_left ? o->scalar : c->values;
    const double *right = n->binary.scalar_left ? c->values : o->scalar;
    if (promql_op_class(op) == PROMQL_OP_ARITHMETIC)
        arith_columns(op, c->values, left, right, c->begin, c->end);
    else
        arith_compare(op, c, left, right,
                      n->binary.returns_bool ? ARITH_KEEP_BOOL : ARITH_KEEP_TRUE);
}

static struct err
vector_scalar_next(struct op *op, struct column **ret_column)
{
    struct op_vector_scalar *o = (struct op_vector_scalar *)op;
    uint32_t steps = op->plan->grid.steps;
    struct column *c;
    if (!o->scalar)
        TRY(read_scalar(o));
    do {
        TRY(op_next(o->child, &c));
        *ret_column = c;
        if (!c)
            return OK;
        TRY(exec_work(op->x, steps));
        if (c->histograms || promql_op_class(op->plan->binary.op) == PROMQL_OP_TRIM)
            TRY(apply_to_elements(o, c));
        else
            apply_scalar(o, c);
    } while (!column_fit(c, steps));
    return o->drops_name ? drop_name(&o->guard, &o->labels, c) : OK;
}

static struct err
negate_histograms(struct op_vector_scalar *o, struct column *c)
{
    struct arena *a = fresh_results(o);
    for (size_t i = c->begin; i < c->end; i++) {
        if (!column_has(c, i) || !c->histograms[i])
            continue;
        struct float_histogram *h = float_histogram_copy(c->histograms[i], a);
        float_histogram_multiply(h, -1);
        c->histograms[i] = h;
        TRY(exec_work(o->op.x, 1 + h->positive.n + h->negative.n));
        TRY(arena_check(a));
    }
    return OK;
}

static struct err
negate_next(struct op *op, struct column **ret_column)
{
    struct op_vector_scalar *o = (struct op_vector_scalar *)op;
    TRY(op_next(o->child, ret_column));
    struct column *c = *ret_column;
    if (!c)
        return OK;
    TRY(exec_work(op->x, c->end - c->begin));
    for (size_t i = c->begin; i < c->end; i++)
        c->values[i] = -c->values[i];
    if (c->histograms)
        TRY(negate_histograms(o, c));
    return drop_name(&o->guard, &o->labels, c);
}

static const struct op_ops vector_scalar_ops = {vector_scalar_next};
static const struct op_ops negate_ops = {negate_next};

static struct op_vector_scalar *
open_on(struct exec *x, const struct plan_node *n, const struct plan_node *child,
        const struct op_ops *ops)
{
    struct op_vector_scalar *o = ARENA_NEW(x->arena, struct op_vector_scalar);
    o->op = (struct op){ops, x, n};
    o->child = op_open(x, child);
    o->labels.arena = x->arena;
    label_guard_init(&o->guard, x, LABEL_GUARD_DISJOINT, n->grid.steps);
    return o;
}

struct op *
op_vector_scalar_open(struct exec *x, const struct plan_node *n)
{
    const struct plan_node *vector = n->binary.scalar_left ? n->binary.right : n->binary.left;
    struct op_vector_scalar *o = open_on(x, n, vector, &vector_scalar_ops);
    o->drops_name = n->binary.returns_bool || promql_op_class(n->binary.op) == PROMQL_OP_ARITHMETIC;
    return &o->op;
}

struct op *
op_negate_open(struct exec *x, const struct plan_node *n)
{
    return &open_on(x, n, n->child, &negate_ops)->op;
}
