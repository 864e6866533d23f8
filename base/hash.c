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

static XXH64_state_t *
hash64_state(struct hash64_stream *h)
{
    _Static_assert(sizeof h->state == sizeof(XXH64_state_t), "room for the library's state");
    return (XXH64_state_t *)(void *)h->state;
}

void
hash64_begin(struct hash64_stream *h)
{
    XXH64_reset(hash64_state(h), 0);
}

void
hash64_add(struct hash64_stream *h, struct str piece)
{
    if (piece.n > 0)
        XXH64_update(hash64_state(h), piece.p, piece.n);
}

uint64_t
hash64_end(const struct hash64_stream *h)
{
    return XXH64_digest((const XXH64_state_t *)(const void *)h->state);
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
