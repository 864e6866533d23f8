/* delayed_name.h - names of metrics that go when the query ends: Prometheus' feature
 * promql-delayed-name-removal, off by default.
 *
 * An operator whose values do not mean the metric any more takes away the labels that describe
 * it. With the feature it only marks its columns (column.drop_name), so that operators above can
 * still group by the name or copy it to another label; the marked ones lose it when the query
 * ends. Source: prometheus promql/engine.go (DropName, cleanupMetricLabels).
 * Threads: one query, one thread. */
#pragma once
#include "querygw/promql/op.h"
#include "querygw/promql/series_key.h"

/* What the values of `c` mean changes: at once its labels are those in `to`, and no other column
 * may have had them (`guard`); or it is marked. ERR_EXECUTION. */
struct err drop_name(struct label_guard *guard, struct label_scratch *to, struct column *c);

/* Of a group that ends at step `end` and has this mark, once `c` joins it: what counts is whether
 * any element at its last step is marked. */
static inline bool
group_drops_name(bool mark, uint32_t end, const struct column *c)
{
    return c->end > end ? c->drop_name : mark || (c->end == end && c->drop_name);
}

/* Equal labels are refused when the query ends, not here: so it is for a single step. */
static inline bool
delayed_is_lenient(const struct op *op)
{
    return op->x->limits.delays_names && op->plan->grid.steps == 1;
}

/* The end of a query: its columns are made ready for the result. */
struct delayed_names {
    struct label_scratch scratch;
    struct label_guard guard;
};
void delayed_names_init(struct delayed_names *d, struct exec *x, uint32_t steps);
/* Takes the name of a marked column. ERR_EXECUTION when its labels meet others' at a step. */
struct err delayed_names_drop(struct delayed_names *d, struct column *c);

struct promql_series;
/* Puts the samples of `more` between those of `s`, which has the same labels since names went.
 * ERR_EXECUTION when both have one at the same time. */
struct err delayed_names_join(struct arena *a, struct promql_series *s,
                              const struct promql_series *more);
