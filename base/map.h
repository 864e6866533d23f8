/* map.h - a hash map from bytes to pointers: tenants, label values, names.
 *
 * Open addressing with linear probing and a keyed hash, so that nobody outside can choose
 * keys that collide. Values are never NULL, so that NULL means "absent".
 *
 *   struct map m;
 *   map_init(&m, MAP_KEYS_COPIED);
 *   map_put(&m, name, tenant);
 *   struct map_entry e = MAP_START;
 *   while (map_next(&m, &e)) use(e.key, e.value);
 *   map_fini(&m);
 * Threads: one at a time; look-ups alone from any number. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum map_keys {
    MAP_KEYS_BORROWED, /* a key's bytes must live as long as its entry */
    MAP_KEYS_COPIED,
};

struct map_slot;

struct map {
    enum map_keys keys;     /* immutable */
    uint64_t seed;          /* immutable */
    struct map_slot *slots; /* cap of them; owned */
    size_t cap;             /* 0 or a power of two */
    size_t count;           /* entries */
};

void map_init(struct map *m, enum map_keys keys);
/* Values are the caller's. Allowed on a zeroed map. */
void map_fini(struct map *m);
static inline void
auto_map_fini(struct map *m)
{
    map_fini(m);
}

/* NULL when absent. */
void *map_get(const struct map *m, struct str key);
/* Adds or replaces; returns the value that was there before, or NULL. A borrowed key is
 * replaced too. */
void *map_put(struct map *m, struct str key, void *value);
/* Returns the value that was there, or NULL. */
void *map_remove(struct map *m, struct str key);

struct map_entry {
    struct str key; /* borrowed until the entry is removed or the map changes */
    void *value;
    size_t next_slot; /* private */
};
#define MAP_START                                                                                  \
    {                                                                                              \
        {NULL, 0}, NULL, 0                                                                         \
    }
/* False after the last entry. In no order; the map must not change during the walk. */
bool map_next(const struct map *m, struct map_entry *e);
