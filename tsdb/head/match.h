/* match.h - label matchers -> series of a head. Threads: any. */
#pragma once
#include "tsdb/head/head_int.h"

/* Numbers of all series that match every matcher (at least one); ascending. */
struct err head_match(const struct head *h, struct matchers matchers, struct arena *a,
                      struct postings *ret_found);
/* The pair of a series whose name is `name`; false when it has no such label. */
bool series_pair_of_name(const struct head *h, uint32_t slot, uint32_t name, uint32_t *ret_pair);
