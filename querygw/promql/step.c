/* step.c - presence bits of columns. */
#include "querygw/promql/step.h"

#include <string.h>

#include "base/assert.h"
#include "base/mem.h"

double
duration_seconds(int64_t ms)
{
    return (double)(ms / 1000) + (double)(ms % 1000 * 1000000) / 1e9;
}

void
column_init(struct column *c, struct arena *a, uint32_t steps)
{
    ASSERT(steps > 0);
    *c = (struct column){0};
    c->values = ARENA_ARRAY(a, double, steps);
    c->present = ARENA_ARRAY(a, uint64_t, column_words(steps));
}

void
column_clear(struct column *c, uint32_t steps)
{
    memset(c->present, 0, column_words(steps) * sizeof *c->present);
    c->histograms = NULL;
    c->begin = c->end = 0;
    c->drop_name = false;
}

void
column_set_histogram(struct column *c, struct arena *a, uint32_t steps, size_t step,
                     const struct float_histogram *h)
{
    if (!c->histograms) {
        if (!c->room)
            c->room = arena_alloc(a, steps * sizeof *c->room);
        memset(c->room, 0, steps * sizeof *c->room);
        c->histograms = c->room;
    }
    c->histograms[step] = h;
    c->present[step / 64] |= UINT64_C(1) << (step % 64);
}

bool
column_drop_histograms(struct column *c)
{
    bool any = false;
    if (!c->histograms)
        return false;
    for (size_t i = c->begin; i < c->end; i++)
        if (c->histograms[i] && column_has(c, i)) {
            column_unset(c, i);
            any = true;
        }
    c->histograms = NULL;
    return any;
}

bool
column_fit(struct column *c, uint32_t steps)
{
    size_t words = column_words(steps), first = 0, last = words;
    while (first < words && c->present[first] == 0)
        first++;
    if (first == words) {
        c->begin = c->end = 0;
        return false;
    }
    while (c->present[last - 1] == 0)
        last--;
    c->begin = (uint32_t)(first * 64 + (size_t)__builtin_ctzll(c->present[first]));
    c->end = (uint32_t)(last * 64 - (size_t)__builtin_clzll(c->present[last - 1]));
    ASSERT(c->end <= steps);
    return true;
}

/* The first step at or after `from`, below `limit`, whose bit is `wanted`; or limit. */
static size_t
find_bit(const uint64_t *words, size_t from, size_t limit, bool wanted)
{
    uint64_t flip = wanted ? 0 : ~UINT64_C(0);
    while (from < limit) {
        uint64_t rest = (words[from / 64] ^ flip) >> (from % 64);
        if (rest)
            return size_min(from + (size_t)__builtin_ctzll(rest), limit);
        from = (from / 64 + 1) * 64;
    }
    return limit;
}

bool
column_next_run(const struct column *c, size_t *begin, size_t *end)
{
    size_t from = find_bit(c->present, *end, c->end, true);
    if (from >= c->end)
        return false;
    *begin = from;
    *end = find_bit(c->present, from, c->end, false);
    return true;
}

size_t
column_count(const struct column *c)
{
    size_t count = 0;
    for (size_t w = c->begin / 64; w < column_words(c->end); w++)
        count += (size_t)__builtin_popcountll(c->present[w]);
    return count;
}

void
column_repeat(struct column *c, uint32_t steps)
{
    if (!column_has(c, 0)) {
        column_clear(c, steps);
        return;
    }
    for (size_t i = 1; i < steps; i++)
        c->values[i] = c->values[0];
    for (size_t i = 1; c->histograms && i < steps; i++)
        c->histograms[i] = c->histograms[0];
    column_fill(c, steps);
}

void
column_fill(struct column *c, uint32_t steps)
{
    memset(c->present, 0xff, column_words(steps) * sizeof *c->present);
    if (steps % 64)
        c->present[steps / 64] = (UINT64_C(1) << (steps % 64)) - 1;
    c->begin = 0;
    c->end = steps;
}
