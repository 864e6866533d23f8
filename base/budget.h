/* budget.h - bytes that several users share: who comes when they are spent is refused.
 *
 * A count, not a lock: two that come at once may both get the last bytes. Whoever cannot know
 * beforehand charges first and asks later (arena.h).
 * Threads: any. */
#pragma once
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

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
