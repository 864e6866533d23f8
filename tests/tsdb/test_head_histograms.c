/* Native histograms in a head: through append, query, log, chunks_head and block. */
#include "tests/tsdb/head_kit.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "base/bytes.h"
#include "tests/tsdb/histogram_kit.h"
#include "tsdb/wal/record.h"

enum { HOUR_MS = 3600 * 1000, STORED = SAMPLE_STORED };
static const int64_t t0 = INT64_C(1700000000000) / 7200000 * 7200000;

#define I1 "i s=1 zt=0.001 n=3 sum=5 p=0:1,2"
#define I2 "i s=1 zt=0.001 n=6 sum=9 p=0:2,4"
#define I2_WIDE "i s=1 zt=0.001 n=7 sum=9 p=0:2,4,1"
#define F1 "f s=1 zt=0.001 n=3 sum=5 p=0:1,2"
#define CUSTOM "i s=-53 n=2 sum=4 p=0:1,1 b=1,2"

struct step {
    int64_t t_ms;      /* since t0 */
    const char *value; /* of a float, or kit_parse()'s */
    int fate;          /* FATE_BAD: invalid */
    const char *shown; /* NULL: not stored */
};
enum { FATE_BAD = 99, STEPS_MAX = 12 };

static const struct story {
    const char *name;
    struct step steps[STEPS_MAX];
} stories[] = {
    {"one kind",
     {{1, I1, STORED, "i 3/5"}, {2, I2, STORED, "i 6/9"}, {3, I2_WIDE, STORED, "i 7/9"}}},
    {"all kinds in turn",
     {{1, "1", STORED, "1"},
      {2, I1, STORED, "i 3/5"},
      {3, F1, STORED, "f 3/5"},
      {4, "2", STORED, "2"},
      {5, CUSTOM, STORED, "i 2/4"},
      {6, I1, STORED, "i 3/5"},
      {7, F1, STORED, "f 3/5"}}},
    {"repeated and duplicate",
     {{5, I1, STORED, "i 3/5"},
      {5, I1, SAMPLE_REPEATED, NULL},
      {5, I2, SAMPLE_DUPLICATE, NULL},
      {5, F1, SAMPLE_DUPLICATE, NULL},
      {5, "1", SAMPLE_DUPLICATE, NULL},
      {4, I1, SAMPLE_OUT_OF_ORDER, NULL},
      {6, "1", STORED, "1"},
      {6, I1, SAMPLE_DUPLICATE, NULL}}},
    {"repeated, in a chunk with an empty bucket more",
     {{1, "i n=3 sum=5 p=0:1,0,2", STORED, "i 3/5"},
      {2, "i n=4 sum=6 p=0:1/1:3", STORED, "i 4/6"},
      {2, "i n=4 sum=6 p=0:1/1:3", SAMPLE_REPEATED, NULL},
      {2, "i n=4 sum=6 p=0:1,0,3", SAMPLE_REPEATED, NULL},
      {2, "i n=4 sum=6 p=0:1,1,2", SAMPLE_DUPLICATE, NULL}}},
    {"stale markers",
     {{1, I1, STORED, "i 3/5"},
      {2, "stale", STORED, "i stale"},
      {2, "stale", SAMPLE_REPEATED, NULL},
      {3, "stale", STORED, "i stale"},
      {4, I1, STORED, "i 3/5"},
      {5, F1, STORED, "f 3/5"},
      {6, "stale", STORED, "f stale"},
      {7, "1", STORED, "1"},
      {8, "stale", STORED, "nan"}}},
    {"told as a marker",
     {{1, I1, STORED, "i 3/5"}, {2, "i sum=stale", STORED, "i stale"}, {3, "5", STORED, "5"}}},
    {"reset, and reserved schema",
     {{1, I2, STORED, "i 6/9"},
      {2, I1, STORED, "i 3/5"},
      {3, "i s=9 zt=0.001 n=2 sum=1 p=0:1,1", STORED, "i 2/1"},
      {4, "i s=1 zt=0.001 n=1 sum=1 p=0:1 hint=gauge", STORED, "i 1/1"}}},
    {"invalid",
     {{1, "i n=3 sum=5 p=0:1", FATE_BAD, NULL},
      {2, "i s=53 n=1 sum=5 p=0:1", FATE_BAD, NULL},
      {3, "f n=-1 sum=5", FATE_BAD, NULL},
      {4, I1, STORED, "i 3/5"}}},
    {"out of bounds",
     {{4 * HOUR_MS, I1, STORED, "i 3/5"}, {1, I1, SAMPLE_OUT_OF_BOUNDS, NULL}}},
};

