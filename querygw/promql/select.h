/* select.h - the leaves of a query: pulls one series_set and decodes each series to columns of
 * times and values, and to a list of its native histograms.
 *
 * Chunks that no window touches are not decoded; samples outside of the selector's time are
 * dropped while decoding. A subquery is a leaf as well, with points for samples.
 * Threads: one query, one thread; may block in the store. */
#pragma once
#include <stdbool.h>

#include "querygw/promql/exec.h"
#include "querygw/promql/histogram_point.h"
#include "querygw/promql/plan.h"
#include "querygw/promql/subquery.h"
#include "tsdb/chunk/chunk.h"

struct select_reader {
    struct exec *x;                 /* borrowed */
    struct select_reader *next;     /* list of exec.readers */
    const struct plan_select *what; /* borrowed */
    struct promql_grid grid;
    struct subquery *subquery; /* NULL: the samples are those of the store */
    struct series_set *set;    /* owned; NULL before the first series and behind the last */
    bool started;
    struct series_view series;          /* the current one: its labels are valid until the next */
    struct sample_columns samples;      /* of the current one: its floats; owned */
    struct start_column starts;         /* beside them; empty: nobody wants them, or none; owned */
    struct histogram_points histograms; /* the others; they die with the next series */
    size_t histograms_held;             /* samples that they count for */
    struct arena *scratch;              /* of histograms; NULL before the first */
};

/* Lives in the query's arena; closed with the query by select_close_all(). */
struct select_reader *select_open(struct exec *x, const struct plan_select *what,
                                  const struct promql_grid *grid);
/* For whoever decodes itself: the next series of the store in r->series, as it is. *ret_more is
 * false behind the last. */
struct err select_pull(struct select_reader *r, bool *ret_more);
/* Some window holds samples of the chunk. */
bool select_sees_chunk(const struct select_reader *r, const struct chunk_view *c);
/* Moves to the next series that has a sample in the time of the selector; stale markers are
 * samples. *ret_more is false behind the last. */
struct err select_next(struct select_reader *r, bool *ret_more);
/* Takes the stale markers out of the current series: what functions over ranges see. */
void select_drop_stale(struct select_reader *r);
/* The name of the current series goes when the query ends: delayed_name.h. */
static inline bool
select_drops_name(const struct select_reader *r)
{
    return r->subquery && subquery_drops_name(r->subquery);
}
/* Start timestamps beside the samples; NULL: not wanted, or no sample has one. */
static inline const int64_t *
select_starts(const struct select_reader *r)
{
    return r->starts.n ? r->starts.v : NULL;
}
/* Gives up what the query holds in the store; the labels of every series die. */
void select_close_all(struct exec *x);
