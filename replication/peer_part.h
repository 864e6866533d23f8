/* peer_part.h - what one peer gets of one write in one piece, encoded; counted.
 *
 * A part is whole: it is stored or refused as one, travels in one message, and is one record of the
 * hand-off. It does not change once it is made. Threads: any. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "replication/peer_rows.h"

struct peer_part {
    _Atomic(uint32_t) refs;
    /* Its rows, one of the two; one reference. A pipe does not look at them. */
    struct peer_rows *rows; /* of a write */
    struct shared *payload; /* of a record: what its rows were packed to */
    /* Of the ring that placed it, and anything else for another ring: parts to one peer never
     * overtake each other across rings, since a series may get another replica number then. */
    uint32_t ring;
    /* As on the wire, from 1; 0: all that the peer owns, whatever the number. To a Thanos peer a
     * message has parts of one number only, and order is kept among those of one number. */
    uint16_t replica;
    /* For the driver; of a payload at first 0, and its length. */
    uint32_t tuple_count;
    size_t plain_bytes; /* of its tuples, which counts in the place of what they are packed to */
};

/* Both take the reference to `payload` or `rows`; the caller owns one to the part. */
struct peer_part *peer_part_new(struct shared *payload, uint32_t ring, uint16_t replica);
struct peer_part *peer_part_of_rows(struct peer_rows *rows, uint32_t ring, uint16_t replica);
/* Returns `part`, with one reference more. */
struct peer_part *peer_part_ref(struct peer_part *part);
void peer_part_unref(struct peer_part *part); /* NULL is allowed */
DEFINE_AUTO(struct peer_part *, peer_part_unref)

/* What its rows are packed to, borrowed; perhaps by `e`, now. */
struct shared *peer_part_payload(const struct peer_part *part, struct zstd_encoder *e);

/* What it counts against limits: its payload when it is decoded, and what it takes to keep it. */
size_t peer_part_bytes(const struct peer_part *part);
