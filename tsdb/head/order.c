/* order.c - sorting series by labels: pairs get ranks, then keys of ranks are radix sorted.
 *
 * One sort serves texts and label sets. Both are read a key at a time, the most significant first:
 * sort by the first key, then each run of equal ones by the next, until a key says that its text
 * or set ended. Keys of texts: 7 bytes, then how many of them are text (8: more follows), so that
 * a prefix comes first whatever bytes texts hold. Keys of sets: ranks from 1, then 0. */
#include "tsdb/head/order.h"

#include <limits.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/mem.h"
#include "base/vec.h"

enum {
    DIRECT_ITEMS_MAX = 64,    /* up to here texts are compared: no table of ranks */
    INSERTION_ITEMS_MAX = 24, /* of a run that is not worth counting */
    TEXT_KEY_BYTES = 7,
    TEXT_KEY_MORE = TEXT_KEY_BYTES + 1,
    TEXT_KEYS_MAX = 64, /* a longer common prefix is compared: bounds the recursion */
    AHEAD = 12,         /* items between asking for memory and reading it */
};

VEC_TYPE(item_list, struct order_item);

/* How the keys of some items are made, and which of them are the last of theirs. */
struct sorter {
    /* The keys number `depth` (from 0) of n items. */
    void (*load)(const struct sorter *s, struct order_item *v, size_t n, unsigned depth);
    uint64_t end_mask, end_max; /* a key is the last one when its masked bits are at most that */
    unsigned depth_max;         /* from here on `compare` sorts */
    int (*compare)(const void *a, const void *b); /* of two items */
    /* of label sets only */
    const uint32_t *ranks; /* of pairs, by number */
    unsigned rank_bits, ranks_a_key;
};

/* --- the sort ----------------------------------------------------------------------------- */

static void
insertion_sort(struct order_item *v, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        struct order_item item = v[i];
        size_t at = i;
        for (; at > 0 && v[at - 1].key > item.key; at--)
            v[at] = v[at - 1];
        v[at] = item;
    }
}

/* By key, most significant differing byte first, in place ("American flag"). */
static void
sort_keys(struct order_item *v, size_t n)
{
    if (n <= INSERTION_ITEMS_MAX) {
        insertion_sort(v, n);
        return;
    }
    uint64_t differing = 0;
    for (size_t i = 1; i < n; i++)
        differing |= v[i].key ^ v[0].key;
    if (differing == 0)
        return;
    unsigned top = 63 - (unsigned)__builtin_clzll(differing), shift = top < 7 ? 0 : top - 7;
    uint32_t next[256], end[256], counts[256] = {0}, sum = 0;
    for (size_t i = 0; i < n; i++)
        counts[v[i].key >> shift & 0xff]++;
    for (size_t b = 0; b < 256; b++) {
        next[b] = sum;
        sum += counts[b];
        end[b] = sum;
    }
    for (size_t b = 0; b < 256; b++) {
        while (next[b] < end[b]) {
            struct order_item item = v[next[b]];
            for (size_t to; (to = item.key >> shift & 0xff) != b;) {
                struct order_item other = v[next[to]];
                v[next[to]++] = item;
                item = other;
            }
            v[next[b]++] = item;
        }
    }
    for (size_t b = 0; shift > 0 && b < 256; b++) {
        if (counts[b] > 1)
            sort_keys(v + end[b] - counts[b], counts[b]);
    }
}

/* Items that do not differ before key number `depth`. */
static void
sort_from(const struct sorter *s, struct order_item *v, size_t n, unsigned depth)
{
    if (depth == s->depth_max) {
        qsort(v, n, sizeof *v, s->compare);
        return;
    }
    s->load(s, v, n, depth);
    sort_keys(v, n);
    for (size_t from = 0, to; from < n; from = to) {
        for (to = from + 1; to < n && v[to].key == v[from].key; to++)
            ;
        if (to - from > 1 && (v[from].key & s->end_mask) > s->end_max)
            sort_from(s, v + from, to - from, depth + 1);
    }
}

/* --- texts -------------------------------------------------------------------------------- */

/* Cuts the key off what is left of each text. */
static void
load_text_keys(const struct sorter *s, struct order_item *v, size_t n, unsigned depth)
{
    (void)s;
    (void)depth;
    for (size_t i = 0; i < n; i++) {
        if (i + AHEAD < n)
            __builtin_prefetch(v[i + AHEAD].of);
        size_t bytes = size_min(v[i].left, TEXT_KEY_BYTES);
        uint8_t key[8] = {0};
        if (bytes > 0)
            memcpy(key, v[i].of, bytes);
        key[7] = (uint8_t)size_min(v[i].left, TEXT_KEY_MORE);
        v[i].key = load_be64(key);
        v[i].of = (const char *)v[i].of + bytes;
        v[i].left -= (uint32_t)bytes;
    }
}

static int
compare_rests(const void *a, const void *b)
{
    const struct order_item *x = a, *y = b;
    return str_cmp(str_of(x->of, x->left), str_of(y->of, y->left));
}

