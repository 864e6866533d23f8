/* A head stores what is good, says why it refuses the rest, finds series by any matcher, and
 * has all of it again after every kind of end. */
#include "tests/tsdb/head_kit.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "base/bytes.h"
#include "base/fs_fault.h"

enum { HOUR_MS = 3600 * 1000 };
static const int64_t t0 = INT64_C(1700000000000);

static struct db *
open_db(struct fs *fs, const char *dir)
{
    struct db_opts opts = kit_opts(fs, dir);
    struct db *db = NULL;
    CK_OK(db_open(&opts, &db));
    return db;
}

START_TEST(test_round_trip)
{
    AUTO(db_close) struct db *db = open_db(fs_posix(), test_dir());
    kit_put(db, "__name__=up,job=b", 1000, 1);
    kit_put(db, "__name__=up,job=a", 1000, 2);
    kit_put(db, "job=a,__name__=up", 2000, 3); /* unsorted: the same series */
    kit_put(db, "__name__=up,job=a,gone=", 3000, 4); /* an empty value is no label */
    kit_assert_dump(db, "up{job=\"a\"}: 1000=2 2000=3 3000=4; up{job=\"b\"}: 1000=1; ");
    struct db_stats s;
    db_stats(db, &s);
    ck_assert_uint_eq(s.series, 2);
    ck_assert_int_eq(s.mint_ms, 1000);
    ck_assert_int_eq(s.maxt_ms, 3000);
}
END_TEST

/* One series with a sample at t0 = 5; each row offers one more. */
static const struct fate_case {
    const char *name;
    int64_t t_ms;
    double value;
    enum sample_fate want;
} fate_cases[] = {
    {"newer", 1000, 6, SAMPLE_STORED},
    {"same again", 0, 5, SAMPLE_REPEATED},
    {"other value", 0, 6, SAMPLE_DUPLICATE},
    {"older", -1, 5, SAMPLE_OUT_OF_ORDER},
    {"at the bound", -HOUR_MS, 5, SAMPLE_OUT_OF_ORDER},
    {"past the bound", -HOUR_MS - 1, 5, SAMPLE_OUT_OF_BOUNDS},
    {"stale marker is another value", 0, 0, SAMPLE_DUPLICATE},
};

START_TEST(test_fates)
{
    const struct fate_case *c = &fate_cases[_i];
    AUTO(db_close) struct db *db = open_db(fs_posix(), test_dir());
    kit_put(db, "__name__=up", t0, 5);
    struct kit_request k;
    kit_request_init(&k);
    kit_row(&k, "__name__=up");
    kit_sample(&k, t0 + c->t_ms, c->value);
    if (_i == ARRAY_LEN(fate_cases) - 1)
        vec_last(&k.samples)->bits = STALE_NAN_BITS;
    struct append_result r;
    CK_OK(kit_append(&k, db, &r));
    for (int fate = 0; fate < SAMPLE_FATE_COUNT; fate++)
        ROW_ASSERT(c->name, r.fates[fate] == (fate == (int)c->want));
    ROW_ASSERT(c->name, (r.example.n > 0) == (c->want > SAMPLE_REPEATED));
    kit_request_fini(&k);
}
END_TEST

static const struct fault_case {
    const char *name;
    struct str key;
    enum label_fault want;
} fault_cases[] = {
    {"no labels", STR_INIT(""), LABEL_FAULT_EMPTY_SET},
    {"only an empty value", STR_INIT("\x0a\x05\x0a\x01" "a" "\x12\x00"), LABEL_FAULT_EMPTY_SET},
    {"empty name", STR_INIT("\x0a\x05\x0a\x00\x12\x01" "v"), LABEL_FAULT_EMPTY_NAME},
    {"twice", STR_INIT("\x0a\x06\x0a\x01" "a" "\x12\x01" "v" "\x0a\x06\x0a\x01" "a" "\x12\x01" "w"),
     LABEL_FAULT_DUPLICATE},
    {"not utf-8", STR_INIT("\x0a\x06\x0a\x01" "a" "\x12\x01" "\xff"), LABEL_FAULT_NOT_UTF8},
    {"garbage", STR_INIT("\x0b\x06"), LABEL_FAULT_MALFORMED},
};

