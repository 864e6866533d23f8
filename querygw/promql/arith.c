/* arith.c - one loop an operator, without branches on the values. */
#include "querygw/promql/arith.h"

#include <math.h>

#include "base/assert.h"

static bool
compare(enum promql_op op, double a, double b)
{
    switch (op) {
    case PROMQL_EQ:
        return a == b;
    case PROMQL_NE:
        return a != b;
    case PROMQL_LT:
        return a < b;
    case PROMQL_LE:
        return a <= b;
    case PROMQL_GT:
        return a > b;
    case PROMQL_GE:
        return a >= b;
    case PROMQL_ADD:
    case PROMQL_SUB:
    case PROMQL_MUL:
    case PROMQL_DIV:
    case PROMQL_MOD:
    case PROMQL_POW:
    case PROMQL_ATAN2:
    case PROMQL_OR:
    case PROMQL_AND:
    case PROMQL_UNLESS:
    case PROMQL_TRIM_UPPER:
    case PROMQL_TRIM_LOWER:
    case PROMQL_OP_COUNT:
        break;
    }
    UNREACHABLE("not a comparison");
}

double
arith_scalar(enum promql_op op, double left, double right)
{
    if (promql_op_class(op) == PROMQL_OP_COMPARISON)
        return compare(op, left, right) ? 1 : 0;
    double value;
    arith_columns(op, &value, &left, &right, 0, 1);
    return value;
}

double
arith_max(double a, double b)
{
    if (isnan(a) || isnan(b))
        return isinf(a) > 0 || isinf(b) > 0 ? INFINITY : NAN;
    return a > b || (a == b && signbit(b)) ? a : b;
}

double
arith_min(double a, double b)
{
    if (isnan(a) || isnan(b))
        return isinf(a) < 0 || isinf(b) < 0 ? -INFINITY : NAN;
    return a < b || (a == b && signbit(a)) ? a : b;
}

void
arith_columns(enum promql_op op, double *to, const double *a, const double *b, size_t begin,
              size_t end)
{
    switch (op) {
    case PROMQL_ADD:
        for (size_t i = begin; i < end; i++)
            to[i] = a[i] + b[i];
        return;
    case PROMQL_SUB:
        for (size_t i = begin; i < end; i++)
            to[i] = a[i] - b[i];
        return;
    case PROMQL_MUL:
        for (size_t i = begin; i < end; i++)
            to[i] = a[i] * b[i];
        return;
    case PROMQL_DIV:
        for (size_t i = begin; i < end; i++)
            to[i] = a[i] / b[i];
        return;
    case PROMQL_MOD:
        for (size_t i = begin; i < end; i++)
            to[i] = fmod(a[i], b[i]);
        return;
    case PROMQL_POW:
        for (size_t i = begin; i < end; i++)
            to[i] = pow(a[i], b[i]);
        return;
    case PROMQL_ATAN2:
        for (size_t i = begin; i < end; i++)
            to[i] = atan2(a[i], b[i]);
        return;
    case PROMQL_EQ:
    case PROMQL_NE:
    case PROMQL_LT:
    case PROMQL_LE:
    case PROMQL_GT:
    case PROMQL_GE:
    case PROMQL_OR:
    case PROMQL_AND:
    case PROMQL_UNLESS:
    case PROMQL_TRIM_UPPER:
    case PROMQL_TRIM_LOWER:
    case PROMQL_OP_COUNT:
        break;
    }
    UNREACHABLE("not arithmetic");
}

void
arith_compare(enum promql_op op, struct column *c, const double *left, const double *right,
              enum arith_keep keep)
{
    for (size_t b, e = c->begin; column_next_run(c, &b, &e);) {
        for (size_t i = b; i < e; i++) {
            bool is_true = compare(op, left[i], right[i]);
            if (keep == ARITH_KEEP_BOOL)
                c->values[i] = is_true ? 1 : 0;
            else if (!is_true)
                column_unset(c, i);
        }
    }
}
