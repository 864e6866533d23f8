/* scalar.h - expressions of type scalar: a value at every step. Threads: one query. */
#pragma once
#include "querygw/promql/exec.h"
#include "querygw/promql/plan.h"

/* Fills to[0 .. steps of n->grid). */
struct err scalar_fill(struct exec *x, const struct plan_node *n, double *to);
