/* all.c - `mneme all`: every part in one process over one data directory. */
#include "base/mem.h"
#include "cmd/command.h"
#include "cmd/node.h"
#include "cmd/node_flags.h"
#include "conf/all_flags.h"

struct err
all_run(const struct command_line *line)
{
    struct all_flags f = {0};
    TRY(flags_parse(line->flags, fs_posix(), line->argc, line->argv, line->first, line->arena, &f));
    AUTO(log_close) struct log *log = NULL;
    TRY(node_open_log(f.log_level, f.log_format, f.debug_name, &log));
    command_warn_not_yet(line, log);
    struct node_opts opts = NODE_OPTS_OF_FLAGS(f, line);
    TRY_IN(node_parse_labels(&f.labels, line->arena, &opts.labels), "--label");
    opts.features = node_features(&f.features, log);
    opts.component = "all";
    opts.data_dir = f.data_dir.p;
    opts.query_tenant_header = f.query_tenant_header.p;
    opts.query_default_tenant = f.query_default_tenant_id.p;
    opts.query_timeout_ms = f.query_timeout_ms;
    opts.query_lookback_ms = f.query_lookback_ms;
    opts.query_concurrent_max = f.query_concurrent_max;
    opts.active_query_dir = f.query_active_path.p;
    return node_run(&opts, log);
}
