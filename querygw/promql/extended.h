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

/* The window at one step. Samples first and last give the values at its borders, [from, to) lie
 * strictly between them. */
struct extended_window {
    int64_t begin_ms, end_ms;
    bool smoothed;
    size_t first, last, from, to;
    bool last_has_left; /* the sample before the last is seen as well */
};

/* The borders, where the window ends at `seen_until_ms` with all that it sees behind them. */
struct extended_window extended_window_at(const struct windows *w, int64_t seen_until_ms);
/* Its samples. [lo, hi) are those that it sees, `inside` is the first one behind its begin, `end`
 * the first one at or behind its end. False when none is behind the begin. */
bool extended_window_set(struct extended_window *e, size_t lo, size_t hi, size_t inside,
                         size_t end);

/* The functions that know such windows: NULL for others. */
const struct range_function *extended_function_find(enum promql_fn id, bool smoothed);
/* Their names, as errors list them. */
const char *extended_function_names(bool smoothed);

/* A smoothed instant selector: interpolated between neighbours, the last sample where none
 * follows. `from` is without stale markers; `to` is empty, begin and end are not set. */
void extended_smooth(const struct plan_select *s, const struct promql_grid *grid,
                     const struct sample_columns *from, struct column *to);
/* The same for the steps that see histograms, made in `a`: in place of what extended_smooth() set
 * there. Notes are about `range`. */
struct err extended_smooth_histograms(const struct select_reader *r, struct promql_range range,
                                      struct arena *a, struct column *to);
/* up[5m] smoothed as the whole of a query: what the current series of `r` is worth at the borders,
 * and the samples between. ERR_EXECUTION for histograms. */
struct err extended_samples(struct select_reader *r);
