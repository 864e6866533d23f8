/* place_kit.h - random writes, rings to place them on, and how. Everything is in the arena. */
#pragma once
#include "base/rand.h"
#include "replication/place.h"

enum { PLACE_ROWS_MAX = 60, PLACE_BATCHES_MAX = 3 };

struct place_case {
    enum ring_algorithm algorithm;
    unsigned copies;
    size_t nodes, zones; /* zones 0: none are named */
    uint16_t local;
    unsigned replica;
    unsigned mneme_of; /* every so manieth node is of our kind; 0: none */
};

/* Rows of floats; every fifth has something else, too, unless they shall not. */
struct append_request place_kit_request(struct rand_gen *g, struct arena *a, size_t rows,
                                        bool floats_only);
struct rewritten place_kit_write(struct rand_gen *g, struct arena *a);
/* Two families, the second "down", for batch b. */
void place_kit_metadata(struct arena *a, struct rewritten *w, size_t b);
/* The caller owns the reference. */
struct ring *place_kit_ring(const struct place_case *c);
/* With an empty plan. */
struct place_opts place_kit_opts(const struct place_case *c, struct arena *a, struct ring *ring);
