/* node_flags.h - the flags that `receive` and `all` share (conf/common_flags.h) as node_opts.
 *
 * A macro, since the two flag structs have the same fields and no common type. Flag texts end
 * in NUL: they come from argv, the arena or the table. */
#pragma once
#include "cmd/node.h"

#define NODE_OPTS_OF_FLAGS(f, line)                                                                \
    {                                                                                              \
        .http_address = (f).http_address,                                                          \
        .write_address = (f).remote_write_address,                                                 \
        .http_web_file = (f).http_config.p,                                                        \
        .write_web_file = (f).remote_write_http_config.p,                                          \
        .http_limits = {(f).http_read_timeout_ms, (f).http_write_timeout_ms,                       \
                        (f).http_idle_timeout_ms, (size_t)(f).http_connections_max},               \
        .write_tls = {(f).remote_write_tls_cert.p, (f).remote_write_tls_key.p,                     \
                      (f).remote_write_tls_client_ca.p, (f).remote_write_tls_min_version.p,        \
                      {(f).remote_write_tls_ciphers.v, (f).remote_write_tls_ciphers.n},            \
                      {(f).remote_write_tls_curves.v, (f).remote_write_tls_curves.n}},             \
        .request_logging_yaml = (f).request_logging_config.text,                                   \
        .tracing_yaml = (f).tracing_config.text,                                                   \
        .stop_delay_ms = (f).shutdown_delay_ms,                                                    \
        .grace_ms = (f).http_grace_period_ms,                                                      \
        .write_tenant_header = (f).tenant_header.p,                                                \
        .write_default_tenant = (f).default_tenant_id.p,                                           \
        .tenant_certificate_field = (f).tenant_certificate_field,                                  \
        .tenant_jwt = {(f).tenant_jwt_key_file.p, (f).tenant_jwt_claim, (f).tenant_jwt_issuer,     \
                       (f).tenant_jwt_audience},                                                  \
        .split_tenant_label = (f).split_tenant_label_name,                                         \
        .policy = {(f).relabel_config, (f).limits_config, (f).limits_reload_ms},                   \
        .otlp = {.target_info = (f).otlp_target_info,                                              \
                 .promoted = (f).otlp_promote_attributes.v,                                        \
                 .promoted_count = (f).otlp_promote_attributes.n},                                 \
        .wal_sync = str_eq((f).tsdb_wal_sync, STR("batch")) ? WAL_SYNC_BATCH : WAL_SYNC_NONE,      \
        .wal_compression = (f).tsdb_wal_compression ? WAL_SNAPPY : WAL_PLAIN,                      \
        .future_window_ms = (f).tsdb_future_window_ms,                                             \
        .ooo_window_ms = (f).tsdb_ooo_window_ms,                                                   \
        .ooo_chunk_max = (uint32_t)i64_max((f).tsdb_ooo_cap_max, 0),                               \
        .exemplars_max = (size_t)i64_max((f).tsdb_exemplars_max, 0),                               \
        .snapshot_on_finish = (f).tsdb_memory_snapshot,                                            \
        .tenant_label = (f).tenant_label_name,                                                     \
        .retention_ms = (f).tsdb_retention_ms,                                                     \
        .retention_bytes = (f).tsdb_retention_bytes,                                               \
        .block_min_ms = (f).tsdb_block_min_ms,                                                     \
        .block_max_ms = (f).tsdb_block_max_ms,                                                     \
        .read_samples_max = (size_t)(f).read_samples_max,                                          \
        .reads_max = (size_t)(f).reads_max,                                                        \
        .read_frame_bytes_max = (size_t)(f).read_frame_bytes_max,                                  \
        .api_flavour =                                                                             \
            str_eq((f).web_api_flavour, STR("thanos")) ? API_THANOS : API_PROMETHEUS,              \
        .api_cors = !(f).web_disable_cors,                                                         \
        .api_admin = (f).web_enable_admin_api,                                                     \
        .memory_limit_bytes =                                                                      \
            node_memory_limit((f).memory_limit_bytes, (f).auto_gomemlimit_ratio),                  \
        .grpc = {(f).grpc_address, (f).grpc_grace_period_ms, (f).grpc_connection_age_max_ms,       \
                 (f).grpc_tls_cert.p, (f).grpc_tls_key.p, (f).grpc_tls_client_ca.p,                \
                 (f).grpc_tls_min_version.p,                                                       \
                 {(f).grpc_tls_ciphers.v, (f).grpc_tls_ciphers.n},                                 \
                 {(f).grpc_tls_curves.v, (f).grpc_tls_curves.n}},                                  \
        .flags = (line)->flags,                                                                    \
        .flag_values = &(f),                                                                       \
    }

/* --label: name="value" with a Go string, sorted, in the arena. One with an empty value is left
 * out: it equals no label. ERR_INVALID for another form, a bad name and a name given twice. */
struct err node_parse_labels(const struct flag_list *texts, struct arena *a,
                             struct labels *ret_labels);

/* --enable-feature: lists of names, commas between them. What a name does, or that it does
 * nothing, is logged; an unknown one is no error, as with Prometheus. */
struct api_features node_features(const struct flag_list *lists, struct log *log);

/* --memory-limit: 0 stands for that share of what the kernel allows the process; 0 when it allows
 * any. */
uint64_t node_memory_limit(uint64_t bytes, double share);

/* The log of a process on standard error; `name` stands in each line unless it is empty. */
struct err node_open_log(struct str level, struct str format, struct str name,
                         struct log **ret_log);
