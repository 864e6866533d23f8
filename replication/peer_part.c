/* peer_part.c - counting references. */
#include "replication/peer_part.h"

#include <stdatomic.h>

enum { OVERHEAD_BYTES = 256 }; /* the part, its place in a pipe, the head of its payload */

struct peer_part *
peer_part_new(struct shared *payload, uint32_t ring, uint16_t replica)
{
    struct peer_part *part = mem_alloc(sizeof *part);
    *part = (struct peer_part){.payload = payload,
                               .ring = ring,
                               .replica = replica,
                               .plain_bytes = shared_bytes(payload).n};
    atomic_init(&part->refs, 1);
    return part;
}

struct peer_part *
peer_part_of_rows(struct peer_rows *rows, uint32_t ring, uint16_t replica)
{
    struct peer_part *part = mem_alloc(sizeof *part);
    *part = (struct peer_part){.rows = rows,
                               .ring = ring,
                               .replica = replica,
                               .tuple_count = rows->tuple_count,
                               .plain_bytes = rows->plain_bytes};
    atomic_init(&part->refs, 1);
    return part;
}

struct shared *
peer_part_payload(const struct peer_part *part, struct zstd_encoder *e)
{
    return part->rows ? peer_rows_packed(part->rows, e) : part->payload;
}

struct peer_part *
peer_part_ref(struct peer_part *part)
{
    atomic_fetch_add_explicit(&part->refs, 1, memory_order_relaxed);
    return part;
}

void
peer_part_unref(struct peer_part *part)
{
    if (!part || atomic_fetch_sub_explicit(&part->refs, 1, memory_order_acq_rel) > 1)
        return;
    peer_rows_unref(part->rows);
    shared_unref(part->payload);
    mem_free(part);
}

size_t
peer_part_bytes(const struct peer_part *part)
{
    return part->plain_bytes + OVERHEAD_BYTES;
}
