/* peer_batches.h - what another receiver sends (proto/writeable.h), as batches by tenant.
 * Threads: any. */
#pragma once
#include "ingest/batch.h"
#include "proto/writeable.h"

/* In order of the message; all of it is in the arena, or a view of the message. */
struct peer_batches {
    struct batch *batches; /* one a tuple; no rows and no metadata for a tenant that cannot be */
    bool *bad_tenants;     /* by batch: it had rows, and its tenant's name is none (I2) */
    size_t count;
    const uint32_t *part_batches; /* how many each part has */
    size_t part_count;            /* 0: the sender does not tell parts apart */
    int64_t replica;              /* as in writeable.h */
};

/* Errors of writeable_decode(). */
struct err ingest_decode_peer(struct arena *a, struct str message,
                              struct peer_batches *ret_batches);
