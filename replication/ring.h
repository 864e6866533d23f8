/* ring.h - which nodes own a series: the hashring file, built once and asked for every row.
 *
 *   TRY(ring_part(ring, tenant, &part));               once a tenant of a write
 *   TRY(ring_hash(tenant, row->label_key, &hash));     once a row (ring_hash.h)
 *   TRY(ring_owners(part, hash, &nodes));              its owners, in replica order
 *   ring_part_unref(part);
 *
 * A ring is immutable; a reload makes a new one and swaps the pointer. Nodes of all hashrings of
 * the file have dense indexes, those of one address and zone the same one.
 * Source: spec/receive.md 2.3 and 2.4 (Thanos pkg/receive).
 * Threads: any. Only the first look-up of a tenant that a ring has not seen takes a lock. */
#pragma once
#include "base/arena.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"

struct ring;
struct ring_part;

enum ring_algorithm { RING_HASHMOD, RING_KETAMA };

enum {
    RING_NODES_MAX = 4096,       /* of all hashrings of a file */
    RING_REPLICAS_MAX = 64,      /* copies of a series */
    RING_NODE_NONE = UINT16_MAX, /* the index of no node */
};

struct ring_opts {
    struct str json;               /* what the hashring file holds; borrowed for the call */
    enum ring_algorithm algorithm; /* of hashrings that name none */
    unsigned replication_factor;
};

struct ring_node { /* views that live as long as the ring */
    struct str address, capnproto_address;
    struct str zone; /* "": none was given */
};

/* ERR_INVALID names hashring and endpoint. *ret_ring is a reference. */
struct err ring_open(const struct ring_opts *opts, struct ring **ret_ring);
/* One node that owns every series of every tenant: what a receiver without hashrings is. */
struct err ring_open_single(struct str address, unsigned replication_factor,
                            struct ring **ret_ring);
struct ring *ring_ref(struct ring *r);
/* NULL is allowed. */
void ring_unref(struct ring *r);
DEFINE_AUTO(struct ring *, ring_unref)

unsigned ring_replication_factor(const struct ring *r);
size_t ring_node_count(const struct ring *r);
const struct ring_node *ring_node(const struct ring *r, size_t index);

/* One hashring of the file. */
struct ring_label {
    struct str name, value;
};
struct ring_tenants { /* texts that a hashring was given for its tenants */
    struct str *v;
    size_t n;
    bool globs;
};
struct ring_hashring { /* views that live as long as the ring */
    struct str name;
    enum ring_algorithm algorithm;
    struct ring_tenants tenants; /* none: all tenants */
    const uint16_t *nodes;       /* in the order of the file */
    size_t node_count;
    const struct ring_label *external_labels;
    size_t external_label_count;
};
size_t ring_hashring_count(const struct ring *r);
const struct ring_hashring *ring_hashring(const struct ring *r, size_t index);

/* The nodes that the tenant's series lie on: those of the first hashring that takes the tenant,
 * or the tenant's own shard of them. *ret_part is a reference; it must go before that of the ring.
 * ERR_INTERNAL (as Thanos: 500, senders try again): no hashring takes it, fewer nodes than copies,
 * or too few for its shard. */
struct err ring_part(struct ring *r, struct str tenant, const struct ring_part **ret_part);
/* NULL is allowed. */
void ring_part_unref(const struct ring_part *p);
DEFINE_AUTO(const struct ring_part *, ring_part_unref)

const struct ring_hashring *ring_part_hashring(const struct ring_part *p);
/* The indexes of its nodes, ascending. */
const uint16_t *ring_part_nodes(const struct ring_part *p, size_t *ret_count);

/* The owner of each copy, replication factor of them, in replica order. *ret_nodes lives as long
 * as the part. Cannot fail for a part of ring_part(). */
struct err ring_owners(const struct ring_part *p, uint64_t hash, const uint16_t **ret_nodes);

/* What a reload changes. */
struct ring_diff {
    const uint16_t
        *old_index; /* by node of the new ring: its index in the old one or RING_NODE_NONE */
    const uint16_t *new_index; /* by node of the old ring, likewise */
    size_t added, removed, kept;
};
/* In the arena. Nodes are the same when address and zone are. */
struct ring_diff ring_diff(struct arena *a, const struct ring *from, const struct ring *to);
