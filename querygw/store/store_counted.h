/* store_counted.h - a store that counts what is read of it, selection by selection: for queries
 * that are to be explained to their user. Threads: as store.h; the counts by the query's own. */
#pragma once
#include "base/clock.h"
#include "querygw/store/store.h"

/* One selection, in the arena of its query. */
struct store_count {
    struct store_count *next; /* begun later */
    struct matchers matchers;
    const void *for_whom;                    /* of store_counts when it began */
    uint64_t ns;                             /* within the store */
    uint64_t series, chunks, samples, bytes; /* handed out; bytes of chunks */
};

struct store_counts {
    struct store_count *first, **last;
    const void *for_whom; /* whoever selects now; its pointer alone is used */
};
static inline void
store_counts_init(struct store_counts *c)
{
    *c = (struct store_counts){NULL, &c->first, NULL};
}

/* In the arena, over `inner`; all are borrowed. For queries: it can do nothing but select(). */
struct store *store_counted_of(struct arena *a, struct store *inner, const struct clock *clock,
                               struct store_counts *counts);
