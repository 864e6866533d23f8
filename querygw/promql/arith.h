/* arith.h - binary operators of PromQL on numbers and on whole columns.
 * Source: prometheus promql/engine.go (scalarBinop, vectorElemBinop). Pure functions. */
#pragma once
#include <stddef.h>

#include "querygw/promql/operators.h"
#include "querygw/promql/step.h"

/* Of two scalars: comparisons give 1 or 0. Not for set and trim operators. */
double arith_scalar(enum promql_op op, double left, double right);

/* As Go's math.Max and math.Min: NaN wins against all but the infinity that decides. */
double arith_max(double a, double b);
double arith_min(double a, double b);

/* to[i] = left[i] op right[i] for i in [begin, end); arithmetic operators only. `to` may be one
 * of the inputs. */
void arith_columns(enum promql_op op, double *to, const double *left, const double *right,
                   size_t begin, size_t end);

enum arith_keep {
    ARITH_KEEP_TRUE, /* steps where the comparison is false become absent */
    ARITH_KEEP_BOOL, /* values become 1 or 0 */
};
/* Compares left[i] with right[i]; both have a value at every present step of `c`, and one of
 * them may be c->values. Begin and end of `c` are not touched. */
void arith_compare(enum promql_op op, struct column *c, const double *left, const double *right,
                   enum arith_keep keep);
