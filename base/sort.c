/* sort.c - qsort() and bsearch() of libc, which take no NULL. */
#include "base/sort.h"

#include <stdlib.h>

static int
compare_u32(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static int
compare_u64(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

void
u32_sort(uint32_t *v, size_t n)
{
    if (n > 0)
        qsort(v, n, sizeof *v, compare_u32);
}

void
u64_sort(uint64_t *v, size_t n)
{
    if (n > 0)
        qsort(v, n, sizeof *v, compare_u64);
}

bool
u64_contains(const uint64_t *v, size_t n, uint64_t number)
{
    return n > 0 && bsearch(&number, v, n, sizeof *v, compare_u64) != NULL;
}
