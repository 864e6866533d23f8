/* func_range_int.h - what the files of window functions share. */
#pragma once
#include "querygw/promql/func_range.h"

/* Room for `count` items, and a pointer for none; the contents of the last call are gone. */
void *window_scratch_get(struct window_scratch *s, size_t count, size_t item_bytes);

/* Whether the histogram i, not the first one, began anew behind the one before it. */
bool histogram_was_reset(const struct mixed_window *m, size_t i);
/* About the metric; and that custom bounds were cut down to the common ones, where the findings of
 * an operation say so. */
struct err mixed_note(const struct mixed_window *m, enum histogram_note note);
struct err mixed_note_bounds(const struct mixed_window *m, unsigned findings,
                             const char *operation);

mixed_window_fn mixed_count, mixed_present, mixed_first, mixed_last, mixed_ts_of_first,
    mixed_ts_of_last, mixed_changes, mixed_resets, mixed_sum, mixed_avg; /* func_histogram.c */
mixed_window_fn mixed_rate, mixed_increase, mixed_delta, mixed_irate,
    mixed_idelta; /* func_histogram_rate.c */
mixed_window_fn mixed_rate_between, mixed_increase_between, mixed_delta_between,
    mixed_changes_between, mixed_resets_between; /* func_extended_histogram.c */
/* Not equal, nor both NaN; and how many changes lead up to each sample: func_changes.c. */
bool values_differ(double before, double now);
const uint32_t *changes_until(struct window_scratch *scratch, const struct windows *w);

window_fn run_changes, run_resets; /* func_changes.c */
window_fn run_quantile, run_mad;   /* func_quantile.c */
window_fn run_stddev, run_stdvar, run_deriv, run_predict_linear, run_smoothing; /* func_trend.c */
window_fn run_started_rate, run_started_increase, run_started_irate;
window_fn run_rate, run_increase, run_delta, run_irate, run_idelta; /* func_rate.c */
