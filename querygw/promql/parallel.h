/* parallel.h - leaves of a query on several threads. */
#pragma once
#include "querygw/promql/op.h"

/* The leaf may be evaluated series by series by whoever has time: the query has a pool, and nothing
 * but its selector makes the leaf look at the store. */
bool parallel_is_possible(const struct exec *x, const struct plan_node *n);
struct op *op_parallel_open(struct exec *x, const struct plan_node *n);
