/* queue.c - a ring of pointers under one lock. */
#include "base/queue.h"

#include <stdatomic.h>

#include "base/assert.h"
#include "base/lock.h"
#include "base/mem.h"

struct queue {
    size_t limit; /* items; immutable */

    struct lock lock;
    struct cond changed;           /* an item came, or the queue was shut */
    void **items GUARDED_BY(lock); /* ring of `limit` places; the items are borrowed */
    size_t first GUARDED_BY(lock); /* place of the oldest item */
    _Atomic(size_t) length;        /* written under the lock; read without it as a figure */
    bool shut GUARDED_BY(lock);
};

struct queue *
queue_open(size_t limit)
{
    ASSERT(limit > 0);
    struct queue *q = mem_alloc_zero(sizeof *q);
    q->limit = limit;
    q->items = mem_array_zero(limit, sizeof *q->items);
    lock_init(&q->lock, LOCK_RANK_QUEUE);
    cond_init(&q->changed);
    return q;
}

void
queue_close(struct queue *q)
{
    if (!q)
        return;
    cond_fini(&q->changed);
    lock_fini(&q->lock);
    mem_free(q->items);
    mem_free(q);
}

static size_t
length_of(const struct queue *q)
{
    return atomic_load_explicit(&q->length, memory_order_relaxed);
}

bool
queue_push(struct queue *q, void *item)
{
    ASSERT(item); /* NULL means "nothing" to those who pop */
    LOCKED(&q->lock);
    size_t length = length_of(q);
    ASSERT(length <= q->limit);
    if (q->shut || length == q->limit)
        return false;
    q->items[(q->first + length) % q->limit] = item;
    atomic_store_explicit(&q->length, length + 1, memory_order_relaxed);
    cond_signal(&q->changed);
    return true;
}

static void *
take_first(struct queue *q) REQUIRES(&q->lock)
{
    size_t length = length_of(q);
    if (length == 0)
        return NULL;
    void *item = q->items[q->first];
    q->first = (q->first + 1) % q->limit;
    atomic_store_explicit(&q->length, length - 1, memory_order_relaxed);
    return item;
}

void *
queue_pop(struct queue *q)
{
    LOCKED(&q->lock);
    while (length_of(q) == 0 && !q->shut)
        cond_wait(&q->changed, &q->lock);
    return take_first(q);
}

void *
queue_try_pop(struct queue *q)
{
    LOCKED(&q->lock);
    return take_first(q);
}

void
queue_shut(struct queue *q)
{
    LOCKED(&q->lock);
    q->shut = true;
    cond_broadcast(&q->changed);
}

size_t
queue_length(const struct queue *q)
{
    return length_of(q);
}
