/* postings.c - intersect and subtract: what of one sorted list is, or is not, in another.
 *
 * Lists of similar length are compared four numbers by four: each pair of blocks with vector
 * compares of all rotations, so that the only branch is the step from block to block. GCC's vector
 * types become whatever the machine has. */
#include "tsdb/index/postings.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/mem.h"

enum {
    GALLOP_RATIO = 32, /* a list this many times longer than the other is galloped through */
    BLOCK = 4,
};

typedef uint32_t block __attribute__((vector_size(BLOCK * sizeof(uint32_t))));

/* Which numbers of the first list stay. */
enum keep { KEEP_FOUND, KEEP_MISSING };

/* First position in v[from..n) whose number is >= x: doubling steps, then bisection. */
static size_t
gallop(struct postings p, size_t from, uint32_t x)
{
    size_t step = 1, low = from, high = from;
    while (high < p.n && p.v[high] < x) {
        low = high + 1;
        high = p.n - high > step ? high + step : p.n;
        step *= 2;
    }
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (p.v[middle] < x)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Few numbers, a long other list. */
static size_t
filter_few(uint32_t *to, struct postings from, struct postings other, enum keep keep)
{
    size_t kept = 0, at = 0;
    for (size_t i = 0; i < from.n; i++) {
        uint32_t x = from.v[i];
        at = gallop(other, at, x);
        enum keep is = at < other.n && other.v[at] == x ? KEEP_FOUND : KEEP_MISSING;
        to[kept] = x;
        kept += is == keep;
    }
    return kept;
}

/* Many numbers without the few of the other list: the runs between those. */
static size_t
copy_without(uint32_t *to, struct postings from, struct postings drop)
{
    size_t kept = 0, at = 0;
    for (size_t i = 0; i < drop.n && at < from.n; i++) {
        size_t run_end = gallop(from, at, drop.v[i]);
        memcpy(to + kept, from.v + at, (run_end - at) * sizeof *to);
        kept += run_end - at;
        at = run_end + (run_end < from.n && from.v[run_end] == drop.v[i]);
    }
    memcpy(to + kept, from.v + at, (from.n - at) * sizeof *to);
    return kept + from.n - at;
}

/* All bits of those lanes of x that hold a number of y. */
static inline block
lanes_in(block x, block y)
{
    block found = (block)(x == y);
    found |= (block)(x == __builtin_shufflevector(y, y, 1, 2, 3, 0));
    found |= (block)(x == __builtin_shufflevector(y, y, 2, 3, 0, 1));
    found |= (block)(x == __builtin_shufflevector(y, y, 3, 0, 1, 2));
    return found;
}

/* From number i of `from` on, one by one. */
static size_t
filter_rest(uint32_t *to, size_t kept, struct postings from, size_t i, struct postings other,
            size_t at, enum keep keep)
{
    for (; i < from.n; i++) {
        uint32_t x = from.v[i];
        while (at < other.n && other.v[at] < x)
            at++;
        enum keep is = at < other.n && other.v[at] == x ? KEEP_FOUND : KEEP_MISSING;
        to[kept] = x;
        kept += is == keep;
    }
    return kept;
}

static size_t
filter_blocks(uint32_t *to, struct postings from, struct postings other, enum keep keep)
{
    const uint32_t flip = keep == KEEP_MISSING;
    size_t kept = 0, i = 0, at = 0;
    for (; i + BLOCK <= from.n; i += BLOCK) {
        block x, y, found = {0};
        memcpy(&x, from.v + i, sizeof x);
        uint32_t last = from.v[i + BLOCK - 1];
        for (; at + BLOCK <= other.n; at += BLOCK) {
            memcpy(&y, other.v + at, sizeof y);
            found |= lanes_in(x, y);
            if (other.v[at + BLOCK - 1] >= last)
                break; /* the next block of `from` may need this one again */
        }
        if (at + BLOCK > other.n)
            break;
        to[kept] = x[0];
        kept += (found[0] & 1) ^ flip;
        to[kept] = x[1];
        kept += (found[1] & 1) ^ flip;
        to[kept] = x[2];
        kept += (found[2] & 1) ^ flip;
        to[kept] = x[3];
        kept += (found[3] & 1) ^ flip;
    }
    while (at > 0 && i < from.n && other.v[at - 1] >= from.v[i])
        at--; /* what of the unfinished block lies further ahead */
    return filter_rest(to, kept, from, i, other, at, keep);
}

/* `to` has room for all of `from`, and may be where that lies. Returns how many were kept. */
static size_t
filter(uint32_t *to, struct postings from, struct postings other, enum keep keep)
{
    if (other.n / GALLOP_RATIO > from.n)
        return filter_few(to, from, other, keep);
    return filter_blocks(to, from, other, keep);
}

static int
by_length(const void *a, const void *b)
{
    size_t x = ((const struct postings *)a)->n, y = ((const struct postings *)b)->n;
    return (x > y) - (x < y);
}

struct postings
postings_intersect(struct arena *a, struct postings *lists, size_t count)
{
    ASSERT(count > 0); /* the intersection of nothing would be everything */
    if (count == 1)
        return lists[0];
    qsort(lists, count, sizeof *lists, by_length);
    if (lists[0].n == 0)
        return (struct postings){NULL, 0};
    uint32_t *v = arena_alloc(a, lists[0].n * sizeof *v);
    size_t n = filter(v, lists[0], lists[1], KEEP_FOUND);
    for (size_t i = 2; i < count && n > 0; i++)
        n = filter(v, (struct postings){v, n}, lists[i], KEEP_FOUND);
    return (struct postings){v, n};
}

struct postings
postings_subtract(struct arena *a, struct postings all, struct postings drop)
{
    if (drop.n == 0 || all.n == 0)
        return all;
    uint32_t *v = arena_alloc(a, all.n * sizeof *v);
    size_t n;
    if (all.n / GALLOP_RATIO > drop.n)
        n = copy_without(v, all, drop);
    else
        n = filter(v, all, drop, KEEP_MISSING);
    return (struct postings){v, n};
}

struct postings
postings_all(struct arena *a, uint32_t bound)
{
    uint32_t *v = arena_alloc(a, bound * sizeof *v);
    for (uint32_t i = 0; i < bound; i++)
        v[i] = i;
    return (struct postings){v, bound};
}

bool
postings_check(struct postings p)
{
    for (size_t i = 1; i < p.n; i++) {
        if (p.v[i - 1] >= p.v[i])
            return false;
    }
    return true;
}
