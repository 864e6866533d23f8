/* natural.h - the order of sort_by_label(): runs of digits count as numbers, so node9 comes
 * before node10. Source: github.com/facette/natsort, which Prometheus uses. Pure. */
#pragma once
#include "base/str.h"

/* Negative, 0 or positive. */
int natural_cmp(struct str a, struct str b);
