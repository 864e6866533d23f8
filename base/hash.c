/* hash.c - xxHash, inlined from its header so that short keys cost no call. */
#include "base/hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/rand.h"

uint64_t
hash64(struct str s)
{
    return XXH64(s.p, s.n, 0);
}

struct hash128
hash128_seeded(struct str s, uint64_t seed)
{
    XXH128_hash_t h = XXH3_128bits_withSeed(s.p, s.n, seed);
    return (struct hash128){.lo = h.low64, .hi = h.high64};
}

uint64_t
hash_random_seed(void)
{
    uint64_t seed;
    rand_bytes(&seed, sizeof seed);
    return seed;
}
