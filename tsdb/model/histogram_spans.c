/* histogram_spans.c - checking, comparing and joining spans. */
#include "tsdb/model/histogram_spans.h"

#include "base/assert.h"

struct spans_fault
histogram_spans_check(struct histogram_spans s, size_t *ret_buckets)
{
    if (s.n > HISTOGRAM_BUCKETS_MAX)
        return (struct spans_fault){SPANS_MANY, s.n};
    uint64_t buckets = 0;
    int64_t end = 0; /* index behind the last bucket so far */
    for (size_t i = 0; i < s.n; i++) {
        buckets += s.v[i].length;
        int64_t start = end + s.v[i].offset;
        end = start + s.v[i].length;
        if (i > 0 && s.v[i].offset < 0)
            return (struct spans_fault){SPANS_NEGATIVE_OFFSET, i};
        if (buckets > HISTOGRAM_BUCKETS_MAX)
            return (struct spans_fault){SPANS_MANY, i};
        if (start < -HISTOGRAM_INDEX_MAX || end > HISTOGRAM_INDEX_MAX)
            return (struct spans_fault){SPANS_INDEX, i};
    }
    *ret_buckets = (size_t)buckets;
    return (struct spans_fault){SPANS_SOUND, 0};
}

size_t
histogram_spans_buckets(struct histogram_spans s)
{
    size_t buckets = 0;
    for (size_t i = 0; i < s.n; i++)
        buckets += s.v[i].length;
    return buckets;
}

bool
histogram_spans_same(struct histogram_spans x, struct histogram_spans y)
{
    if (histogram_spans_identical(x, y))
        return true;
    struct bucket_walk in_x = bucket_walk_of(x), in_y = bucket_walk_of(y);
    int64_t i = 0, k = 0;
    bool more = true;
    while (more) {
        more = bucket_walk_next(&in_x, &i);
        if (more != bucket_walk_next(&in_y, &k) || (more && i != k))
            return false;
    }
    return true;
}

struct histogram_spans
histogram_spans_union(struct histogram_spans x, struct histogram_spans y, struct arena *a)
{
    struct spans_builder spans = spans_builder_of(a, x.n + y.n);
    int64_t i = 0, k = 0;
    struct bucket_walk in_x = bucket_walk_of(x), in_y = bucket_walk_of(y);
    bool more_x = bucket_walk_next(&in_x, &i), more_y = bucket_walk_next(&in_y, &k);
    while (more_x || more_y) {
        int64_t index = !more_y || (more_x && i <= k) ? i : k;
        spans_builder_add(&spans, index);
        if (more_x && i == index)
            more_x = bucket_walk_next(&in_x, &i);
        if (more_y && k == index)
            more_y = bucket_walk_next(&in_y, &k);
    }
    ASSERT(spans.n <= x.n + y.n); /* every run begins where one of x or of y does */
    return spans_builder_done(&spans);
}

struct histogram_spans
histogram_spans_copy(struct histogram_spans s, struct arena *a)
{
    if (s.n == 0)
        return (struct histogram_spans){NULL, 0};
    struct histogram_span *v = ARENA_ARRAY(a, struct histogram_span, s.n);
    memcpy(v, s.v, s.n * sizeof *v);
    return (struct histogram_spans){v, s.n};
}
