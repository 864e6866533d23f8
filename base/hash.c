/* hash.c - xxHash, inlined from its header so that short keys cost no call. */
#include "base/hash.h"

#define XXH_STATIC_LINKING_ONLY
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

void
hash_secret_init(struct hash_secret *secret, uint64_t seed)
{
    _Static_assert(HASH_SECRET_BYTES == XXH_SECRET_DEFAULT_SIZE, "what xxHash derives");
    secret->seed = seed;
    XXH3_generateSecret_fromSeed(secret->bytes, seed);
}

struct hash128
hash128_secret(struct str s, const struct hash_secret *secret)
{
    XXH128_hash_t h = XXH3_128bits_withSecretandSeed(s.p, s.n, secret->bytes, HASH_SECRET_BYTES,
                                                     secret->seed);
    return (struct hash128){.lo = h.low64, .hi = h.high64};
}

uint64_t
hash_random_seed(void)
{
    uint64_t seed;
    rand_bytes(&seed, sizeof seed);
    return seed;
}
