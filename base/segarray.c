/* segarray.c - segments are made on demand, lowest first, and never move or shrink. */
#include "base/segarray.h"

#include <string.h>

#include "base/mem.h"

enum {
    SEGARRAY_ALIGN_MAX = 4096,           /* that of pages */
    SEGARRAY_PAGES_BYTES_MIN = 64 << 10, /* from here on straight from the kernel */
};

static size_t
segment_bytes(const struct segarray *a, unsigned segment)
{
    size_t bytes;
    size_t items = (size_t)1 << (segment + SEGARRAY_FIRST_LOG2);
    if (__builtin_mul_overflow(items, a->item_bytes, &bytes))
        UNREACHABLE("a segment larger than the address space");
    return bytes;
}

static char *
segment_alloc(const struct segarray *a, unsigned segment)
{
    size_t bytes = segment_bytes(a, segment);
    if (bytes >= SEGARRAY_PAGES_BYTES_MIN)
        return mem_pages_alloc_zero(bytes);
    return memset(mem_alloc_aligned(size_max(a->align, sizeof(void *)), bytes), 0, bytes);
}

void
segarray_init(struct segarray *a, size_t item_bytes, size_t align)
{
    ASSERT(item_bytes > 0);
    ASSERT(align > 0 && align <= SEGARRAY_ALIGN_MAX && (align & (align - 1)) == 0);
    ASSERT(item_bytes % align == 0); /* or only the first item of a segment would be aligned */
    a->item_bytes = item_bytes;
    a->align = align;
    for (unsigned k = 0; k < SEGARRAY_SEGMENTS; k++)
        atomic_init(&a->segments[k], NULL);
}

void
segarray_fini(struct segarray *a)
{
    for (unsigned k = 0; k < SEGARRAY_SEGMENTS; k++) {
        char *segment = atomic_load_explicit(&a->segments[k], memory_order_relaxed);
        if (segment && segment_bytes(a, k) >= SEGARRAY_PAGES_BYTES_MIN)
            mem_pages_free(segment, segment_bytes(a, k));
        else
            mem_free(segment);
        atomic_store_explicit(&a->segments[k], NULL, memory_order_relaxed);
    }
}

void
segarray_ensure(struct segarray *a, uint32_t i)
{
    ASSERT(i < SEGARRAY_ITEMS_MAX);
    uint64_t shifted = (uint64_t)i + (1u << SEGARRAY_FIRST_LOG2);
    unsigned last = 63u - (unsigned)__builtin_clzll(shifted) - SEGARRAY_FIRST_LOG2;
    /* Only this thread stores, so relaxed loads see its own stores. A segment implies all below
     * it; the search for the first missing one goes down from the wanted one. */
    unsigned k = last + 1;
    while (k > 0 && !atomic_load_explicit(&a->segments[k - 1], memory_order_relaxed))
        k--;
    for (; k <= last; k++) /* pairs with the acquire in segarray_at(): zeroed before visible */
        atomic_store_explicit(&a->segments[k], segment_alloc(a, k), memory_order_release);
}
