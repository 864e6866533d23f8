/* due_heap.h - things that are due at a time, the earliest first: a binary heap of pointers.
 *
 * `struct due` lies in the thing itself, which therefore can be moved and removed in O(log n).
 * Creation of both: all zero.
 * Threads: one at a time. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/vec.h"

struct due {
    int64_t at_ms;
    size_t place; /* private: position in the heap + 1; 0: it is in none */
};

struct due_heap {
    VEC(struct due *) v;
};

void due_heap_fini(struct due_heap *h);
/* Adds `d`, or moves it when it is in there. */
void due_heap_put(struct due_heap *h, struct due *d, int64_t at_ms);
/* One that is in no heap is fine. */
void due_heap_remove(struct due_heap *h, struct due *d);
/* The earliest, which stays in; NULL when there is none. */
struct due *due_heap_first(const struct due_heap *h);
static inline bool
due_is_in_heap(const struct due *d)
{
    return d->place != 0;
}
