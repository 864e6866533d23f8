/* id_map.c - pages of slots by id. */
#include "tsdb/head/id_map.h"

#include "base/assert.h"
#include "base/mem.h"

void
id_map_init(struct id_map *m, struct epoch *epoch)
{
    *m = (struct id_map){.epoch = epoch};
    segarray_init(&m->pages, sizeof(struct id_page_home), _Alignof(struct id_page_home));
}

static uint32_t
pages_of(uint32_t ids)
{
    return ids / ID_PAGE_IDS + (ids % ID_PAGE_IDS > 0);
}

void
id_map_fini(struct id_map *m)
{
    for (uint32_t i = 0; i < pages_of(id_map_bound(m)); i++)
        mem_free(id_map_page(m, i << ID_PAGE_LOG2));
    segarray_fini(&m->pages);
}

uint32_t
id_map_add(struct id_map *m, uint32_t slot)
{
    ASSERT(!id_map_full(m));
    uint32_t id = atomic_load_explicit(&m->next, memory_order_relaxed);
    segarray_ensure(&m->pages, id >> ID_PAGE_LOG2);
    struct id_page_home *home = segarray_at(&m->pages, id >> ID_PAGE_LOG2);
    struct id_page *page = atomic_load_explicit(&home->page, memory_order_relaxed);
    if (!page) { /* also when all that were born into it are gone already */
        page = mem_alloc_zero(sizeof *page);
        atomic_store_explicit(&home->page, page, memory_order_release);
    }
    home->live++;
    atomic_store_explicit(&page->slots[id % ID_PAGE_IDS], slot + 1, memory_order_release);
    atomic_store_explicit(&m->next, id + 1, memory_order_release);
    return id;
}

void
id_map_remove(struct id_map *m, uint32_t id)
{
    struct id_page_home *home = segarray_at(&m->pages, id >> ID_PAGE_LOG2);
    struct id_page *page = atomic_load_explicit(&home->page, memory_order_relaxed);
    ASSERT(page != NULL);
    ASSERT(home->live > 0);
    atomic_store_explicit(&page->slots[id % ID_PAGE_IDS], 0, memory_order_release);
    if (--home->live > 0)
        return;
    atomic_store_explicit(&home->page, NULL, memory_order_release);
    epoch_retire(m->epoch, page);
}
