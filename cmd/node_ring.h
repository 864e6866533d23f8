/* node_ring.h - what a receiver in a ring has beside its databases: other receivers, queues for
 * them, the gRPC listener.
 *
 * Threads: main. */
#pragma once
#include "base/str.h"
#include "conf/flags.h"
#include "net/grpc/grpc_message.h"
#include "net/tls.h"
#include "replication/ring.h"
#include "replication/votes.h"

struct node;

struct node_ring_opts {
    struct flag_content hashrings; /* neither file nor text: no ring */
    enum ring_algorithm algorithm;
    unsigned replication_factor;
    struct str local_endpoint, local_zone; /* empty: none */
    const char *replica_header;
    enum votes_quorum quorum;
    int64_t forward_timeout_ms, backoff_max_ms, refresh_ms;
    enum grpc_encoding encoding;
    struct {
        bool on, skip_verify;
        const char *cert_file, *key_file, *ca_file, *server_name, *min_version; /* "": none */
    } client_tls;
    struct {
        const char *dir; /* "": #handoff in the data directory */
        uint64_t bytes_max, bytes_per_s;
        int64_t age_max_ms;
    } handoff;
};

struct node_grpc_opts {
    struct str address;
    int64_t grace_ms, connection_age_max_ms;
    const char *cert_file, *key_file, *client_ca_file, *min_version; /* "": none */
    struct tls_names ciphers, curves;
};

/* What a node does with a write. */
enum node_mode { NODE_INGESTS, NODE_ROUTES, NODE_ROUTES_AND_INGESTS };
enum node_mode node_mode_of(const struct node_ring_opts *opts);

/* The ring, if there is one, with peers and queues; before receiver_start(). */
struct err node_open_ring(struct node *n);
/* The listener; what it serves answers "not ready" until the receiver is. */
struct err node_start_grpc(struct node *n);
/* Once a second, on a worker. */
void node_maintain_ring(struct node *n);
/* After the servers have stopped: takes to disk what other receivers have not got. */
void node_close_ring(struct node *n);
