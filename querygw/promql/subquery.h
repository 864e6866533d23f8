/* subquery.h - a subquery as a source of samples: the points of an expression over its own grid,
 * as if they were stored. Threads: one query, one thread. */
#pragma once
#include "querygw/promql/exec.h"
#include "querygw/promql/histogram_point.h"
#include "querygw/promql/plan.h"
#include "tsdb/chunk/chunk.h"

struct subquery;

/* `expr` is of type vector. Lives in the query's arena; nothing to close. */
struct subquery *subquery_open(struct exec *x, const struct plan_node *expr);
/* Appends the floats of the next series to `to`, which is empty, and holds them (exec_hold), and
 * its histograms to `histograms`, with arrays in `a`; these and the labels are valid until the next
 * call. *ret_more is false behind the last. */
struct err subquery_next(struct subquery *s, struct labels *ret_labels, struct sample_columns *to,
                         struct histogram_points *histograms, struct arena *a, bool *ret_more);
/* The name of that series goes when the query ends: delayed_name.h. */
bool subquery_drops_name(const struct subquery *s);
