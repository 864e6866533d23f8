/* tournament.c - inner nodes keep who lost there; leaf i hangs below node (i + n) / 2. */
#include "tsdb/compact/tournament.h"

#include "base/assert.h"
#include "base/mem.h"

/* Lets source x climb from its leaf; whoever arrives at the top has won. */
static void
climb(struct tournament *t, size_t x)
{
    for (size_t node = (x + t->n) / 2; node > 0; node /= 2) {
        size_t other = t->losers[node];
        if (!t->before(t->owner, other, x))
            continue;
        t->losers[node] = x;
        x = other;
    }
    t->losers[0] = x;
}

/* The winner below `node`; losers are noted on the way. The depth is that of the tree. */
static size_t
play(struct tournament *t, size_t node)
{
    if (node >= t->n)
        return node - t->n;
    size_t x = play(t, 2 * node), y = play(t, 2 * node + 1);
    bool x_wins = t->before(t->owner, x, y);
    t->losers[node] = x_wins ? y : x;
    return x_wins ? x : y;
}

void
tournament_init(struct tournament *t, size_t n,
                bool (*before)(const void *owner, size_t x, size_t y), const void *owner)
{
    ASSERT(n > 0);
    *t = (struct tournament){
        .losers = mem_array_zero(n, sizeof(size_t)), .n = n, .before = before, .owner = owner};
    t->losers[0] = n > 1 ? play(t, 1) : 0;
}

void
tournament_fini(struct tournament *t)
{
    mem_free(t->losers);
    t->losers = NULL;
}

void
tournament_replay(struct tournament *t)
{
    climb(t, t->losers[0]);
}
