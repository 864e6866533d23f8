/* active_queries.h - a file that names the queries that are running, so that after a crash the log
 * tells what may have caused it.
 *
 * <dir>/queries.active, as Prometheus and Thanos write it: '[' and then 1000 bytes a place,
 * {"query":"up","timestamp_sec":1700000000} at their beginning, ',' at their end, NUL between;
 * all NUL while the place is free. Writes are not synced: they outlive the process, but no power
 * cut.
 * Source: prometheus promql/query_logger.go.
 * Threads: open and close by the owner; the rest any, each place by one at a time. */
#pragma once
#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/mem.h"

struct active_queries;

enum { ACTIVE_QUERY_BYTES = 1000 };

struct active_queries_opts {
    struct fs *fs;   /* borrowed for life, as clock and log */
    const char *dir; /* made when missing */
    size_t places;
    const struct clock *clock;
    struct log *log; /* may be NULL */
};

/* Logs what the file of the last run still names, then begins a new one. */
struct err active_queries_open(const struct active_queries_opts *opts,
                               struct active_queries **ret_queries);
/* NULL is allowed. */
void active_queries_close(struct active_queries *q);
DEFINE_AUTO(struct active_queries *, active_queries_close)
/* NULL is allowed: then nothing is noted. A failure to write is logged, not told: it must not keep
 * a query from running. */
void active_queries_begin(struct active_queries *q, size_t place, struct str query);
void active_queries_end(struct active_queries *q, size_t place);
