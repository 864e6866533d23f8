/* Posted functions run in order on the loop's thread, calls wait, timers repeat. */
#include "base/clock.h"
#include "base/mem.h"
#include "net/loop.h"
#include "tests/harness.h"

enum { POSTS = 5000 };

struct order {
    struct loop *loop;
    unsigned seen;
    bool in_order, on_loop;
};
struct post {
    struct order *order;
    unsigned number;
};

static void
note_post(void *arg)
{
    struct post *p = arg;
    p->order->in_order &= p->number == p->order->seen++;
    p->order->on_loop &= loop_is_current(p->order->loop);
}

static void
nothing(void *arg)
{
    (void)arg;
}

START_TEST(test_posts_run_in_order)
{
    struct loops *loops = NULL;
    CK_OK(loops_start(2, &loops));
    ck_assert_uint_eq(loops_count(loops), 2);
    struct order order = {.loop = loops_at(loops, 1), .in_order = true, .on_loop = true};
    static struct post posts[POSTS];
    for (unsigned i = 0; i < POSTS; i++) {
        posts[i] = (struct post){&order, i};
        loop_post(order.loop, note_post, &posts[i]);
    }
    loop_call(order.loop, nothing, NULL);
    ck_assert_uint_eq(order.seen, POSTS);
    ck_assert(order.in_order && order.on_loop);
    ck_assert(!loop_is_current(order.loop));
    loops_stop(loops);
}
END_TEST

/* A post from inside a post runs later, on the other loop, and once. */
static void
pass_on(void *arg)
{
    struct post *p = arg;
    loop_post(p->order->loop, note_post, p);
}

START_TEST(test_loops_post_to_each_other)
{
    struct loops *loops = NULL;
    CK_OK(loops_start(2, &loops));
    struct order order = {.loop = loops_at(loops, 1), .in_order = true, .on_loop = true};
    struct post p = {&order, 0};
    loop_call(loops_at(loops, 0), pass_on, &p);
    loop_call(loops_at(loops, 1), nothing, NULL);
    ck_assert_uint_eq(order.seen, 1);
    ck_assert(order.on_loop);
    loops_stop(loops);
}
END_TEST

struct timer_test {
    struct loop *loop;
    struct loop_timer *timer;
    _Atomic(unsigned) fired;
};

static void
count_fire(void *arg)
{
    struct timer_test *t = arg;
    if (++t->fired == 3) {
        loop_timer_free(t->timer);
        t->timer = NULL;
    }
}

static void
start_timer(void *arg)
{
    struct timer_test *t = arg;
    t->timer = loop_timer_new(t->loop, 1, count_fire, t);
}

START_TEST(test_timer_repeats_until_freed)
{
    struct loops *loops = NULL;
    CK_OK(loops_start(1, &loops));
    struct timer_test t = {.loop = loops_at(loops, 0)};
    loop_call(t.loop, start_timer, &t);
    for (unsigned i = 0; i < 1000 && t.fired < 3; i++)
        clock_sleep_ns(clock_system(), 2000000);
    clock_sleep_ns(clock_system(), 20000000);
    ck_assert_uint_eq(t.fired, 3);
    loops_stop(loops);
}
END_TEST

static void
count_alarm(void *arg)
{
    struct timer_test *t = arg;
    if (++t->fired == 1) {
        loop_alarm_set(t->timer, 1);
    } else {
        loop_timer_free(t->timer);
        t->timer = NULL;
    }
}

static void
start_alarm(void *arg)
{
    struct timer_test *t = arg;
    t->timer = loop_alarm_new(t->loop, count_alarm, t);
    loop_alarm_set(t->timer, 60 * 1000);
    loop_alarm_set(t->timer, 1); /* counts from now */
}

START_TEST(test_alarm_runs_once_each_time_it_is_set)
{
    struct loops *loops = NULL;
    CK_OK(loops_start(1, &loops));
    struct timer_test t = {.loop = loops_at(loops, 0)};
    loop_call(t.loop, start_alarm, &t);
    for (unsigned i = 0; i < 1000 && t.fired < 2; i++)
        clock_sleep_ns(clock_system(), 2000000);
    clock_sleep_ns(clock_system(), 20000000);
    ck_assert_uint_eq(t.fired, 2);
    loops_stop(loops);
}
END_TEST

START_TEST(test_stopping_nothing)
{
    loops_stop(NULL);
    struct loops *loops = NULL;
    CK_OK(loops_start(3, &loops));
    loops_stop(loops); /* idle loops leave at once: check's timeout is the assertion */
}
END_TEST

Suite *
loop_suite(void)
{
    Suite *s = suite_create("loop");
    TCase *t = tcase_create("loop");
    tcase_add_test(t, test_posts_run_in_order);
    tcase_add_test(t, test_loops_post_to_each_other);
    tcase_add_test(t, test_timer_repeats_until_freed);
    tcase_add_test(t, test_alarm_runs_once_each_time_it_is_set);
    tcase_add_test(t, test_stopping_nothing);
    suite_add_tcase(s, t);
    return s;
}
