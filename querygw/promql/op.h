/* op.h - operators: each yields its output series one by one, as columns over its grid.
 *
 * An operator pulls from its child, so a query holds one column an operator, not a matrix;
 * only aggregations and the result keep more. Series come in the order of the store, groups in
 * the order of their first series. Two columns may carry the same labels when an operator
 * dropped names that told them apart: they never share a step (label_guard), and the result
 * joins them. Memory is the query's arena: nothing to close but the readers (select.h).
 * Threads: one query, one thread. */
#pragma once
#include "querygw/promql/exec.h"
#include "querygw/promql/plan.h"
#include "querygw/promql/step.h"

struct op;

struct op_ops {
    /* NULL behind the last series. */
    struct err (*next)(struct op *op, struct column **ret_column);
};

/* The first member of every operator. */
struct op {
    const struct op_ops *ops;
    struct exec *x;               /* borrowed */
    const struct plan_node *plan; /* borrowed */
};

static inline struct err
op_next(struct op *op, struct column **ret_column)
{
    return op->ops->next(op, ret_column);
}

/* The operator of a node of type vector, with everything below it. Nothing is read yet. */
struct op *op_open(struct exec *x, const struct plan_node *n);

/* One file each: */
struct op *op_instant_open(struct exec *x, const struct plan_node *n);
struct op *op_range_call_open(struct exec *x, const struct plan_node *n);
struct op *op_negate_open(struct exec *x, const struct plan_node *n);
struct op *op_vector_scalar_open(struct exec *x, const struct plan_node *n);
struct op *op_vector_match_open(struct exec *x, const struct plan_node *n);
struct op *op_vector_set_open(struct exec *x, const struct plan_node *n);
struct op *op_aggregate_open(struct exec *x, const struct plan_node *n);
struct op *op_pick_open(struct exec *x, const struct plan_node *n);
struct op *op_quantile_open(struct exec *x, const struct plan_node *n);
struct op *op_limit_open(struct exec *x, const struct plan_node *n);
struct op *op_ratio_open(struct exec *x, const struct plan_node *n);
struct op *op_values_open(struct exec *x, const struct plan_node *n);
struct op *op_vector_of_open(struct exec *x, const struct plan_node *n);
struct op *op_map_open(struct exec *x, const struct plan_node *n);
struct op *op_absent_open(struct exec *x, const struct plan_node *n);
struct op *op_relabel_open(struct exec *x, const struct plan_node *n);
struct op *op_buckets_open(struct exec *x, const struct plan_node *n);
struct op *op_info_open(struct exec *x, const struct plan_node *n);
struct op *op_sort_open(struct exec *x, const struct plan_node *n);
struct op *op_repeat_open(struct exec *x, const struct plan_node *n);
