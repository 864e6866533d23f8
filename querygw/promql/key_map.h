/* key_map.h - numbers for things in the order of their first sight: group ids, output series.
 *
 * Keys are 128-bit hashes with a secret seed, so that equal hashes mean equal things and
 * nothing has to be compared or kept. Memory comes from an arena. Threads: one at a time. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/hash.h"

enum { KEY_MAP_KEYS_MAX = 1 << 30 };

struct key_slot;

struct key_map {
    struct arena *arena; /* borrowed */
    struct key_slot *slots;
    uint32_t slot_count; /* a power of two, or 0 */
    uint32_t used;
};

void key_map_init(struct key_map *m, struct arena *a);
/* The number of `key`; *ret_new says whether this call gave it. Numbers run from 0 without
 * gaps. ERR_LIMIT past KEY_MAP_KEYS_MAX. */
struct err key_map_find_or_add(struct key_map *m, struct hash128 key, uint32_t *ret_number,
                               bool *ret_new);
/* False when `key` has no number. */
bool key_map_find(const struct key_map *m, struct hash128 key, uint32_t *ret_number);
