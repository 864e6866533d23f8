/* The oldest hours of the head become blocks: when, what queries see meanwhile, what is given
 * back, and what a crash at any call leaves. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "base/bytes.h"
#include "base/fs_fault.h"
#include "base/mem.h"
#include "tests/tsdb/head_kit.h"
#include "tsdb/wal/wal_reader.h"

enum { MINUTE_MS = 60 * 1000, HOUR_MS = 60 * MINUTE_MS };
static const int64_t t0 = INT64_C(1700000000000) / 7200000 * 7200000; /* a range begins */

/* --- when ------------------------------------------------------------------------------------- */

static const struct rule_case {
    const char *name;
    int64_t first_ms, last_ms; /* behind t0 */
    uint64_t blocks;
    int64_t head_mint_ms; /* what an append may still bring */
} rule_cases[] = {
    {"one sample", 0, 0, 0, 0},
    {"one range", 0, 2 * HOUR_MS, 0, 0},
    {"exactly 1.5 ranges", 0, 3 * HOUR_MS, 0, 0},
    {"a moment more", 0, 3 * HOUR_MS + 1, 1, 2 * HOUR_MS + 1},
    {"a late begin: the first block is short", HOUR_MS, 4 * HOUR_MS + 1, 1, 3 * HOUR_MS + 1},
    {"begin at the end of a range", 2 * HOUR_MS - 1, 5 * HOUR_MS, 1, 4 * HOUR_MS},
    {"a gap", 0, 300 * HOUR_MS, 1, 299 * HOUR_MS},
    {"before 1970", -600000 * (int64_t)HOUR_MS, -599990 * (int64_t)HOUR_MS, 1,
     -599991 * (int64_t)HOUR_MS},
};

START_TEST(test_rule)
{
    const struct rule_case *c = &rule_cases[_i];
    struct db_opts opts = kit_opts(fs_posix(), test_dir());
    struct db *db = kit_open(&opts);
    kit_put(db, "__name__=a", t0 + c->first_ms, 1);
    if (c->last_ms != c->first_ms)
        kit_put(db, "__name__=a", t0 + c->last_ms, 2);
    CK_OK(db_maintain(db));
    CK_OK(db_check(db));
    struct db_stats s = kit_stats(db);
    ck_assert_msg(s.blocks == c->blocks, "%s: %ju blocks", c->name, (uintmax_t)s.blocks);
    ck_assert_msg(c->blocks == 0 || s.head_mint_ms == t0 + c->head_mint_ms, "%s: head from %jd",
                  c->name, (intmax_t)(s.head_mint_ms - t0));
    db_close(db);
    db = kit_open(&opts);
    ck_assert_msg(kit_stats(db).blocks == c->blocks, "%s: after a restart", c->name);
    db_close(db);
}
END_TEST

START_TEST(test_idle_head_is_cut)
{
    struct clock_manual clock;
    clock_manual_init(&clock, t0);
    struct db_opts opts = kit_opts(fs_posix(), test_dir());
    opts.clock = &clock.clock;
    struct db *db = kit_open(&opts);
    kit_put(db, "__name__=a", t0 + 5, 1);
    kit_put(db, "__name__=a", t0 + 2 * HOUR_MS + 5, 2);
    clock_manual_advance_ms(&clock, 3 * HOUR_MS - 1);
    CK_OK(db_maintain(db));
    ck_assert_uint_eq(kit_stats(db).blocks, 0);
    clock_manual_advance_ms(&clock, 1);
    CK_OK(db_maintain(db));
    ck_assert_uint_eq(kit_stats(db).blocks, 2);
    ck_assert_uint_eq(kit_stats(db).series, 0);
    kit_assert_dump(db, "a: 1699999200005=1 1700006400005=2; ");

    /* It wakes up: what is newer than its last sample is taken, nothing else. */
    struct kit_request k;
    kit_request_init(&k);
    kit_row(&k, "__name__=a");
    kit_sample(&k, t0 + 2 * HOUR_MS + 5, 2);
    kit_sample(&k, t0 + 2 * HOUR_MS + 6, 3);
    struct append_result r;
    CK_OK(kit_append(&k, db, &r));
    ck_assert_uint_eq(r.fates[SAMPLE_OUT_OF_BOUNDS], 1);
    ck_assert_uint_eq(r.fates[SAMPLE_STORED], 1);
    kit_request_fini(&k);
    bool empty;
    CK_OK(db_flush(db, &empty));
    ck_assert(empty);
    ck_assert_uint_eq(kit_stats(db).blocks, 3);
    kit_assert_dump(db, "a: 1699999200005=1 1700006400005=2 1700006400006=3; ");
    db_close(db);
    db = kit_open(&opts);
    kit_assert_dump(db, "a: 1699999200005=1 1700006400005=2 1700006400006=3; ");
    db_close(db);
}
END_TEST

