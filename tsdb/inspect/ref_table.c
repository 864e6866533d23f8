/* ref_table.c - a word for each series number of a log: pages of words, found by a map.
 *
 * Refs are counted up from 1, so pages are full or nearly so. */
#include "base/mem.h"
#include "tsdb/inspect/verify_int.h"

enum {
    PAGE_WORDS = 512,
    PAGES_MAX = 1 << 18, /* 1 GiB: 134 million series */
};

void
ref_table_init(struct ref_table *t)
{
    *t = (struct ref_table){.page = NULL};
    map_init(&t->pages, MAP_KEYS_COPIED);
}

void
ref_table_fini(struct ref_table *t)
{
    struct map_entry e = MAP_START;
    while (map_next(&t->pages, &e))
        mem_free(e.value);
    map_fini(&t->pages);
}

uint64_t *
ref_table_find(struct ref_table *t, uint64_t ref)
{
    uint64_t number = ref / PAGE_WORDS;
    if (!t->page || t->page_number != number) {
        uint64_t *page = map_get(&t->pages, str_of((const char *)&number, sizeof number));
        if (!page)
            return NULL;
        t->page = page;
        t->page_number = number;
    }
    return &t->page[ref % PAGE_WORDS];
}

struct err
ref_table_at(struct ref_table *t, uint64_t ref, uint64_t **ret_word)
{
    uint64_t *word = ref_table_find(t, ref), number = ref / PAGE_WORDS;
    if (!word) {
        if (t->pages.count >= PAGES_MAX)
            return ERR(ERR_LIMIT, "more than %d series numbers", PAGES_MAX * PAGE_WORDS);
        t->page = mem_array_zero(PAGE_WORDS, sizeof *t->page);
        t->page_number = number;
        (void)map_put(&t->pages, str_of((const char *)&number, sizeof number), t->page);
        word = &t->page[ref % PAGE_WORDS];
    }
    *ret_word = word;
    return OK;
}
