/* numbers.h - how this node numbers the series that it sends to others, and what it knows of each.
 *
 * A series gets a number when its first row is placed, and keeps it until its numbering ends: when
 * it has all its numbers, or is NUMBERS_AGE_MS old, for series that are gone keep theirs. Then a
 * new one begins, and every receiver learns anew. Series are found by a keyed hash of label bytes
 * and tenant, as in the head (tsdb/head/fingerprints.h), never by labels. Memory: 32 bytes a
 * number. Threads: any. */
#pragma once
#include <stdbool.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"

enum {
    NUMBERS_MAX = 1 << 25,
    NUMBERS_NONE = UINT32_MAX,
    NUMBERS_AGE_MS = 6 * 3600 * 1000,
};

struct numbers_of_node;
struct numbers; /* a numbering; counted */

/* `seed` is that of the heads (db_opts.hash_seed): rows are hashed once. The clock is borrowed.
 * `max`: numbers of a numbering, at most NUMBERS_MAX. */
struct numbers_of_node *numbers_open(const struct clock *clock, uint64_t seed, size_t max);
void numbers_close(struct numbers_of_node *n); /* NULL is allowed */
const struct hash_secret *numbers_secret(const struct numbers_of_node *n);

/* The numbering of now; the caller owns one reference. */
struct numbers *numbers_acquire(struct numbers_of_node *n);
void numbers_release(struct numbers *n); /* NULL is allowed */
DEFINE_AUTO(struct numbers *, numbers_release)
uint64_t numbers_id(const struct numbers *n); /* random, never 0 */

/* What is known of n rows by their keys, each the hash of label bytes with that of the tenant's
 * name (numbers_key()): numbers[i], NUMBERS_NONE for one that is new, and its hash in rings. */
void numbers_find(struct numbers *n, const struct hash128 *keys, size_t count, uint32_t *numbers,
                  uint64_t *ring_hashes);
/* For a new one: its number; NUMBERS_NONE: there are too many. */
uint32_t numbers_add(struct numbers *n, struct hash128 key, uint64_t ring_hash);
static inline struct hash128
numbers_key(struct hash128 labels, struct hash128 tenant)
{
    return (struct hash128){labels.lo ^ tenant.lo, labels.hi ^ tenant.hi};
}
