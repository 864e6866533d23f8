/* node_int.h - the parts of a node, for the files that wire them. */
#pragma once
#include "base/memory_limit.h"
#include "base/metrics.h"
#include "base/pool.h"
#include "cmd/drain.h"
#include "cmd/node.h"
#include "cmd/observe.h"
#include "cmd/tenant_stores.h"
#include "conf/reload.h"
#include "ingest/sink_tenants.h"
#include "net/grpc/grpc_server.h"
#include "net/http_guard.h"
#include "net/http_server.h"
#include "net/jwt_guard.h"
#include "net/status.h"
#include "querygw/api/active_queries.h"
#include "querygw/api/api.h"
#include "receiver/receive.h"
#include "replication/replicator.h"

struct node {
    const struct node_opts *opts;
    struct log *log;
    struct metrics *metrics;
    uint64_t hash_seed; /* of everything that finds series by their labels' hash */
    struct memory_limit memory;
    struct status *status;
    struct reloads *reloads;
    struct observe observe;
    struct loops *loops;
    struct pool *writes, *queries, *evals, *background; /* evals: NULL with one processor */
    struct router *http_router, *write_router;
    struct jwt_guard *jwt_guard; /* NULL: tokens name no tenants */
    struct http_guard *http_guard, *write_guard;
    struct receiver *receiver;
    struct policy_files policy_files;
    struct active_queries *active_queries; /* NULL: not noted */
    struct api *api;
    struct http_server *http_server, *write_server;
    struct tenants *tenants; /* NULL: this node routes only */
    struct tenant_stores stores;
    struct sink_tenants sink;
    struct drain drain;
    enum node_mode mode;
    struct grpc_server *grpc_server;
    struct tls_server *grpc_tls; /* NULL: plain text */
    /* of a node in a ring */
    struct tls_client *peer_tls; /* NULL: plain text */
    struct ring_watch *ring_watch;
    struct handoffs *handoffs;
    struct peer_metrics peer_metrics;
    struct peers *peers;
    struct replicator *replicator;
};

/* node_faces.c: receiver and query API, with their routes; after the guards. */
struct err node_open_faces(struct node *n);
/* node_listen.c: who may come in, and the listeners. */
struct err node_open_guards(struct node *n);
struct err node_start_servers(struct node *n);
