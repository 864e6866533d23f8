/* replay_refs.c - from references of the log to series. */
#include "tsdb/head/replay_int.h"

#include "base/mem.h"

void
ref_table_init(struct ref_table *t, struct epoch *epoch)
{
    *t = (struct ref_table){.page_count = 0};
    fp_init(&t->of_page, epoch);
    segarray_init(&t->pages, sizeof(struct ref_page), _Alignof(struct ref_page));
}

void
ref_table_fini(struct ref_table *t)
{
    fp_fini(&t->of_page);
    segarray_fini(&t->pages);
}

struct ref_page *
ref_table_page(const struct ref_table *t, uint64_t ref)
{
    uint32_t index;
    return fp_find(&t->of_page, ref_key(ref >> REF_PAGE_LOG2), &index)
               ? segarray_at(&t->pages, index)
               : NULL;
}

struct ref_entry *
ref_table_make(struct ref_table *t, uint64_t ref)
{
    struct ref_page *page = ref_table_page(t, ref);
    if (!page) {
        segarray_ensure(&t->pages, t->page_count);
        page = segarray_at(&t->pages, t->page_count);
        fp_insert(&t->of_page, ref_key(ref >> REF_PAGE_LOG2), t->page_count++);
    }
    return &page->entries[ref % REF_PAGE_ENTRIES];
}
