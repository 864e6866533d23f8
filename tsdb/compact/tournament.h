/* tournament.h - which of several sources comes first, again and again: a loser tree.
 *
 * One comparison a level when the winner has moved on, against two of a heap. Sources are numbers;
 * what they are at, and that one has ended, the owner knows.
 * Threads: one. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

struct tournament {
    size_t *losers;  /* losers[0] is the winner; owned */
    size_t n;
    bool (*before)(const void *owner, size_t x, size_t y);
    const void *owner; /* borrowed */
};

/* All n (at least one) sources are at their first item, or at their end. `before` must be a strict
 * order of all of them: ties are broken by number, ended ones come last. */
void tournament_init(struct tournament *t, size_t n,
                     bool (*before)(const void *owner, size_t x, size_t y), const void *owner);
void tournament_fini(struct tournament *t); /* allowed on a zeroed one */
static inline size_t
tournament_winner(const struct tournament *t)
{
    return t->losers[0];
}
/* After the winner has moved to another item, or to its end. */
void tournament_replay(struct tournament *t);