/* --- queries meanwhile ------------------------------------------------------------------------ */

static size_t
count_samples(struct series_set *set)
{
    struct sample_columns columns = SAMPLE_COLUMNS_INIT;
    struct series_view series;
    for (bool more = true; more;) {
        CK_OK(series_set_next(set, &series, &more));
        for (size_t i = 0; more && i < series.chunk_count; i++)
            CK_OK(chunk_decode_floats(&series.chunks[i], INT64_MIN, INT64_MAX, &columns));
    }
    size_t n = columns.n;
    sample_columns_fini(&columns);
    return n;
}

/* A query that was begun before the cut sees to its end what it would have seen, and what it
 * may still look at is not given back before. */
START_TEST(test_query_through_a_cut)
{
    struct db_opts opts = kit_opts(fs_posix(), test_dir());
    struct db *db = kit_open(&opts);
    for (int i = 0; i < 5; i++) {
        char name[64];
        snprintf(name, sizeof name, "__name__=gone,i=%d", i);
        kit_put(db, name, t0 + i, i);
    }
    kit_put(db, "__name__=stays", t0, 1);
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct series_set *before = kit_select_all(db, &a);
    kit_put(db, "__name__=stays", t0 + 4 * HOUR_MS, 2);
    CK_OK(db_maintain(db));
    ck_assert_uint_eq(kit_stats(db).blocks, 1);
    ck_assert_uint_eq(kit_stats(db).series, 6); /* the query may still need them */
    struct series_set *after = kit_select_all(db, &a);
    CK_OK(db_maintain(db));
    ck_assert_uint_eq(count_samples(after), 7);
    series_set_close(after);
    ck_assert_uint_eq(count_samples(before), 6); /* t0 + 4 h came later */
    series_set_close(before);
    CK_OK(db_maintain(db));
    ck_assert_uint_eq(kit_stats(db).series, 1);
    CK_OK(db_check(db));
    after = kit_select_all(db, &a);
    ck_assert_uint_eq(count_samples(after), 7);
    series_set_close(after);
    db_close(db);
}
END_TEST

/* --- what is given back ----------------------------------------------------------------------- */

static size_t
count_values(struct db *db, const char *name)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct db_stats s = kit_stats(db);
    struct select_query q = {.mint_ms = s.head_mint_ms, .maxt_ms = INT64_MAX};
    struct str_list values;
    CK_OK(db_label_values(db, &q, str_of_cstr(name), (struct matchers){NULL, 0}, &a, &values));
    return values.n;
}

static uint64_t
log_bytes(const struct db_opts *opts)
{
    AUTO(mem_free) char *dir = fs_path_below(opts->dir, STR("wal"));
    uint64_t bytes;
    CK_OK(wal_disk_bytes(fs_posix(), dir, &bytes));
    return bytes;
}

/* Pods that come and go for days: neither series nor label values pile up in the head. */
START_TEST(test_churn)
{
    enum { ROUNDS = 30, PODS = 40 };
    struct db_opts opts = kit_opts(fs_posix(), test_dir());
    opts.wal_segment_bytes = WAL_PAGE_BYTES;
    opts.wal_compression = WAL_PLAIN;
    struct db *db = kit_open(&opts);
    for (int round = 0; round < ROUNDS; round++) {
        int64_t t = t0 + round * (int64_t)HOUR_MS;
        for (int pod = 0; pod < PODS; pod++) {
            char labels[96];
            /* every fourth comes back in each round, and each fifth by another spelling */
            snprintf(labels, sizeof labels, "%s,pod=%d-%d",
                     pod % 5 ? "__name__=m,job=j" : "job=j,__name__=m", pod, pod % 4 ? round : 0);
            kit_put(db, labels, t + pod, round);
        }
        CK_OK(db_maintain(db));
        CK_OK(db_check(db));
        ck_assert_uint_le(kit_stats(db).series, 4 * PODS);
        ck_assert_uint_le(count_values(db, "pod"), 6 * PODS);
        ck_assert_uint_le(log_bytes(&opts), 40 * WAL_PAGE_BYTES);
    }
    ck_assert_uint_ge(kit_stats(db).blocks, ROUNDS / 2 - 2);
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct series_set *all = kit_select_all(db, &a);
    ck_assert_uint_eq(count_samples(all), ROUNDS * PODS);
    series_set_close(all);
    db_close(db);
    db = kit_open(&opts);
    CK_OK(db_maintain(db));
    ck_assert_uint_le(kit_stats(db).series, 4 * PODS);
    all = kit_select_all(db, &a);
    ck_assert_uint_eq(count_samples(all), ROUNDS * PODS);
    series_set_close(all);
    db_close(db);
}
END_TEST

