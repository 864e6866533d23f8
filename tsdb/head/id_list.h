/* id_list.h - a growing list of numbers that readers walk without locks.
 *
 * The postings of a label pair, the values of a label name. 8 bytes when empty. Count and items
 * are one piece of memory behind one pointer, so a reader never sees the count of one version
 * with the items of another.
 * Threads: changing by one thread at a time; viewing any, within an epoch. */
#pragma once
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/epoch.h"
#include "tsdb/index/postings.h"

struct id_items {
    _Atomic(uint32_t) n; /* stored with release after the item; pairs with id_list_view() */
    uint32_t cap;        /* of the writer */
    uint32_t v[];
};

struct id_list {
    _Atomic(struct id_items *) items; /* replaced when it grows or shrinks; the old is retired */
};

void id_list_add(struct id_list *l, uint32_t id, struct epoch *epoch);
/* Starts loading the items' header. */
static inline void
id_list_prefetch(const struct id_list *l)
{
    __builtin_prefetch(atomic_load_explicit(&l->items, memory_order_relaxed), 1);
}
/* Starts loading the place where the next id goes; after id_list_prefetch() had its time. */
static inline void
id_list_prefetch_end(const struct id_list *l)
{
    const struct id_items *items = atomic_load_explicit(&l->items, memory_order_relaxed);
    if (items)
        __builtin_prefetch(&items->v[atomic_load_explicit(&items->n, memory_order_relaxed)], 1);
}

/* A list without some of its numbers, in two steps, because copying a long one takes time: the
 * copy is made beside adding; taking it over, which brings what was added meanwhile, is done by
 * the changing thread. */
typedef bool (*id_is_gone)(const void *arg, uint32_t id);
/* NULL when nothing is gone. The caller owns it until it is taken over. */
struct id_items *id_list_copy_without(const struct id_list *l, id_is_gone gone, const void *arg,
                                      uint32_t *ret_seen);
/* `seen`: how many the copy was made of. */
void id_list_take_over(struct id_list *l, struct id_items *copy, uint32_t seen,
                       struct epoch *epoch);
void id_list_fini(struct id_list *l);

/* What is there now. */
static inline struct postings
id_list_view(const struct id_list *l)
{
    const struct id_items *items = atomic_load_explicit(&l->items, memory_order_acquire);
    if (!items)
        return (struct postings){NULL, 0};
    return (struct postings){items->v, atomic_load_explicit(&items->n, memory_order_acquire)};
}
