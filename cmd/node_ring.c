/* node_ring.c - see node_ring.h. */
#include "cmd/node_ring.h"

#include "base/mem.h"
#include "cmd/node_int.h"
#include "net/tls_client.h"
#include "proto/descriptors.h"
#include "receiver/write_grpc.h"
#include "replication/replicator.h"
#include "replication/ring_watch.h"

enum { CLOSE_WAIT_MS = 10000 }; /* for what is in memory only to reach the disk */

enum node_mode
node_mode_of(const struct node_ring_opts *opts)
{
    if (opts->hashrings.path.n == 0 && opts->hashrings.text.n == 0)
        return NODE_INGESTS;
    return opts->local_endpoint.n > 0 ? NODE_ROUTES_AND_INGESTS : NODE_ROUTES;
}

/* --- the ring --------------------------------------------------------------------------------- */

static struct err
take_over(struct node *n, struct ring *ring)
{
    TRY_IN(replicator_set_ring(n->replicator, ring), "hashrings");
    log_info(n->log, "hashrings in force", KV_U64("nodes", ring_node_count(ring)),
             KV_U64("hashrings", ring_hashring_count(ring)));
    return OK;
}

/* Writes go on by the ring before if its links cannot be opened. */
static void
on_change(void *arg, const struct ring *before, const struct ring *now)
{
    struct node *n = arg;
    (void)before, (void)now;
    AUTO(ring_unref) struct ring *ring = ring_watch_ring(n->ring_watch);
    struct err e = take_over(n, ring);
    if (e.code != ERR_NONE)
        log_error(n->log, "writes go on by the hashrings before", KV_ERR(e));
    err_drop(e);
}

static struct err
watch_ring(struct node *n)
{
    const struct node_ring_opts *o = &n->opts->ring;
    struct ring_watch_opts opts = {.fs = fs_posix(),
                                   .metrics = n->metrics,
                                   .reloads = n->reloads,
                                   .path = o->hashrings.path.p,
                                   .json = o->hashrings.text,
                                   .address = o->local_endpoint,
                                   .algorithm = o->algorithm,
                                   .replication_factor = o->replication_factor,
                                   .changed = on_change,
                                   .arg = n};
    TRY_IN(ring_watch_open(&opts, &n->ring_watch), "--receive.hashrings");
    AUTO(ring_unref) struct ring *ring = ring_watch_ring(n->ring_watch);
    return take_over(n, ring);
}

/* --- peers ------------------------------------------------------------------------------------ */

static struct err
open_client_tls(struct node *n)
{
    const struct node_ring_opts *o = &n->opts->ring;
    if (!o->client_tls.on)
        return OK;
    struct tls_client_opts tls = {.cert.file = o->client_tls.cert_file,
                                  .key.file = o->client_tls.key_file,
                                  .ca.file = o->client_tls.ca_file,
                                  .server_name = o->client_tls.server_name,
                                  .min_version = o->client_tls.min_version,
                                  .skip_verify = o->client_tls.skip_verify};
    return tls_client_open(&tls, &n->peer_tls);
}

static struct err
open_handoffs(struct node *n)
{
    const struct node_ring_opts *o = &n->opts->ring;
    AUTO(mem_free) char *below = fs_path_below(n->opts->data_dir, STR("#handoff"));
    struct handoffs_opts opts = {
        .fs = fs_posix(),
        .dir = o->handoff.dir[0] ? o->handoff.dir : below,
        .clock = clock_system(),
        .log = n->log,
        .metrics = n->metrics,
        .bytes_max = o->handoff.bytes_max,
        .age_max_ms = o->handoff.age_max_ms,
        .sync = n->opts->wal_sync,
    };
    TRY_IN(fs_make_dirs(fs_posix(), opts.dir), "--receive.handoff-dir");
    TRY_IN(handoffs_open(&opts, &n->handoffs), "--receive.handoff-dir");
    return OK;
}

/* Whoever invents series without end makes numbers, too: an eighth of the memory for them. */
static size_t
numbers_max(uint64_t memory_bytes)
{
    enum { NUMBER_BYTES = 32, PART = 8 };
    return memory_bytes > 0 ? (size_t)(memory_bytes / PART / NUMBER_BYTES) : NUMBERS_MAX;
}

