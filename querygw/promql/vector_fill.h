/* vector_fill.h - fill(): what stands in for a partner that is missing in a vector match.
 *
 * An element without a partner is matched with the fill value, which has the labels of the match
 * group for its own. Threads: one query, one thread. */
#pragma once
#include "querygw/promql/held.h"
#include "querygw/promql/plan.h"

struct vector_fill {
    const struct plan_matching *matching; /* borrowed */
    uint32_t steps;
    struct grouping partner; /* labels that a stand-in takes over */
    struct label_scratch scratch;
    struct held_column one, unmet; /* one: no room unless the one side is filled */
    struct column many;            /* no room unless the many side is filled */
};

void vector_fill_init(struct vector_fill *f, struct arena *a, const struct plan_matching *m,
                      uint32_t steps);
/* The value for the one side at all steps that `present` lacks, as the partner of an element of
 * the many side with labels `of`; `next` follows it. Valid until the next call. */
struct held_column *vector_fill_one(struct vector_fill *f, struct labels of,
                                    const uint64_t *present, struct held_column *next);
/* The value for the many side at the steps of `h` that `met` lacks, and in *ret_partner `h` alone;
 * NULL when there is no such step. Valid until the next call. */
struct column *vector_fill_many(struct vector_fill *f, const struct held_column *h,
                                const uint64_t *met, struct held_column **ret_partner);
