/* peers.h - the links of a node, one for each address that is or was in the ring.
 *
 * Threads: any for finding; changes by whoever reloads the ring, one at a time. */
#pragma once
#include "replication/peer_link.h"

struct peers;

/* What all links have in common; address, zone, loop and other_region are each link's own. */
struct peers_opts {
    struct peer_link_opts link;
    struct loops *loops;   /* links take them in turn */
    struct str local_zone; /* copied; empty: no peer is in another region */
};
struct peers *peers_open(const struct peers_opts *opts);
/* Every link gets `wait_ms` together with the others. NULL is allowed. */
void peers_close(struct peers *p, uint64_t wait_ms);

/* Finds or makes the link, and wants it. The caller owns a reference, which may go on any thread:
 * peer_link_unref(). */
struct err peers_link(struct peers *p, struct str address, struct str zone,
                      struct peer_link **ret_link);
/* A new ring comes: of all links, those that are not asked for between these two leave. */
void peers_begin_ring(struct peers *p);
void peers_end_ring(struct peers *p);
/* Closes links that have left, are empty and are not referred to. Often. */
void peers_reap(struct peers *p);

struct peers_status {
    size_t count, behind, backing_off;
    size_t busy; /* that have anything under way or waiting */
    uint64_t memory_bytes, handoff_bytes, handoff_records;
    int64_t oldest_ms; /* of all queues */
};
struct peers_status peers_status(struct peers *p);
/* Each link in turn, under the lock of the set. */
void peers_each(struct peers *p, void (*visit)(void *arg, struct peer_link *l), void *arg);
