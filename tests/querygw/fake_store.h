/* fake_store.h - a store over series in memory, for tests of everything above stores.
 *
 * It hands out real chunks, XOR2 where samples have start timestamps and XOR elsewhere, so
 * decoding is tested too, and checks that its user closes what it opens. Threads: adding one;
 * reading any number. */
#pragma once
#include <stdatomic.h>

#include "base/arena.h"
#include "querygw/store/store.h"
#include "tsdb/head/exemplars.h"
#include "tsdb/head/metadata_store.h"
#include "tsdb/model/float_histogram.h"

struct fake_series;

struct fake_store {
    struct store store; /* hand this on */
    struct arena arena;
    struct fake_series **v; /* sorted by labels */
    size_t n, cap;
    size_t chunk_samples;   /* of each chunk; 120 after init */
    bool interleave;        /* chunks overlap: even and odd samples apart */
    _Atomic(int) open_sets; /* not yet closed */
    _Atomic(int) selects;   /* so far */
    int64_t fail_at;        /* select number that fails with ERR_IO; 0: none */
    int64_t fail_next_at;   /* series of each set at which next() fails; 0: none */
    struct select_query last_query;
    struct exemplars *exemplars;     /* what the store tells of them; owned, for tests to fill */
    struct metadata_store *metadata; /* the same */
    struct store_files files;        /* what it says of its files, for tests to fill */
    struct cardinality cardinality;  /* what it tells of itself, for tests to fill; cut at limits */
};

void fake_store_init(struct fake_store *s);
/* Every set must have been closed. */
void fake_store_fini(struct fake_store *s);
/* Drops all series. */
void fake_store_clear(struct fake_store *s);

/* Adds a sample to the series with these labels, which is made when it is new. Samples may come
 * in any order; the last one at a time stays. */
void fake_store_add(struct fake_store *s, struct labels labels, int64_t t_ms, double value);
void fake_store_add_bits(struct fake_store *s, struct labels labels, int64_t t_ms, uint64_t bits);
/* The same with a start timestamp. */
void fake_store_add_started(struct fake_store *s, struct labels labels, int64_t t_ms, uint64_t bits,
                            int64_t start_ms);
/* As fake_store_add(), of a histogram, which is copied: a series may have both. */
void fake_store_add_histogram(struct fake_store *s, struct labels labels, int64_t t_ms,
                              int64_t start_ms, const struct float_histogram *h);
