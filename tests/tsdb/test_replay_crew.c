/* Several threads rebuild the same head as one does, and cut the log at the same place. */
#include <stdio.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "tests/tsdb/head_kit.h"
#include "tests/tsdb/wal_help.h"
#include "tsdb/wal/record.h"

enum { SERIES = 300, ROUNDS = 90 };
static const int64_t t0 = INT64_C(1700000000000) / 7200000 * 7200000;

static struct db *
open_with(struct db_opts *opts, uint64_t crew_bytes)
{
    opts->replay_crew_bytes = crew_bytes;
    return kit_open(opts);
}

/* Every tenth series is of histograms and floats in turn: a replay must keep their order. Values of
 * floats are hard to compress: together they are several batches of the crew. */
static void
put_samples(struct kit_request *k, int i, int round)
{
    for (int s = 0; s < 4; s++) {
        int64_t t_ms = t0 + (round * 4 + s) * 15000;
        uint64_t mixed = (uint64_t)(i * ROUNDS + round) * UINT64_C(0x9e3779b97f4a7c15);
        char text[64];
        snprintf(text, sizeof text, "i n=%d sum=%d p=0:%d", round * 4 + s, i, round * 4 + s);
        if (i % 10 == 3 && round % 2)
            kit_histogram_sample(k, t_ms, text);
        else
            kit_sample(k, t_ms, (double)(mixed >> 11) + s % 2);
    }
}

/* Samples of all series, some of them refused by a replay; new series in between. */
static void
write_rounds(struct db *db)
{
    for (int round = 0; round < ROUNDS; round++) {
        struct kit_request k;
        kit_request_init(&k);
        for (int i = 0; i < SERIES; i++) {
            char labels[64];
            snprintf(labels, sizeof labels, "__name__=m,i=%d,r=%d", i, i % 50 ? 0 : round / 30);
            kit_row(&k, labels);
            put_samples(&k, i, round);
        }
        struct append_result r;
        CK_OK(kit_append(&k, db, &r));
        kit_request_fini(&k);
        if (round == ROUNDS / 2)
            CK_OK(db_maintain(db)); /* maps chunks */
    }
}

START_TEST(test_same_head)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct db_opts opts = kit_opts(fs_posix(), test_dir());
    struct db *db = open_with(&opts, 0);
    write_rounds(db);
    const char *want = kit_checked_dump(&a, db);
    struct db_stats before, after;
    db_stats(db, &before);
    db_close(db); /* as a crash */
    static const uint64_t crews[] = {0, UINT64_MAX, 0};
    for (size_t i = 0; i < ARRAY_LEN(crews); i++) {
        db = open_with(&opts, crews[i]);
        ck_assert_str_eq(kit_checked_dump(&a, db), want);
        db_stats(db, &after);
        ck_assert_int_eq(after.head_mint_ms, before.head_mint_ms);
        ck_assert_int_eq(after.head_maxt_ms, before.head_maxt_ms);
        ck_assert_uint_eq(after.series, before.series);
        db_close(db);
    }
}
END_TEST

/* A record whose frame is good and whose inside is not: what is before it stays, and nothing
 * behind it, although another thread may have applied it already. */
START_TEST(test_malformed_record)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    AUTO(buf_fini) struct buf records = BUF_INIT;
    char dir[256];
    snprintf(dir, sizeof dir, "%s/%d", test_dir(), _i);
    char wal_dir[300];
    snprintf(wal_dir, sizeof wal_dir, "%s/wal", dir);
    CK_OK(fs_make_dirs(fs_posix(), wal_dir));
    struct label l = {STR("__name__"), STR("m")}, other = {STR("__name__"), STR("n")};
    record_begin_series(&records);
    record_put_series(&records, 1, (struct labels){&l, 1});
    record_put_series(&records, 2, (struct labels){&other, 1});
    size_t series = records.n;
    struct record_samples_writer to;
    record_begin_samples(&to, &records, 1, t0, 2);
    record_put_sample(&to, 1, t0, bits_of_f64(1));
    record_put_sample(&to, 2, t0, bits_of_f64(1));
    size_t good = records.n - series, bad_at = records.n;
    record_begin_samples(&to, &records, 1, t0 + 1, 2);
    record_put_sample(&to, 1, t0 + 1, bits_of_f64(2));
    record_put_sample(&to, 2, t0 + 1, bits_of_f64(2));
    size_t bad = records.n - bad_at - 3; /* cut off */
    size_t last_at = records.n;
    record_begin_samples(&to, &records, 2, t0 + 2, 1);
    record_put_sample(&to, 2, t0 + 2, bits_of_f64(3));
    struct str list[] = {str_of(records.p, series), str_of(records.p + series, good),
                         str_of(records.p + bad_at, bad),
                         str_of(records.p + last_at, records.n - last_at)};
    struct wal_opts wal_opts = wal_test_opts(fs_posix(), wal_dir);
    struct wal *w = wal_test_open(&wal_opts);
    wal_ticket ticket;
    CK_OK(wal_enqueue(w, list, ARRAY_LEN(list), &ticket));
    CK_OK(wal_wait(w, ticket));
    wal_close(w);

    struct db_opts opts = kit_opts(fs_posix(), dir);
    struct db *db = open_with(&opts, _i == 0 ? 0 : UINT64_MAX);
    ck_assert_str_eq(kit_checked_dump(&a, db), "m: 1699999200000=1; n: 1699999200000=1; ");
    kit_put(db, "__name__=n", t0 + 5, 5);
    db_close(db);
    db = open_with(&opts, 0);
    ck_assert_str_eq(kit_checked_dump(&a, db),
                     "m: 1699999200000=1; n: 1699999200000=1 1699999200005=5; ");
    db_close(db);
}
END_TEST

Suite *
replay_crew_suite(void)
{
    Suite *s = suite_create("replay_crew");
    TCase *t = tcase_create("replay_crew");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, test_same_head);
    tcase_add_loop_test(t, test_malformed_record, 0, 2);
    suite_add_tcase(s, t);
    return s;
}
