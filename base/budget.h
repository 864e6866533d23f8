/* budget.h - bytes that several users share: who comes when they are spent is refused.
 *
 * Where users know what they have, a few large ones cannot keep out the many small ones: see
 * budget_has_for().
 * A count, not a lock: two that come at once may both get the last bytes. Whoever cannot know
 * beforehand charges first and asks later (arena.h).
 * Threads: any. */
#pragma once
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct budget {
    size_t limit_bytes;         /* 0: none; immutable */
    _Atomic(size_t) used_bytes; /* relaxed */
};

static inline size_t
budget_used(const struct budget *b)
{
    return atomic_load_explicit(&b->used_bytes, memory_order_relaxed);
}

static inline bool
budget_has(const struct budget *b, size_t more)
{
    size_t used = budget_used(b);
    return b->limit_bytes == 0 || (used < b->limit_bytes && more <= b->limit_bytes - used);
}

/* A user is large above a 32nd of the limit; large ones leave a quarter of it to the others. */
enum { BUDGET_LARGE_PART = 32, BUDGET_SPARED_PART = 4 };

/* The most that a large user can have; SIZE_MAX: any. */
static inline size_t
budget_large_max(const struct budget *b)
{
    return b->limit_bytes == 0 ? SIZE_MAX : b->limit_bytes - b->limit_bytes / BUDGET_SPARED_PART;
}

/* As budget_has(), for one who has `mine` of the bytes already. */
static inline bool
budget_has_for(const struct budget *b, size_t mine, size_t more)
{
    size_t small_max = b->limit_bytes / BUDGET_LARGE_PART;
    bool large = mine > small_max || more > small_max - mine;
    size_t used = budget_used(b), limit = large ? budget_large_max(b) : b->limit_bytes;
    return b->limit_bytes == 0 || (used < limit && more <= limit - used);
}

/* Whether there are as many or not. */
static inline void
budget_charge(struct budget *b, size_t bytes)
{
    atomic_fetch_add_explicit(&b->used_bytes, bytes, memory_order_relaxed);
}

static inline void
budget_give_back(struct budget *b, size_t bytes)
{
    atomic_fetch_sub_explicit(&b->used_bytes, bytes, memory_order_relaxed);
}

/* False: nothing was charged. */
static inline bool
budget_take(struct budget *b, size_t bytes)
{
    if (!budget_has(b, bytes))
        return false;
    budget_charge(b, bytes);
    return true;
}