static void
put_value(struct kit_request *k, int64_t t_ms, const char *value)
{
    if (value[0] == 'i' || value[0] == 'f')
        kit_histogram_sample(k, t_ms, value);
    else
        kit_sample(k, t_ms, strcmp(value, "stale") == 0 ? f64_of_bits(STALE_NAN_BITS)
                                                        : strtod(value, NULL));
}

static void
do_step(struct db *db, const char *name, const struct step *step)
{
    struct kit_request k;
    kit_request_init(&k);
    kit_row(&k, "__name__=a");
    put_value(&k, t0 + step->t_ms, step->value);
    struct append_result r;
    CK_OK(kit_append(&k, db, &r));
    ROW_ASSERT(name, r.histograms_invalid == (step->fate == FATE_BAD));
    ROW_ASSERT(name, (r.histogram_fault.n > 0) == (step->fate == FATE_BAD));
    ROW_ASSERT(name, step->fate == FATE_BAD || r.fates[step->fate] == 1);
    bool is_histogram = step->value[0] == 'i' || step->value[0] == 'f';
    ROW_ASSERT(name, step->fate == FATE_BAD || r.histogram_fates[step->fate] == is_histogram);
    kit_request_fini(&k);
    CK_OK(db_check(db));
}

static void
assert_story(struct db *db, const struct story *s)
{
    AUTO(arena_fini) struct arena a;
    AUTO(buf_fini) struct buf want = BUF_INIT;
    arena_init(&a, 0);
    buf_append(&want, STR("a:"));
    for (const struct step *step = s->steps; step->value; step++) {
        if (step->shown)
            buf_printf(&want, " %jd=%s", (intmax_t)(t0 + step->t_ms), step->shown);
    }
    buf_append(&want, STR("; "));
    CK_OK(db_check(db));
    ck_assert_msg(strcmp(kit_dump(&a, db), buf_cstr(&want)) == 0, "%s: %s\nwanted %s", s->name,
                  kit_dump(&a, db), buf_cstr(&want));
}

/* As it is told; after a kill, a clean end, a block. */
START_TEST(test_story)
{
    const struct story *s = &stories[_i];
    struct db_opts opts = kit_opts(fs_posix(), test_dir());
    struct db *db = kit_open(&opts);
    for (const struct step *step = s->steps; step->value; step++)
        do_step(db, s->name, step);
    assert_story(db, s);
    CK_OK(db_maintain(db)); /* maps what is finished */
    assert_story(db, s);
    db_close(db);
    db = kit_open(&opts);
    assert_story(db, s);
    CK_OK(db_finish(db));
    db_close(db);
    db = kit_open(&opts);
    assert_story(db, s);
    bool empty = false;
    for (int i = 0; i < 4 && !empty; i++)
        CK_OK(db_flush(db, &empty));
    ck_assert(empty);
    assert_story(db, s);
    db_close(db);
    db = kit_open(&opts);
    assert_story(db, s);
    db_close(db);
}
END_TEST

/* The same with a kill before each step: the last sample is judged by what chunks_head and the log
 * tell of it. */
START_TEST(test_story_of_restarts)
{
    const struct story *s = &stories[_i];
    struct db_opts opts = kit_opts(fs_posix(), test_dir());
    for (const struct step *step = s->steps; step->value; step++) {
        struct db *db = kit_open(&opts);
        do_step(db, s->name, step);
        CK_OK(db_maintain(db));
        if ((step - s->steps) % 2)
            CK_OK(db_finish(db));
        db_close(db);
    }
    struct db *db = kit_open(&opts);
    assert_story(db, s);
    db_close(db);
}
END_TEST

/* --- one request ------------------------------------------------------------------------------ */

static const struct mixed_case {
    const char *name;
    struct {
        const char *labels;
        struct step values[4];
    } rows[4];
    const char *want;
} mixed_cases[] = {
    {"both in a row",
     {{"__name__=a", {{1, "1", 0, NULL}, {2, I1, 0, NULL}}}},
     "a: 1699999200001=1 1699999200002=i 3/5; "},
    {"kinds whose records stand the other way round",
     {{"__name__=a", {{1, F1, 0, NULL}, {2, I1, 0, NULL}, {3, CUSTOM, 0, NULL}, {4, I1, 0, NULL}}}},
     "a: 1699999200001=f 3/5 1699999200002=i 3/5 1699999200003=i 2/4 1699999200004=i 3/5; "},
    {"twins, of other kinds",
     {{"__name__=a", {{1, I1, 0, NULL}}},
      {"__name__=b", {{1, F1, 0, NULL}}},
      {"__name__=a", {{2, "7", 0, NULL}}},
      {"__name__=a", {{3, F1, 0, NULL}, {4, I1, 0, NULL}}}},
     "a: 1699999200001=i 3/5 1699999200002=7 1699999200003=f 3/5 1699999200004=i 3/5; "
     "b: 1699999200001=f 3/5; "},
};

