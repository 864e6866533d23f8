/* engine.h - evaluates a plan over a store.
 *
 *   struct promql_run *run;
 *   TRY(promql_open(arena, plan, store, &limits, &run));   nothing is read yet
 *   struct err e = promql_eval(run, &result);              reads, computes
 *   promql_close(run);                                     gives the store back; always
 *
 * A result lives in the arena and outlives promql_close(). Threads: one query, one thread; may
 * block in the store. */
#pragma once
#include "base/mem.h"
#include "querygw/promql/exec.h"
#include "querygw/promql/plan.h"

struct promql_run;

/* One series of a result; see promql_point_next(). */
struct promql_series {
    struct labels labels;
    const int64_t *t_ms;                       /* NULL: points lie on the grid of the result */
    double *values;                            /* of [begin, end) */
    const struct float_histogram **histograms; /* as in a column; NULL: all are floats */
    const uint64_t *present; /* bit i: step begin + i has a value; NULL: all have */
    uint32_t begin, end;     /* steps; 0 and the number of points when t_ms is set */
};

struct promql_point {
    int64_t t_ms;
    uint32_t step; /* of the grid; or the number of the point when t_ms is set */
    double value;  /* arbitrary for a histogram */
    const struct float_histogram *histogram; /* NULL: a float */
};

struct promql_result {
    enum promql_type type;   /* SCALAR, STRING, VECTOR: one time; MATRIX: a range */
    struct promql_grid grid; /* steps is 1 unless a range was asked for */
    double scalar;
    struct str text;
    struct promql_series *series; /* a MATRIX ascends by labels and has each label set once */
    size_t count;
    struct notes notes;
    struct promql_stats stats;
};

/* `store` may be NULL: no series at all. Everything is borrowed until promql_close(), the arena
 * longer. The run lives in the arena. ERR_LIMIT when its budget cannot hold the columns. */
struct err promql_open(struct arena *a, const struct promql_plan *plan, struct store *store,
                       const struct promql_limits *limits, struct promql_run **ret_run);
/* Once. ERR_EXECUTION, ERR_LIMIT, ERR_TIMEOUT, ERR_CANCELED; what chunks and the
 * store fail with. */
struct err promql_eval(struct promql_run *run, struct promql_result **ret_result);
/* NULL is allowed. */
void promql_close(struct promql_run *run);
DEFINE_AUTO(struct promql_run *, promql_close)

/* The next point at or after *at, which starts as 0; false behind the last. */
bool promql_point_next(const struct promql_result *r, const struct promql_series *s, size_t *at,
                       struct promql_point *ret_point);
size_t promql_series_points(const struct promql_series *s);
