/* A query sees a request whole or not at all, and what was acknowledged before it began. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "base/bytes.h"
#include "tests/tsdb/head_kit.h"
#include "tsdb/head/isolation.h"

static const int64_t t0 = INT64_C(1700000000000) / 7200000 * 7200000;

/* --- the rules, one thread -------------------------------------------------------------------- */

START_TEST(test_rules)
{
    struct isolation i;
    isolation_init(&i);
    struct epoch_guard a = {1}, b = {2};
    struct append_stamp first = isolation_begin(&i, a);
    struct look during, after;
    isolation_look(&i, &during);
    ck_assert(look_hides(&during, first.seq));
    ck_assert(!look_hides(&during, first.seq - 1));
    ck_assert(!look_hides(&during, 0));
    struct append_stamp second = isolation_begin(&i, b);
    ck_assert(look_hides(&during, second.seq));
    ck_assert_uint_eq(second.keep_from, first.seq); /* the first is active and looked for */
    isolation_end(&i, a);
    isolation_look(&i, &after);
    ck_assert(!look_hides(&after, first.seq));
    ck_assert(look_hides(&after, second.seq));
    ck_assert(look_hides(&during, first.seq)); /* a look does not change */

    /* The first is overwritten by the second in slot 7: who hides the first finds what it found. */
    isolation_keep(&i, second, (struct overwritten){7, first.seq, 1000, 0});
    int64_t end_ms = 2000;
    isolation_look_back(&i, &after, 7, &end_ms);
    ck_assert_int_eq(end_ms, 2000);
    isolation_look_back(&i, &during, 8, &end_ms);
    ck_assert_int_eq(end_ms, 2000);
    isolation_look_back(&i, &during, 7, &end_ms);
    ck_assert_int_eq(end_ms, 1000);
    isolation_look_end(&i, &during);
    isolation_end(&i, b);
    isolation_look_end(&i, &after);

    /* Nobody looks any more: the next one that keeps something clears what is old. */
    struct append_stamp third = isolation_begin(&i, a);
    ck_assert_uint_eq(third.keep_from, third.seq);
    isolation_keep(&i, third, (struct overwritten){9, third.seq, 5, 0});
    ck_assert_uint_eq(i.overwritten.n, 1);
    isolation_end(&i, a);
    isolation_fini(&i);
}
END_TEST

/* What is kept need not come in the order of the numbers: the newer one is found behind an older.
 */
START_TEST(test_kept_out_of_order)
{
    struct isolation i;
    isolation_init(&i);
    struct epoch_guard a = {1}, b = {2}, c = {3};
    struct append_stamp older = isolation_begin(&i, a);
    isolation_end(&i, a);
    struct append_stamp newer = isolation_begin(&i, b);
    struct look during, after;
    isolation_look(&i, &during);
    isolation_end(&i, b);
    isolation_look(&i, &after);
    struct append_stamp last = isolation_begin(&i, c);
    isolation_keep(&i, last, (struct overwritten){7, newer.seq, 1000, 0});
    isolation_keep(&i, last, (struct overwritten){8, older.seq, 1000, 0});
    int64_t end_ms = 2000;
    isolation_look_back(&i, &during, 8, &end_ms);
    isolation_look_back(&i, &after, 7, &end_ms);
    ck_assert_int_eq(end_ms, 2000);
    isolation_look_back(&i, &during, 7, &end_ms);
    ck_assert_int_eq(end_ms, 1000);
    isolation_look_end(&i, &during);
    isolation_look_end(&i, &after);
    isolation_end(&i, c);
    isolation_fini(&i);
}
END_TEST

/* Two requests that meet in very many series: neither keeping nor finding takes longer and longer,
 * whether somebody looks or not. */
START_TEST(test_very_many_kept)
{
    enum { SERIES = 1 << 18 };
    struct isolation i;
    isolation_init(&i);
    struct epoch_guard a = {1}, b = {2};
    struct append_stamp first = isolation_begin(&i, a), second = isolation_begin(&i, b);
    struct look during;
    for (uint32_t slot = 0; slot < SERIES; slot++) {
        if (slot == SERIES / 2)
            isolation_look(&i, &during);
        isolation_keep(&i, second, (struct overwritten){slot, first.seq, slot, 0});
    }
    ck_assert_uint_eq(i.overwritten.n, SERIES);
    for (uint32_t slot = 0; slot < SERIES; slot++) {
        int64_t end_ms = INT64_MAX;
        isolation_look_back(&i, &during, slot, &end_ms);
        ck_assert_int_eq(end_ms, slot);
    }
    isolation_look_end(&i, &during);
    isolation_end(&i, a);
    isolation_end(&i, b);
    /* The next two find it served: it goes. */
    struct append_stamp third = isolation_begin(&i, a);
    for (uint32_t slot = 0; slot < 2 * SERIES; slot++)
        isolation_keep(&i, third, (struct overwritten){slot, third.seq - 1, slot, 0});
    ck_assert_uint_lt(i.overwritten.n, SERIES);
    isolation_end(&i, a);
    isolation_fini(&i);
}
END_TEST