static void
open_peers(struct node *n)
{
    const struct node_ring_opts *o = &n->opts->ring;
    peer_metrics_init(&n->peer_metrics, n->metrics);
    n->peers = peers_open(
        &(struct peers_opts){.loops = n->loops,
                             .local_zone = o->local_zone,
                             .link = {.tls = n->peer_tls,
                                      .handoffs = n->handoffs,
                                      .metrics = &n->peer_metrics,
                                      .registry = n->metrics,
                                      .log = n->log,
                                      .clock = clock_system(),
                                      .encoding = o->encoding,
                                      .forward_timeout_ms = (uint64_t)o->forward_timeout_ms,
                                      .backoff_max_ms = (uint64_t)o->backoff_max_ms,
                                      .replay_bytes_per_s = o->handoff.bytes_per_s}});
    n->replicator = replicator_open(
        &(struct replicator_opts){.peers = n->peers,
                                  .local_endpoint = o->local_endpoint,
                                  .local_zone = o->local_zone,
                                  .quorum = o->quorum,
                                  .forward_timeout_ms = (uint64_t)o->forward_timeout_ms,
                                  .loop = loops_at(n->loops, 0),
                                  .metrics = n->metrics,
                                  .clock = clock_system(),
                                  .numbers_max = numbers_max(n->opts->memory_limit_bytes),
                                  .hash_seed = n->hash_seed});
}

struct err
node_open_ring(struct node *n)
{
    const struct node_ring_opts *o = &n->opts->ring;
    if (n->mode == NODE_INGESTS) {
        if (o->replication_factor > 1)
            log_warn(n->log, "no hashrings: writes are stored here, and nowhere else",
                     KV_U64("replication_factor", o->replication_factor));
        return OK;
    }
    TRY_IN(open_client_tls(n), "--remote-write.client-tls-*");
    TRY(open_handoffs(n));
    open_peers(n);
    return watch_ring(n);
}

void
node_maintain_ring(struct node *n)
{
    if (n->handoffs)
        handoffs_maintain(n->handoffs);
    if (n->peers)
        peers_reap(n->peers);
}

void
node_close_ring(struct node *n)
{
    replicator_close(n->replicator);
    ring_watch_close(n->ring_watch);
    peers_close(n->peers, CLOSE_WAIT_MS);
    handoffs_close(n->handoffs);
    tls_client_close(n->peer_tls);
}

/* --- gRPC ------------------------------------------------------------------------------------- */

static struct err
reload_grpc_tls(void *arg)
{
    return tls_server_reload(arg);
}

static struct err
open_grpc_tls(struct node *n)
{
    const struct node_grpc_opts *o = &n->opts->grpc;
    if (o->cert_file[0] == '\0' && o->key_file[0] == '\0')
        return OK;
    struct tls_server_opts tls = {
        .cert.file = o->cert_file,
        .key.file = o->key_file,
        .client_ca.file = o->client_ca_file,
        .client_auth = o->client_ca_file[0] ? "RequireAndVerifyClientCert" : NULL,
        .min_version = o->min_version,
        .ciphers = o->ciphers,
        .curves = o->curves,
        .alpn = TLS_ALPN_H2,
    };
    TRY(tls_server_open(&tls, &n->grpc_tls));
    reloads_add(n->reloads,
                &(struct reloadable){.name = "TLS of grpc-address",
                                     .load = reload_grpc_tls,
                                     .arg = n->grpc_tls,
                                     .files = {o->cert_file, o->key_file, o->client_ca_file}});
    return OK;
}

struct err
node_start_grpc(struct node *n)
{
    const struct node_grpc_opts *o = &n->opts->grpc;
    struct grpc_method methods[] = {receiver_grpc_method(n->receiver)};
    TRY_IN(open_grpc_tls(n), "--grpc-server-tls-*");
    struct grpc_server_opts opts = {
        .address = o->address,
        .loops = n->loops,
        .tls = n->grpc_tls,
        .metrics = n->metrics,
        .log = n->log,
        .clock = clock_system(),
        .memory = &n->memory,
        .methods = methods,
        .method_count = ARRAY_LEN(methods),
        .descriptors = proto_descriptors(),
        .connection_age_ms = (uint64_t)o->connection_age_max_ms,
    };
    TRY_IN(grpc_server_start(&opts, &n->grpc_server), "grpc-address");
    return OK;
}