/* Metadata was logged at a series that is forgotten, in segments that are truncated. */
START_TEST(test_metadata_stays)
{
    struct db_opts opts = kit_opts(fs_posix(), test_dir());
    opts.wal_segment_bytes = WAL_PAGE_BYTES;
    struct db *db = kit_open(&opts);
    kit_put(db, "__name__=m,pod=0", t0, 1);
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct family_metadata told = {STR("m"), {METRIC_KIND_GAUGE, STR("what it is"), STR("s")}};
    struct append_request request = {.metadata = &told, .metadata_count = 1};
    struct append_result r;
    CK_OK(db_append(db, &request, &a, &r));
    ck_assert_uint_eq(r.metadata_stored, 1);
    for (int round = 1; round < 12; round++) {
        char labels[64];
        snprintf(labels, sizeof labels, "__name__=m,pod=%d", round);
        kit_put(db, labels, t0 + round * 2 * (int64_t)HOUR_MS, round);
        CK_OK(db_maintain(db));
    }
    ck_assert_uint_le(kit_stats(db).series, 3);
    db_close(db); /* as a crash */
    db = kit_open(&opts);
    struct family_metadata_list list;
    CK_OK(db_metadata(db, STR("m"), 10, &a, &list));
    ck_assert_uint_eq(list.n, 1);
    ck_assert(str_eq(list.v[0].value.help, STR("what it is")));
    ck_assert_int_eq(list.v[0].value.kind, METRIC_KIND_GAUGE);
    db_close(db);
}
END_TEST

/* --- crashes ---------------------------------------------------------------------------------- */

/* One request: what a sync costs is paid once. */
static void
fill_for_cut(struct db *db)
{
    struct kit_request k;
    kit_request_init(&k);
    for (int series = 0; series < 3; series++) {
        char name[64];
        snprintf(name, sizeof name, "__name__=m,i=%d", series);
        kit_row(&k, name);
        for (int i = 0; i < 100; i++)
            kit_sample(&k, t0 + (series + 3 * i) * MINUTE_MS, i);
    }
    struct append_result r;
    CK_OK(kit_append(&k, db, &r));
    ck_assert_uint_eq(r.fates[SAMPLE_STORED], 300);
    kit_request_fini(&k);
}

static const struct crash_case {
    const char *name;
    enum fs_fault_mode mode;
    bool power;
    uint64_t blocks; /* in the end */
} crash_cases[] = {
    {"once", FS_FAULT_ONCE, false, 1},
    {"crash", FS_FAULT_CRASH, false, 1},
    {"crash and power cut", FS_FAULT_CRASH, true, 1},
    {"once, everything", FS_FAULT_ONCE, false, 3},
    {"crash, everything", FS_FAULT_CRASH, false, 3},
    {"crash and power cut, everything", FS_FAULT_CRASH, true, 3},
};

/* What is due, or everything, which empties the log as well. */
static struct err
cut(const struct crash_case *c, struct db *db)
{
    bool empty;
    return c->blocks == 1 ? db_maintain(db) : db_flush(db, &empty);
}

/* Every mutating call of a maintenance pass that cuts fails once: nothing is lost, then or after
 * a restart, and the cut is made in the end. */
START_TEST(test_crash_at_every_call)
{
    const struct crash_case *c = &crash_cases[_i];
    bool reached = true;
    for (uint64_t call = 1; reached; call++) {
        char dir[256];
        snprintf(dir, sizeof dir, "%s/%ju", test_dir(), (uintmax_t)call);
        AUTO(fs_fault_close) struct fs *fs = fs_fault_open(fs_posix(), NULL);
        struct db_opts opts = kit_opts(fs, dir);
        opts.wal_sync = WAL_SYNC_BATCH;
        struct db *db = kit_open(&opts);
        AUTO(arena_fini) struct arena a;
        arena_init(&a, 0);
        fill_for_cut(db);
        const char *want = kit_dump(&a, db);
        struct fs_fault_opts fault = {.fail_call = call, .mode = c->mode, .torn_bytes = call * 7};
        fs_fault_arm(fs, &fault);
        struct err e = cut(c, db);
        reached = e.code != ERR_NONE;
        err_drop(e);
        ck_assert_str_eq(kit_dump(&a, db), want);
        fs_fault_heal(fs);
        if (c->mode == FS_FAULT_ONCE) { /* the same process goes on */
            CK_OK(cut(c, db));
            ck_assert_uint_eq(kit_stats(db).blocks, c->blocks);
            kit_assert_dump(db, want);
        }
        db_close(db);
        if (c->power)
            CK_OK(fs_fault_power_cut(fs));
        db = kit_open(&opts);
        kit_assert_dump(db, want);
        CK_OK(cut(c, db));
        ck_assert_msg(kit_stats(db).blocks == c->blocks, "%s at call %ju: %ju blocks", c->name,
                      (uintmax_t)call, (uintmax_t)kit_stats(db).blocks);
        kit_assert_dump(db, want);
        db_close(db);
        CK_OK(fs_remove_tree(fs_posix(), dir));
    }
}
END_TEST

