/* histogram_kit.h - histograms for tests: out of golden JSON, at random, and compared by what
 * they count. */
#pragma once
#include <jansson.h>

#include "base/arena.h"
#include "base/mem.h"
#include "tsdb/model/float_histogram.h"

/* The value of a sample in the golden listings: absolute counts become differences. */
struct histogram kit_histogram(json_t *value, struct arena *a);
/* "f s=2 zt=0.001 zc=1 n=17 sum=3 p=-3:4,2,3/4:5,1 m=1:1 b=0.5,1 hint=gauge": kind i or f, then
 * what is not zero. p and m are the sides, offset:counts of each span. "p+=7" is a bucket that no
 * span has. */
struct histogram kit_parse(const char *text, struct arena *a);
/* The same observations: buckets that count nothing may be there or not. A stale marker only has
 * its sum. Hints and order of NaN bits do not matter. */
bool kit_counts_same(const struct histogram *x, const struct histogram *y);

/* A series' next histogram at random, changing *r: growth, resets, buckets that come and go, stale
 * markers, changes of schema, threshold, bounds and hint. */
struct kit_series {
    uint64_t seed;
    enum histogram_kind kind;
    int32_t schema;
    double zero_threshold;
    uint64_t zero_count, nans;
    int bounds;
    bool gauge, calm;      /* calm: nothing but growth and new buckets */
    int64_t counts[2][64]; /* of buckets -20 .. 43; -1: there is none */
};
struct kit_series kit_series_of(uint64_t seed, enum histogram_kind kind, int32_t schema);
struct histogram kit_next(struct kit_series *s, struct arena *a);
uint64_t kit_random(uint64_t *seed);
/* The same texts, for float histograms. */
struct float_histogram *kit_float(const char *text, struct arena *a);
/* As kit_parse() reads it: "f s=0 zt=0.5 zc=1 n=4 sum=2 p=0:1,2 hint=gauge", zeroes and all, sides
 * where they have buckets. Neighbours are in one span; every NaN is NaN. */
const char *kit_float_text(const struct float_histogram *h, struct arena *a);
/* `before` and the number, with all its digits. */
void kit_put_number(struct buf *to, const char *before, double v);
