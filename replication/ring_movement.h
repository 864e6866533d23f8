/* ring_movement.h - what a change of the hashrings does to series: how many get an owner that they
 * did not have, and what each address holds before and after.
 * Nodes are told apart by address alone: one that is given another zone keeps its data.
 * Threads: one at a time. */
#pragma once
#include "base/map.h"
#include "replication/ring.h"

struct ring_place {
    struct str address;     /* lives as long as the rings */
    uint64_t before, after; /* copies */
};
struct ring_movement {
    struct ring *from, *to;    /* borrowed */
    struct map by_address;     /* -> struct ring_place */
    struct ring_place *places; /* nodes of `from`, then those that are new in `to` */
    size_t place_count;
    uint32_t *from_place, *to_place; /* by node: an index of `places` */

    uint64_t series;       /* that were added */
    uint64_t moved;        /* of them: with an owner that they did not have */
    uint64_t first_moved;  /* of them: with another owner of the first copy */
    uint64_t copies;       /* in `to` */
    uint64_t copies_moved; /* of them: on an address that had no copy of the series */
    uint64_t unplaced;     /* series that one of the rings does not take; in no other number */
};

void ring_movement_init(struct ring_movement *m, struct ring *from, struct ring *to);
void ring_movement_fini(struct ring_movement *m);
static inline void
auto_ring_movement_fini(struct ring_movement *m)
{
    ring_movement_fini(m);
}

/* ERR_INVALID: no label key. */
struct err ring_movement_add(struct ring_movement *m, struct str tenant, struct str label_key);
