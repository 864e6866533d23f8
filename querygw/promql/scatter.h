/* scatter.h - points that come step by step and are wanted series by series.
 *
 * First scatter_add(), then scatter_seal() once, then scatter_row() for each row. A point takes
 * 16 bytes, and as much again when sealed. Threads: one query, one thread. */
#pragma once
#include "querygw/promql/exec.h"
#include "querygw/promql/step.h"

struct scatter_point {
    double value;
    uint32_t row, step;
};

struct scatter {
    struct exec *x;          /* borrowed */
    struct scatter_point *v; /* sealed: by row */
    size_t count, cap;
    size_t *starts; /* sealed: the first point of each row, and the count of all */
};

/* Counts the point as a sample in memory: ERR_LIMIT. */
struct err scatter_add(struct scatter *s, uint32_t row, uint32_t step, double value);
/* All rows are below `rows`. */
struct err scatter_seal(struct scatter *s, size_t rows);
/* A row without points. */
static inline bool
scatter_is_empty(const struct scatter *s, size_t row)
{
    return s->starts[row] == s->starts[row + 1];
}
/* Makes `to` the column of a row that is not empty; points at the same step are added up. */
void scatter_row(const struct scatter *s, size_t row, struct column *to, uint32_t steps);
