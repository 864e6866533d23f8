/* node.c - wires the parts of a node and runs them.
 *
 * Start: listeners first (a taken port or a bad address ends the process before any replay, and
 * probes and metrics answer during it), then the databases, then writes and queries open.
 * Stop: not ready, writes refused, requests in flight finished, databases finished, the rest
 * in reverse order. Nothing is logged by the parts; what ends here is logged here. */
#include <signal.h>
#include <time.h>

#include "base/cpu.h"
#include "base/mem.h"
#include "base/process.h"
#include "cmd/node_int.h"
#include "tsdb/tenants.h"
#include "version.h"

enum {
    MAINTAIN_SECONDS = 1,
    WRITE_THREADS_MIN = 4, /* a group commit needs company */
    WRITES_QUEUED_MAX = 1000,
    QUERIES_QUEUED_MAX = 1000,
    EVALS_QUEUED_MAX = 1000,    /* a query that finds no help goes on alone */
    QUERY_WORKERS_MORE = 32,    /* than places for queries: who waits for one, and other routes */
    BACKGROUND_THREADS_MIN = 2, /* one for maintenance, one for what must not wait for it */
    BACKGROUND_QUEUED_MAX = 64,
};

/* --- starting -------------------------------------------------------------------------- */

static struct err
start_threads(struct node *n)
{
    unsigned cpus = cpu_count();
    TRY(loops_start(cpus, &n->loops));
    struct pool_opts writes = {
        .name = "write",
        .threads = size_max(WRITE_THREADS_MIN, 2 * cpus),
        .queued_limit = WRITES_QUEUED_MAX,
    };
    struct pool_opts queries = {
        .name = "query",
        .threads = n->opts->query_concurrent_max + QUERY_WORKERS_MORE,
        .queued_limit = QUERIES_QUEUED_MAX,
    };
    struct pool_opts background = {
        .name = "background",
        .threads = size_max(BACKGROUND_THREADS_MIN, cpus + 1), /* see tenants_maintain() */
        .queued_limit = BACKGROUND_QUEUED_MAX,
    };
    TRY(pool_start(&writes, &n->writes));
    TRY(pool_start(&queries, &n->queries));
    struct pool_opts evals = {
        .name = "eval",
        .threads = cpus - 1, /* and the query's own */
        .queued_limit = EVALS_QUEUED_MAX,
    };
    if (evals.threads > 0)
        TRY(pool_start(&evals, &n->evals));
    return pool_start(&background, &n->background);
}

static struct err
open_databases(struct node *n)
{
    const struct node_opts *o = n->opts;
    struct tenants_opts opts = {
        .dir = o->data_dir,
        .db = db_opts_default(),
        .metrics = n->metrics,
        .labels = o->labels,
        .tenant_label = o->tenant_label,
        .retention_ms = o->retention_ms,
    };
    opts.db.fs = fs_posix();
    opts.db.clock = clock_system();
    opts.db.hash_seed = n->hash_seed;
    opts.db.log = n->log;
    opts.db.wal_sync = o->wal_sync;
    opts.db.wal_compression = o->wal_compression;
    opts.db.future_window_ms = o->future_window_ms;
    opts.db.ooo_window_ms = o->ooo_window_ms;
    opts.db.ooo_chunk_max = o->ooo_chunk_max;
    opts.db.exemplars_max = o->exemplars_max;
    opts.db.block_range_ms = o->block_min_ms;
    opts.db.block_range_max_ms = o->block_max_ms;
    opts.db.retention_ms = o->retention_ms;
    opts.db.retention_bytes = o->retention_bytes;
    opts.db.snapshot_on_finish = o->snapshot_on_finish;
    TRY(tenants_open(&opts, n->background, &n->tenants));
    /* As Thanos: the default tenant's directory is there from the start. */
    AUTO(tenant_release) struct tenant *first = NULL;
    return tenants_acquire(n->tenants, str_of_cstr(o->write_default_tenant), &first);
}