/* The bad row is refused; the good ones around it are stored. */
START_TEST(test_label_faults)
{
    const struct fault_case *c = &fault_cases[_i];
    AUTO(db_close) struct db *db = open_db(fs_posix(), test_dir());
    struct kit_request k;
    kit_request_init(&k);
    kit_row(&k, "__name__=a");
    kit_sample(&k, 1, 1);
    kit_row_raw(&k, c->key);
    kit_sample(&k, 1, 2);
    kit_row(&k, "__name__=b");
    kit_sample(&k, 1, 3);
    struct append_result r;
    CK_OK(kit_append(&k, db, &r));
    ROW_ASSERT(c->name, r.label_faults[c->want] == 1);
    ROW_ASSERT(c->name, r.fates[SAMPLE_STORED] == 2);
    kit_assert_dump(db, "a: 1=1; b: 1=3; ");
    kit_request_fini(&k);
}
END_TEST

START_TEST(test_series_limit)
{
    struct db_opts opts = kit_opts(fs_posix(), test_dir());
    opts.series_limit = 2;
    AUTO(db_close) struct db *db = NULL;
    CK_OK(db_open(&opts, &db));
    struct kit_request k;
    kit_request_init(&k);
    const char *const names[] = {"__name__=a", "__name__=b", "__name__=c", "__name__=a"};
    for (int i = 0; i < 4; i++) {
        kit_row(&k, names[i]);
        kit_sample(&k, i, i);
    }
    struct append_result r;
    CK_OK(kit_append(&k, db, &r));
    ck_assert_uint_eq(r.series_over_limit, 1);
    ck_assert_uint_eq(r.series_created, 2);
    kit_assert_dump(db, "a: 0=0 3=3; b: 1=1; "); /* twins of one request are one series */
    kit_request_fini(&k);
}
END_TEST

static const struct match_case {
    enum matcher_type type;
    const char *name, *value, *want; /* the values of `id` that match */
} match_cases[] = {
    {MATCH_EQUAL, "job", "a", "12"},
    {MATCH_EQUAL, "job", "none", ""},
    {MATCH_EQUAL, "job", "", "4"},
    {MATCH_EQUAL, "absent", "", "1234"},
    {MATCH_EQUAL, "absent", "x", ""},
    {MATCH_NOT_EQUAL, "job", "a", "34"},
    {MATCH_NOT_EQUAL, "job", "", "123"},
    {MATCH_NOT_EQUAL, "absent", "x", "1234"},
    {MATCH_NOT_EQUAL, "absent", "", ""},
    {MATCH_REGEX, "job", "a|b", "123"},
    {MATCH_REGEX, "job", "[ab]", "123"},
    {MATCH_REGEX, "job", ".*", "1234"},
    {MATCH_REGEX, "job", ".+", "123"},
    {MATCH_REGEX, "job", "a|", "124"},
    {MATCH_REGEX, "job", "x|y", ""},
    {MATCH_NOT_REGEX, "job", "a|b", "4"},
    {MATCH_NOT_REGEX, "job", ".+", "4"},
    {MATCH_NOT_REGEX, "job", ".*", ""},
    {MATCH_NOT_REGEX, "job", "[b-z]*", "12"},
    {MATCH_NOT_REGEX, "absent", "x", "1234"},
};

START_TEST(test_matchers)
{
    const struct match_case *c = &match_cases[_i];
    AUTO(db_close) struct db *db = open_db(fs_posix(), test_dir());
    kit_put(db, "__name__=m,id=1,job=a", 1, 1);
    kit_put(db, "__name__=m,id=2,job=a", 1, 1);
    kit_put(db, "__name__=m,id=3,job=b", 1, 1);
    kit_put(db, "__name__=m,id=4", 1, 1);
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    AUTO(buf_fini) struct buf want = BUF_INIT;
    for (const char *id = c->want; *id; id++) {
        buf_printf(&want, "m{id=\"%c\"", *id);
        if (*id != '4')
            buf_printf(&want, ", job=\"%c\"", *id == '3' ? 'b' : 'a');
        buf_printf(&want, "}: 1=1; ");
    }
    const char *got = kit_query(&a, db, c->type, c->name, c->value, 0, 10);
    ck_assert_msg(strcmp(got, buf_cstr(&want)) == 0, "%s%s\"%s\": got %s", c->name,
                  matcher_type_text(c->type), c->value, got);
}
END_TEST

