/* postings.c - intersect, union and subtract of sorted number lists. */
#include "tsdb/index/postings.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/mem.h"

/* A list this many times longer than the other is galloped through instead of merged. */
enum { GALLOP_RATIO = 16 };

/* First position in v[from..n) whose number is >= x: doubling steps, then bisection. */
static size_t
gallop(const uint32_t *v, size_t from, size_t n, uint32_t x)
{
    size_t step = 1, low = from, high = from;
    while (high < n && v[high] < x) {
        low = high + 1;
        high = n - high > step ? high + step : n;
        step *= 2;
    }
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (v[middle] < x)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Keeps in v[0..n) what is in `other` too; returns how many are left. */
static size_t
retain(uint32_t *v, size_t n, struct postings other)
{
    size_t kept = 0, at = 0;
    bool sparse = other.n / GALLOP_RATIO > n;
    for (size_t i = 0; i < n && at < other.n; i++) {
        if (sparse)
            at = gallop(other.v, at, other.n, v[i]);
        else
            while (at < other.n && other.v[at] < v[i])
                at++;
        if (at < other.n && other.v[at] == v[i])
            v[kept++] = v[i];
    }
    return kept;
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
    size_t n = lists[0].n;
    if (n == 0)
        return (struct postings){NULL, 0};
    uint32_t *v = arena_alloc(a, n * sizeof *v);
    memcpy(v, lists[0].v, n * sizeof *v);
    for (size_t i = 1; i < count && n > 0; i++)
        n = retain(v, n, lists[i]);
    return (struct postings){v, n};
}

/* The numbers of the set bits. */
static struct postings
postings_of_bits(struct arena *a, const uint64_t *bits, size_t words, size_t count)
{
    uint32_t *v = arena_alloc(a, count * sizeof *v);
    size_t n = 0;
    for (size_t w = 0; w < words; w++) {
        for (uint64_t rest = bits[w]; rest != 0; rest &= rest - 1)
            v[n++] = (uint32_t)(w * 64 + (size_t)__builtin_ctzll(rest));
    }
    ASSERT(n == count);
    return (struct postings){v, n};
}

struct postings
postings_union(struct arena *a, const struct postings *lists, size_t count, uint32_t bound)
{
    if (count == 0)
        return (struct postings){NULL, 0};
    if (count == 1)
        return lists[0];
    size_t words = bound / 64u + 1, distinct = 0;
    AUTO(mem_free) uint64_t *bits = mem_array_zero(words, sizeof *bits);
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < lists[i].n; j++) {
            uint32_t x = lists[i].v[j];
            ASSERT(x < bound);
            uint64_t mask = UINT64_C(1) << (x % 64);
            distinct += (bits[x / 64] & mask) == 0;
            bits[x / 64] |= mask;
        }
    }
    return postings_of_bits(a, bits, words, distinct);
}

struct postings
postings_subtract(struct arena *a, struct postings all, struct postings drop)
{
    if (drop.n == 0 || all.n == 0)
        return all;
    uint32_t *v = arena_alloc(a, all.n * sizeof *v);
    size_t n = 0, at = 0;
    for (size_t i = 0; i < all.n; i++) {
        while (at < drop.n && drop.v[at] < all.v[i])
            at++;
        if (at == drop.n || drop.v[at] != all.v[i])
            v[n++] = all.v[i];
    }
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
