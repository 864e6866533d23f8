/* aggregate_k.c - the parameter of topk, bottomk and limitk. */
#include "querygw/promql/aggregate_k.h"

#include <math.h>

#include "base/numtext.h"
#include "querygw/promql/scalar.h"

static struct err
refuse_k(const char *what, double k)
{
    char text[NUMTEXT_BYTES_MAX];
    return ERR(ERR_EXECUTION, "Scalar value %.*s %s int64", (int)numtext_g(k, text), text, what);
}

struct err
aggregate_read_k(struct exec *x, const struct plan_node *n, double **ret_k, bool *ret_any)
{
    uint32_t steps = n->grid.steps;
    double *k = *ret_k = ARENA_ARRAY(x->arena, double, steps);
    TRY(scalar_fill(x, n->aggregate.param, k));
    double low = INFINITY, high = -INFINITY;
    for (size_t i = 0; i < steps; i++) {
        if (isnan(k[i]))
            return ERR(ERR_EXECUTION, "Parameter value is NaN");
        low = fmin(low, k[i]);
        high = fmax(high, k[i]);
    }
    *ret_any = high >= 1;
    if (*ret_any && low <= -0x1p63)
        return refuse_k("underflows", low);
    return *ret_any && high >= 0x1p63 ? refuse_k("overflows", high) : OK;
}
