/* interval.h - spans of time, both ends inclusive: what deletions are made of; block ranges.
 *
 * Threads: any (values). */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct interval {
    int64_t mint_ms, maxt_ms;
};

/* Sorts and joins what overlaps or touches, in place; returns how many are left. Each must
 * have mint_ms <= maxt_ms. */
size_t intervals_join(struct interval *v, size_t n);
/* For joined intervals: all of [mint, maxt] lies in one; some of it lies in one. */
bool intervals_cover(const struct interval *v, size_t n, int64_t mint_ms, int64_t maxt_ms);
bool intervals_touch(const struct interval *v, size_t n, int64_t mint_ms, int64_t maxt_ms);

/* First multiple of `range_ms` past t. Before 1970 Prometheus' truncating division gives a later
 * one for some, so that blocks and chunks would not end together. */
int64_t block_range_end_ms(int64_t t_ms, int64_t range_ms);
