/* go_rand.h - the numbers of Go's math/rand (version 1), by which shuffle sharding picks nodes: an
 * additive lagged Fibonacci generator, x[n] = x[n - 607] + x[n - 273] modulo 2^64.
 * Source: spec/receive.md 2.4; math/rand of Go says where its table comes from.
 * Threads: any; a struct go_rand one at a time. */
#pragma once
#include <stdint.h>

enum { GO_RAND_WORDS = 607 };

/* What Go mixes into every seed: the generator's own state after 7.8e12 numbers. Computed, in some
 * milliseconds; immutable afterwards. */
struct go_rand_table {
    uint64_t words[GO_RAND_WORDS];
};
void go_rand_table_init(struct go_rand_table *t);

struct go_rand {
    uint64_t words[GO_RAND_WORDS];
    unsigned feed, tap; /* the words that the last number came from */
};
/* As rand.New(rand.NewSource(seed)). */
void go_rand_seed(struct go_rand *r, const struct go_rand_table *t, int64_t seed);
/* Uint64() */
uint64_t go_rand_u64(struct go_rand *r);