/* What was stored in one order is replayed in it. */
START_TEST(test_mixed)
{
    const struct mixed_case *c = &mixed_cases[_i];
    struct db_opts opts = kit_opts(fs_posix(), test_dir());
    struct db *db = kit_open(&opts);
    struct kit_request k;
    kit_request_init(&k);
    for (size_t i = 0; i < 4 && c->rows[i].labels; i++) {
        kit_row(&k, c->rows[i].labels);
        for (size_t v = 0; v < 4 && c->rows[i].values[v].value; v++)
            put_value(&k, t0 + c->rows[i].values[v].t_ms, c->rows[i].values[v].value);
    }
    struct append_result r;
    CK_OK(kit_append(&k, db, &r));
    ck_assert_uint_eq(r.fates[STORED], k.samples.n + k.histograms.n);
    kit_request_fini(&k);
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    for (int again = 0; again < 2; again++) {
        ck_assert_str_eq(kit_dump(&a, db), c->want);
        db_close(db);
        db = kit_open(&opts);
    }
    ck_assert_str_eq(kit_dump(&a, db), c->want);
    db_close(db);
}
END_TEST

/* Nothing but invalid histograms: no series, and one reason. */
START_TEST(test_invalid_makes_no_series)
{
    struct db_opts opts = kit_opts(fs_posix(), test_dir());
    struct db *db = kit_open(&opts);
    struct kit_request k;
    kit_request_init(&k);
    kit_row(&k, "__name__=a");
    kit_histogram_sample(&k, t0, "i n=3 sum=5 p=0:1");
    kit_histogram_sample(&k, t0 + 1, "f n=-1");
    struct append_result r;
    CK_OK(kit_append(&k, db, &r));
    ck_assert_uint_eq(r.histograms_invalid, 2);
    ck_assert_uint_eq(r.series_created, 0);
    ck_assert(str_starts_with(r.histogram_fault, STR("1 observations in buckets")));
    kit_request_fini(&k);
    db_close(db);
}
END_TEST

/* --- long series ------------------------------------------------------------------------------ */

enum { LONG_SAMPLES = 1200, LONG_STEP_MS = 15000 };

struct long_series {
    struct arena arena;
    struct histogram values[LONG_SAMPLES];
};

/* All samples are there, as they were made, in chunks that ascend. */
static void
assert_long(struct db *db, const char *name, const struct long_series *want, size_t chunks_min)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct matcher m;
    CK_OK(matcher_make(&a, MATCH_EQUAL, STR("__name__"), str_of_cstr(name), &m));
    struct select_query q = {.mint_ms = INT64_MIN, .maxt_ms = INT64_MAX, .want = SELECT_CHUNKS};
    AUTO(series_set_close) struct series_set *set = NULL;
    AUTO(histogram_columns_fini) struct histogram_columns got = HISTOGRAM_COLUMNS_INIT;
    CK_OK(db_select(db, &q, (struct matchers){&m, 1}, &a, &set));
    struct series_view series;
    bool more;
    CK_OK(series_set_next(set, &series, &more));
    ck_assert(more);
    ck_assert_uint_ge(series.chunk_count, chunks_min);
    for (size_t i = 0; i < series.chunk_count; i++) {
        ck_assert(i == 0 || series.chunks[i].mint_ms > series.chunks[i - 1].maxt_ms);
        CK_OK(chunk_decode_histograms(&series.chunks[i], INT64_MIN, INT64_MAX, &a, &got));
    }
    ck_assert_uint_eq(got.n, LONG_SAMPLES);
    for (size_t i = 0; i < got.n; i++) {
        ck_assert_int_eq(got.t_ms[i], t0 + (int64_t)i * LONG_STEP_MS);
        ck_assert_msg(kit_counts_same(&got.values[i], &want->values[i]), "%s: sample %zu", name, i);
    }
}

static void
put_long(struct db *db, size_t at, struct long_series *s, const char *const *names, size_t n)
{
    struct kit_request k;
    kit_request_init(&k);
    for (size_t i = 0; i < n; i++) {
        AUTO(buf_fini) struct buf labels = BUF_INIT;
        buf_printf(&labels, "__name__=%s", names[i]);
        kit_row(&k, buf_cstr(&labels));
        vec_push(&k.histograms, ((struct histogram_sample){t0 + (int64_t)at * LONG_STEP_MS,
                                                           s[i].values[at]}));
        vec_last(&k.rows)->histogram_count = 1;
    }
    struct append_result r;
    CK_OK(kit_append(&k, db, &r));
    ck_assert_msg(r.fates[STORED] == n, "at %zu: %.*s %.*s", at, STR_FMT(r.histogram_fault),
                  STR_FMT(r.example));
    kit_request_fini(&k);
}

/* Five hours: chunks are cut, mapped and left to a block while more samples come; ends as they may
 * be in between. */
