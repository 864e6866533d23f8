/* queue.h - a bounded queue of pointers between threads. A full queue refuses, never waits.
 * Threads: any. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct queue;

/* The caller owns the result. `limit` > 0 items. */
struct queue *queue_open(size_t limit);
/* Must be empty or hold only pointers nobody owns. NULL is allowed. */
void queue_close(struct queue *q);
/* False when the queue is full or was shut: the caller still owns `item`, which is not NULL. */
bool queue_push(struct queue *q, void *item);
/* Waits for an item; NULL once the queue is shut and empty. */
void *queue_pop(struct queue *q);
/* NULL when nothing is there now. */
void *queue_try_pop(struct queue *q);
/* Refuses further items and wakes every waiter. */
void queue_shut(struct queue *q);
size_t queue_length(const struct queue *q);
