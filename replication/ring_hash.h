/* ring_hash.h - the hash by which a series is placed. Threads: any (pure). */
#pragma once
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

/* XXH64, seed 0, of tenant, 0xFF, and for each label in stored order name, 0xFF, value, 0xFF: a
 * series has the same hash on every receiver, also Thanos'. `label_key` is that of label_key.h,
 * canonical or not; empty values count. No allocation. ERR_INVALID: the bytes are not a key. */
struct err ring_hash(struct str tenant, struct str label_key, uint64_t *ret_hash);
