/* ring_diff.c - which nodes two rings have in common. */
#include "replication/ring_int.h"

/* By node of `of`: its index in `in`. */
static const uint16_t *
indexes_in(struct arena *a, const struct ring *of, const struct ring *in, size_t *ret_found)
{
    uint16_t *v = ARENA_ARRAY(a, uint16_t, of->node_count + 1);
    *ret_found = 0;
    for (size_t i = 0; i < of->node_count; i++)
        v[i] = RING_NODE_NONE;
    struct map_entry e = MAP_START;
    while (map_next(&of->node_index, &e)) {
        const struct ring_node *node = e.value, *there = map_get(&in->node_index, e.key);
        if (!there)
            continue;
        v[node - of->nodes] = (uint16_t)(there - in->nodes);
        ++*ret_found;
    }
    return v;
}

struct ring_diff
ring_diff(struct arena *a, const struct ring *from, const struct ring *to)
{
    struct ring_diff d;
    d.old_index = indexes_in(a, to, from, &d.kept);
    d.new_index = indexes_in(a, from, to, &d.kept);
    d.added = to->node_count - d.kept;
    d.removed = from->node_count - d.kept;
    return d;
}
