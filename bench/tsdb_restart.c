/* tsdb_restart.c - opening a database after a crash and after a clean stop. */
#include <stdio.h>

#include "base/mem.h"
#include "bench/tsdb_load.h"

/* What is written and found again. */
struct size {
    const char *name; /* of the figures */
    uint64_t series, samples, per_row;
};

static struct err
write_all(struct bench *b, const struct size *size)
{
    AUTO(db_close) struct db *db = NULL;
    struct bench_timer spent = {0, 0, NULL};
    struct bench_load l;
    bench_load_init(&l, size->series, LOAD_BY_BIRTH);
    struct err e = bench_db_open(b, &db);
    for (uint64_t j = 0; j < size->samples && e.code == ERR_NONE; j += size->per_row) {
        e = bench_write(db, &l, j, size->per_row, &spent);
        if (e.code == ERR_NONE)
            e = db_maintain(db);
    }
    bench_load_fini(&l);
    TRY(e);
    char figure[64];
    struct db_stats s;
    db_stats(db, &s);
    (void)snprintf(figure, sizeof figure, "%s_log_bytes_a_sample", size->name);
    bench_figure(b, figure, (double)s.wal_bytes / (double)(size->series * size->samples));
    return OK; /* and the database is dropped as a crash would */
}

static struct err
open_again(struct bench *b, const struct size *size, const char *after, struct db **ret_db)
{
    (void)bench_resident_bytes(); /* gives back what the part before had */
    bench_forget_peak();
    struct bench_timer start = bench_start();
    TRY(bench_db_open(b, ret_db));
    struct bench_timer took = bench_since(start);
    uint64_t peak_bytes = bench_peak_bytes();
    struct db_stats s;
    db_stats(*ret_db, &s);
    if (s.series != size->series)
        return ERR(ERR_CORRUPT, "%ju of %ju series came back", (uintmax_t)s.series,
                   (uintmax_t)size->series);
    char figure[64];
    (void)snprintf(figure, sizeof figure, "%s_after_%s_cpu_ms", size->name, after);
    bench_figure(b, figure, (double)took.cpu_ns / 1e6);
    (void)snprintf(figure, sizeof figure, "%s_after_%s_wall_ms", size->name, after);
    bench_figure(b, figure, (double)took.wall_ns / 1e6);
    (void)snprintf(figure, sizeof figure, "%s_after_%s_peak_memory_ratio", size->name, after);
    bench_figure(b, figure, (double)peak_bytes / (double)bench_resident_bytes());
    return OK;
}

/* Opens what a clean stop has left; ends with a snapshot. */
static struct err
stop_with_snapshot(struct bench *b, const struct size *size)
{
    AUTO(db_close) struct db *db = NULL;
    b->snapshots = true;
    TRY(open_again(b, size, "finish", &db));
    b->snapshots = false;
    return db_finish(db);
}

static struct err
measure(struct bench *b, const struct size *size)
{
    TRY(write_all(b, size));
    {
        AUTO(db_close) struct db *db = NULL;
        TRY(open_again(b, size, "crash", &db));
        TRY(db_finish(db));
    }
    TRY(stop_with_snapshot(b, size));
    AUTO(db_close) struct db *db = NULL;
    TRY(open_again(b, size, "snapshot", &db));
    return OK; /* and dropped */
}

struct err
bench_restart(struct bench *b)
{
    TRY(measure(b, &(struct size){"restart", 200000, 20, 1}));
    return b->after == BENCH_KEEP ? OK : bench_db_remove(b);
}

struct err
bench_restart_big(struct bench *b)
{
    TRY(measure(b, &(struct size){"restart_big", 1000000, 480, 20}));
    return b->after == BENCH_KEEP ? OK : bench_db_remove(b);
}
