/* quantile.h - quantiles between values. NaN sorts before every number. Source: prometheus
 * promql/quantile.go. Pure functions. */
#pragma once
#include <math.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "querygw/promql/exec.h"

static inline bool
value_less(double a, double b)
{
    return isnan(a) ? !isnan(b) : a < b;
}

void values_sort(double *v, size_t n);
/* Of n sorted values, at least one; q outside of [0, 1] gives an infinity, NaN gives NaN. */
double quantile_of_sorted(double q, const double *v, size_t n);
/* The same of values in any order, which it changes: a single quantile does not need them sorted.
 */
double quantile_of_values(double q, double *v, size_t n);
/* Warns when `q`, written at `range`, is no quantile. */
struct err quantile_check(struct exec *x, double q, struct promql_range range);
