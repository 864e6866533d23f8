/* id_map.h - from the numbers in postings to slots.
 *
 * A series gets the next id at its birth, and no id is given twice: so lists of ids stay
 * ascending by adding at their end, while slots, which are worth 100 bytes, are used again. Ids
 * whose series are gone lead nowhere; their pages are freed once all of a page are.
 * Threads: adding and removing by one thread at a time; finding any, within an epoch. */
#pragma once
#include <stdatomic.h>
#include <stdint.h>

#include "base/epoch.h"
#include "base/segarray.h"

enum {
    ID_PAGE_LOG2 = 10,
    ID_PAGE_IDS = 1 << ID_PAGE_LOG2,
};
static const uint32_t slot_none = UINT32_MAX;

struct id_page {
    _Atomic(uint32_t) slots[ID_PAGE_IDS]; /* slot + 1, 0: gone; release pairs with acquire */
};

struct id_map {
    struct epoch *epoch;         /* borrowed for life */
    struct segarray pages;       /* of struct id_page_home */
    _Atomic(uint32_t) next;      /* the id of the next birth; stored after its slot */
};
struct id_page_home {
    _Atomic(struct id_page *) page; /* NULL: none of its ids is alive */
    uint32_t live;                  /* of the writer */
};

void id_map_init(struct id_map *m, struct epoch *epoch);
void id_map_fini(struct id_map *m);
/* Returns the new id. id_map_full() must be false. */
uint32_t id_map_add(struct id_map *m, uint32_t slot);
void id_map_remove(struct id_map *m, uint32_t id);

/* Ids ever given; every id in a list that was viewed before is below it. */
static inline uint32_t
id_map_bound(const struct id_map *m)
{
    return atomic_load_explicit(&m->next, memory_order_acquire);
}
static inline bool
id_map_full(const struct id_map *m)
{
    return id_map_bound(m) == UINT32_MAX;
}
/* The page of `id`, which must be below id_map_bound(); NULL: nobody in it is alive. */
static inline struct id_page *
id_map_page(const struct id_map *m, uint32_t id)
{
    const struct id_page_home *home = segarray_at(&m->pages, id >> ID_PAGE_LOG2);
    return atomic_load_explicit(&home->page, memory_order_acquire);
}
/* slot_none for a series that is gone. */
static inline uint32_t
id_map_slot(const struct id_map *m, uint32_t id)
{
    struct id_page *page = id_map_page(m, id);
    return page ? atomic_load_explicit(&page->slots[id % ID_PAGE_IDS], memory_order_acquire) - 1
                : slot_none;
}
