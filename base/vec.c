/* vec.c - growth of typed arrays. */
#include "base/vec.h"

enum { VEC_ITEMS_MIN = 8 };

void *
vec_grow_(void *items, size_t item_bytes, size_t need, size_t *cap)
{
    size_t grown = size_max(size_max(need, *cap * 2), VEC_ITEMS_MIN);
    size_t bytes;
    if (__builtin_mul_overflow(grown, item_bytes, &bytes))
        UNREACHABLE("an array size that overflows was not checked against a limit");
    *cap = grown;
    return mem_realloc(items, bytes);
}
