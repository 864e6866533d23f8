/* Many threads write late samples to the same few series while they are mapped, cut and read: what
 * was acknowledged is there, then and after a restart. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "tests/tsdb/head_kit.h"

enum { WRITERS = 3, ROUNDS = 80, SERIES = 3, MINUTE_MS = 60 * 1000, WINDOW_MINUTES = 600 };
static const int64_t t0 = INT64_C(1700000000000) / 7200000 * 7200000;

struct crowd {
    struct db *db;
    _Atomic(int) writing;
    _Atomic(uint64_t) late, failed;
};
struct writer {
    struct crowd *crowd;
    int number;
};

/* Every writer has times of its own, in disorder, and sends them to all series at once. */
static void
write_round(struct writer *w, int round)
{
    struct kit_request k;
    struct append_result r;
    kit_request_init(&k);
    for (int i = 0; i < SERIES; i++) {
        char name[64];
        snprintf(name, sizeof name, "__name__=m,i=%d", i);
        kit_row(&k, name);
        int minute = (round * 37 % ROUNDS) * WRITERS + w->number;
        kit_sample(&k, t0 + (int64_t)minute * MINUTE_MS, minute);
    }
    struct err e = kit_append(&k, w->crowd->db, &r);
    if (e.code != ERR_NONE || r.fates[SAMPLE_STORED_LATE] != SERIES)
        atomic_fetch_add(&w->crowd->failed, 1);
    err_drop(e);
    atomic_fetch_add(&w->crowd->late, r.fates[SAMPLE_STORED_LATE]);
    kit_request_fini(&k);
}

static void *
write_late(void *arg)
{
    struct writer *w = arg;
    for (int round = 0; round < ROUNDS; round++)
        write_round(w, round);
    atomic_fetch_sub(&w->crowd->writing, 1);
    return NULL;
}

static uint64_t
count_samples(struct db *db)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    uint64_t n = 0;
    for (const char *at = kit_dump(&a, db); *at; at++)
        n += at[0] == '=' && at[1] != '"'; /* "t=v", not the labels */
    return n;
}

static void *
read_all(void *arg)
{
    struct crowd *c = arg;
    while (atomic_load(&c->writing) > 0) {
        uint64_t sure = atomic_load(&c->late);
        if (count_samples(c->db) < sure + SERIES)
            atomic_fetch_add(&c->failed, 1);
    }
    return NULL;
}

static void *
maintain(void *arg)
{
    struct crowd *c = arg;
    bool empty;
    for (int pass = 0; atomic_load(&c->writing) > 0; pass++) {
        struct err e = pass % 4 == 3 ? db_flush(c->db, &empty) : db_maintain(c->db);
        if (e.code != ERR_NONE)
            atomic_fetch_add(&c->failed, 1);
        err_drop(e);
    }
    return NULL;
}

START_TEST(test_crowd)
{
    struct db_opts opts = kit_opts(fs_posix(), test_dir());
    opts.ooo_window_ms = (int64_t)WINDOW_MINUTES * MINUTE_MS;
    opts.ooo_chunk_max = 5;
    struct crowd c = {.writing = WRITERS};
    CK_OK(db_open(&opts, &c.db));
    for (int i = 0; i < SERIES; i++) { /* what all others are behind */
        char name[64];
        snprintf(name, sizeof name, "__name__=m,i=%d", i);
        kit_put(c.db, name, t0 + (int64_t)WINDOW_MINUTES * MINUTE_MS, 1);
    }
    pthread_t threads[WRITERS + 2];
    struct writer writers[WRITERS];
    for (int i = 0; i < WRITERS; i++) {
        writers[i] = (struct writer){&c, i};
        ck_assert_int_eq(pthread_create(&threads[i], NULL, write_late, &writers[i]), 0);
    }
    ck_assert_int_eq(pthread_create(&threads[WRITERS], NULL, read_all, &c), 0);
    ck_assert_int_eq(pthread_create(&threads[WRITERS + 1], NULL, maintain, &c), 0);
    for (int i = 0; i < WRITERS + 2; i++)
        pthread_join(threads[i], NULL);
    ck_assert_uint_eq(atomic_load(&c.failed), 0);
    uint64_t all = (uint64_t)SERIES * (WRITERS * ROUNDS + 1);
    ck_assert_uint_eq(atomic_load(&c.late) + SERIES, all);
    CK_OK(db_check(c.db));
    ck_assert_uint_eq(count_samples(c.db), all);
    db_close(c.db);
    CK_OK(db_open(&opts, &c.db));
    CK_OK(db_check(c.db));
    ck_assert_uint_eq(count_samples(c.db), all);
    db_close(c.db);
}
END_TEST

Suite *
late_threads_suite(void)
{
    Suite *s = suite_create("late_threads");
    TCase *t = tcase_create("all");
    tcase_add_test(t, test_crowd);
    suite_add_tcase(s, t);
    return s;
}
