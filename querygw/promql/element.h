/* element.h - one element of a vector, float or native histogram, and operators on two of them.
 *
 * Columns of floats are computed as a whole (arith.h); where a column has histograms, its elements
 * go one by one through here. Source: prometheus promql/engine.go (vectorElemBinop).
 * Threads: one query, one thread. */
#pragma once
#include "querygw/promql/operators.h"
#include "querygw/promql/plan.h"
#include "querygw/promql/step.h"
#include "querygw/promql/exec.h"

struct element {
    double value;
    const struct float_histogram *histogram; /* NULL: a float */
};

static inline struct element
column_element(const struct column *c, size_t step)
{
    return (struct element){c->values[step], column_histogram(c, step)};
}

/* Sets the step of a column of `steps`. */
static inline void
column_set_element(struct column *c, struct arena *a, uint32_t steps, size_t step,
                   const struct element *e)
{
    if (e->histogram) {
        column_set_histogram(c, a, steps, step, e->histogram);
        return;
    }
    column_set(c, step, e->value);
    if (c->histograms)
        c->histograms[step] = NULL;
}

enum element_outcome {
    ELEMENT_KEPT,    /* a value; of a comparison that holds: the left element */
    ELEMENT_UNTRUE,  /* a comparison that does not hold */
    ELEMENT_REFUSED, /* no operator for these kinds: told by a note about `n` */
};

/* The operator of `n`, which is not a set operator; `bool` is left to the caller. Histograms that
 * are made are in `a`. */
struct err element_binary(struct exec *x, const struct plan_node *n, struct arena *a,
                          struct element left, struct element right, struct element *ret_element,
                          enum element_outcome *ret_outcome);
