/* id_list.c - growth and shrinking of lists that are read without locks. */
#include "tsdb/head/id_list.h"

#include "base/assert.h"
#include "base/mem.h"

enum { ID_LIST_FIRST = 2 }; /* most pairs of a near-unique label have one series */

static struct id_items *
items_new(uint32_t cap)
{
    struct id_items *items = mem_alloc(sizeof *items + cap * sizeof items->v[0]);
    atomic_init(&items->n, 0);
    items->cap = cap;
    return items;
}

static struct id_items *
items_of(const struct id_list *l)
{
    return atomic_load_explicit(&l->items, memory_order_relaxed);
}

static uint32_t
count_of(const struct id_items *items)
{
    return items ? atomic_load_explicit(&items->n, memory_order_relaxed) : 0;
}

/* Only for items that no reader knows yet. */
static void
items_append(struct id_items *items, const uint32_t *v, uint32_t count)
{
    uint32_t n = count_of(items);
    ASSERT(count <= items->cap - n);
    if (count > 0)
        memcpy(items->v + n, v, count * sizeof *v);
    atomic_store_explicit(&items->n, n + count, memory_order_relaxed);
}

static void
list_replace(struct id_list *l, struct id_items *items, struct epoch *epoch)
{
    struct id_items *old = items_of(l);
    atomic_store_explicit(&l->items, items, memory_order_release);
    if (old)
        epoch_retire(epoch, old);
}

void
id_list_add(struct id_list *l, uint32_t id, struct epoch *epoch)
{
    struct id_items *items = items_of(l);
    uint32_t n = count_of(items);
    if (!items || n == items->cap) {
        uint32_t cap = n == 0 ? ID_LIST_FIRST : n + n / 2 + 1;
        ASSERT(cap > n);
        struct id_items *grown = items_new(cap);
        items_append(grown, items ? items->v : NULL, n);
        list_replace(l, grown, epoch);
        items = grown;
    }
    items->v[n] = id;
    atomic_store_explicit(&items->n, n + 1, memory_order_release);
}

struct id_items *
id_list_copy_without(const struct id_list *l, id_is_gone gone, const void *arg, uint32_t *ret_seen)
{
    struct postings all = id_list_view(l);
    size_t left = 0;
    for (size_t i = 0; i < all.n; i++)
        left += !gone(arg, all.v[i]);
    if (left == all.n)
        return NULL;
    struct id_items *copy = items_new((uint32_t)(left + left / 8 + ID_LIST_FIRST));
    for (size_t i = 0; i < all.n; i++) {
        if (!gone(arg, all.v[i]))
            items_append(copy, &all.v[i], 1);
    }
    *ret_seen = (uint32_t)all.n;
    return copy;
}

void
id_list_take_over(struct id_list *l, struct id_items *copy, uint32_t seen, struct epoch *epoch)
{
    const struct id_items *old = items_of(l);
    uint32_t added = count_of(old) - seen;
    if (added > copy->cap - count_of(copy)) { /* many were added meanwhile */
        struct id_items *larger = items_new(count_of(copy) + added);
        items_append(larger, copy->v, count_of(copy));
        mem_free(copy);
        copy = larger;
    }
    items_append(copy, old->v + seen, added);
    if (count_of(copy) == 0) {
        mem_free(copy);
        copy = NULL;
    }
    list_replace(l, copy, epoch);
}

void
id_list_fini(struct id_list *l)
{
    mem_free(items_of(l));
}
