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
/* The same of bytes that come in pieces. */
struct hash64_stream {
    _Alignas(8) unsigned char state[88]; /* the library's */
};
void hash64_begin(struct hash64_stream *h);
void hash64_add(struct hash64_stream *h, struct str piece);
uint64_t hash64_end(const struct hash64_stream *h);
/* XXH3 with a per-process secret seed: nobody outside can construct collisions. */
struct hash128 hash128_seeded(struct str s, uint64_t seed);

/* The same hash for somebody who hashes long keys all the time: what XXH3 derives from the seed
 * for keys above 240 bytes is derived once. Immutable after hash_secret_init(). */
enum { HASH_SECRET_BYTES = 192 };
struct hash_secret {
    uint64_t seed;
    unsigned char bytes[HASH_SECRET_BYTES];
};
void hash_secret_init(struct hash_secret *secret, uint64_t seed);
/* Equal to hash128_seeded(s, secret->seed). */
struct hash128 hash128_secret(struct str s, const struct hash_secret *secret);

/* Random bits from the kernel, for seeds. */
uint64_t hash_random_seed(void);
