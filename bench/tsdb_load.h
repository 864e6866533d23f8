/* tsdb_load.h - a fleet's series written into a database of this process.
 *
 * Threads: one. */
#pragma once
#include "base/vec.h"
#include "bench/loadgen_series.h"
#include "bench/tsdb_bench.h"
#include "tsdb/db.h"

/* `count` series, their keys made once; 9 or 10 labels and the metric name each. Sample 0 is at
 * the start of a range of 2 h, the newest that has begun. */
struct bench_load {
    struct load_spec spec;
    uint64_t count;
    VEC(uint32_t) order; /* numbers of the series, in the order in which they are written */
    struct buf keys;     /* in the same order */
    VEC(size_t) ends;    /* of each key */
};
enum load_order { LOAD_BY_BIRTH, LOAD_SHUFFLED };
void bench_load_init(struct bench_load *l, uint64_t count, enum load_order order);
void bench_load_fini(struct bench_load *l);

/* Opens <b->dir>/db, made when missing, with the options of production. */
struct err bench_db_open(const struct bench *b, struct db **ret_db);
/* Removes it and all in it. */
struct err bench_db_remove(const struct bench *b);

enum { BENCH_REQUEST_SAMPLES = 2000 };
/* Writes samples [first, first + per_row) of every series, in requests of BENCH_REQUEST_SAMPLES,
 * and adds to *spent what db_append() took; making the requests is not in it. A sample that is
 * not stored is an error. */
struct err bench_write(struct db *db, const struct bench_load *l, uint64_t first, uint64_t per_row,
                       struct bench_timer *spent);
