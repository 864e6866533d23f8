/* view.h - what a reader of a database sees: a list of blocks, and since when the head counts.
 *
 * Blocks come and go while queries run. A query takes the current view and sees that state to its
 * end: a view never changes, and its blocks stay open as long as it is held. The head itself goes
 * on underneath; what it wants to drop waits until no view is left that still looks there
 * (views_passed()), so nobody waits for a query, and no query for anybody.
 * Threads: any. */
#pragma once
#include "base/lock.h"
#include "tsdb/blocks.h"

struct view {
    uint64_t number;      /* 1, 2, ...: in the order of publishing */
    int64_t head_mint_ms; /* older samples in order are in blocks, not in the head */
    uint64_t late_ref;    /* late samples in chunks of chunks_head up to this one are in blocks */
    struct blocks blocks; /* each holds a reference */
    size_t holders;       /* GUARDED_BY(views.lock) */
};

struct views {
    struct lock lock;
    VEC(struct view *) live GUARDED_BY(lock); /* ascending numbers; the last is current */
};

/* Takes the blocks. */
void views_init(struct views *v, struct blocks *blocks, int64_t head_mint_ms);
/* Nobody may hold a view. Allowed on a zeroed one. */
void views_fini(struct views *v);

/* The current view, until views_release(). */
const struct view *views_acquire(struct views *v);
void views_release(struct views *v, const struct view *held);
/* What a view says of the head beside it. */
struct view_bounds {
    int64_t head_mint_ms;
    uint64_t late_ref;
};
static inline struct view_bounds
view_bounds_of(const struct view *view)
{
    return (struct view_bounds){view->head_mint_ms, view->late_ref};
}
/* Takes the blocks; returns the number of the new current view. */
uint64_t views_publish(struct views *v, struct blocks *blocks, struct view_bounds bounds);
/* The same content under a new number: a mark in time. */
uint64_t views_renew(struct views *v);
/* Nobody holds a view older than number `number`. */
bool views_passed(struct views *v, uint64_t number);