static const struct sorter text_sorter = {
    .load = load_text_keys,
    .end_mask = 0xff,
    .end_max = TEXT_KEY_BYTES,
    .depth_max = TEXT_KEYS_MAX,
    .compare = compare_rests,
};

static void
set_text(struct order_item *item, struct str text)
{
    item->of = text.p;
    item->left = u32_of_size(text.n);
}

/* Pairs (payload: the number) by name and value. */
static void
sort_pairs(struct order_item *v, size_t n, struct order_source source)
{
    for (size_t i = 0; i < n; i++)
        set_text(&v[i], source.label(source.arg, v[i].payload).name);
    sort_from(&text_sorter, v, n, 0);
    for (size_t from = 0, to; from < n; from = to) {
        struct label first = source.label(source.arg, v[from].payload), label = first;
        for (to = from; to < n; to++) {
            if (to > from)
                label = source.label(source.arg, v[to].payload);
            if (label.name.p != first.name.p && !str_eq(label.name, first.name))
                break;
            set_text(&v[to], label.value);
        }
        sort_from(&text_sorter, v + from, to - from, 0);
    }
}

/* --- label sets --------------------------------------------------------------------------- */

static void
load_rank_keys(const struct sorter *s, struct order_item *v, size_t n, unsigned depth)
{
    size_t first = 1 + (size_t)depth * s->ranks_a_key, end = first + s->ranks_a_key;
    for (size_t i = 0; i < n; i++) {
        if (i + AHEAD < n)
            __builtin_prefetch((const uint32_t *)v[i + AHEAD].of + first);
        const uint32_t *pairs = v[i].of;
        size_t have = size_min(end, pairs[0] + (size_t)1), at = first;
        uint64_t key = 0;
        for (; at < have; at++)
            key = key << s->rank_bits | s->ranks[pairs[at]];
        for (; at < end; at++)
            key <<= s->rank_bits;
        v[i].key = key;
    }
}

static uint32_t
highest_pair(const struct order_item *items, size_t n)
{
    uint32_t highest = 0;
    for (size_t i = 0; i < n; i++) {
        const uint32_t *pairs = items[i].of;
        for (uint32_t j = 1; j <= pairs[0]; j++)
            highest = pairs[j] > highest ? pairs[j] : highest;
    }
    return highest;
}

/* Fills the table for the pairs that occur; returns how many those are. */
static size_t
rank_pairs(const struct order_item *items, size_t n, struct order_source source, uint32_t *ranks)
{
    struct item_list found = VEC_INIT;
    for (size_t i = 0; i < n; i++) {
        const uint32_t *pairs = items[i].of;
        for (uint32_t j = 1; j <= pairs[0]; j++) {
            if (ranks[pairs[j]] != 0)
                continue;
            ranks[pairs[j]] = 1;
            vec_push(&found, ((struct order_item){.payload = pairs[j]}));
        }
    }
    sort_pairs(found.v, found.n, source);
    size_t count = found.n;
    for (size_t i = 0; i < count; i++)
        ranks[found.v[i].payload] = (uint32_t)i + 1;
    vec_fini(&found);
    return count;
}

static int
compare_sets(const uint32_t *a, const uint32_t *b, struct order_source source)
{
    uint32_t n = a[0] < b[0] ? a[0] : b[0], i = 1;
    while (i <= n && a[i] == b[i])
        i++;
    if (i > n)
        return (a[0] > b[0]) - (a[0] < b[0]);
    struct label x = source.label(source.arg, a[i]), y = source.label(source.arg, b[i]);
    return labels_cmp((struct labels){&x, 1}, (struct labels){&y, 1});
}

/* Few items: a place for each by bisection of those before it. */
static void
sort_directly(struct order_item *v, size_t n, struct order_source source)
{
    for (size_t i = 1; i < n; i++) {
        struct order_item item = v[i];
        size_t low = 0, high = i;
        while (low < high) {
            size_t middle = low + (high - low) / 2;
            if (compare_sets(v[middle].of, item.of, source) <= 0)
                low = middle + 1;
            else
                high = middle;
        }
        memmove(v + low + 1, v + low, (i - low) * sizeof *v);
        v[low] = item;
    }
}

void
order_by_labels(struct order_item *items, size_t n, struct order_source source)
{
    ASSERT(n <= UINT32_MAX);
    if (n <= DIRECT_ITEMS_MAX) {
        sort_directly(items, n, source);
        return;
    }
    size_t table_bytes = ((size_t)highest_pair(items, n) + 1) * sizeof(uint32_t);
    uint32_t *ranks = mem_pages_alloc_zero(table_bytes);
    size_t count = rank_pairs(items, n, source, ranks);
    unsigned bits = 64 - (unsigned)__builtin_clzll(count | 1);
    struct sorter s = {
        .load = load_rank_keys,
        .end_mask = (UINT64_C(1) << bits) - 1,
        .depth_max = UINT_MAX, /* every key has labels: a set's length bounds the recursion */
        .ranks = ranks,
        .rank_bits = bits,
        .ranks_a_key = 64 / bits,
    };
    sort_from(&s, items, n, 0);
    mem_pages_free(ranks, table_bytes);
}
