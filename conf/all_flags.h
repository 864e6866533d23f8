/* all_flags.h - the flags of `mneme all`: every part in one process over one directory. */
#pragma once
#include "conf/common_flags.h"

/* clang-format off */
#define ALL_OWN_FLAGS(X, S) \
    X(S, STRING, data_dir, "data-dir", "./data", \
      "Data directory; everything that is kept lives in it.") \
    X(S, LIST, labels, "label", NULL, \
      "External label of this process, name=\"value\".")

#define QUERY_FLAGS(X, S) \
    X(S, DURATION, query_timeout_ms, "query.timeout", "2m", \
      "Time limit of one query.", .min = 1) \
    X(S, UINT, query_concurrent_max, "query.max-concurrent", "20", \
      "Queries evaluated at once; more wait.", .min = 1, .max = 10000) \
    X(S, STRING, query_active_path, "query.active-query-path", "", \
      "Directory of the file queries.active, which names the queries that are running; empty: " \
      "none.") \
    X(S, DURATION, query_lookback_ms, "query.lookback-delta", "5m", \
      "How old the newest sample of a series may be to count at a point in time.", .min = 1) \
    X(S, STRING, query_tenant_header, "query.tenant-header", "THANOS-TENANT", \
      "Request header that names the tenant of a query.") \
    X(S, STRING, query_default_tenant_id, "query.default-tenant-id", "default-tenant", \
      "Tenant of queries without that header.")

#define ALL_FLAGS(X, S) \
    ALL_OWN_FLAGS(X, S) LOG_FLAGS(X, S) PROCESS_FLAGS(X, S) MEMORY_FLAGS(X, S) \
    HTTP_FLAGS(X, S) GRPC_FLAGS(X, S) REMOTE_WRITE_FLAGS(X, S) TENANT_FLAGS(X, S) \
    POLICY_FLAGS(X, S) OTLP_FLAGS(X, S) TSDB_FLAGS(X, S) API_FLAGS(X, S) QUERY_FLAGS(X, S)
/* clang-format on */

struct all_flags {
    ALL_FLAGS(FLAG_FIELD, all_flags)
};
