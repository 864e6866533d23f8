/* scratch.h - the memory that one write works in, reused by the next one.
 *
 * A pool hands out a scratch a write and keeps a few of those that come back, so that steady
 * traffic decodes into pages that are warm already.
 * Threads: any; a scratch belongs to one thread at a time. */
#pragma once
#include "base/arena.h"
#include "base/lock.h"

struct budget;

enum {
    SCRATCH_KEPT_MAX = 16,            /* that wait for their next write */
    SCRATCH_KEPT_BYTES_MAX = 8 << 20, /* of one of them; larger ones are given back */
    SCRATCH_KEPT_PART = 64,           /* of the budget, if that is less */
    SCRATCH_OTHERS_PART = 8,          /* of the budget: what idle connections and the like hold */
};

struct scratch {
    struct arena arena;
    struct buf decoded; /* the decompressed body */
};

struct scratch_pool {
    struct budget *budget; /* of all of them; NULL: none. Immutable */
    size_t kept_bytes_max; /* immutable */
    struct lock lock;
    struct scratch *kept[SCRATCH_KEPT_MAX]; /* GUARDED_BY(lock) */
    size_t kept_count;                      /* GUARDED_BY(lock) */
};

/* `budget`, borrowed for life, counts what arenas hold; NULL: nobody does. */
void scratch_pool_init(struct scratch_pool *p, struct budget *budget);
/* Every scratch must have been given back. */
void scratch_pool_fini(struct scratch_pool *p);
/* Empty; the caller gives it back with scratch_release(). Beside a body of so many bytes, which
 * others count, it may take what is left of the most that one request can have. */
struct scratch *scratch_acquire(struct scratch_pool *p, size_t body_bytes);
void scratch_release(struct scratch_pool *p, struct scratch *s);
