/* deletions.h - what was deleted out of a head: spans of time of single series, by their refs.
 *
 * A set of them never changes: who deletes or forgets makes another one. So a reader needs no lock:
 * its view of the database (../view.h) holds the set that belongs to it. Hardly any series has
 * deletions; those without cost nothing. NULL is the set without any.
 * Threads: immutable: any. */
#pragma once
#include "tsdb/block/tombstones.h"

struct deletions;

VEC_TYPE(deletion_list, struct tombstone); /* ids are refs */
/* In a log, as one of series 0, which does not exist: what is older is in blocks or deleted. */
static inline struct tombstone
deletion_of_all(int64_t end_ms)
{
    return (struct tombstone){0, {INT64_MIN, end_ms - 1}};
}
/* In a log: those of the series so far are over. Prometheus passes it over. */
#define DELETIONS_END                                                                              \
    {                                                                                              \
        INT64_MAX, INT64_MIN                                                                       \
    }

/* `d` and `more`, in any order, as a set of its own. NULL when there is nothing in it. */
struct deletions *deletions_with(const struct deletions *d, const struct deletion_list *more);
/* One more who unrefs it; returns d. */
struct deletions *deletions_ref(struct deletions *d);
void deletions_unref(struct deletions *d);

/* The joined deletions of one series; *ret_spans is borrowed. Returns how many. */
size_t deletions_of(const struct deletions *d, uint64_t ref, const struct interval **ret_spans);
/* Of all series. */
size_t deletions_count(const struct deletions *d);
/* Appends all, by ref and time. */
void deletions_list(const struct deletions *d, struct deletion_list *to);
static inline void
auto_deletion_list_fini(struct deletion_list *l)
{
    vec_fini(l);
}
