/* tsdb_append.c - db_append() of known series, and what a series takes in memory. */
#include <stdio.h>

#include "base/mem.h"
#include "bench/tsdb_load.h"

enum { APPEND_SERIES = 100000, MEMORY_SERIES = 1000000 };

/* A new database: first its series, then `rounds` requests of each. */
static struct err
measure_append(struct bench *b, const struct bench_load *l, uint64_t per_row, uint64_t rounds,
               const char *name)
{
    AUTO(db_close) struct db *db = NULL;
    struct bench_timer created = {0, 0, NULL}, appended = created, maintained = created;
    TRY(bench_db_open(b, &db));
    TRY(bench_write(db, l, 0, 1, &created));
    for (uint64_t round = 0; round < rounds; round++) {
        TRY(bench_write(db, l, 1 + round * per_row, per_row, &appended));
        struct bench_timer start = bench_start();
        TRY(db_maintain(db)); /* in production another thread's */
        maintained.cpu_ns += bench_since(start).cpu_ns;
    }
    TRY(db_finish(db));
    char figure[64];
    double samples = (double)(rounds * per_row * l->count);
    (void)snprintf(figure, sizeof figure, "append_%s_ns_a_sample", name);
    bench_figure(b, figure, (double)appended.cpu_ns / samples);
    (void)snprintf(figure, sizeof figure, "append_%s_maintain_ns_a_sample", name);
    bench_figure(b, figure, (double)maintained.cpu_ns / samples);
    if (per_row == 1) {
        (void)snprintf(figure, sizeof figure, "create_%s_ns_a_series", name);
        bench_figure(b, figure, (double)created.cpu_ns / (double)l->count);
    }
    return OK;
}

struct err
bench_append(struct bench *b)
{
    static const struct {
        const char *name;
        uint64_t per_row, rounds;
        enum load_order order;
    } rows[] = {
        {"1", 1, 125, LOAD_BY_BIRTH},
        {"1_shuffled", 1, 125, LOAD_SHUFFLED},
        {"4", 4, 30, LOAD_BY_BIRTH},
        {"20", 20, 10, LOAD_BY_BIRTH},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct bench_load l;
        bench_load_init(&l, APPEND_SERIES, rows[i].order);
        struct err e = measure_append(b, &l, rows[i].per_row, rows[i].rounds, rows[i].name);
        bench_load_fini(&l);
        TRY(e);
        TRY(bench_db_remove(b));
    }
    return OK;
}

/* After as many samples a series: 60 is the mean of a chunk's life. */
static struct err
measure_memory(struct bench *b, const struct bench_load *l)
{
    static const uint64_t counts[] = {1, 30, 60, 120};
    AUTO(db_close) struct db *db = NULL;
    struct bench_timer spent = {0, 0, NULL};
    uint64_t before_bytes = bench_resident_bytes(), first = 0;
    TRY(bench_db_open(b, &db));
    for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
        char figure[64];
        TRY(bench_write(db, l, first, counts[i] - first, &spent));
        TRY(db_maintain(db));
        first = counts[i];
        (void)snprintf(figure, sizeof figure, "memory_after_%ju_bytes_a_series",
                       (uintmax_t)counts[i]);
        bench_figure(b, figure, (double)(bench_resident_bytes() - before_bytes) / MEMORY_SERIES);
    }
    return OK;
}

struct err
bench_memory(struct bench *b)
{
    struct bench_load l;
    bench_load_init(&l, MEMORY_SERIES, LOAD_BY_BIRTH);
    struct err e = measure_memory(b, &l);
    bench_load_fini(&l);
    TRY(e);
    return bench_db_remove(b);
}
