/* aggregate_histogram.h - the histograms of a group: sums and means beside those of floats.
 *
 * Source: prometheus promql/engine.go (aggregation). Threads: one query, one thread. */
#pragma once
#include "querygw/promql/exec.h"
#include "querygw/promql/histogram_total.h"
#include "querygw/promql/plan.h"
#include "querygw/promql/step.h"

struct group_histograms {
    struct histogram_total **totals; /* one a step, NULL where there was no histogram */
};

/* Takes the histograms out of `c`, which has some, and adds them to the group's; `n` is sum or avg,
 * `floats` has what came before. What is left are floats, if any: *ret_floats. */
struct err group_histograms_take(struct exec *x, const struct plan_node *n,
                                 struct group_histograms *g, const struct column *floats,
                                 struct column *c, bool *ret_floats);
/* Puts the totals into the column of the group, whose floats are finished. Where both were added up
 * there is no result. */
struct err group_histograms_finish(struct exec *x, const struct plan_node *n,
                                   struct group_histograms *g, struct column *to);
