/* histogram_spans.h - the buckets that spans stand for.
 *
 * Spans skip and cover: {-1, 2} {3, 1} are the buckets -1, 0 and 4. The same buckets can be cut
 * into spans in more than one way; what counts is the ascending list of indexes, and how many
 * there are. Threads: any (values). */
#pragma once
#include <string.h>

#include "tsdb/model/histogram.h"

/* The indexes one at a time. */
struct bucket_walk {
    const struct histogram_span *span, *end; /* spans not yet entered; borrowed */
    uint32_t left;                           /* buckets left of the one entered last */
    int64_t next;                            /* index of the bucket to come */
};

static inline struct bucket_walk
bucket_walk_of(struct histogram_spans s)
{
    return (struct bucket_walk){.span = s.v, .end = s.n ? s.v + s.n : s.v};
}

static inline bool
bucket_walk_next(struct bucket_walk *w, int64_t *ret_index)
{
    while (w->left == 0) {
        if (w->span == w->end)
            return false;
        w->next += w->span->offset;
        w->left = w->span->length;
        w->span++;
    }
    w->left--;
    *ret_index = w->next++;
    return true;
}

enum spans_fault_kind {
    SPANS_SOUND,
    SPANS_MANY,            /* more spans or buckets than HISTOGRAM_BUCKETS_MAX */
    SPANS_NEGATIVE_OFFSET, /* of another span than the first: buckets would not ascend */
    SPANS_INDEX,           /* a bucket beyond HISTOGRAM_INDEX_MAX */
};
struct spans_fault {
    enum spans_fault_kind kind;
    size_t span; /* which one, from 0 */
};
/* What every user of spans relies on; both outputs are for sound spans only. */
struct spans_fault histogram_spans_check(struct histogram_spans s, size_t *ret_buckets);
/* Buckets of sound spans. */
size_t histogram_spans_buckets(struct histogram_spans s);
/* Sound spans that stand for the same buckets. */
bool histogram_spans_same(struct histogram_spans x, struct histogram_spans y);
/* The same, and cut in the same way: much cheaper to ask. */
static inline bool
histogram_spans_identical(struct histogram_spans x, struct histogram_spans y)
{
    return x.n == y.n && (x.n == 0 || memcmp(x.v, y.v, x.n * sizeof *x.v) == 0);
}
/* Spans for the buckets of both, as few as can be; in the arena. Both are sound. */
struct histogram_spans histogram_spans_union(struct histogram_spans x, struct histogram_spans y,
                                             struct arena *a);
/* In the arena. */
struct histogram_spans histogram_spans_copy(struct histogram_spans s, struct arena *a);

/* Spans for buckets that come in ascending order, as few as can be. */
struct spans_builder {
    struct histogram_span *v; /* room for one span a bucket, at most */
    size_t n;
    int64_t end; /* behind the last bucket */
};

static inline struct spans_builder
spans_builder_of(struct arena *a, size_t room)
{
    return (struct spans_builder){.v = ARENA_ARRAY(a, struct histogram_span, room)};
}

static inline void
spans_builder_add(struct spans_builder *b, int64_t index)
{
    if (b->n > 0 && index == b->end)
        b->v[b->n - 1].length++;
    else
        b->v[b->n++] = (struct histogram_span){(int32_t)(index - b->end), 1};
    b->end = index + 1;
}

static inline struct histogram_spans
spans_builder_done(const struct spans_builder *b)
{
    return (struct histogram_spans){b->v, b->n};
}

/* The bucket of a coarser schema, `steps` below, that holds bucket `index`: buckets include their
 * upper bound. */
static inline int64_t
coarse_index(int64_t index, int steps)
{
    return ((index - 1) >> steps) + 1;
}
