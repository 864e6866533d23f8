/* key_map.c - open addressing with linear probes, at most three quarters full. */
#include "querygw/promql/key_map.h"

struct key_slot {
    struct hash128 key;
    uint32_t number_plus_1; /* 0: free */
};

enum { KEY_MAP_SLOTS_MIN = 64 };

void
key_map_init(struct key_map *m, struct arena *a)
{
    *m = (struct key_map){.arena = a};
}

static struct key_slot *
key_map_slot(const struct key_map *m, struct hash128 key)
{
    for (uint32_t i = (uint32_t)key.lo;; i++) {
        struct key_slot *s = &m->slots[i & (m->slot_count - 1)];
        if (s->number_plus_1 == 0 || (s->key.lo == key.lo && s->key.hi == key.hi))
            return s;
    }
}

/* The old slots stay in the arena: together they are smaller than the new ones. */
static void
key_map_grow(struct key_map *m)
{
    struct key_map bigger = *m;
    bigger.slot_count = m->slot_count ? 2 * m->slot_count : KEY_MAP_SLOTS_MIN;
    bigger.slots = ARENA_ARRAY(m->arena, struct key_slot, bigger.slot_count);
    for (uint32_t i = 0; i < m->slot_count; i++)
        if (m->slots[i].number_plus_1)
            *key_map_slot(&bigger, m->slots[i].key) = m->slots[i];
    *m = bigger;
}

struct err
key_map_find_or_add(struct key_map *m, struct hash128 key, uint32_t *ret_number, bool *ret_new)
{
    if (m->used >= m->slot_count / 4 * 3) {
        if (m->used >= KEY_MAP_KEYS_MAX)
            return ERR(ERR_LIMIT, "query: more than %d label sets", KEY_MAP_KEYS_MAX);
        key_map_grow(m);
    }
    struct key_slot *s = key_map_slot(m, key);
    *ret_new = s->number_plus_1 == 0;
    if (*ret_new)
        *s = (struct key_slot){key, ++m->used};
    *ret_number = s->number_plus_1 - 1;
    return OK;
}

bool
key_map_find(const struct key_map *m, struct hash128 key, uint32_t *ret_number)
{
    const struct key_slot *s = m->slot_count ? key_map_slot(m, key) : NULL;
    if (!s || s->number_plus_1 == 0)
        return false;
    *ret_number = s->number_plus_1 - 1;
    return true;
}
