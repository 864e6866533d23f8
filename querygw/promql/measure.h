/* measure.h - what each operator of a query took, for those who want it explained: a wrapper
 * around each, and a tree of what they found.
 *
 * Times are those of the thread that waits for the query; what helpers evaluate counts where it is
 * waited for. In the query's arena. Threads: one query, one thread. */
#pragma once
#include "querygw/promql/op.h"

struct store_counts;

struct measure {
    const struct plan_node *plan;
    uint64_t ns;     /* within it and what is below it */
    uint64_t series; /* that it handed on; parts of one count apart */
    struct measure *children, **last_child;
    struct measure *next; /* of the same parent */
};

struct measures {
    struct measure root;         /* of the query: its only child is the root operator */
    struct measure *parent;      /* of operators opened now */
    struct store_counts *counts; /* told for whom a selection is; NULL: nobody counts */
};
void measures_init(struct measures *m, struct store_counts *counts);

/* As op_open(), measured; x->limits.measures is there. `plain` opens the operator itself. */
struct op *op_measured_open(struct exec *x, const struct plan_node *n,
                            struct op *(*plain)(struct exec *x, const struct plan_node *n));

/* Appends what the operator is: "rangeCall rate". */
void measure_name(const struct measure *m, struct buf *to);
