/* id_list.h - a growing list of numbers that readers walk without locks.
 *
 * The postings of a label pair, the values of a label name. 16 bytes when empty.
 * Threads: adding by one thread at a time; viewing any, within an epoch. */
#pragma once
#include <stdatomic.h>
#include <stdint.h>

#include "base/epoch.h"
#include "tsdb/index/postings.h"

struct id_list {
    _Atomic(uint32_t *) v; /* replaced when it grows; the old one is retired */
    _Atomic(uint32_t) n;   /* stored with release after the item and after v */
    uint32_t cap;          /* of the writer */
};

void id_list_add(struct id_list *l, uint32_t id, struct epoch *epoch);
/* Starts loading the place where the next id goes. */
static inline void
id_list_prefetch(const struct id_list *l)
{
    __builtin_prefetch(atomic_load_explicit(&l->v, memory_order_relaxed) +
                       atomic_load_explicit(&l->n, memory_order_relaxed), 1);
}
void id_list_fini(struct id_list *l);

/* What is there now. Loading n first makes sure that v holds at least that many. */
static inline struct postings
id_list_view(const struct id_list *l)
{
    uint32_t n = atomic_load_explicit(&l->n, memory_order_acquire);
    const uint32_t *v = atomic_load_explicit(&l->v, memory_order_acquire);
    return (struct postings){v, n};
}
