/* aggregate_k.h - the k of topk, bottomk and limitk: how many elements of a group are wanted. */
#pragma once
#include "querygw/promql/exec.h"
#include "querygw/promql/plan.h"

/* A number a step in the query's arena, never NaN; *ret_any is false when no step wants an element.
 * ERR_EXECUTION when one is no int64. */
struct err aggregate_read_k(struct exec *x, const struct plan_node *n, double **ret_k,
                            bool *ret_any);
