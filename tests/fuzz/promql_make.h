/* promql_make.h - valid PromQL from any bytes, for targets that evaluate: each byte is a choice.
 *
 * The queries are such that a range query is the sequence of its instant queries but for rounding:
 * nothing in them depends on the order in which an operator yields its series, and values that are
 * not exact meet neither comparisons nor steps (floor, count_values). */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct choices {
    const uint8_t *v; /* borrowed */
    size_t n;
};
/* Below `count`; 0 when no byte is left. */
size_t choose(struct choices *c, size_t count);

/* Appends a query over the series m, n and target_info with the labels instance, job and le. It may
 * give any type that a range query can have. */
void promql_make(struct choices *c, struct buf *to);
