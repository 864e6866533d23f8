/* deletions.c - sets of deletions, counted references to them. */
#include "tsdb/head/deletions.h"

#include <stdatomic.h>

#include "base/mem.h"

struct deletions {
    _Atomic(uint32_t) refs; /* acq_rel: the last one frees what all have read */
    struct tombstones by_ref;
};

void
deletions_list(const struct deletions *d, struct deletion_list *to)
{
    for (size_t i = 0; d && i < d->by_ref.series.n; i++) {
        const struct tombstone_series *s = &d->by_ref.series.v[i];
        for (size_t k = s->first; k < s->first + s->count; k++)
            vec_push(to, ((struct tombstone){s->id, d->by_ref.spans.v[k]}));
    }
}

struct deletions *
deletions_with(const struct deletions *d, const struct deletion_list *more)
{
    AUTO(deletion_list_fini) struct deletion_list all = VEC_INIT;
    deletions_list(d, &all);
    for (size_t i = 0; i < more->n; i++)
        vec_push(&all, more->v[i]);
    if (all.n == 0)
        return NULL;
    struct deletions *made = mem_alloc_zero(sizeof *made);
    atomic_init(&made->refs, 1);
    tombstones_add(&made->by_ref, all.v, all.n);
    return made;
}

struct deletions *
deletions_ref(struct deletions *d)
{
    if (d)
        atomic_fetch_add_explicit(&d->refs, 1, memory_order_relaxed);
    return d;
}

void
deletions_unref(struct deletions *d)
{
    if (!d || atomic_fetch_sub_explicit(&d->refs, 1, memory_order_acq_rel) > 1)
        return;
    tombstones_fini(&d->by_ref);
    mem_free(d);
}

size_t
deletions_of(const struct deletions *d, uint64_t ref, const struct interval **ret_spans)
{
    return d ? tombstones_of(&d->by_ref, ref, ret_spans) : 0;
}

size_t
deletions_count(const struct deletions *d)
{
    return d ? d->by_ref.spans.n : 0;
}
