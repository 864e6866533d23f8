/* ranks.h - the greatest of many amounts, by name: lists of ten out of millions.
 *
 * Keeps `limit` items, whatever the number added: O(log limit) an item, most cost a comparison.
 * Threads: one at a time. */
#pragma once
#include "base/arena.h"
#include "base/str.h"
#include "base/vec.h"

/* Its text is `name`, or "name=value" when there is a value: so pairs need not be joined before
 * it is known that they stay. */
struct rank {
    struct str name, value; /* borrowed */
    uint64_t amount;
};

struct ranks {
    VEC(struct rank) kept; /* in no order before ranks_sort(): a heap, the least first, when full */
    size_t limit;          /* what stays; 0: nothing does */
};
/* Creation: RANKS_INIT(limit). Room is taken as items come, not for the limit. */
#define RANKS_INIT(limit_) {.kept = VEC_INIT, .limit = (limit_)}
void ranks_fini(struct ranks *r);
static inline void
auto_ranks_fini(struct ranks *r)
{
    ranks_fini(r);
}

void ranks_add(struct ranks *r, struct rank item);
/* Greatest amounts first, equal ones by name, then by value. Nothing can be added afterwards. */
void ranks_sort(struct ranks *r);

/* The same list for keeping, in an arena: texts are copied and joined, values empty. */
struct rank_list {
    const struct rank *v;
    size_t n;
};
/* Sorts. */
struct rank_list ranks_copy(struct ranks *r, struct arena *a);
