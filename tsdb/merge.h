/* merge.h - several sources of series as one: the head and the blocks of a database.
 *
 * Threads: as series_set.h. */
#pragma once
#include "tsdb/series_set.h"

struct arena;

enum { MERGE_SETS_MAX = 1 << 16 };

/* Takes the sets, which may be fewer than two, and closes them with *ret_set. A label set that
 * several of them hold comes once, its chunks in order of time; chunks of different sources
 * over the same time are merged sample by sample, the source that stands first in the array
 * wins (recode_overlaps() in tsdb/chunk/recode.h). More than `series_limit` series give
 * ERR_LIMIT; 0: no limit. The array itself is the caller's. */
struct series_set *merge_series_sets(struct series_set *const *sets, size_t count,
                                     size_t series_limit);

/* The union of sorted lists; its array is in the arena. */
struct str_list merge_str_lists(struct arena *a, const struct str_list *lists, size_t count);
