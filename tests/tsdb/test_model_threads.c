/* Many writers of the same few series, a reader and the maintainer: what was acknowledged to
 * anybody is there, and there again after a crash, whatever order the requests met in.
 *
 * MODEL_SEED and MODEL_STORIES as in test_model.c, MODEL_STEPS is requests a writer; the
 * scheduler has its word too, so that a seed alone does not replay a failure. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/rand.h"
#include "tests/tsdb/head_kit.h"

enum { WRITERS = 4, SERIES = 6, STEP_MS = 50 };
static const int64_t t0 = INT64_C(1700000000000);

/* What one writer was told about one sample. */
struct told {
    int series;
    struct sample sample;
};

struct crowd {
    struct db *db;
    uint64_t seed, requests;
    _Atomic(int) writing;
    _Atomic(int64_t) clock; /* shared: writers meet at nearly the same times */
    _Atomic(int) failed;
};

struct writer {
    struct crowd *crowd;
    uint64_t id;
    VEC(struct told) stored;
};

static const char *const series_names[SERIES] = {
    "__name__=a,n=0", "__name__=a,n=1", "__name__=a,n=2",
    "__name__=b,n=3", "__name__=b,n=4", "__name__=b,n=5",
};

/* One sample of one series: the answer then says what became of it. */
static void
write_one(struct writer *w, struct rand_gen *g)
{
    struct crowd *c = w->crowd;
    struct kit_request k;
    kit_request_init(&k);
    int series = (int)rand_below(g, SERIES);
    int64_t t = atomic_fetch_add(&c->clock, 1) / 3 * STEP_MS;
    struct sample s = {t0 + t, bits_of_f64((double)w->id)};
    kit_row(&k, series_names[series]);
    kit_sample(&k, s.t_ms, (double)w->id);
    struct append_result r;
    struct err e = kit_append(&k, c->db, &r);
    if (e.code != ERR_NONE)
        atomic_fetch_add(&c->failed, 1);
    else if (r.fates[SAMPLE_STORED] == 1)
        vec_push(&w->stored, ((struct told){series, s}));
    err_drop(e);
    kit_request_fini(&k);
}

static void *
write_all(void *arg)
{
    struct writer *w = arg;
    struct rand_gen g = rand_gen_of(w->crowd->seed * WRITERS + w->id);
    for (uint64_t i = 0; i < w->crowd->requests; i++)
        write_one(w, &g);
    atomic_fetch_sub(&w->crowd->writing, 1);
    return NULL;
}

static void *
read_and_maintain(void *arg)
{
    struct crowd *c = arg;
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    while (atomic_load(&c->writing) > 0) {
        (void)kit_query(&a, c->db, MATCH_EQUAL, "__name__", "a", INT64_MIN, INT64_MAX);
        struct err e = db_maintain(c->db);
        if (e.code != ERR_NONE)
            atomic_fetch_add(&c->failed, 1);
        err_drop(e);
        arena_reset(&a);
    }
    return NULL;
}

static void
assert_told(struct crowd *c, const struct writer *writers, const char *when)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    CK_OK(db_check(c->db));
    size_t stored = 0, found = 0;
    const char *dump = kit_dump(&a, c->db);
    for (const char *p = dump; *p; p++)
        found += *p == '=' && p[1] != '"';
    for (size_t i = 0; i < WRITERS; i++) {
        stored += writers[i].stored.n;
        for (size_t j = 0; j < writers[i].stored.n; j++) {
            const struct told *x = &writers[i].stored.v[j];
            const char *want = arena_printf(&a, " %jd=%d", (intmax_t)x->sample.t_ms, (int)i).p;
            const char *of = strstr(dump, arena_printf(&a, "n=\"%d\"", x->series).p);
            const char *at = of ? strstr(of, want) : NULL;
            const char *end = of ? strchr(of, ';') : NULL;
            ck_assert_msg(at && at < end, "seed %ju, %s: series %d lost%s", (uintmax_t)c->seed,
                          when, x->series, want);
        }
    }
    ck_assert_msg(found == stored, "seed %ju, %s: %zu samples, %zu acknowledged",
                  (uintmax_t)c->seed, when, found, stored);
}

static uint64_t
number_from(const char *variable, uint64_t otherwise)
{
    const char *text = getenv(variable);
    return text ? strtoull(text, NULL, 10) : otherwise;
}

START_TEST(test_same_series)
{
    struct db_opts opts = kit_opts(fs_posix(), test_dir());
    struct crowd c = {.seed = number_from("MODEL_SEED", 1) + (uint64_t)_i,
                      .requests = number_from("MODEL_STEPS", 400),
                      .writing = WRITERS};
    CK_OK(db_open(&opts, &c.db));
    struct writer writers[WRITERS];
    pthread_t threads[WRITERS + 1];
    for (uint64_t i = 0; i < WRITERS; i++) {
        writers[i] = (struct writer){&c, i, VEC_INIT};
        ck_assert_int_eq(pthread_create(&threads[i], NULL, write_all, &writers[i]), 0);
    }
    ck_assert_int_eq(pthread_create(&threads[WRITERS], NULL, read_and_maintain, &c), 0);
    for (size_t i = 0; i <= WRITERS; i++)
        pthread_join(threads[i], NULL);
    ck_assert_int_eq(atomic_load(&c.failed), 0);
    assert_told(&c, writers, "running");
    db_close(c.db);
    CK_OK(db_open(&opts, &c.db));
    assert_told(&c, writers, "after a crash");
    db_close(c.db);
    for (size_t i = 0; i < WRITERS; i++)
        vec_fini(&writers[i].stored);
}
END_TEST

Suite *
model_threads_suite(void)
{
    Suite *s = suite_create("model_threads");
    TCase *t = tcase_create("model_threads");
    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, test_same_series, 0, (int)number_from("MODEL_STORIES", 5));
    suite_add_tcase(s, t);
    return s;
}
