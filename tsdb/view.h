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

/* What a view says of the head beside it. */
struct view_bounds {
    int64_t head_mint_ms; /* older samples in order are in blocks, not in the head */
    uint64_t late_ref;    /* late samples in chunks of chunks_head up to this one are in blocks */
    struct deletions *deletions; /* samples that are not to be seen; NULL: none */
};

struct view {
    uint64_t number; /* 1, 2, ...: in the order of publishing */
    struct view_bounds head; /* holds a reference, too */
    struct blocks blocks;    /* each holds a reference */
    size_t holders;          /* GUARDED_BY(views.lock) */
};

struct views {
    struct lock lock;
    VEC(struct view *) live GUARDED_BY(lock); /* ascending numbers; the last is current */
};

/* Takes the blocks, shares the deletions. */
void views_init(struct views *v, struct blocks *blocks, struct view_bounds head);
/* Nobody may hold a view. Allowed on a zeroed one. */
void views_fini(struct views *v);

/* The current view, until views_release(). */
const struct view *views_acquire(struct views *v);
void views_release(struct views *v, const struct view *held);
/* As views_init(); returns the number of the new current view. */
uint64_t views_publish(struct views *v, struct blocks *blocks, struct view_bounds head);
/* Nobody holds a view older than number `number`. */
bool views_passed(struct views *v, uint64_t number);
