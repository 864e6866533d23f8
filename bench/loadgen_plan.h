/* loadgen_plan.h - the requests of one connection, encoded and compressed before the clock runs.
 *
 * Threads: one at a time. */
#pragma once
#include "base/vec.h"
#include "bench/loadgen_opts.h"

enum { PLAN_GIB_MAX = 4 }; /* of all connections together */

/* Samples [first_sample, last_sample] of series [first_series, last_series]. */
struct planned {
    struct buf bytes; /* head and body as they go over the wire; empty once acknowledged */
    uint64_t first_series, last_series, first_sample, last_sample;
    uint64_t round; /* in which turn over all series it stands */
};
VEC_TYPE(plan, struct planned);

/* The share of connection `index`: its series belong to it alone, so that their samples arrive in
 * order; rounds ascend. ERR_LIMIT above PLAN_GIB_MAX. */
struct err plan_build(const struct loadgen_opts *opts, uint64_t index, struct plan *ret_plan);
void plan_fini(struct plan *p);
static inline void
auto_plan_fini(struct plan *p)
{
    plan_fini(p);
}
