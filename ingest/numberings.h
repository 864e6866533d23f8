/* numberings.h - the numbers that other receivers give their series, and what these are here.
 *
 * A sender that numbers its series tells a number with the labels once, and then the number alone
 * (proto/writeable.h). What is kept of a number is the hash of the labels by which heads find
 * series (append_request.row_keys): a series that is gone from the head is not found by it, and its
 * number is told as unknown. A numbering that nobody has used for an hour goes; so does the one
 * used least lately when all of them together get too large. Memory: 16 bytes a number, in blocks
 * of 64 kB. Threads: any. */
#pragma once
#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"
#include "proto/writeable.h"

enum {
    NUMBERING_NUMBERS_MAX = 1 << 25, /* a larger number is not kept */
    NUMBERINGS_NUMBERS_MAX = 1 << 26,
    NUMBERINGS_IDLE_MS = 3600 * 1000,
};

struct numberings;

struct numberings_opts {
    const struct clock *clock; /* borrowed */
    uint64_t hash_seed;        /* of the heads (db_opts) */
    size_t numbers_max;        /* of all numberings; 0: NUMBERINGS_NUMBERS_MAX */
};
struct numberings *numberings_open(const struct numberings_opts *opts);
void numberings_close(struct numberings *n); /* NULL is allowed */

/* Keys of all rows of the message, in the arena: of those with labels from these, remembering the
 * numbers that they have; of the others by number. *ret_keys is NULL when one of them is not known:
 * the sender has to come again with labels. Errors of arena_admit(). */
struct err numberings_keys(struct numberings *n, struct arena *a, const struct writeable_message *m,
                           const struct hash128 **ret_keys);
