/* receive.c - `mneme receive`: a receiver with the flags of `thanos receive`.
 *
 * Beyond Thanos, its HTTP port answers the query API too: there is no Store API yet, and data
 * that nobody can read helps nobody. Queries take the tenant as writes do. */
#include "base/mem.h"
#include "cmd/command.h"
#include "cmd/node.h"
#include "cmd/node_flags.h"
#include "conf/receive_flags.h"

enum { QUERY_TIMEOUT_MS = 120 * 1000, QUERY_LOOKBACK_MS = 300 * 1000, QUERY_CONCURRENT_MAX = 20 };

static enum votes_quorum
quorum_of(struct str name)
{
    if (str_eq(name, STR("one")))
        return VOTES_QUORUM_ONE;
    return str_eq(name, STR("all")) ? VOTES_QUORUM_ALL : VOTES_QUORUM_MAJORITY;
}

/* The file comes first. */
static struct node_ring_opts
ring_of_flags(const struct receive_flags *f)
{
    bool file = f->hashrings_file.n > 0, ketama = str_eq(f->hashrings_algorithm, STR("ketama"));
    return (struct node_ring_opts){
        .hashrings = {file ? STR("") : f->hashrings, f->hashrings_file},
        .algorithm = ketama ? RING_KETAMA : RING_HASHMOD,
        .replication_factor = (unsigned)f->replication_factor,
        .local_endpoint = f->local_endpoint,
        .local_zone = f->local_zone,
        .replica_header = f->replica_header.p,
        .quorum = quorum_of(f->write_quorum),
        .forward_timeout_ms = f->forward_timeout_ms,
        .backoff_max_ms = f->forward_backoff_max_ms,
        .refresh_ms = f->hashrings_refresh_ms,
        .encoding = str_eq(f->grpc_compression, STR("none")) ? GRPC_IDENTITY : GRPC_SNAPPY,
        .client_tls = {f->client_tls_secure, f->client_tls_skip_verify, f->client_tls_cert.p,
                       f->client_tls_key.p, f->client_tls_ca.p, f->client_server_name.p,
                       f->client_tls_min_version.p},
        .handoff = {f->handoff_dir.p, f->handoff_bytes_max, f->handoff_rate,
                    f->handoff_age_max_ms},
    };
}

struct err
receive_run(const struct command_line *line)
{
    struct receive_flags f = {0};
    TRY(flags_parse(line->flags, fs_posix(), line->argc, line->argv, line->first, line->arena, &f));
    AUTO(log_close) struct log *log = NULL;
    TRY(node_open_log(f.log_level, f.log_format, f.debug_name, &log));
    command_warn_not_yet(line, log);
    struct node_opts opts = NODE_OPTS_OF_FLAGS(f, line);
    TRY_IN(node_parse_labels(&f.labels, line->arena, &opts.labels), "--label");
    opts.features = node_features(&f.features, log);
    opts.component = "receive";
    opts.data_dir = f.tsdb_path.p;
    opts.ring = ring_of_flags(&f);
    opts.query_tenant_header = opts.write_tenant_header;
    opts.query_default_tenant = opts.write_default_tenant;
    opts.query_timeout_ms = QUERY_TIMEOUT_MS;
    opts.query_lookback_ms = QUERY_LOOKBACK_MS;
    opts.query_concurrent_max = QUERY_CONCURRENT_MAX;
    return node_run(&opts, log);
}
