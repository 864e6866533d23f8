/* late.h - the late samples of a head: beside each series that has some, and their log.
 *
 * A series with late samples has a struct ooo_series (ooo_series.h) under its slot and the flag
 * SERIES_LATE; it lives as long as there is something in it, and the series as long as that.
 * Full chunks are sealed by the append and wait on the heap until the mapper writes them, so that
 * an append does no I/O but for the two logs; the chunks that begin meanwhile have no marker,
 * and a replay seals the ones before once more (README.md, O3).
 * Threads: what belongs to a series under its spin; the rest as said. */
#pragma once
#include "tsdb/head/head_int.h"
#include "tsdb/head/ooo_log.h"

/* NULL: the series has no late samples. */
static inline struct ooo_series *
late_of(const struct head *h, uint32_t slot)
{
    return *(struct ooo_series **)segarray_at(&h->late, slot);
}
/* The same, made when there is none. */
struct ooo_series *late_make(struct head *h, uint32_t slot);
/* Of a series that nobody else knows, or that has nothing in it. */
void late_free(struct head *h, uint32_t slot);
unsigned late_capacity(const struct head *h); /* of an open chunk */
/* Seals the open chunk; returns how many chunks there are more: it may become several. */
size_t late_seal(struct ooo_series *o);

/* Another number of this series is in the late log or in chunks_head. Any order, many times each;
 * then settled once. */
void late_note_alias(struct head *h, uint64_t ref, uint32_t slot);
void late_settle_aliases(struct head *h);

/* Opens the log when it is wanted: with a window, or with something to take out of it. */
struct err late_open_log(struct head *h);
/* Late samples that were stored could not be logged; their append fails. */
void late_note_unlogged(struct head *h);
/* After one. A log that failed goes on in a new segment. What it lacks is sealed: it will be in
 * chunks_head, and need not be in the log. Maintaining thread. */
struct err late_recover_log(struct head *h);

/* mapper.c's part: writes what is sealed in these series (ascending; some come twice), the oldest
 * chunk of each first. Maintaining thread. */
struct err late_map(struct head *h, const struct slot_list *slots, size_t *mapped);
/* Appends the chunks of a series that the range asks for, in the arena. Takes the spin. */
void late_collect(const struct head *h, uint32_t slot, const struct ooo_range *range,
                  struct arena *a, struct chunk_views *to);
/* Widens the range that late samples are said to have. */
void late_widen(struct head *h, int64_t mint_ms, int64_t maxt_ms);
