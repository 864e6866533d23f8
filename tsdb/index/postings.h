/* postings.h - sorted lists of series numbers, and the set operations of a query on them.
 *
 * A list is ascending without repetition. All functions are pure; results live in the arena.
 * Threads: any (values). */
#pragma once
#include <stdbool.h>

#include "base/arena.h"

struct postings {
    const uint32_t *v; /* borrowed */
    size_t n;
};

/* In all of the lists (at least one). Smallest first; a list much longer than the result so
 * far is searched by galloping. Reorders `lists`. One list is returned as it is. */
struct postings postings_intersect(struct arena *a, struct postings *lists, size_t count);
/* In at least one of the lists. Takes memory for the numbers there are, however far apart they
 * lie. One list that is not empty is returned as it is. */
struct postings postings_union(struct arena *a, const struct postings *lists, size_t count);
/* In `all` but not in `drop`. `all` itself when nothing is dropped. */
struct postings postings_subtract(struct arena *a, struct postings all, struct postings drop);
/* 0, 1, ..., bound - 1 */
struct postings postings_all(struct arena *a, uint32_t bound);
/* Ascending without repetition: for assertions and tests. */
bool postings_check(struct postings p);
