/* votes_int.h - what the plan of a vote box and the box share. */
#pragma once
#include "replication/votes.h"

/* A class while votes come: of n owners that count, W must store it. */
struct votes_class {
    uint8_t owner_count, needed;
    uint8_t stored, refused, failed; /* their sum is at most owner_count */
    uint8_t worst_refusal;           /* enum vote_outcome; VOTE_OK while there is none */
    bool decided;
};

/* For votes_open(): the plan's classes, and the slots of each ballot. Lives in the plan's arena. */
struct votes_layout {
    const struct votes_class *classes;
    size_t class_count;
    const uint32_t *ballot_first; /* by ballot, and one more: its first slot */
    size_t ballot_count;
    const uint32_t *slots; /* a class each: owners that count */
    size_t slot_count;
};
struct votes_layout votes_plan_layout(const struct votes_plan *p);
