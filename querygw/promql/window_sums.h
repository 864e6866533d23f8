/* window_sums.h - compensated sums and means of windows that are added up anew at each step.
 *
 * A sum is a chain of additions, each waiting for the one before. Successive windows share most of
 * their samples, so what a few of them share is loaded once and added to all their sums, which wait
 * side by side. Each is added in order, to the bit what it would be alone. Pure functions. */
#pragma once
#include "querygw/promql/func_range.h"

/* The sum of each window, as kahan_add() makes it. */
struct err window_sums(struct exec *x, const struct windows *w, struct column *to);
/* The mean of each window, as kahan_mean_add() makes it. */
struct err window_means(struct exec *x, const struct windows *w, struct column *to);
