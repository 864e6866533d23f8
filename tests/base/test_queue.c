/* A queue keeps its order, refuses above its limit and ends cleanly. */
#include "tests/harness.h"

#include <pthread.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/queue.h"

START_TEST(test_order_and_limit)
{
    int items[4];
    struct queue *q = queue_open(3);
    ck_assert_ptr_null(queue_try_pop(q));
    for (int round = 0; round < 10; round++) { /* the ring goes round */
        for (int i = 0; i < 3; i++)
            ck_assert(queue_push(q, &items[i]));
        ck_assert(!queue_push(q, &items[3]));
        ck_assert_uint_eq(queue_length(q), 3);
        ck_assert_ptr_eq(queue_pop(q), &items[0]);
        ck_assert_ptr_eq(queue_pop(q), &items[1]);
        ck_assert(queue_push(q, &items[3]));
        ck_assert_ptr_eq(queue_try_pop(q), &items[2]);
        ck_assert_ptr_eq(queue_pop(q), &items[3]);
        ck_assert_uint_eq(queue_length(q), 0);
    }
    queue_close(q);
    queue_close(NULL);
}
END_TEST

START_TEST(test_shut)
{
    int item;
    struct queue *q = queue_open(3);
    ck_assert(queue_push(q, &item));
    queue_shut(q);
    ck_assert(!queue_push(q, &item));
    ck_assert_ptr_eq(queue_pop(q), &item); /* what is in still comes out */
    ck_assert_ptr_null(queue_pop(q));
    ck_assert_ptr_null(queue_try_pop(q));
    queue_close(q);
}
END_TEST

enum { PRODUCERS = 3, CONSUMERS = 3, ITEMS = 3000 };

struct traffic {
    struct queue *q;
    unsigned char taken[PRODUCERS * ITEMS]; /* times that an item was popped */
};

struct producer {
    struct traffic *t;
    size_t first;
};

static void *
produce(void *arg)
{
    struct producer *p = arg;
    for (size_t i = 0; i < ITEMS; i++) {
        while (!queue_push(p->t->q, &p->t->taken[p->first + i]))
            clock_sleep_ns(clock_system(), 1000);
    }
    return NULL;
}

static void *
consume(void *arg)
{
    struct traffic *t = arg;
    for (unsigned char *item; (item = queue_pop(t->q)) != NULL;)
        ++*item; /* each item belongs to the one who popped it */
    return NULL;
}

START_TEST(test_threads)
{
    static struct traffic t;
    t = (struct traffic){.q = queue_open(16)};
    struct producer producers[PRODUCERS];
    pthread_t in[PRODUCERS], out[CONSUMERS];
    for (size_t i = 0; i < CONSUMERS; i++)
        ck_assert_int_eq(pthread_create(&out[i], NULL, consume, &t), 0);
    for (size_t i = 0; i < PRODUCERS; i++) {
        producers[i] = (struct producer){&t, i * ITEMS};
        ck_assert_int_eq(pthread_create(&in[i], NULL, produce, &producers[i]), 0);
    }
    for (size_t i = 0; i < PRODUCERS; i++)
        pthread_join(in[i], NULL);
    queue_shut(t.q);
    for (size_t i = 0; i < CONSUMERS; i++)
        pthread_join(out[i], NULL);
    for (size_t i = 0; i < ARRAY_LEN(t.taken); i++)
        ck_assert_uint_eq(t.taken[i], 1);
    queue_close(t.q);
}
END_TEST

Suite *
queue_suite(void)
{
    Suite *s = suite_create("queue");
    TCase *t = tcase_create("queue");
    tcase_add_test(t, test_order_and_limit);
    tcase_add_test(t, test_shut);
    tcase_add_test(t, test_threads);
    suite_add_tcase(s, t);
    return s;
}
