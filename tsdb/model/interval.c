/* interval.c - joins and searches spans of time. */
#include "tsdb/model/interval.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/mem.h"

static int
by_start(const void *a, const void *b)
{
    const struct interval *x = a, *y = b;
    return (x->mint_ms > y->mint_ms) - (x->mint_ms < y->mint_ms);
}

size_t
intervals_join(struct interval *v, size_t n)
{
    if (n == 0)
        return 0;
    qsort(v, n, sizeof *v, by_start);
    size_t last = 0;
    for (size_t i = 0; i < n; i++) {
        ASSERT(v[i].mint_ms <= v[i].maxt_ms);
        bool joins = v[last].maxt_ms == INT64_MAX || v[i].mint_ms <= v[last].maxt_ms + 1;
        if (joins)
            v[last].maxt_ms = i64_max(v[last].maxt_ms, v[i].maxt_ms);
        else
            v[++last] = v[i];
    }
    return last + 1;
}

/* The first interval that does not end before `t_ms`; n when all do. */
static size_t
first_reaching(const struct interval *v, size_t n, int64_t t_ms)
{
    size_t low = 0, high = n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (v[middle].maxt_ms < t_ms)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool
intervals_cover(const struct interval *v, size_t n, int64_t mint_ms, int64_t maxt_ms)
{
    size_t i = first_reaching(v, n, mint_ms);
    return i < n && v[i].mint_ms <= mint_ms && v[i].maxt_ms >= maxt_ms;
}

bool
intervals_touch(const struct interval *v, size_t n, int64_t mint_ms, int64_t maxt_ms)
{
    size_t i = first_reaching(v, n, mint_ms);
    return i < n && v[i].mint_ms <= maxt_ms;
}

int64_t
block_range_end_ms(int64_t t_ms, int64_t range_ms)
{
    int64_t into = t_ms % range_ms, start, end;
    if (__builtin_sub_overflow(t_ms, into < 0 ? into + range_ms : into, &start))
        start = INT64_MIN;
    return __builtin_add_overflow(start, range_ms, &end) ? INT64_MAX : end;
}