START_TEST(test_long_series)
{
    static const char *const names[] = {"calm", "wild", "floats"};
    enum { SERIES = ARRAY_LEN(names) };
    static struct long_series s[SERIES];
    for (size_t i = 0; i < SERIES; i++) {
        struct kit_series random =
            kit_series_of(i + 1, i == 2 ? HISTOGRAM_FLOAT : HISTOGRAM_INTEGER, 2);
        random.calm = i == 0;
        arena_init(&s[i].arena, 0);
        for (size_t at = 0; at < LONG_SAMPLES; at++)
            s[i].values[at] = kit_next(&random, &s[i].arena);
    }
    struct db_opts opts = kit_opts(fs_posix(), test_dir());
    struct db *db = kit_open(&opts);
    for (size_t at = 0; at < LONG_SAMPLES; at++) {
        put_long(db, at, s, names, SERIES);
        if (at % 100 == 99)
            CK_OK(db_maintain(db));
        if (at % 300 == 299) {
            if (at % 600 == 599)
                CK_OK(db_finish(db));
            db_close(db);
            db = kit_open(&opts);
        }
    }
    struct db_stats stats;
    db_stats(db, &stats);
    ck_assert_uint_eq(stats.blocks, 1);
    ck_assert_uint_gt(stats.chunks_mapped + stats.head_chunks_bytes, 0);
    for (size_t i = 0; i < SERIES; i++) {
        assert_long(db, names[i], &s[i], 4);
        arena_fini(&s[i].arena);
    }
    db_close(db);
}
END_TEST

/* --- many threads ----------------------------------------------------------------------------- */

enum { WRITERS = 3, WRITES = 150 };

struct shared {
    struct db *db;
    _Atomic(int) next, writing;
    _Atomic(uint64_t) stored;
};

/* Ever newer samples of the same series, of all kinds. */
static void *
write_kinds(void *arg)
{
    struct shared *s = arg;
    static const char *const values[] = {I1, I2_WIDE, I2, F1, "1", "stale"};
    for (int at; (at = atomic_fetch_add(&s->next, 1)) < WRITERS * WRITES;) {
        struct kit_request k;
        kit_request_init(&k);
        for (int series = 0; series < 2; series++) {
            kit_row(&k, series ? "__name__=b" : "__name__=a");
            put_value(&k, t0 + at * 1000, values[at / (series ? 1 : 20) % 6]);
        }
        struct append_result r;
        CK_OK(kit_append(&k, s->db, &r));
        atomic_fetch_add(&s->stored, r.fates[STORED]);
        kit_request_fini(&k);
    }
    atomic_fetch_sub(&s->writing, 1);
    return NULL;
}

static size_t
count_all(struct db *db)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    size_t n = 0;
    for (const char *at = kit_dump(&a, db); (at = strchr(at, '=')); at++)
        n++;
    return n;
}

static void *
read_kinds(void *arg)
{
    struct shared *s = arg;
    size_t before = 0;
    while (atomic_load(&s->writing) > 0) {
        size_t now = count_all(s->db);
        ck_assert_uint_ge(now, before);
        before = now;
    }
    return NULL;
}

/* What was stored is seen, and a kill later still there. */
START_TEST(test_many_threads)
{
    struct db_opts opts = kit_opts(fs_posix(), test_dir());
    struct shared s = {.db = kit_open(&opts), .writing = WRITERS};
    pthread_t threads[WRITERS + 1];
    for (size_t i = 0; i <= WRITERS; i++)
        ck_assert_int_eq(
            pthread_create(&threads[i], NULL, i < WRITERS ? write_kinds : read_kinds, &s), 0);
    while (atomic_load(&s.writing) > 0)
        CK_OK(db_maintain(s.db));
    for (size_t i = 0; i <= WRITERS; i++)
        pthread_join(threads[i], NULL);
    CK_OK(db_check(s.db));
    ck_assert_uint_eq(count_all(s.db), s.stored);
    db_close(s.db);
    s.db = kit_open(&opts);
    ck_assert_uint_eq(count_all(s.db), s.stored);
    db_close(s.db);
}
END_TEST

Suite *
head_histograms_suite(void)
{
    Suite *s = suite_create("head_histograms");
    TCase *t = tcase_create("all");
    tcase_add_loop_test(t, test_story, 0, ARRAY_LEN(stories));
    tcase_add_loop_test(t, test_story_of_restarts, 0, ARRAY_LEN(stories));
    tcase_add_loop_test(t, test_mixed, 0, ARRAY_LEN(mixed_cases));
    tcase_add_test(t, test_invalid_makes_no_series);
    tcase_add_test(t, test_long_series);
    tcase_add_test(t, test_many_threads);
    suite_add_tcase(s, t);
    return s;
}
