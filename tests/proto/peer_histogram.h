/* peer_histogram.h - native histograms of the other side: random ones, and whether ours are equal.
 */
#pragma once
#include "base/arena.h"
#include "base/rand.h"
#include "tests/proto/prompb.pb-c.h"
#include "tsdb/model/histogram.h"

/* Fills `h` with numbers that need not make sense. */
void peer_histogram_random(struct rand_gen *g, struct arena *a, Prompb__Histogram *h);
void peer_histogram_check(const Prompb__Histogram *want, const struct histogram_sample *got);
