/* node.c - wires the parts of a node and runs them.
 *
 * Start: listeners first (a taken port or a bad address ends the process before any replay, and
 * probes and metrics answer during it), then the databases, then writes and queries open.
 * Stop: not ready, writes refused, requests in flight finished, databases finished, the rest
 * in reverse order. Nothing is logged by the parts; what ends here is logged here. */
#include "cmd/node.h"

#include <signal.h>
#include <time.h>

#include "base/cpu.h"
#include "base/mem.h"
#include "base/process.h"
#include "base/quote.h"
#include "cmd/lifecycle.h"
#include "cmd/observe.h"
#include "cmd/tenant_stores.h"
#include "conf/reload.h"
#include "conf/units.h"
#include "ingest/sink_tenants.h"
#include "net/http_guard.h"
#include "net/http_server.h"
#include "net/jwt_guard.h"
#include "net/status.h"
#include "querygw/api/active_queries.h"
#include "querygw/api/api.h"
#include "receiver/receive.h"
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
    PASSWORD_CPUS = 4, /* one thread of password checks for so many processors */
};

struct node {
    const struct node_opts *opts;
    struct log *log;
    struct metrics *metrics;
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
    struct tenants *tenants;
    struct tenant_stores stores;
    struct sink_tenants sink;
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

static void
each_flag(void *arg, void (*visit)(void *visit_arg, struct str name, struct str value),
          void *visit_arg)
{
    struct node *n = arg;
    flags_each(n->opts->flags, n->opts->flag_values, visit, visit_arg);
}

/* What of the flags stands in Prometheus' configuration file. */
static void
write_config(const struct node_opts *o, struct buf *to)
{
    buf_append(to, STR("global:\n  external_labels:"));
    buf_append(to, o->labels.n > 0 ? STR("\n") : STR(" {}\n"));
    for (size_t i = 0; i < o->labels.n; i++) {
        buf_append(to, STR("    "));
        quote_text(o->labels.v[i].name, to);
        buf_append(to, STR(": "));
        quote_text(o->labels.v[i].value, to);
        buf_put_u8(to, '\n');
    }
    buf_append(to, STR("storage:\n  tsdb:\n    out_of_order_time_window: "));
    duration_format(o->ooo_window_ms, to);
    buf_append(to, STR("\n    retention:\n      time: "));
    duration_format(o->retention_ms, to);
    buf_printf(to, "\n      size: %juB\n", (uintmax_t)o->retention_bytes);
}

/* Of MNEME_VERSION, "0.1.0-dev+cbacc21d760a": the commit; nothing in a release. */
static const char *
revision(void)
{
    static const char version[] = MNEME_VERSION;
    const char *plus = strchr(version, '+');
    return plus ? plus + 1 : "";
}

static struct err
open_active_queries(struct node *n)
{
    const char *dir = n->opts->active_query_dir;
    if (!dir || dir[0] == '\0')
        return OK;
    struct active_queries_opts opts = {.fs = fs_posix(),
                                       .dir = dir,
                                       .places = n->opts->query_concurrent_max,
                                       .clock = clock_system(),
                                       .log = n->log};
    TRY_IN(active_queries_open(&opts, &n->active_queries), "query.active-query-path");
    return OK;
}

/* Whoever could do without a certificate could write to any tenant, or to none. */
static struct err
certificate_field(const struct node *n, enum tenant_field *ret_field)
{
    TRY(tenant_field_parse(n->opts->tenant_certificate_field, ret_field));
    if (*ret_field != TENANT_FIELD_NONE && !http_guard_asks_clients(n->write_guard))
        return ERR(ERR_INVALID, "--receive.tenant-certificate-field needs "
                                "--remote-write.server-tls-cert and -client-ca, or a "
                                "client_auth_type in --remote-write.http-config: without them "
                                "there is no certificate");
    return OK;
}

static struct err
open_faces(struct node *n)
{
    const struct node_opts *o = n->opts;
    n->http_router = router_open();
    n->write_router = router_open();
    status_use_pool(n->status, n->background);
    status_add_routes(n->status, n->http_router);
    enum tenant_field tenant_field;
    TRY(certificate_field(n, &tenant_field));
    lifecycle_add_routes(n->reloads, n->background, n->http_router);
    struct receiver_opts receiver = {
        .router = n->write_router,
        .pool = n->writes,
        .metrics = n->metrics,
        .log = n->log,
        .tenant_header = o->write_tenant_header,
        .default_tenant = o->write_default_tenant,
        .memory = &n->memory,
        .split_label = o->split_tenant_label,
        .tenant_field = tenant_field,
        .tenant_by_token = n->jwt_guard != NULL,
        .otlp = o->otlp,
    };
    TRY(receiver_open(&receiver, &n->receiver));
    TRY(policy_files_init(&n->policy_files, receiver_policy(n->receiver), &o->policy, n->reloads,
                          n->log));
    TRY(open_active_queries(n));
    AUTO(buf_fini) struct buf config = BUF_INIT, retention = BUF_INIT;
    write_config(o, &config);
    duration_format(o->retention_ms, &retention);
    struct api_opts api = {
        .store_of_tenant = tenant_stores_find,
        .list_tenants = tenant_stores_list,
        .arg = &n->stores,
        .write_tenant_header = o->write_tenant_header,
        .write_default_tenant = o->write_default_tenant,
        .config_yaml = buf_cstr(&config),
        .reloads = n->reloads,
        .retention = buf_cstr(&retention),
        .tenant_header = o->query_tenant_header,
        .default_tenant = o->query_default_tenant,
        .pool = n->queries,
        .eval_pool = n->evals,
        .memory = &n->memory,
        .clock = clock_system(),
        .log = n->log,
        .queries_max = o->query_concurrent_max,
        .active_queries = n->active_queries,
        .lookback_ms = o->query_lookback_ms,
        .read_samples_max = o->read_samples_max > 0 ? o->read_samples_max : SIZE_MAX,
        .reads_max = o->reads_max,
        .read_frame_bytes_max = o->read_frame_bytes_max,
        .external_labels = o->labels,
        .metrics = n->metrics,
        .flavour = o->api_flavour,
        .cors = o->api_cors,
        .admin = o->api_admin,
        .features = o->features,
        .version = MNEME_VERSION,
        .revision = revision(),
        .each_flag = each_flag,
        .each_flag_arg = n,
    };
    n->api = api_open(&api);
    api_add_routes(n->api, n->http_router);
    api_add_receive_routes(n->api, n->write_router);
    return OK;
}

/* TLS of the write listener by flags; false: none. */
static bool
write_tls_opts(const struct node_opts *o, struct tls_server_opts *ret_opts)
{
    if (o->write_tls.cert_file[0] == '\0' && o->write_tls.key_file[0] == '\0')
        return false;
    *ret_opts = (struct tls_server_opts){
        .cert.file = o->write_tls.cert_file,
        .key.file = o->write_tls.key_file,
        .client_ca.file = o->write_tls.client_ca_file,
        .client_auth = o->write_tls.client_ca_file[0] ? "RequireAndVerifyClientCert" : NULL,
        .min_version = o->write_tls.min_version,
        .ciphers = o->write_tls.ciphers,
        .curves = o->write_tls.curves,
    };
    return true;
}

static struct err
reload_guard(void *arg)
{
    return http_guard_reload(arg);
}

static void
each_guard_file(void *arg, reload_file_visit visit, void *visit_arg)
{
    http_guard_each_file(arg, visit, visit_arg);
}

/* Added when it is loaded: only then its files are known. */
static void
watch_guard(struct node *n, const char *name, struct http_guard *g)
{
    reloads_add(n->reloads,
                &(struct reloadable){
                    .name = name, .load = reload_guard, .arg = g, .each_file = each_guard_file});
}

static struct err
reload_jwt(void *arg)
{
    return jwt_guard_reload(arg);
}

/* Where a token binds its sender to one tenant, nothing else may name one. */
static struct err
open_jwt_guard(struct node *n)
{
    const struct node_opts *o = n->opts;
    bool has_file = o->tenant_jwt.key_file[0] != '\0';
    if (o->tenant_jwt.claim.n == 0 && !has_file && o->tenant_jwt.issuer.n == 0 &&
        o->tenant_jwt.audience.n == 0)
        return OK;
    if (o->tenant_jwt.claim.n == 0 || !has_file)
        return ERR(ERR_INVALID, "--receive.tenant-jwt-claim and --receive.tenant-jwt-key-file go "
                                "together");
    if (o->tenant_certificate_field.n > 0 || o->split_tenant_label.n > 0)
        return ERR(ERR_INVALID, "--receive.tenant-jwt-claim binds senders to a tenant: neither "
                                "--receive.tenant-certificate-field nor "
                                "--receive.split-tenant-label-name can name another beside it");
    struct jwt_guard_opts opts = {
        .key_file = o->tenant_jwt.key_file,
        .want = {o->tenant_jwt.claim, o->tenant_jwt.issuer, o->tenant_jwt.audience},
        .metrics = n->metrics,
        .clock = clock_system(),
        .threads = size_max(1, cpu_count() / PASSWORD_CPUS),
    };
    TRY_IN(jwt_guard_open(&opts, &n->jwt_guard), "--receive.tenant-jwt-key-file");
    reloads_add(n->reloads, &(struct reloadable){.name = "receive.tenant-jwt-key-file",
                                                 .load = reload_jwt,
                                                 .arg = n->jwt_guard,
                                                 .files = {o->tenant_jwt.key_file}});
    return OK;
}

static struct err
open_guards(struct node *n)
{
    TRY(open_jwt_guard(n));
    const struct node_opts *o = n->opts;
    struct tls_server_opts tls;
    struct http_guard_opts http = {
        .web_file = o->http_web_file,
        .metrics = n->metrics,
        .clock = clock_system(),
        .password_threads = size_max(1, cpu_count() / PASSWORD_CPUS),
    };
    struct http_guard_opts write = http;
    write.web_file = o->write_web_file;
    write.tls = write_tls_opts(o, &tls) ? &tls : NULL;
    write.jwt = n->jwt_guard;
    TRY_IN(http_guard_open(&http, &n->http_guard), "TLS and users of http-address");
    watch_guard(n, "TLS and users of http-address", n->http_guard);
    TRY_IN(http_guard_open(&write, &n->write_guard), "TLS and users of remote-write.address");
    watch_guard(n, "TLS and users of remote-write.address", n->write_guard);
    return OK;
}

/* What both listeners have in common. */
static struct http_server_opts
server_opts(struct node *n)
{
    const struct node_opts *o = n->opts;
    return (struct http_server_opts){
        .loops = n->loops,
        .memory = &n->memory,
        .metrics = n->metrics,
        .log = n->log,
        .clock = clock_system(),
        .read_timeout_ms = (uint64_t)o->http_limits.read_timeout_ms,
        .write_timeout_ms = (uint64_t)o->http_limits.write_timeout_ms,
        .idle_timeout_ms = (uint64_t)o->http_limits.idle_timeout_ms,
        .connections_max = o->http_limits.connections_max,
        .request_log = n->observe.request_log,
        .tracer = n->observe.tracer,
    };
}

static struct err
start_servers(struct node *n)
{
    const struct node_opts *o = n->opts;
    struct http_server_opts http = server_opts(n);
    http.address = o->http_address;
    http.router = n->http_router;
    http.guard = n->http_guard;
    http.tls = http_guard_tls(n->http_guard);
    http.request_timeout_ms = (uint64_t)o->query_timeout_ms;
    http.tenant_header = o->query_tenant_header;
    http.default_tenant = o->query_default_tenant;
    TRY_IN(http_server_start(&http, &n->http_server), "http-address");
    struct http_server_opts write = server_opts(n);
    write.address = o->write_address;
    write.router = n->write_router;
    write.guard = n->write_guard;
    write.tls = http_guard_tls(n->write_guard);
    write.tenant_header = o->write_tenant_header;
    write.default_tenant = o->write_default_tenant;
    TRY_IN(http_server_start(&write, &n->write_server), "remote-write.address");
    return OK;
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
    TRY(open_guards(n));
    TRY(open_faces(n));
    TRY(start_servers(n));
    status_set_healthy(n->status, STATUS_YES);
    TRY(open_databases(n));
    tenant_stores_open(&n->stores, n->tenants);
    sink_tenants_init(&n->sink, n->tenants);
    receiver_start(n->receiver, &n->sink.sink);
    status_set_ready(n->status, STATUS_YES);
    log_info(n->log, "ready", KV_CSTR("version", MNEME_VERSION),
             KV_U64("http_port", http_server_port(n->http_server)),
             KV_U64("remote_write_port", http_server_port(n->write_server)),
             KV_U64("tenants", tenants_count(n->tenants)), KV_U64("open_files_max", files),
             KV_U64("memory_limit_bytes", n->memory.bytes));
    return OK;
}

/* --- running --------------------------------------------------------------------------- */

static void
maintain(void *arg)
{
    tenants_maintain(arg);
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
            (void)pool_submit(n->background, maintain, n->tenants); /* full: there is another */
    }
}

/* Everything may be missing: a start that failed half-way ends here too. */
static void
node_stop(struct node *n)
{
    if (n->receiver)
        receiver_drain(n->receiver);
    status_set_ready(n->status, STATUS_NO);
    http_server_stop(n->write_server, (uint64_t)n->opts->grace_ms);
    http_server_stop(n->http_server, (uint64_t)n->opts->grace_ms);
    http_guard_close(n->write_guard);
    http_guard_close(n->http_guard);
    jwt_guard_close(n->jwt_guard);
    pool_stop(n->writes);
    pool_stop(n->queries);
    pool_stop(n->evals);
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
    struct node n = {.opts = opts, .log = log};
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
