/* tsdb_latency.c - how long requests take while a pass cuts the head, beside quiet ones: 2000
 * samples each, of known series, one sample a series. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "bench/tsdb_load.h"

enum {
    SERIES = 50000,
    PER_ROW = 20,
    FILLED = 640,      /* samples a series, one every 15 s, before anything is measured */
    QUIET_ROUNDS = 40, /* 1000 requests */
    DUE = 722,         /* 3 h and a bit: the oldest two are due */
    ROUNDS_MAX = 4000, /* of a pass that does not end */
};

struct maintainer {
    struct db *db;
    struct err failure;
    _Atomic(bool) done;
};

/* Passes until the head was cut and the log truncated. */
static void *
maintain(void *arg)
{
    struct maintainer *m = arg;
    struct db_stats s = {.cuts = 0};
    while (s.cuts == 0 && m->failure.code == ERR_NONE) {
        m->failure = db_maintain(m->db);
        db_stats(m->db, &s);
    }
    if (m->failure.code == ERR_NONE)
        m->failure = db_maintain(m->db);
    atomic_store(&m->done, true);
    return NULL;
}

static int
by_size(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static double
report(struct bench *b, struct bench_walls *w, const char *when)
{
    static const struct {
        const char *name;
        double part;
    } rows[] = {{"p50", 0.5}, {"p99", 0.99}, {"max", 1}};
    char figure[64];
    double p99_us = 0;
    qsort(w->ns.v, w->ns.n, sizeof *w->ns.v, by_size);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        size_t at = (size_t)((double)(w->ns.n - 1) * rows[i].part);
        (void)snprintf(figure, sizeof figure, "latency_%s_%s_us", when, rows[i].name);
        bench_figure(b, figure, (double)w->ns.v[at] / 1e3);
        if (i == 1)
            p99_us = (double)w->ns.v[at] / 1e3;
    }
    return p99_us;
}

/* Writes round after round from sample `first` on while the maintainer works. */
static struct err
write_meanwhile(struct maintainer *m, const struct bench_load *l, uint64_t first,
                struct bench_timer *spent)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, maintain, m) != 0)
        return ERR(ERR_UNAVAILABLE, "no thread");
    struct err e = OK;
    for (uint64_t j = first; !atomic_load(&m->done) && e.code == ERR_NONE && j < first + ROUNDS_MAX;
         j++)
        e = bench_write(m->db, l, j, 1, spent);
    (void)pthread_join(thread, NULL);
    TRY(e);
    return m->failure;
}

static struct err
measure(struct bench *b, const struct bench_load *l)
{
    AUTO(db_close) struct db *db = NULL;
    struct bench_walls quiet = {VEC_INIT}, busy = {VEC_INIT};
    struct bench_timer fill = {0, 0, NULL}, spent = {0, 0, &quiet}, beside = {0, 0, &busy};
    TRY(bench_db_open(b, &db));
    for (uint64_t j = 0; j < FILLED; j += PER_ROW) {
        TRY(bench_write(db, l, j, PER_ROW, &fill));
        TRY(db_maintain(db));
    }
    for (uint64_t j = FILLED; j < FILLED + QUIET_ROUNDS; j++)
        TRY(bench_write(db, l, j, 1, &spent));
    for (uint64_t j = FILLED + QUIET_ROUNDS; j < DUE; j++)
        TRY(bench_write(db, l, j, 1, &fill));
    struct maintainer m = {.db = db};
    TRY(write_meanwhile(&m, l, DUE, &beside));
    double quiet_us = report(b, &quiet, "quiet"), busy_us = report(b, &busy, "in_cut");
    bench_figure(b, "latency_in_cut_requests", (double)busy.ns.n);
    bench_figure(b, "latency_p99_ratio", busy_us / quiet_us);
    vec_fini(&quiet.ns);
    vec_fini(&busy.ns);
    return db_finish(db);
}

struct err
bench_latency(struct bench *b)
{
    struct bench_load l;
    bench_load_init(&l, SERIES, LOAD_BY_BIRTH);
    struct err e = measure(b, &l);
    bench_load_fini(&l);
    TRY(e);
    return bench_db_remove(b);
}
