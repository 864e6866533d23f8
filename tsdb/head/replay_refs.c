/* replay_refs.c - from references of the log to series. */
#include "tsdb/head/replay_int.h"

#include "base/mem.h"

void
replay_refs_init(struct replay_refs *t, struct epoch *epoch)
{
    *t = (struct replay_refs){.page_count = 0};
    fp_init(&t->of_page, epoch);
    segarray_init(&t->pages, sizeof(struct ref_page), _Alignof(struct ref_page));
}

void
replay_refs_fini(struct replay_refs *t)
{
    fp_fini(&t->of_page);
    segarray_fini(&t->pages);
}

struct ref_page *
replay_refs_page(const struct replay_refs *t, uint64_t ref)
{
    uint32_t index;
    return fp_find(&t->of_page, ref_key(ref >> REF_PAGE_LOG2), &index)
               ? segarray_at(&t->pages, index)
               : NULL;
}

uint32_t
replay_slot_of(struct replay *r, uint64_t ref)
{
    const struct ref_entry *entry = replay_refs_find(&r->refs, &r->place, ref);
    r->ref_max = u64_max(r->ref_max, u64_min(ref, HEAD_REF_MAX - 1));
    if (!entry)
        return slot_none;
    uint32_t slot = atomic_load_explicit(&entry->slot, memory_order_relaxed) - 1;
    return slot == slot_none || head_hot(r->h, slot)->dead ? slot_none : slot;
}

struct ref_entry *
replay_refs_make(struct replay_refs *t, uint64_t ref)
{
    struct ref_page *page = replay_refs_page(t, ref);
    if (!page) {
        segarray_ensure(&t->pages, t->page_count);
        page = segarray_at(&t->pages, t->page_count);
        fp_insert(&t->of_page, ref_key(ref >> REF_PAGE_LOG2), t->page_count++);
    }
    return &page->entries[ref % REF_PAGE_ENTRIES];
}