/* Numbers come round: 0 is left out, and those of long ago are forgotten in time. */
START_TEST(test_numbers_come_round)
{
    struct isolation i;
    isolation_init(&i);
    atomic_store(&i.last, UINT32_MAX - 1);
    i.scrubbed = UINT32_MAX - (UINT32_C(1) << 29);
    struct epoch_guard a = {0};
    ck_assert_uint_eq(isolation_begin(&i, a).seq, UINT32_MAX);
    struct append_stamp next = isolation_begin(&i, a);
    ck_assert_uint_eq(next.seq, 1);
    struct look l;
    isolation_look(&i, &l);
    ck_assert(look_hides(&l, 1));
    ck_assert(look_hides(&l, 2));
    ck_assert(!look_hides(&l, UINT32_MAX));
    isolation_look_end(&i, &l);
    ck_assert(isolation_is_due(&i));
    ck_assert(!isolation_is_due(&i));
    ck_assert(isolation_is_old(&i, UINT32_MAX - (UINT32_C(1) << 29)));
    ck_assert(!isolation_is_old(&i, UINT32_MAX));
    isolation_end(&i, a);
    isolation_fini(&i);
}
END_TEST

/* --- many threads ----------------------------------------------------------------------------- */

enum { WRITERS = 3, SERIES = 40, REQUESTS = 400 };

struct crowd {
    struct db *db;
    _Atomic(int) writing, torn, lost;
    _Atomic(int64_t) acked[WRITERS]; /* number of the newest acknowledged request */
};

struct writer {
    struct crowd *crowd;
    int id;
};

/* Request i brings one sample to each of the writer's series, with the value i. */
static void *
write_requests(void *arg)
{
    struct writer *w = arg;
    for (int i = 1; i <= REQUESTS; i++) {
        struct kit_request k;
        kit_request_init(&k);
        for (int s = 0; s < SERIES; s++) {
            char labels[64];
            snprintf(labels, sizeof labels, "__name__=m,w=%d,s=%d", w->id, s);
            kit_row(&k, labels);
            kit_sample(&k, t0 + i * 5000, i);
        }
        struct append_result r;
        struct err e = kit_append(&k, w->crowd->db, &r);
        ck_assert(e.code == ERR_NONE);
        ck_assert_uint_eq(r.fates[SAMPLE_STORED], SERIES);
        atomic_store(&w->crowd->acked[w->id], i);
        kit_request_fini(&k);
    }
    atomic_fetch_sub(&w->crowd->writing, 1);
    return NULL;
}

/* How many samples each series of a writer has: all the same, or a request was torn. */
static void
read_writer(struct crowd *c, int id)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    int64_t acked = atomic_load(&c->acked[id]);
    char value[16];
    snprintf(value, sizeof value, "%d", id);
    struct matcher m;
    CK_OK(matcher_make(&a, MATCH_EQUAL, STR("w"), str_of_cstr(value), &m));
    struct select_query q = {.mint_ms = INT64_MIN, .maxt_ms = INT64_MAX, .want = SELECT_CHUNKS};
    AUTO(series_set_close) struct series_set *set = NULL;
    CK_OK(db_select(c->db, &q, (struct matchers){&m, 1}, &a, &set));
    struct sample_columns columns = SAMPLE_COLUMNS_INIT;
    struct series_view series;
    size_t common = SIZE_MAX, found = 0;
    for (bool more = true; more;) {
        CK_OK(series_set_next(set, &series, &more));
        if (!more)
            break;
        columns.n = 0;
        for (size_t i = 0; i < series.chunk_count; i++)
            CK_OK(chunk_decode_floats(&series.chunks[i], INT64_MIN, INT64_MAX, &columns));
        common = found++ == 0 ? columns.n : common;
        atomic_fetch_add(&c->torn, columns.n != common);
    }
    atomic_fetch_add(&c->torn, found != 0 && found != SERIES);
    atomic_fetch_add(&c->lost, found > 0 ? (int64_t)common < acked : acked > 0);
    sample_columns_fini(&columns);
}

static void *
read_all(void *arg)
{
    struct crowd *c = arg;
    while (atomic_load(&c->writing) > 0) {
        for (int id = 0; id < WRITERS; id++)
            read_writer(c, id);
    }
    return NULL;
}

START_TEST(test_whole_requests)
{
    struct db_opts opts = kit_opts(fs_posix(), test_dir());
    struct crowd c = {.writing = WRITERS};
    CK_OK(db_open(&opts, &c.db));
    pthread_t writers[WRITERS], readers[2];
    struct writer args[WRITERS];
    for (int i = 0; i < WRITERS; i++) {
        args[i] = (struct writer){&c, i};
        ck_assert_int_eq(pthread_create(&writers[i], NULL, write_requests, &args[i]), 0);
    }
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(pthread_create(&readers[i], NULL, read_all, &c), 0);
    while (atomic_load(&c.writing) > 0)
        CK_OK(db_maintain(c.db));
    for (int i = 0; i < WRITERS; i++)
        pthread_join(writers[i], NULL);
    for (int i = 0; i < 2; i++)
        pthread_join(readers[i], NULL);
    ck_assert_int_eq(atomic_load(&c.torn), 0);
    ck_assert_int_eq(atomic_load(&c.lost), 0);
    CK_OK(db_check(c.db));
    db_close(c.db);
}
END_TEST

Suite *
isolation_suite(void)
{
    Suite *s = suite_create("isolation");
    TCase *t = tcase_create("isolation");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, test_rules);
    tcase_add_test(t, test_kept_out_of_order);
    tcase_add_test(t, test_very_many_kept);
    tcase_add_test(t, test_numbers_come_round);
    tcase_add_test(t, test_whole_requests);
    suite_add_tcase(s, t);
    return s;
}