START_TEST(test_names_and_values)
{
    AUTO(db_close) struct db *db = open_db(fs_posix(), test_dir());
    kit_put(db, "__name__=m,job=b,zone=x", 1, 1);
    kit_put(db, "__name__=n,job=a", 1, 1);
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct select_query q = {0, 10, SELECT_LABELS, 0};
    struct matcher m;
    CK_OK(matcher_make(&a, MATCH_EQUAL, STR("__name__"), STR("n"), &m));
    struct matchers none = {NULL, 0}, one = {&m, 1};
    struct str_list l;
    CK_OK(db_label_names(db, &q, none, &a, &l));
    ck_assert_uint_eq(l.n, 3);
    ck_assert(str_eq(l.v[0], STR("__name__")) && str_eq(l.v[2], STR("zone")));
    CK_OK(db_label_names(db, &q, one, &a, &l));
    ck_assert_uint_eq(l.n, 2);
    CK_OK(db_label_values(db, &q, STR("job"), none, &a, &l));
    ck_assert_uint_eq(l.n, 2);
    ck_assert(str_eq(l.v[0], STR("a")) && str_eq(l.v[1], STR("b")));
    /* Before and behind all samples, which stand at 1. */
    const struct select_query outside[] = {{-5, 0, SELECT_LABELS, 0}, {2, 10, SELECT_LABELS, 0}};
    for (size_t i = 0; i < ARRAY_LEN(outside); i++) {
        CK_OK(db_label_names(db, &outside[i], none, &a, &l));
        ck_assert_uint_eq(l.n, 0);
        CK_OK(db_label_values(db, &outside[i], STR("job"), one, &a, &l));
        ck_assert_uint_eq(l.n, 0);
    }
    CK_OK(db_label_values(db, &q, STR("job"), one, &a, &l));
    ck_assert_uint_eq(l.n, 1);
    CK_OK(db_label_values(db, &q, STR("absent"), none, &a, &l));
    ck_assert_uint_eq(l.n, 0);
}
END_TEST

/* Hours of samples: chunks are cut at block borders and evened out, mapped, and read back. */
START_TEST(test_chunks_and_restart)
{
    const char *dir = test_dir();
    const int64_t start = t0 / (2 * HOUR_MS) * (2 * HOUR_MS);
    const int clean_stop = _i & 1, map = _i & 2;
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct db *db = open_db(fs_posix(), dir);
    for (int i = 0; i < 1500; i++) {
        kit_put(db, "__name__=c", start + i * 15000, i);
        if (map && i % 400 == 399)
            CK_OK(db_maintain(db));
    }
    const char *before = arena_str(&a, str_of_cstr(kit_dump(&a, db))).p;
    struct db_stats s;
    db_stats(db, &s);
    if (map)
        ck_assert_uint_eq(s.chunks_mapped, 9); /* 480 samples a block range: 4 chunks of 120 */
    if (clean_stop)
        CK_OK(db_finish(db));
    db_close(db);
    ck_assert(clean_stop == !fs_exists(fs_posix(), arena_printf(&a, "%s/lock", dir).p));

    for (int again = 0; again < 2; again++) {
        db = open_db(fs_posix(), dir);
        kit_assert_dump(db, before);
        struct append_result r;
        struct kit_request k;
        kit_request_init(&k);
        kit_row(&k, "__name__=c");
        kit_sample(&k, start + 1499 * 15000, 1499);
        CK_OK(kit_append(&k, db, &r));
        ck_assert_uint_eq(r.fates[SAMPLE_REPEATED], 1); /* a retry after a crash is no conflict */
        kit_request_fini(&k);
        db_close(db);
    }
}
END_TEST

START_TEST(test_time_range)
{
    AUTO(db_close) struct db *db = open_db(fs_posix(), test_dir());
    for (int i = 0; i < 1000; i++)
        kit_put(db, "__name__=c", t0 + i * 15000, i);
    CK_OK(db_maintain(db));
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    for (int i = 0; i < 998; i += 111) {
        const char *got = kit_query(&a, db, MATCH_EQUAL, "__name__", "c", t0 + i * 15000 - 1,
                                    t0 + (i + 1) * 15000);
        ck_assert_str_eq(got, arena_printf(&a, "c: %jd=%d %jd=%d; ", (intmax_t)(t0 + i * 15000),
                                           i, (intmax_t)(t0 + (i + 1) * 15000), i + 1).p);
    }
    ck_assert_str_eq(kit_query(&a, db, MATCH_EQUAL, "__name__", "c", 0, t0 - 1), "");
}
END_TEST

/* A full disk: refused with its cause, reads go on, writes resume, nothing acknowledged or
 * refused changes sides, before and after a restart. */
