/* rand.h - random bytes of the kernel for secrets, a seeded generator for tests and jitter.
 *
 * The generator is xoshiro256** (Blackman and Vigna, 2018), filled from its seed by
 * splitmix64: the same seed gives the same numbers on every machine. Never for secrets.
 * Threads: rand_bytes() any; a struct rand_gen one at a time. */
#pragma once
#include <stddef.h>
#include <stdint.h>

/* n bytes of getrandom(2); aborts when the kernel has none to give. */
void rand_bytes(void *to, size_t n);

struct rand_gen {
    uint64_t state[4]; /* never all zero */
};

/* Creation: struct rand_gen g = rand_gen_of(seed). Any seed is a good one. */
struct rand_gen rand_gen_of(uint64_t seed);
uint64_t rand_u64(struct rand_gen *g);
/* Uniform in [0, bound); `bound` > 0. */
uint64_t rand_below(struct rand_gen *g, uint64_t bound);
/* Uniform in [0, 1). */
double rand_f64(struct rand_gen *g);
