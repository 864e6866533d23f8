/* ring_movement.c - owners of series in two rings, counted. */
#include "replication/ring_movement.h"

#include "replication/ring_hash.h"

static uint32_t *
add_places(struct ring_movement *m, const struct ring *r)
{
    size_t n = ring_node_count(r);
    uint32_t *place_of = mem_array_zero(n + 1, sizeof *place_of);
    for (size_t i = 0; i < n; i++) {
        struct str address = ring_node(r, i)->address;
        struct ring_place *p = map_get(&m->by_address, address);
        if (!p) {
            p = &m->places[m->place_count++];
            p->address = address;
            (void)map_put(&m->by_address, address, p);
        }
        place_of[i] = (uint32_t)(p - m->places);
    }
    return place_of;
}

void
ring_movement_init(struct ring_movement *m, struct ring *from, struct ring *to)
{
    *m = (struct ring_movement){.from = from, .to = to};
    map_init(&m->by_address, MAP_KEYS_BORROWED);
    m->places = mem_array_zero(ring_node_count(from) + ring_node_count(to) + 1, sizeof *m->places);
    m->from_place = add_places(m, from);
    m->to_place = add_places(m, to);
}

void
ring_movement_fini(struct ring_movement *m)
{
    map_fini(&m->by_address);
    mem_free(m->places);
    mem_free(m->from_place);
    mem_free(m->to_place);
}

static void
count(struct ring_movement *m, const uint16_t *before, const uint16_t *after)
{
    unsigned old_copies = ring_replication_factor(m->from);
    unsigned new_copies = ring_replication_factor(m->to), copies_moved = 0;
    for (unsigned n = 0; n < old_copies; n++)
        m->places[m->from_place[before[n]]].before++;
    for (unsigned n = 0; n < new_copies; n++) {
        uint32_t place = m->to_place[after[n]];
        m->places[place].after++;
        bool had = false;
        for (unsigned old = 0; old < old_copies; old++)
            had |= m->from_place[before[old]] == place;
        copies_moved += !had;
    }
    m->series++;
    m->copies += new_copies;
    m->copies_moved += copies_moved;
    m->moved += copies_moved > 0;
    m->first_moved += m->from_place[before[0]] != m->to_place[after[0]];
}

struct err
ring_movement_add(struct ring_movement *m, struct str tenant, struct str label_key)
{
    AUTO(ring_part_unref) const struct ring_part *before = NULL, *after = NULL;
    uint64_t hash;
    TRY(ring_hash(tenant, label_key, &hash));
    struct err e = ring_part(m->from, tenant, &before);
    if (e.code == ERR_NONE)
        e = ring_part(m->to, tenant, &after);
    if (e.code != ERR_NONE) {
        err_drop(e);
        m->unplaced++;
        return OK;
    }
    const uint16_t *old_owners, *new_owners;
    TRY(ring_owners(before, hash, &old_owners));
    TRY(ring_owners(after, hash, &new_owners));
    count(m, old_owners, new_owners);
    return OK;
}
