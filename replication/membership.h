/* membership.h - the ring of now, and who is behind each of its nodes: one immutable snapshot,
 * counted, that a reload replaces as a whole.
 *
 * Threads: any. */
#pragma once
#include "base/mem.h"
#include "replication/peers.h"
#include "replication/ring.h"

struct membership {
    _Atomic(uint32_t) refs;
    struct ring *ring;        /* a reference */
    uint32_t number;          /* of the ring, for parts: rings since the start */
    struct peer_link **links; /* by node: references; NULL: this machine */
    uint8_t *traits;          /* by node: enum votes_trait, but for what peers tell of themselves */
    size_t node_count;
    uint16_t local; /* RING_NODE_NONE: this machine is none of them */
};

struct membership_opts {
    struct peers *peers;
    struct str local_endpoint; /* address or Cap'n Proto address of this machine; empty: none */
    struct str local_zone;     /* empty: all zones are alike */
    uint32_t number;
};
/* The caller owns one reference. ERR_UNAVAILABLE when a link cannot be opened. */
struct err membership_open(const struct membership_opts *opts, struct ring *ring,
                           struct membership **ret_membership);
struct membership *membership_ref(struct membership *m);
void membership_unref(struct membership *m); /* NULL is allowed */
DEFINE_AUTO(struct membership *, membership_unref)
