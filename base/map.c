/* map.c - open addressing, linear probing, no tombstones.
 *
 * Invariant: between the slot a key hashes to and the slot it stands in no slot is empty.
 * Removal keeps it by moving later entries of the run back. */
#include "base/map.h"

#include "base/assert.h"
#include "base/hash.h"
#include "base/mem.h"

enum { MAP_SLOTS_MIN = 16 };

struct map_slot {
    uint64_t hash;
    struct str key; /* owned with MAP_KEYS_COPIED */
    void *value;    /* NULL: the slot is empty */
};

void
map_init(struct map *m, enum map_keys keys)
{
    *m = (struct map){.keys = keys, .seed = hash_random_seed()};
}

static void
slot_fini(struct map *m, struct map_slot *slot)
{
    if (m->keys == MAP_KEYS_COPIED)
        mem_free((char *)(uintptr_t)slot->key.p);
}

void
map_fini(struct map *m)
{
    for (size_t i = 0; i < m->cap; i++) {
        if (m->slots[i].value)
            slot_fini(m, &m->slots[i]);
    }
    mem_free(m->slots);
    *m = (struct map){.keys = m->keys};
}

/* The slot of `key`, or the empty one where it would stand. At least one slot is empty. */
static size_t
find_slot(const struct map *m, struct str key, uint64_t hash)
{
    size_t i = hash & (m->cap - 1);
    while (m->slots[i].value && (m->slots[i].hash != hash || !str_eq(m->slots[i].key, key)))
        i = (i + 1) & (m->cap - 1);
    return i;
}

static uint64_t
hash_key(const struct map *m, struct str key)
{
    return hash128_seeded(key, m->seed).lo;
}

void *
map_get(const struct map *m, struct str key)
{
    if (m->count == 0)
        return NULL;
    return m->slots[find_slot(m, key, hash_key(m, key))].value;
}

/* Keeps at least a quarter of the slots empty once one more entry has come. */
static void
grow_if_full(struct map *m)
{
    if ((m->count + 1) * 4 <= m->cap * 3)
        return;
    struct map old = *m;
    m->cap = size_max(MAP_SLOTS_MIN, old.cap * 2);
    m->slots = mem_array_zero(m->cap, sizeof *m->slots);
    for (size_t i = 0; i < old.cap; i++) {
        if (!old.slots[i].value)
            continue;
        size_t at = find_slot(m, old.slots[i].key, old.slots[i].hash);
        ASSERT(!m->slots[at].value);
        m->slots[at] = old.slots[i];
    }
    mem_free(old.slots);
}

void *
map_put(struct map *m, struct str key, void *value)
{
    ASSERT(value);
    grow_if_full(m);
    uint64_t hash = hash_key(m, key);
    struct map_slot *slot = &m->slots[find_slot(m, key, hash)];
    void *before = slot->value;
    if (!before)
        m->count++;
    if (m->keys == MAP_KEYS_BORROWED)
        slot->key = key;
    else if (!before)
        slot->key = str_of(mem_dup_text(key.p, key.n), key.n);
    slot->hash = hash;
    slot->value = value;
    return before;
}

void *
map_remove(struct map *m, struct str key)
{
    if (m->count == 0)
        return NULL;
    size_t mask = m->cap - 1, hole = find_slot(m, key, hash_key(m, key));
    void *before = m->slots[hole].value;
    if (!before)
        return NULL;
    slot_fini(m, &m->slots[hole]);
    for (size_t i = (hole + 1) & mask; m->slots[i].value; i = (i + 1) & mask) {
        size_t home = m->slots[i].hash & mask;
        if (((i - home) & mask) < ((i - hole) & mask))
            continue; /* it would stand before its home */
        m->slots[hole] = m->slots[i];
        hole = i;
    }
    m->slots[hole] = (struct map_slot){.value = NULL};
    m->count--;
    return before;
}

bool
map_next(const struct map *m, struct map_entry *e)
{
    while (e->next_slot < m->cap) {
        const struct map_slot *slot = &m->slots[e->next_slot++];
        if (!slot->value)
            continue;
        e->key = slot->key;
        e->value = slot->value;
        return true;
    }
    return false;
}
