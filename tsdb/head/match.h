/* match.h - label matchers -> series of a head. Threads: any. */
#pragma once
#include "tsdb/head/head_int.h"

/* Series found; in the order of their births. */
struct head_found {
    uint32_t *slots; /* in the arena of the call */
    size_t n;
};
/* All series that match every matcher (at least one). The slots stay theirs as long as the
 * caller's view of the database (tsdb/view.h). */
struct err head_match(const struct head *h, struct matchers matchers, struct arena *a,
                      struct head_found *ret_found);
/* Every series. */
struct head_found head_all_series(const struct head *h, struct arena *a);
/* The pair of a series whose name is `name`; false when it has no such label. */
bool series_pair_of_name(const struct head *h, uint32_t slot, uint32_t name, uint32_t *ret_pair);
