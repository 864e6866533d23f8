/* Places are given to at most so many at once, in the order of asking, and nobody waits longer than
 * he wants to. */
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "querygw/api/gate.h"
#include "tests/harness.h"

enum { MS = 1000 * 1000 };

static void
nap(void)
{
    nanosleep(&(struct timespec){.tv_nsec = MS}, NULL);
}

static struct gate *
open_gate(size_t places, struct metrics *m)
{
    return gate_open(&(struct gate_opts){.places = places, .clock = clock_system(), .metrics = m});
}

START_TEST(test_places)
{
    struct gate *g = open_gate(3, NULL);
    size_t place, seen = 0;
    for (int i = 0; i < 3; i++) {
        CK_OK(gate_enter(g, 1, NULL, NULL, &place)); /* a deadline that has passed */
        seen |= (size_t)1 << place;
    }
    ck_assert_uint_eq(seen, 7);
    CK_ERR(ERR_TIMEOUT, gate_enter(g, 1, NULL, NULL, &place));
    gate_leave(g, 1);
    CK_OK(gate_enter(g, 0, NULL, NULL, &place));
    ck_assert_uint_eq(place, 1);
    for (place = 0; place < 3; place++)
        gate_leave(g, place);
    gate_close(g);
    gate_close(NULL);
}
END_TEST

START_TEST(test_deadline)
{
    struct gate *g = open_gate(1, NULL);
    size_t place;
    CK_OK(gate_enter(g, 0, NULL, NULL, &place));
    uint64_t began = clock_mono_ns(clock_system());
    struct err e = gate_enter(g, began + 30 * MS, NULL, NULL, &place);
    ck_assert_int_eq(e.code, ERR_TIMEOUT);
    ck_assert_str_eq(err_text(&e), "query timed out in query queue");
    err_drop(e);
    uint64_t waited = clock_mono_ns(clock_system()) - began;
    ck_assert(waited >= 30 * MS && waited < 2000u * MS);
    gate_leave(g, place);
    gate_close(g);
}
END_TEST

static bool
is_set(void *flag)
{
    return atomic_load((_Atomic(bool) *)flag);
}

struct waiting {
    struct gate *gate;
    _Atomic(bool) gone;
    _Atomic(int) *order; /* how many have come in so far */
    int came;
    size_t place;
    enum err_code code;
    pthread_t thread;
};

static void *
wait_once(void *arg)
{
    struct waiting *w = arg;
    struct err e = gate_enter(w->gate, 0, is_set, &w->gone, &w->place);
    w->code = e.code;
    err_drop(e);
    if (w->code == ERR_NONE) {
        w->came = atomic_fetch_add(w->order, 1);
        gate_leave(w->gate, w->place);
    }
    return NULL;
}

/* So many have asked, by the counter of the gate. */
static void
await_asked(struct metrics *m, double n)
{
    static const struct metric_spec spec = {.type = METRIC_COUNTER,
                                            .name = "thanos_query_concurrent_gate_queries_total",
                                            .help = "Total number of queries."};
    while (metric_value(metrics_single(m, &spec)) < n)
        nap();
    for (int i = 0; i < 5; i++)
        nap(); /* from the counter to the line */
}

START_TEST(test_order_and_leaving)
{
    enum { WAITERS = 5, GONE = 2 };
    struct metrics *m = metrics_open();
    struct gate *g = open_gate(1, m);
    _Atomic(int) order = 0;
    struct waiting w[WAITERS];
    size_t place;
    CK_OK(gate_enter(g, 0, NULL, NULL, &place));
    for (int i = 0; i < WAITERS; i++) {
        w[i] = (struct waiting){.gate = g, .order = &order};
        ck_assert_int_eq(pthread_create(&w[i].thread, NULL, wait_once, &w[i]), 0);
        await_asked(m, i + 2);
    }
    AUTO(buf_fini) struct buf text = BUF_INIT;
    metrics_write(m, METRICS_TEXT, &text);
    ck_assert(strstr(buf_cstr(&text), "\nthanos_query_concurrent_gate_queries_max 1\n"));
    ck_assert(strstr(buf_cstr(&text), "\nthanos_query_concurrent_gate_queries_in_flight 1\n"));
    ck_assert(strstr(buf_cstr(&text), "\nprometheus_engine_queries 6\n"));
    atomic_store(&w[GONE].gone, true);
    pthread_join(w[GONE].thread, NULL);
    ck_assert_int_eq(w[GONE].code, ERR_CANCELED);
    gate_leave(g, place);
    for (int i = 0; i < WAITERS; i++) {
        if (i == GONE)
            continue;
        pthread_join(w[i].thread, NULL);
        ck_assert_int_eq(w[i].code, ERR_NONE);
        ck_assert_int_eq(w[i].came, i - (i > GONE));
    }
    buf_clear(&text);
    metrics_write(m, METRICS_TEXT, &text);
    ck_assert(strstr(buf_cstr(&text), "\nthanos_query_concurrent_gate_queries_in_flight 0\n"));
    ck_assert(strstr(buf_cstr(&text), "\nprometheus_engine_queries 0\n"));
    ck_assert(strstr(buf_cstr(&text), "_gate_queries_duration_seconds_count 6\n"));
    gate_close(g);
    metrics_close(m);
}
END_TEST

struct crowd {
    struct gate *gate;
    _Atomic(int) inside[3], failures;
};

static void *
come_and_go(void *arg)
{
    struct crowd *c = arg;
    for (int i = 0; i < 2000; i++) {
        size_t place;
        struct err e = gate_enter(c->gate, 0, NULL, NULL, &place);
        if (e.code != ERR_NONE || atomic_fetch_add(&c->inside[place], 1) != 0)
            atomic_fetch_add(&c->failures, 1);
        err_drop(e);
        atomic_fetch_sub(&c->inside[place], 1);
        gate_leave(c->gate, place);
    }
    return NULL;
}

START_TEST(test_crowd)
{
    struct crowd c = {.gate = open_gate(3, NULL)};
    pthread_t threads[8];
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, come_and_go, &c), 0);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        pthread_join(threads[i], NULL);
    ck_assert_int_eq(c.failures, 0);
    gate_close(c.gate);
}
END_TEST

Suite *
gate_suite(void)
{
    Suite *s = suite_create("gate");
    TCase *t = tcase_create("gate");
    tcase_add_test(t, test_places);
    tcase_add_test(t, test_deadline);
    tcase_add_test(t, test_order_and_leaving);
    tcase_add_test(t, test_crowd);
    suite_add_tcase(s, t);
    return s;
}