START_TEST(test_disk_full)
{
    const char *dir = test_dir();
    AUTO(fs_fault_close) struct fs *fs = fs_fault_open(fs_posix(), NULL);
    struct db *db = open_db(fs, dir);
    kit_put(db, "__name__=a", 1000, 1);
    fs_fault_break(fs, FS_FAULT_WRITE, 28 /* ENOSPC */);
    for (int i = 0; i < 3; i++) {
        struct kit_request k;
        kit_request_init(&k);
        kit_row(&k, "__name__=a");
        kit_sample(&k, 2000 + i, 9);
        kit_row(&k, "__name__=b"); /* born into a failing log */
        kit_sample(&k, 2000 + i, 9);
        struct append_result r;
        CK_ERR(ERR_NO_SPACE, kit_append(&k, db, &r));
        kit_request_fini(&k);
        err_drop(db_maintain(db));
    }
    kit_assert_dump(db, "a: 1000=1; ");
    struct db_stats s;
    db_stats(db, &s);
    ck_assert(!s.writable);

    fs_fault_heal(fs);
    CK_OK(db_maintain(db));
    kit_put(db, "__name__=b", 3000, 2);
    kit_put(db, "__name__=a", 3000, 3);
    const char *want = "a: 1000=1 3000=3; b: 3000=2; ";
    kit_assert_dump(db, want);
    db_close(db);
    db = open_db(fs, dir);
    kit_assert_dump(db, want);
    db_close(db);
}
END_TEST

/* Every mutating call of a short story is the one that fails, torn after a few bytes; whatever
 * was acknowledged is there when the directory is opened again. */
START_TEST(test_crash_anywhere)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    uint64_t call = 1;
    for (bool fired = true; fired; call++) {
        const char *dir = test_dir();
        struct fs_fault_opts fault = {.fail_call = call, .torn_bytes = (call * 7) % 200,
                                      .mode = FS_FAULT_CRASH};
        struct fs *fs = fs_fault_open(fs_posix(), &fault);
        struct db_opts opts = kit_opts(fs, dir);
        struct db *db = NULL;
        int acked = 0;
        struct err e = db_open(&opts, &db);
        for (int i = 0; e.code == ERR_NONE && i < 500; i++) {
            struct kit_request k;
            kit_request_init(&k);
            kit_row(&k, i % 50 ? "__name__=a" : arena_printf(&a, "__name__=a,n=%d", i).p);
            kit_sample(&k, t0 + i * 60000, i);
            struct append_result r;
            e = kit_append(&k, db, &r);
            acked += e.code == ERR_NONE;
            if (e.code == ERR_NONE && i % 100 == 99)
                e = db_maintain(db);
            kit_request_fini(&k);
        }
        err_drop(e);
        db_close(db);
        fired = fs_fault_fired(fs);
        fs_fault_close(fs);

        db = open_db(fs_posix(), dir);
        struct db_stats s;
        db_stats(db, &s);
        int stored = 0;
        for (const char *p = kit_dump(&a, db); *p; p++)
            stored += *p == '=' && p[1] != '"';
        ck_assert_msg(stored == acked || stored == acked + 1, "call %ju: %d acknowledged, %d there",
                      (uintmax_t)call, acked, stored);
        db_close(db);
        arena_reset(&a);
    }
    ck_assert_uint_gt(call, 100);
}
END_TEST

START_TEST(test_locked)
{
    const char *dir = test_dir();
    AUTO(db_close) struct db *db = open_db(fs_posix(), dir);
    struct db_opts opts = kit_opts(fs_posix(), dir);
    struct db *second = NULL;
    CK_ERR(ERR_CONFLICT, db_open(&opts, &second));
}
END_TEST

/* --- many threads ----------------------------------------------------------------------------- */

/* All rounds fit the hour in which a slow writer is not out of bounds yet. */
enum { THREADS = 4, ROUNDS = 150, OWN_SERIES = 20, STEP_MS = 20000 };

struct crowd {
    struct db *db;
    _Atomic(int) failed, writing;
};
struct member {
    struct crowd *crowd;
    int id;
};

