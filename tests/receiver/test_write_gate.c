/* As many are inside as the limit says; the next one waits, and not for ever. */
#include "tests/harness.h"

#include "base/mem.h"
#include "base/pool.h"
#include "receiver/write_gate.h"

enum { THREADS = 8, TURNS = 200, LIMIT = 3 };

struct crowd {
    struct write_gate gate;
    _Atomic(int) inside, most, done;
};

static void
pass(void *arg)
{
    struct crowd *c = arg;
    for (int i = 0; i < TURNS; i++) {
        CK_OK(write_gate_enter(&c->gate));
        int now = atomic_fetch_add(&c->inside, 1) + 1;
        for (int most = c->most; now > most && !atomic_compare_exchange_weak(&c->most, &most, now);)
            continue;
        atomic_fetch_sub(&c->inside, 1);
        write_gate_leave(&c->gate);
    }
    atomic_fetch_add(&c->done, 1);
}

START_TEST(test_crowd)
{
    struct metrics *m = metrics_open();
    struct pool *pool;
    struct crowd c = {.inside = 0};
    write_gate_init(&c.gate, m, clock_system());
    write_gate_set(&c.gate, LIMIT);
    CK_OK(pool_start(&(struct pool_opts){.name = "c", .threads = THREADS, .queued_limit = THREADS},
                     &pool));
    for (int i = 0; i < THREADS; i++)
        ck_assert(pool_submit(pool, pass, &c));
    pool_stop(pool);
    ck_assert_int_eq(c.done, THREADS);
    ck_assert_int_le(c.most, LIMIT);
    write_gate_fini(&c.gate);
    metrics_close(m);
}
END_TEST

START_TEST(test_wait_ends)
{
    struct metrics *m = metrics_open();
    struct write_gate g;
    write_gate_init(&g, m, clock_system());
    write_gate_set(&g, 1);
    CK_OK(write_gate_enter(&g));
    uint64_t begin_ns = clock_mono_ns(clock_system());
    CK_ERR(ERR_UNAVAILABLE, write_gate_enter(&g));
    ck_assert_uint_ge((clock_mono_ns(clock_system()) - begin_ns) / 1000000, GATE_WAIT_MS - 100);
    write_gate_set(&g, 2); /* a wider gate lets in at once */
    CK_OK(write_gate_enter(&g));
    write_gate_leave(&g);
    write_gate_set(&g, 0);
    CK_OK(write_gate_enter(&g));
    write_gate_leave(&g);
    write_gate_leave(&g);
    write_gate_fini(&g);
    metrics_close(m);
}
END_TEST

Suite *
write_gate_suite(void)
{
    Suite *s = suite_create("write_gate");
    TCase *t = tcase_create("write_gate");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, test_crowd);
    tcase_add_test(t, test_wait_ends);
    suite_add_tcase(s, t);
    return s;
}
