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
    opts.query_tenant_header = opts.write_tenant_header;
    opts.query_default_tenant = opts.write_default_tenant;
    opts.query_timeout_ms = QUERY_TIMEOUT_MS;
    opts.query_lookback_ms = QUERY_LOOKBACK_MS;
    opts.query_concurrent_max = QUERY_CONCURRENT_MAX;
    return node_run(&opts, log);
}
