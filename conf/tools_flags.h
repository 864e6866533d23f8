/* tools_flags.h - the flags of `mneme tools tsdb ...`, spelled as promtool spells them, and of
 * `mneme tools ring ...`, spelled as those of `mneme receive`.
 * Source: prometheus 3.14 cmd/promtool/main.go. */
#pragma once
#include "conf/flags.h"

/* clang-format off */
#define TOOLS_DIR_FLAGS(X, S) \
    X(S, STRING, dir, "dir", "./data", \
      "A database (with blocks, wal or chunks_head), or a data directory with one a tenant.", \
      .notes = FLAG_ARGUMENT) \
    X(S, STRING, tenant, "tenant", "", \
      "Only the database of this tenant below the directory.")

#define TOOLS_TIME_FLAGS(X, S) \
    X(S, INT, mint_ms, "min-time", "-9223372036854775808", \
      "Oldest sample to print, in milliseconds since 1970.", .min = FLAG_NO_MIN) \
    X(S, INT, maxt_ms, "max-time", "9223372036854775807", \
      "Newest sample to print, in milliseconds since 1970.", .min = FLAG_NO_MIN)

#define TOOLS_LIST_FLAGS(X, S) \
    TOOLS_DIR_FLAGS(X, S) \
    X(S, BOOL, human_readable, "human-readable", "false", \
      "Print times and sizes for humans.", .letter = 'r')

#define TOOLS_ANALYZE_FLAGS(X, S) \
    TOOLS_DIR_FLAGS(X, S) \
    X(S, STRING, block, "block", "", \
      "ULID of the block, or \"head\" for what no block has yet; the newest block by default.", \
      .notes = FLAG_ARGUMENT) \
    X(S, UINT, limit, "limit", "20", "How many items to show in each list.") \
    X(S, BOOL, extended, "extended", "false", "Also show how full chunks are.") \
    X(S, STRING, match, "match", "", "Series selector; all series by default.")

#define TOOLS_DUMP_FLAGS(X, S) \
    TOOLS_DIR_FLAGS(X, S) TOOLS_TIME_FLAGS(X, S) \
    X(S, LIST, match, "match", "{__name__=~'(?s:.*)'}", \
      "Series selector; a series that one of them selects is printed.") \
    X(S, ENUM, format, "format", "prom", \
      "Samples with labels as PromQL writes them (prom); as OpenMetrics, without histograms and " \
      "staleness markers (openmetrics); only the labels, as JSON (seriesjson).", \
      .choices = "prom|openmetrics|seriesjson")

#define TOOLS_VERIFY_FLAGS(X, S) \
    TOOLS_DIR_FLAGS(X, S) \
    X(S, BOOL, all, "all", "false", \
      "Go on in a file behind the first thing that is wrong, where its format allows.") \
    X(S, BOOL, quiet, "quiet", "false", "Print only what is wrong.", .letter = 'q')

#define TOOLS_RING_FLAGS(X, S) \
    X(S, ENUM, algorithm, "receive.hashrings-algorithm", "hashmod", \
      "How series are spread over nodes where a hashring does not say.", \
      .choices = "hashmod|ketama") \
    X(S, UINT, replication_factor, "receive.replication-factor", "1", \
      "Copies of each sample.", .min = 1, .max = 64) \
    X(S, STRING, default_tenant, "receive.default-tenant-id", "default-tenant", \
      "Tenant of series that name none.")

#define TOOLS_OWNERS_FLAGS(X, S) \
    X(S, STRING, hashrings_file, "receive.hashrings-file", "", \
      "JSON file of the hashrings.") \
    X(S, STRING, hashrings, "receive.hashrings", "", \
      "The hashrings as JSON text; the file comes first.") \
    TOOLS_RING_FLAGS(X, S)

#define TOOLS_RING_DIFF_FLAGS(X, S) \
    X(S, STRING, before, "before", NULL, "JSON file of the hashrings as they are.", \
      .notes = FLAG_ARGUMENT | FLAG_REQUIRED) \
    X(S, STRING, after, "after", NULL, "JSON file of the hashrings as they will be.", \
      .notes = FLAG_ARGUMENT | FLAG_REQUIRED) \
    TOOLS_RING_FLAGS(X, S) \
    X(S, BOOL, from_stdin, "stdin", "false", \
      "Read the series from standard input, as tools ring owners does.") \
    X(S, UINT, series, "series", "1000000", \
      "How many series to make up, where standard input has none.", .min = 1, .max = 1e9)
/* clang-format on */

struct tools_list_flags {
    TOOLS_LIST_FLAGS(FLAG_FIELD, tools_list_flags)
};
struct tools_analyze_flags {
    TOOLS_ANALYZE_FLAGS(FLAG_FIELD, tools_analyze_flags)
};
struct tools_dump_flags {
    TOOLS_DUMP_FLAGS(FLAG_FIELD, tools_dump_flags)
};
struct tools_verify_flags {
    TOOLS_VERIFY_FLAGS(FLAG_FIELD, tools_verify_flags)
};
struct tools_owners_flags {
    TOOLS_OWNERS_FLAGS(FLAG_FIELD, tools_owners_flags)
};
struct tools_ring_diff_flags {
    TOOLS_RING_DIFF_FLAGS(FLAG_FIELD, tools_ring_diff_flags)
};
