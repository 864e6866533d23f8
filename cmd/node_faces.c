/* node_faces.c - what a node shows: the doors for writes, the query API, status pages. */
#include "base/mem.h"
#include "base/quote.h"
#include "cmd/lifecycle.h"
#include "cmd/node_int.h"
#include "conf/units.h"
#include "version.h"

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
open_receiver(struct node *n)
{
    const struct node_opts *o = n->opts;
    enum tenant_field tenant_field;
    TRY(certificate_field(n, &tenant_field));
    struct receiver_opts receiver = {
        .router = n->write_router,
        .pool = n->writes,
        .metrics = n->metrics,
        .log = n->log,
        .tenant_header = o->write_tenant_header,
        .default_tenant = o->write_default_tenant,
        .replica_header = o->ring.replica_header,
        .replication_factor = n->mode == NODE_INGESTS ? 1 : o->ring.replication_factor,
        .memory = &n->memory,
        .split_label = o->split_tenant_label,
        .tenant_field = tenant_field,
        .tenant_by_token = n->jwt_guard != NULL,
        .otlp = o->otlp,
        .hash_seed = n->hash_seed,
    };
    return receiver_open(&receiver, &n->receiver);
}

struct err
node_open_faces(struct node *n)
{
    const struct node_opts *o = n->opts;
    n->http_router = router_open();
    n->write_router = router_open();
    status_use_pool(n->status, n->background);
    status_add_routes(n->status, n->http_router);
    drain_add_routes(&n->drain, n);
    lifecycle_add_routes(n->reloads, n->background, n->http_router);
    TRY(open_receiver(n));
    TRY(policy_files_init(&n->policy_files, receiver_policy(n->receiver), &o->policy, n->reloads));
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
