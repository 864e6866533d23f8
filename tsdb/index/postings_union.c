/* postings_union.c - the union of sorted lists, by what costs least for their numbers.
 *
 * Close together (the lists of a head, of many values): a bitmap from the lowest to the highest
 * number. Far apart (numbers are places in large files, or were given out long ago): two lists are
 * merged, more are radix sorted as one. No way takes more memory than a few times the lists. */
#include "base/assert.h"
#include "base/mem.h"
#include "tsdb/index/postings.h"

enum {
    BITS_AN_ITEM_MAX = 128, /* of the bitmap: four times the bytes of the lists */
    RADIX_BITS = 8,
    RADIX_VALUES = 1 << RADIX_BITS,
};

/* What has to be known to choose; lists that are empty left out. */
struct extent {
    size_t lists, items;
    struct postings some[2]; /* the first two that are not empty */
    uint32_t least, most;
};

static struct extent
extent_of(const struct postings *lists, size_t count)
{
    struct extent x = {.least = UINT32_MAX};
    for (size_t i = 0; i < count; i++) {
        if (lists[i].n == 0)
            continue;
        if (x.lists < 2)
            x.some[x.lists] = lists[i];
        x.lists++;
        x.items += lists[i].n;
        uint32_t first = lists[i].v[0], last = lists[i].v[lists[i].n - 1];
        x.least = first < x.least ? first : x.least;
        x.most = last > x.most ? last : x.most;
    }
    return x;
}

/* --- bitmap ------------------------------------------------------------------------------- */

/* Sets the bits of one list; a word that several numbers share is written once. */
static void
set_bits(uint64_t *bits, struct postings list, uint32_t least)
{
    for (size_t i = 0; i < list.n;) {
        size_t word = (list.v[i] - least) / 64;
        uint64_t mask = 0;
        do {
            mask |= UINT64_C(1) << ((list.v[i] - least) % 64);
            i++;
        } while (i < list.n && (list.v[i] - least) / 64 == word);
        bits[word] |= mask;
    }
}

static struct postings
unite_by_bitmap(struct arena *a, const struct postings *lists, size_t count, const struct extent *x)
{
    size_t words = (x->most - x->least) / 64 + 1, n = 0;
    AUTO(mem_free) uint64_t *bits = mem_array_zero(words, sizeof *bits);
    for (size_t i = 0; i < count; i++)
        set_bits(bits, lists[i], x->least);
    for (size_t w = 0; w < words; w++)
        n += (size_t)__builtin_popcountll(bits[w]);
    uint32_t *v = arena_alloc(a, n * sizeof *v), *at = v;
    for (size_t w = 0; w < words; w++) {
        uint32_t first = x->least + (uint32_t)w * 64;
        for (uint64_t rest = bits[w]; rest != 0; rest &= rest - 1)
            *at++ = first + (uint32_t)__builtin_ctzll(rest);
    }
    ASSERT(at == v + n);
    return (struct postings){v, n};
}

/* --- merge, radix sort -------------------------------------------------------------------- */

static struct postings
merge_two(struct arena *a, struct postings x, struct postings y)
{
    uint32_t *v = arena_alloc(a, (x.n + y.n) * sizeof *v);
    size_t n = 0, i = 0, j = 0;
    while (i < x.n && j < y.n) {
        uint32_t left = x.v[i], right = y.v[j];
        v[n++] = left < right ? left : right;
        i += left <= right;
        j += right <= left;
    }
    memcpy(v + n, x.v + i, (x.n - i) * sizeof *v);
    n += x.n - i;
    memcpy(v + n, y.v + j, (y.n - j) * sizeof *v);
    return (struct postings){v, n + y.n - j};
}

/* Stable by one digit of what lies above `least`. */
static void
sort_by_digit(uint32_t *to, const uint32_t *from, size_t n, uint32_t least, unsigned shift)
{
    size_t places[RADIX_VALUES] = {0}, sum = 0;
    for (size_t i = 0; i < n; i++)
        places[(from[i] - least) >> shift & (RADIX_VALUES - 1)]++;
    for (size_t d = 0; d < RADIX_VALUES; d++) {
        size_t count = places[d];
        places[d] = sum;
        sum += count;
    }
    for (size_t i = 0; i < n; i++)
        to[places[(from[i] - least) >> shift & (RADIX_VALUES - 1)]++] = from[i];
}

static struct postings
unite_by_sorting(struct arena *a, const struct postings *lists, size_t count,
                 const struct extent *x)
{
    AUTO(mem_free) uint32_t *first = mem_alloc(x->items * sizeof *first);
    AUTO(mem_free) uint32_t *second = mem_alloc(x->items * sizeof *second);
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        if (lists[i].n > 0)
            memcpy(first + n, lists[i].v, lists[i].n * sizeof *first);
        n += lists[i].n;
    }
    ASSERT(n == x->items);
    uint32_t *from = first, *to = second;
    for (unsigned shift = 0; shift < 32 && (x->most - x->least) >> shift != 0;
         shift += RADIX_BITS) {
        sort_by_digit(to, from, n, x->least, shift);
        uint32_t *swap = from;
        from = to;
        to = swap;
    }
    size_t distinct = 1;
    for (size_t i = 1; i < n; i++)
        distinct += from[i] != from[i - 1];
    uint32_t *v = arena_alloc(a, distinct * sizeof *v), *at = v;
    for (size_t i = 0; i + 1 < n; i++) {
        *at = from[i]; /* one of the last number follows: in room */
        at += from[i] != from[i + 1];
    }
    *at = from[n - 1];
    return (struct postings){v, distinct};
}

struct postings
postings_union(struct arena *a, const struct postings *lists, size_t count)
{
    struct extent x = extent_of(lists, count);
    if (x.lists == 0)
        return (struct postings){NULL, 0};
    if (x.lists == 1)
        return x.some[0];
    if ((x.most - x.least) / BITS_AN_ITEM_MAX < x.items)
        return unite_by_bitmap(a, lists, count, &x);
    if (x.lists == 2)
        return merge_two(a, x.some[0], x.some[1]);
    return unite_by_sorting(a, lists, count, &x);
}
