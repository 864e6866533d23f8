/* retention.c - walks from the newest block back until a limit is passed. */
#include "tsdb/compact/retention.h"

#include <stdlib.h>

#include "base/mem.h"

struct candidate {
    const struct retention_block *block;
    size_t place; /* in the caller's list */
};

static int
newest_first(const void *a, const void *b)
{
    const struct block_meta *x = ((const struct candidate *)a)->block->meta;
    const struct block_meta *y = ((const struct candidate *)b)->block->meta;
    if (x->maxt_ms != y->maxt_ms)
        return x->maxt_ms > y->maxt_ms ? -1 : 1;
    return ulid_cmp(&x->ulid, &y->ulid);
}

/* How many blocks stay by age: the newest always does. */
static size_t
kept_by_time(const struct candidate *v, size_t n, int64_t time_ms)
{
    if (n == 0 || time_ms <= 0)
        return n;
    for (size_t i = 1; i < n; i++) {
        uint64_t age_ms =
            (uint64_t)v[0].block->meta->maxt_ms - (uint64_t)v[i].block->meta->maxt_ms;
        if (age_ms >= (uint64_t)time_ms)
            return i;
    }
    return n;
}

static uint64_t
bytes_limit(const struct retention_limits *limits)
{
    if (limits->disk_percent <= 0 || limits->disk_bytes == 0)
        return limits->bytes;
    return (uint64_t)((double)limits->disk_bytes * limits->disk_percent / 100);
}

static size_t
kept_by_size(const struct candidate *v, size_t n, uint64_t other_bytes, uint64_t limit_bytes)
{
    uint64_t sum = other_bytes;
    for (size_t i = 0; i < n && limit_bytes > 0; i++) {
        if (__builtin_add_overflow(sum, v[i].block->bytes, &sum) || sum > limit_bytes)
            return i;
    }
    return n;
}

size_t
retention_choose(const struct retention_block *blocks, size_t n, uint64_t other_bytes,
                 const struct retention_limits *limits, size_t *ret_chosen)
{
    AUTO(mem_free) struct candidate *v = mem_array_zero(n, sizeof *v);
    for (size_t i = 0; i < n; i++)
        v[i] = (struct candidate){&blocks[i], i};
    if (n > 0)
        qsort(v, n, sizeof *v, newest_first);
    size_t kept = size_min(kept_by_time(v, n, limits->time_ms),
                           kept_by_size(v, n, other_bytes, bytes_limit(limits)));
    size_t chosen = 0;
    for (size_t i = 0; i < n; i++) {
        if (i >= kept || v[i].block->meta->deletable)
            ret_chosen[chosen++] = v[i].place;
    }
    return chosen;
}