/* Everybody writes its own series and, new in each round, the same shared ones. */
static void *
write_rounds(void *arg)
{
    struct member *m = arg;
    for (int round = 0; round < ROUNDS; round++) {
        struct kit_request k;
        kit_request_init(&k);
        for (int i = 0; i < OWN_SERIES; i++) {
            char labels[64];
            snprintf(labels, sizeof labels, "__name__=own,i=%d,writer=%d", i, m->id);
            kit_row(&k, labels);
            kit_sample(&k, t0 + round * STEP_MS, round);
            snprintf(labels, sizeof labels, "__name__=shared,i=%d,round=%d", i, round);
            kit_row(&k, labels);
            kit_sample(&k, t0 + round * STEP_MS, round);
        }
        struct append_result r;
        struct err e = kit_append(&k, m->crowd->db, &r);
        if (e.code != ERR_NONE || r.fates[SAMPLE_STORED] < OWN_SERIES ||
            r.fates[SAMPLE_DUPLICATE] > 0)
            atomic_fetch_add(&m->crowd->failed, 1);
        err_drop(e);
        kit_request_fini(&k);
    }
    atomic_fetch_sub(&m->crowd->writing, 1);
    return NULL;
}

static void *
read_meanwhile(void *arg)
{
    struct member *m = arg;
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    while (atomic_load(&m->crowd->writing) > 0) {
        struct matcher matcher;
        err_drop(matcher_make(&a, MATCH_REGEX, STR("i"), STR("1.*"), &matcher));
        struct select_query q = {t0, INT64_MAX, SELECT_CHUNKS, 0};
        struct series_set *set = NULL;
        err_drop(db_select(m->crowd->db, &q, (struct matchers){&matcher, 1}, &a, &set));
        struct series_view series;
        for (bool more = true;;) {
            struct err e = series_set_next(set, &series, &more);
            if (e.code != ERR_NONE || !more)
                break;
            for (size_t i = 0; i < series.chunk_count; i++) {
                struct sample_columns c = SAMPLE_COLUMNS_INIT;
                e = chunk_decode_floats(&series.chunks[i], INT64_MIN, INT64_MAX, &c);
                for (size_t j = 0; j < c.n; j++) {
                    if (f64_of_bits(c.bits[j]) != (double)((c.t_ms[j] - t0) / STEP_MS))
                        atomic_fetch_add(&m->crowd->failed, 1);
                }
                if (e.code != ERR_NONE || c.n == 0)
                    atomic_fetch_add(&m->crowd->failed, 1);
                err_drop(e);
                sample_columns_fini(&c);
            }
        }
        series_set_close(set);
        struct err e = db_maintain(m->crowd->db);
        if (e.code != ERR_NONE)
            atomic_fetch_add(&m->crowd->failed, 1);
        err_drop(e);
        arena_reset(&a);
    }
    return NULL;
}

START_TEST(test_many_threads)
{
    const char *dir = test_dir();
    struct crowd crowd = {.db = open_db(fs_posix(), dir), .writing = THREADS};
    struct member members[THREADS + 1];
    pthread_t threads[THREADS + 1];
    for (int i = 0; i <= THREADS; i++) {
        members[i] = (struct member){&crowd, i};
        ck_assert_int_eq(pthread_create(&threads[i], NULL,
                                        i < THREADS ? write_rounds : read_meanwhile, &members[i]),
                         0);
    }
    for (int i = 0; i <= THREADS; i++)
        pthread_join(threads[i], NULL);
    ck_assert_int_eq(atomic_load(&crowd.failed), 0);

    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    const char *before = kit_dump(&a, crowd.db);
    size_t samples = 0;
    for (const char *p = before; *p; p++)
        samples += *p == '=' && p[1] != '"';
    ck_assert_uint_eq(samples, (THREADS + 1) * ROUNDS * OWN_SERIES);
    db_close(crowd.db);
    crowd.db = open_db(fs_posix(), dir);
    kit_assert_dump(crowd.db, before);
    db_close(crowd.db);
}
END_TEST

Suite *
head_suite(void)
{
    Suite *s = suite_create("head");
    TCase *t = tcase_create("head");
    tcase_set_timeout(t, 120);
    tcase_add_test(t, test_round_trip);
    tcase_add_loop_test(t, test_fates, 0, ARRAY_LEN(fate_cases));
    tcase_add_loop_test(t, test_label_faults, 0, ARRAY_LEN(fault_cases));
    tcase_add_test(t, test_series_limit);
    tcase_add_loop_test(t, test_matchers, 0, ARRAY_LEN(match_cases));
    tcase_add_test(t, test_names_and_values);
    tcase_add_loop_test(t, test_chunks_and_restart, 0, 4);
    tcase_add_test(t, test_time_range);
    tcase_add_test(t, test_disk_full);
    tcase_add_test(t, test_crash_anywhere);
    tcase_add_test(t, test_locked);
    tcase_add_test(t, test_many_threads);
    suite_add_tcase(s, t);
    return s;
}
