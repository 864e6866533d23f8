/* peers.c - a map of links, and who of them is wanted. */
#include "replication/peers.h"

#include "base/lock.h"
#include "base/map.h"
#include "base/vec.h"
#include "net/loop.h"

struct member {
    struct peer_link *link; /* owned */
    bool wanted;            /* in the ring that is being taken over, or was */
    bool left;
};

struct peers {
    struct peers_opts opts; /* immutable */
    char *local_zone;       /* owned */
    struct lock lock;
    struct map by_address GUARDED_BY(lock); /* -> struct member, owned */
    unsigned next_loop GUARDED_BY(lock);
};

struct peers *
peers_open(const struct peers_opts *opts)
{
    struct peers *p = mem_alloc_zero(sizeof *p);
    p->opts = *opts;
    p->local_zone = mem_dup_text(opts->local_zone.p, opts->local_zone.n);
    p->opts.local_zone = str_of_cstr(p->local_zone);
    map_init(&p->by_address, MAP_KEYS_COPIED);
    lock_init(&p->lock, LOCK_RANK_PEERS);
    return p;
}

void
peers_close(struct peers *p, uint64_t wait_ms)
{
    if (!p)
        return;
    uint64_t end_ms = clock_mono_ns(p->opts.link.clock) / 1000000 + wait_ms;
    struct map_entry e = MAP_START;
    while (map_next(&p->by_address, &e)) {
        struct member *m = e.value;
        uint64_t now_ms = clock_mono_ns(p->opts.link.clock) / 1000000;
        peer_link_close(m->link, end_ms > now_ms ? end_ms - now_ms : 0);
        mem_free(m);
    }
    map_fini(&p->by_address);
    lock_fini(&p->lock);
    mem_free(p->local_zone);
    mem_free(p);
}

/* --- membership ------------------------------------------------------------------------------- */

static bool
is_other_region(const struct peers *p, struct str zone)
{
    return p->opts.local_zone.n > 0 && !str_eq(zone, p->opts.local_zone);
}

static struct err
make_link(struct peers *p, struct str address, struct str zone, struct member **ret_member)
    REQUIRES(p->lock)
{
    struct peer_link_opts opts = p->opts.link;
    opts.address = address;
    opts.zone = zone;
    opts.loop = loops_at(p->opts.loops, p->next_loop++ % loops_count(p->opts.loops));
    opts.other_region = is_other_region(p, zone);
    struct peer_link *link = NULL;
    TRY(peer_link_open(&opts, &link));
    struct member *m = mem_alloc_zero(sizeof *m);
    m->link = link;
    map_put(&p->by_address, address, m);
    *ret_member = m;
    return OK;
}

struct err
peers_link(struct peers *p, struct str address, struct str zone, struct peer_link **ret_link)
{
    LOCKED(&p->lock);
    struct member *m = map_get(&p->by_address, address);
    if (!m)
        TRY(make_link(p, address, zone, &m));
    m->wanted = true;
    m->left = false;
    *ret_link = peer_link_ref(m->link);
    return OK;
}

void
peers_begin_ring(struct peers *p)
{
    LOCKED(&p->lock);
    struct map_entry e = MAP_START;
    while (map_next(&p->by_address, &e))
        ((struct member *)e.value)->wanted = false;
}

void
peers_end_ring(struct peers *p)
{
    LOCKED(&p->lock);
    struct map_entry e = MAP_START;
    while (map_next(&p->by_address, &e)) {
        struct member *m = e.value;
        m->left = !m->wanted;
    }
}

void
peers_reap(struct peers *p)
{
    VEC(struct member *) gone = VEC_INIT;
    {
        LOCKED(&p->lock);
        struct map_entry e = MAP_START;
        while (map_next(&p->by_address, &e)) {
            struct member *m = e.value;
            if (m->left && peer_link_is_empty(m->link) && !peer_link_is_shared(m->link))
                vec_push(&gone, m);
        }
        vec_each (&gone, m)
            map_remove(&p->by_address, peer_link_address((*m)->link));
    }
    vec_each (&gone, m) {
        peer_link_close((*m)->link, 0);
        mem_free(*m);
    }
    vec_fini(&gone);
}

/* --- looking ---------------------------------------------------------------------------------- */

void
peers_each(struct peers *p, void (*visit)(void *arg, struct peer_link *l), void *arg)
{
    LOCKED(&p->lock);
    struct map_entry e = MAP_START;
    while (map_next(&p->by_address, &e))
        visit(arg, ((struct member *)e.value)->link);
}

static void
add_status(void *arg, struct peer_link *l)
{
    struct peers_status *sum = arg;
    struct peer_link_status s = peer_link_status(l);
    sum->count++;
    sum->behind += s.behind;
    sum->backing_off += s.backing_off;
    sum->busy += !peer_link_is_empty(l);
    sum->memory_bytes += s.memory_bytes;
    sum->handoff_bytes += s.handoff.bytes;
    sum->handoff_records += s.handoff.records;
    sum->oldest_ms = s.handoff.oldest_ms > sum->oldest_ms ? s.handoff.oldest_ms : sum->oldest_ms;
}

struct peers_status
peers_status(struct peers *p)
{
    struct peers_status sum = {0};
    peers_each(p, add_status, &sum);
    return sum;
}