static struct err
node_start(struct node *n)
{
    uint64_t files = process_raise_open_files_limit();
    n->metrics = metrics_open();
    n->hash_seed = hash_random_seed() | 1; /* 0 stands for none */
    process_metrics_register(n->metrics);
    memory_limit_init(&n->memory, n->opts->memory_limit_bytes, clock_system(), NULL, NULL);
    memory_limit_register(&n->memory, n->metrics);
    n->status = status_open(n->metrics, n->opts->component);
    n->reloads = reloads_open(&(struct reloads_opts){
        .fs = fs_posix(), .clock = clock_system(), .metrics = n->metrics, .log = n->log});
    TRY(observe_open(&n->observe,
                     &(struct observe_opts){.request_logging_yaml = n->opts->request_logging_yaml,
                                            .tracing_yaml = n->opts->tracing_yaml,
                                            .metrics = n->metrics,
                                            .log = n->log}));
    TRY(start_threads(n));
    TRY(node_open_guards(n));
    TRY(node_open_faces(n));
    TRY(node_start_servers(n));
    TRY(node_start_grpc(n));
    status_set_healthy(n->status, STATUS_YES);
    TRY(node_open_ring(n));
    if (n->mode != NODE_ROUTES) {
        TRY(open_databases(n));
        tenant_stores_open(&n->stores, n->tenants);
        sink_tenants_init(&n->sink, n->tenants);
    }
    receiver_start(n->receiver, n->tenants ? &n->sink.sink : NULL, n->replicator);
    grpc_server_set_serving(n->grpc_server, true);
    status_set_ready(n->status, STATUS_YES);
    log_info(n->log, "ready", KV_CSTR("version", MNEME_VERSION),
             KV_U64("http_port", http_server_port(n->http_server)),
             KV_U64("remote_write_port", http_server_port(n->write_server)),
             KV_U64("grpc_port", grpc_server_port(n->grpc_server)),
             KV_U64("tenants", n->tenants ? tenants_count(n->tenants) : 0),
             KV_U64("open_files_max", files), KV_U64("memory_limit_bytes", n->memory.bytes));
    return OK;
}

/* --- running --------------------------------------------------------------------------- */

static void
maintain(void *arg)
{
    struct node *n = arg;
    if (n->tenants)
        tenants_maintain(n->tenants);
    node_maintain_ring(n);
    drain_step(&n->drain);
}

/* Load balancers learn from the probe that others are to be asked; until they have, nothing is
 * refused. A second signal is for who cannot wait. */
static void
wait_for_balancers(struct node *n)
{
    int64_t ms = n->opts->stop_delay_ms;
    if (ms == 0)
        return;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    status_set_ready(n->status, STATUS_NO);
    log_info(n->log, "not ready, and serving for a while", KV_I64("delay_ms", ms));
    const struct timespec delay = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    (void)sigtimedwait(&set, NULL, &delay);
}

/* Waits for signals; a second without one is a tick of the maintenance. */
static void
run_until_told_to_stop(struct node *n)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    const struct timespec second = {.tv_sec = MAINTAIN_SECONDS};
    for (;;) {
        int signal_number = sigtimedwait(&set, NULL, &second);
        if (signal_number == SIGTERM || signal_number == SIGINT)
            return;
        if (signal_number == SIGHUP)
            err_drop(reloads_run(n->reloads)); /* it has logged it */
        reloads_watch(n->reloads);
        if (signal_number < 0)
            (void)pool_submit(n->background, maintain, n); /* full: there is another */
    }
}

/* Everything may be missing: a start that failed half-way ends here too. */
static void
node_stop(struct node *n)
{
    if (n->receiver)
        receiver_drain(n->receiver);
    status_set_ready(n->status, STATUS_NO);
    if (n->grpc_server)
        grpc_server_set_serving(n->grpc_server, false);
    http_server_stop(n->write_server, (uint64_t)n->opts->grace_ms);
    grpc_server_stop(n->grpc_server, (uint64_t)n->opts->grpc.grace_ms);
    http_server_stop(n->http_server, (uint64_t)n->opts->grace_ms);
    tls_server_close(n->grpc_tls);
    http_guard_close(n->write_guard);
    http_guard_close(n->http_guard);
    jwt_guard_close(n->jwt_guard);
    pool_stop(n->writes);
    pool_stop(n->queries);
    pool_stop(n->evals);
    node_close_ring(n);
    if (n->tenants)
        tenants_finish(n->tenants);
    pool_stop(n->background);
    tenants_close(n->tenants);
    loops_stop(n->loops);
    receiver_close(n->receiver);
    api_close(n->api);
    active_queries_close(n->active_queries);
    router_close(n->http_router);
    router_close(n->write_router);
    reloads_close(n->reloads);
    policy_files_fini(&n->policy_files);
    observe_close(&n->observe);
    status_close(n->status);
    metrics_close(n->metrics);
}

struct err
node_run(const struct node_opts *opts, struct log *log)
{
    struct node n = {.opts = opts, .log = log, .mode = node_mode_of(&opts->ring)};
    struct err e = node_start(&n);
    if (e.code == ERR_NONE) {
        run_until_told_to_stop(&n);
        wait_for_balancers(&n);
        log_info(log, "stopping");
    }
    node_stop(&n);
    if (e.code == ERR_NONE)
        log_info(log, "stopped");
    return e;
}
