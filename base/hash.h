/* hash.h - xxHash: 64 bits where other programs must get the same value, 128 bits keyed
 * where only this process looks. Threads: any. */
#pragma once
#include <stdint.h>

#include "base/str.h"

struct hash128 {
    uint64_t lo, hi;
};

/* XXH64, seed 0: labels, hashrings. */
uint64_t hash64(struct str s);
/* XXH3 with a per-process secret seed: nobody outside can construct collisions. */
struct hash128 hash128_seeded(struct str s, uint64_t seed);
/* Random bits from the kernel, for seeds. */
uint64_t hash_random_seed(void);
