/* membership.c - see membership.h. */
#include "replication/membership.h"

#include <stdatomic.h>

#include "replication/votes.h"

static bool
is_local(const struct membership_opts *opts, const struct ring_node *n)
{
    return opts->local_endpoint.n > 0 && (str_eq(n->address, opts->local_endpoint) ||
                                          str_eq(n->capnproto_address, opts->local_endpoint));
}

static struct err
open_node(struct membership *m, const struct membership_opts *opts, uint16_t node)
{
    const struct ring_node *n = ring_node(m->ring, node);
    if (is_local(opts, n)) {
        m->local = node;
        m->traits[node] = VOTES_NODE_WHOLE;
        return OK;
    }
    if (opts->local_zone.n > 0 && !str_eq(n->zone, opts->local_zone))
        m->traits[node] = VOTES_NODE_REMOTE;
    return peers_link(opts->peers, n->address, n->zone, &m->links[node]);
}

struct err
membership_open(const struct membership_opts *opts, struct ring *ring,
                struct membership **ret_membership)
{
    AUTO(membership_unref) struct membership *m = mem_alloc_zero(sizeof *m);
    atomic_init(&m->refs, 1);
    m->ring = ring_ref(ring);
    m->number = opts->number;
    m->local = RING_NODE_NONE;
    m->node_count = ring_node_count(ring);
    m->links = mem_array_zero(m->node_count, sizeof *m->links);
    m->traits = mem_array_zero(m->node_count, sizeof *m->traits);
    for (size_t i = 0; i < m->node_count; i++)
        TRY_IN(open_node(m, opts, (uint16_t)i), "receiver %.*s",
               STR_FMT(ring_node(ring, i)->address));
    *ret_membership = TAKE(m);
    return OK;
}

struct membership *
membership_ref(struct membership *m)
{
    atomic_fetch_add_explicit(&m->refs, 1, memory_order_relaxed);
    return m;
}

void
membership_unref(struct membership *m)
{
    if (!m || atomic_fetch_sub_explicit(&m->refs, 1, memory_order_acq_rel) > 1)
        return;
    for (size_t i = 0; i < m->node_count; i++)
        peer_link_unref(m->links[i]);
    mem_free(m->links);
    mem_free(m->traits);
    ring_unref(m->ring);
    mem_free(m);
}
