/* kahan_lanes.h - the same values added to several compensated sums at once: a sum is a chain of
 * additions that wait for each other, and several wait side by side. Pure functions. */
#pragma once
#include <stddef.h>

#include "base/kahan.h"

enum { KAHAN_LANES = 4 };

/* Adds n values in order to every sum, to the bit as kahan_add() does: unless a sum or its
 * compensation is not finite in the end, when it may be wrong and is to be added up otherwise. */
void kahan_lanes_add(const double *v, size_t n, struct kahan sums[KAHAN_LANES]);
/* What machines without AVX2 do. */
void kahan_lanes_add_in_pairs(const double *v, size_t n, struct kahan sums[KAHAN_LANES]);
