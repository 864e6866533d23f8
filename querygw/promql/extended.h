/* extended.h - anchored and smoothed selectors: windows that look beyond their borders.
 *
 * What a series is worth at the border of a window comes from samples outside of it, at most one
 * lookback away. anchored takes the last sample at or before the begin; smoothed interpolates
 * between the samples on both sides of a border. Source: prometheus promql/functions.go
 * (extendedRate) and engine.go (smoothSeries, extendFloats). Threads: one query. */
#pragma once
#include "querygw/promql/func_range.h"
#include "querygw/promql/plan.h"
#include "querygw/promql/select.h"

/* The functions that know such windows: NULL for others. */
const struct range_function *extended_function_find(enum promql_fn id, bool smoothed);
/* Their names, as errors list them. */
const char *extended_function_names(bool smoothed);

/* A smoothed instant selector: interpolated between neighbours, the last sample where none
 * follows. `from` is without stale markers; `to` is empty, begin and end are not set. */
void extended_smooth(const struct plan_select *s, const struct promql_grid *grid,
                     const struct sample_columns *from, struct column *to);
/* up[5m] smoothed as the whole of a query: what the current series of `r` is worth at the borders,
 * and the samples between. */
struct err extended_samples(struct select_reader *r);