/* --- threads ---------------------------------------------------------------------------------- */

enum { THREAD_WRITERS = 3, THREAD_ROUNDS = 60, THREAD_SERIES = 25 };

struct crowd {
    struct db *db;
    _Atomic(int) writing, failed;
    _Atomic(uint64_t) stored;
};

struct writer {
    struct crowd *crowd;
    int id;
};

/* Half of the series are new in every round: each cut forgets many while others are born. */
static void *
write_rounds(void *arg)
{
    struct writer *w = arg;
    for (int round = 0; round < THREAD_ROUNDS; round++) {
        struct kit_request k;
        kit_request_init(&k);
        for (int i = 0; i < THREAD_SERIES; i++) {
            char labels[96];
            snprintf(labels, sizeof labels, "__name__=m,w=%d,pod=%d-%d", w->id, i,
                     i % 2 ? round : 0);
            kit_row(&k, labels);
            kit_sample(&k, t0 + round * (int64_t)(20 * MINUTE_MS) + i, i);
        }
        struct append_result r;
        struct err e = kit_append(&k, w->crowd->db, &r);
        if (e.code != ERR_NONE)
            atomic_fetch_add(&w->crowd->failed, 1);
        err_drop(e);
        atomic_fetch_add(&w->crowd->stored, r.fates[SAMPLE_STORED]);
        kit_request_fini(&k);
    }
    atomic_fetch_sub(&w->crowd->writing, 1);
    return NULL;
}

static void *
query_all(void *arg)
{
    struct crowd *c = arg;
    while (atomic_load(&c->writing) > 0) {
        AUTO(arena_fini) struct arena a;
        arena_init(&a, 0);
        uint64_t least = atomic_load(&c->stored);
        struct series_set *set = kit_select_all(c->db, &a);
        if (count_samples(set) < least)
            atomic_fetch_add(&c->failed, 1);
        series_set_close(set);
        (void)count_values(c->db, "pod");
    }
    return NULL;
}

START_TEST(test_threads)
{
    struct db_opts opts = kit_opts(fs_posix(), test_dir());
    struct crowd c = {.db = kit_open(&opts), .writing = THREAD_WRITERS};
    pthread_t writers[THREAD_WRITERS], reader;
    struct writer args[THREAD_WRITERS];
    for (int i = 0; i < THREAD_WRITERS; i++) {
        args[i] = (struct writer){&c, i};
        ck_assert_int_eq(pthread_create(&writers[i], NULL, write_rounds, &args[i]), 0);
    }
    ck_assert_int_eq(pthread_create(&reader, NULL, query_all, &c), 0);
    while (atomic_load(&c.writing) > 0)
        CK_OK(db_maintain(c.db));
    for (int i = 0; i < THREAD_WRITERS; i++)
        pthread_join(writers[i], NULL);
    pthread_join(reader, NULL);
    ck_assert_int_eq(atomic_load(&c.failed), 0);
    CK_OK(db_maintain(c.db));
    CK_OK(db_check(c.db));
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct series_set *all = kit_select_all(c.db, &a);
    ck_assert_uint_eq(count_samples(all), atomic_load(&c.stored));
    series_set_close(all);
    ck_assert_uint_ge(kit_stats(c.db).blocks, 5);
    db_close(c.db);
}
END_TEST

Suite *
db_cut_suite(void)
{
    Suite *s = suite_create("db_cut");
    TCase *t = tcase_create("cut");
    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, test_rule, 0, (int)ARRAY_LEN(rule_cases));
    tcase_add_test(t, test_idle_head_is_cut);
    tcase_add_test(t, test_query_through_a_cut);
    tcase_add_test(t, test_churn);
    tcase_add_test(t, test_metadata_stays);
    tcase_add_loop_test(t, test_crash_at_every_call, 0, (int)ARRAY_LEN(crash_cases));
    tcase_add_test(t, test_threads);
    suite_add_tcase(s, t);
    return s;
}
