/* due_heap.c - parents are not later than their children; position i has children 2i+1, 2i+2. */
#include "tsdb/due_heap.h"

#include "base/assert.h"

void
due_heap_fini(struct due_heap *h)
{
    vec_fini(&h->v);
}

static void
set(struct due_heap *h, size_t at, struct due *d)
{
    h->v.v[at] = d;
    d->place = at + 1;
}

static void
sift_up(struct due_heap *h, size_t at)
{
    struct due *d = h->v.v[at];
    while (at > 0 && h->v.v[(at - 1) / 2]->at_ms > d->at_ms) {
        set(h, at, h->v.v[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    set(h, at, d);
}

static void
sift_down(struct due_heap *h, size_t at)
{
    struct due *d = h->v.v[at];
    for (;;) {
        size_t child = 2 * at + 1;
        if (child + 1 < h->v.n && h->v.v[child + 1]->at_ms < h->v.v[child]->at_ms)
            child++;
        if (child >= h->v.n || h->v.v[child]->at_ms >= d->at_ms)
            break;
        set(h, at, h->v.v[child]);
        at = child;
    }
    set(h, at, d);
}

void
due_heap_put(struct due_heap *h, struct due *d, int64_t at_ms)
{
    if (!due_is_in_heap(d)) {
        vec_push(&h->v, d);
        d->place = h->v.n;
    }
    d->at_ms = at_ms;
    sift_up(h, d->place - 1);
    sift_down(h, d->place - 1);
}

void
due_heap_remove(struct due_heap *h, struct due *d)
{
    if (!due_is_in_heap(d))
        return;
    size_t at = d->place - 1;
    ASSERT(at < h->v.n && h->v.v[at] == d);
    struct due *last = vec_pop(&h->v);
    d->place = 0;
    if (last == d)
        return;
    set(h, at, last);
    sift_up(h, at);
    sift_down(h, last->place - 1);
}

struct due *
due_heap_first(const struct due_heap *h)
{
    return h->v.n > 0 ? h->v.v[0] : NULL;
}
