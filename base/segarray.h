/* segarray.h - an array that grows without moving: segment k holds SEGARRAY_FIRST << k items.
 *
 * Item i never changes its address, so readers need no lock for the array itself (they need
 * one, or an atomic, for the item). Memory is zeroed; what is not touched is not resident.
 * Threads: segarray_ensure() by one thread at a time; segarray_at() by any thread that
 * learned of the index through an acquire. */
#pragma once
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/assert.h"

enum { SEGARRAY_FIRST_LOG2 = 6, SEGARRAY_SEGMENTS = 26 };
#define SEGARRAY_ITEMS_MAX (((UINT64_C(1) << SEGARRAY_SEGMENTS) - 1) << SEGARRAY_FIRST_LOG2)

struct segarray {
    size_t item_bytes;
    size_t align;
    /* The release that publishes one pairs with the acquire in segarray_at(). */
    _Atomic(char *) segments[SEGARRAY_SEGMENTS];
};

/* `align` is a power of two, at most 4096. */
void segarray_init(struct segarray *a, size_t item_bytes, size_t align);
void segarray_fini(struct segarray *a);
/* Makes items 0 to i exist; i is below SEGARRAY_ITEMS_MAX. */
void segarray_ensure(struct segarray *a, uint32_t i);

/* Item i, which must exist. */
static inline void *
segarray_at(const struct segarray *a, uint32_t i)
{
    uint64_t shifted = (uint64_t)i + (1u << SEGARRAY_FIRST_LOG2);
    unsigned segment = 63u - (unsigned)__builtin_clzll(shifted) - SEGARRAY_FIRST_LOG2;
    uint64_t first = (uint64_t)1 << (segment + SEGARRAY_FIRST_LOG2);
    char *base = atomic_load_explicit(&a->segments[segment], memory_order_acquire);
    return base + (shifted - first) * a->item_bytes;
}
