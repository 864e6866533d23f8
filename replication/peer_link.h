/* peer_link.h - a peer: its pipe (peer.h), its channel, its queue on disk, and the thread that
 * serves them.
 *
 *   peer_link_push() --inbox--> thread --pipe--> channel --> the peer
 *                                         `--> hand-off
 *
 * Whoever pushes never waits: neither for the peer nor for the disk. What comes faster than the
 * thread takes it, above PEER_INBOX_BYTES_MAX, votes unavailable and is counted as dropped.
 * Threads: any, but for opening and closing. */
#pragma once
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "net/grpc/grpc_message.h"
#include "replication/handoff.h"
#include "replication/peer.h"

struct loop;
struct tls_client;
struct peer_link;

enum { PEER_INBOX_BYTES_MAX = 64 << 20 };

/* Families of all peers of a node; children by address. */
struct peer_metrics {
    struct metric_family *parts;       /* by peer and result: stored, spilled, replayed, dropped */
    struct metric_family *wire_bytes;  /* by peer and zone, compressed */
    struct metric_family *plain_bytes; /* the same before compression */
    struct metric_family *behind; /* gauge by peer and zone: 1 while it gets its share from disk */
    struct metric_family *lag;    /* gauge by peer and zone: how long the oldest there waits */
    struct metric *forwards[2];   /* success, error; a conflict is neither, as with Thanos */
};
/* thanos_receive_forward_requests_total counts messages to peers beside what the receiver counts.
 */
void peer_metrics_init(struct peer_metrics *p, struct metrics *m);

struct peer_link_opts {
    struct str address, zone; /* copied */
    struct loop *loop;        /* of the channel; borrowed for life, as all below */
    struct tls_client *tls;   /* NULL: plain text */
    struct handoffs *handoffs;
    struct peer_metrics *metrics;
    struct metrics *registry; /* for the channel */
    struct log *log;          /* NULL is allowed */
    const struct clock *clock;
    enum grpc_encoding encoding; /* to peers that are not mneme */
    bool other_region;           /* all through the queue on disk */
    uint64_t forward_timeout_ms, backoff_max_ms, replay_bytes_per_s;
};
/* With one reference, the owner's; those of others keep it from being closed. */
struct err peer_link_open(const struct peer_link_opts *opts, struct peer_link **ret_link);
struct peer_link *peer_link_ref(struct peer_link *l);
void peer_link_unref(struct peer_link *l);           /* not the owner's */
bool peer_link_is_shared(const struct peer_link *l); /* somebody has a reference but the owner */
/* Takes to disk what is in memory, for at most `wait_ms`, and ends. The last one to use it. */
void peer_link_close(struct peer_link *l, uint64_t wait_ms);

/* As peer_push(). */
void peer_link_push(struct peer_link *l, struct peer_part *part, struct votes *v, uint32_t ballot);
/* It left the ring: it goes on until all is sent. Pushes of writes under way are still taken. */
void peer_link_leave(struct peer_link *l);
bool peer_link_is_empty(const struct peer_link *l);
/* A glance: it takes rows of any replica number, since it asks no ring. */
bool peer_link_is_mneme(const struct peer_link *l);
/* A glance: it knows series by number. */
bool peer_link_takes_numbers(const struct peer_link *l);
struct str peer_link_address(const struct peer_link *l);

struct peer_link_status {
    bool behind, backing_off;
    uint64_t memory_bytes;
    struct handoff_stats handoff;
};
struct peer_link_status peer_link_status(struct peer_link *l);
