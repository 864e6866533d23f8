/* id_list.c - growth of lock-free readable lists; see id_list.h for the order of stores. */
#include "tsdb/head/id_list.h"

#include "base/assert.h"
#include "base/mem.h"

enum { ID_LIST_FIRST = 2 }; /* most pairs of a near-unique label have one series */

void
id_list_add(struct id_list *l, uint32_t id, struct epoch *epoch)
{
    uint32_t n = atomic_load_explicit(&l->n, memory_order_relaxed);
    uint32_t *v = atomic_load_explicit(&l->v, memory_order_relaxed);
    if (n == l->cap) {
        uint32_t cap = n == 0 ? ID_LIST_FIRST : n + n / 2 + 1;
        ASSERT(cap > n);
        uint32_t *grown = mem_alloc(cap * sizeof *grown);
        if (n > 0)
            memcpy(grown, v, n * sizeof *grown);
        atomic_store_explicit(&l->v, grown, memory_order_release);
        if (v)
            epoch_retire(epoch, v);
        l->cap = cap;
        v = grown;
    }
    v[n] = id;
    atomic_store_explicit(&l->n, n + 1, memory_order_release);
}

void
id_list_fini(struct id_list *l)
{
    mem_free(atomic_load_explicit(&l->v, memory_order_relaxed));
}
