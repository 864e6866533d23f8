/* tsdb_cut.c - cutting a head into a block: 2 hours of 100,000 series, a sample every 15 s. */
#include "base/mem.h"
#include "bench/tsdb_load.h"

enum { SERIES = 100000, SAMPLES = 480, PER_ROW = 20, PASSES_MAX = 100 };

static struct err
measure(struct bench *b, const struct bench_load *l)
{
    AUTO(db_close) struct db *db = NULL;
    struct bench_timer spent = {0, 0, NULL};
    TRY(bench_db_open(b, &db));
    for (uint64_t j = 0; j < SAMPLES; j += PER_ROW) {
        TRY(bench_write(db, l, j, PER_ROW, &spent));
        TRY(db_maintain(db));
    }
    struct bench_timer start = bench_start();
    bool empty = false;
    for (int pass = 0; !empty && pass < PASSES_MAX; pass++) /* readers of the epoch may lag */
        TRY(db_flush(db, &empty));
    struct bench_timer took = bench_since(start);
    if (!empty)
        return ERR(ERR_INVALID, "the head is not empty after %d passes", PASSES_MAX);
    bench_figure(b, "cut_cpu_us_a_series", (double)took.cpu_ns / 1e3 / SERIES);
    bench_figure(b, "cut_cpu_ns_a_sample", (double)took.cpu_ns / SERIES / SAMPLES);
    bench_figure(b, "cut_wall_ms", (double)took.wall_ns / 1e6);
    return db_finish(db);
}

struct err
bench_cut(struct bench *b)
{
    struct bench_load l;
    bench_load_init(&l, SERIES, LOAD_BY_BIRTH);
    struct err e = measure(b, &l);
    bench_load_fini(&l);
    TRY(e);
    return bench_db_remove(b);
}
