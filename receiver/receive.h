/* receive.h - the component that takes writes: life cycle and options.
 *
 * open -> (503 until) start -> (503 after) drain -> close. Routes stand in the router from open
 * on, so that a listener can run while the databases are still replaying their logs.
 * Threads: the owner; requests come on the pool's workers. */
#pragma once
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/pool.h"
#include "ingest/admit.h"
#include "ingest/otlp.h"
#include "ingest/sink.h"
#include "ingest/tenant.h"
#include "net/router.h"
#include "receiver/policy.h"

struct receiver;
struct replicator; /* replication/replicator.h */

#define REPLICA_HEADER_DEFAULT "THANOS-REPLICA"
enum { RECEIVER_BODY_BYTES_MAX_DEFAULT = 32 << 20 };

struct receiver_opts {
    struct router *router; /* borrowed for life, as pool, metrics and log */
    struct pool *pool;     /* runs the writes */
    struct metrics *metrics;
    struct log *log;                /* may be NULL */
    const char *tenant_header;      /* copied; NULL: TENANT_HEADER_DEFAULT */
    const char *replica_header;     /* copied; NULL: REPLICA_HEADER_DEFAULT */
    const char *default_tenant;     /* copied; NULL: TENANT_DEFAULT */
    unsigned replication_factor;    /* for its metric; 0: 1 */
    size_t body_bytes_max;          /* as sent; 0: RECEIVER_BODY_BYTES_MAX_DEFAULT */
    size_t decoded_bytes_max;       /* 0: INGEST_DECODED_BYTES_MAX_DEFAULT. Both: at most a quarter
                                     * of what `memory` has for requests */
    struct ingest_limits limits;    /* of one request, where the policy has none */
    struct memory_limit *memory;    /* NULL: none; borrowed for life, as the clock */
    const struct clock *clock;      /* NULL: the system's */
    struct str split_label;         /* copied; see policy.h */
    enum tenant_field tenant_field; /* of client certificates */
    bool tenant_by_token;           /* http_identity() is the tenant */
    struct otlp_options otlp;       /* names copied */
    uint64_t hash_seed;             /* of the sink's heads (db_opts); 0: they have their own */
};

/* Adds POST /api/v1/receive, /api/v1/write, /api/v1/otlp, /api/v1/otlp/v1/metrics and
 * /api/v1/import/prometheus. ERR_INVALID for a default tenant that is no name. The caller owns
 * *ret_receiver, which must outlive the server of the router. */
struct err receiver_open(const struct receiver_opts *opts, struct receiver **ret_receiver);
/* Rules and limits, none at first. Owned by the receiver. */
struct policy *receiver_policy(struct receiver *v);
/* From here on writes go to `sink`, or to the owners of their rows where there is a replicator
 * (then the sink may be NULL: this machine owns nothing). Both borrowed until the server has
 * stopped. Once. */
void receiver_start(struct receiver *v, struct sink *sink, struct replicator *replicator);
/* New writes get 503; those in flight go on. */
void receiver_drain(struct receiver *v);
/* No request may be in flight. NULL is allowed. */
void receiver_close(struct receiver *v);
DEFINE_AUTO(struct receiver *, receiver_close)
