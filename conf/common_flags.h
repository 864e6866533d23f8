/* common_flags.h - groups of flags that several components share, spelled as Thanos spells
 * them. Each is an X-table (flags.h): name, default, help in one place.
 * Source: Thanos 0.43 cmd/thanos, extkingpin. */
#pragma once
#include "conf/flags.h"

/* clang-format off */
#define LOG_FLAGS(X, S) \
    X(S, ENUM, log_level, "log.level", "info", "Least severity that is logged.", \
      .choices = "error|warn|info|debug") \
    X(S, ENUM, log_format, "log.format", "logfmt", "Form of a log line.", \
      .choices = "logfmt|json")

#define PROCESS_FLAGS(X, S) \
    X(S, CONTENT, tracing_config, "tracing.config", NULL, \
      "YAML that says where traces go.", .notes = FLAG_SECRET) \
    X(S, CONTENT, request_logging_config, "request.logging-config", NULL, \
      "YAML that says which requests are logged.") \
    X(S, STRING, debug_name, "debug.name", "", "Name in log lines.", \
      .notes = FLAG_HIDDEN)

#define MEMORY_FLAGS(X, S) \
    X(S, BYTES, memory_limit_bytes, "memory-limit", "0", \
      "Most memory of the process: short of it, new series are refused with 429 and writes with " \
      "503; queries have a quarter, requests in flight an eighth. 0: auto-gomemlimit.ratio of " \
      "the control group's limit, if it has one.") \
    X(S, BOOL, auto_gomemlimit, "enable-auto-gomemlimit", "false", \
      "Accepted for Thanos; memory-limit=0 does it anyway.") \
    X(S, FLOAT, auto_gomemlimit_ratio, "auto-gomemlimit.ratio", "0.9", \
      "Share of the control group's limit that memory-limit=0 stands for.", .max = 1)

#define HTTP_FLAGS(X, S) \
    X(S, ADDR, http_address, "http-address", "0.0.0.0:10902", \
      "Listener for the query API, metrics and probes, as far as the component has them.") \
    X(S, DURATION, http_grace_period_ms, "http-grace-period", "2m", \
      "How long requests in flight may take once the process is told to stop.") \
    X(S, DURATION, shutdown_delay_ms, "shutdown-delay", "0s", \
      "How long to go on serving after SIGTERM while /-/ready says no, so that load balancers " \
      "send nothing more by the time the listeners close; a second signal ends it.", \
      .max = 600000) \
    X(S, STRING, http_config, "http.config", "", \
      "YAML file of TLS, users, tokens and headers for the HTTP listener, as the Prometheus " \
      "exporter toolkit has it; taken again when it changes.") \
    X(S, DURATION, http_read_timeout_ms, "http.read-timeout", "30s", \
      "How long the headers of a request may take to arrive at an HTTP listener, and its body " \
      "beyond 16 KiB a second.", .min = 1) \
    X(S, DURATION, http_write_timeout_ms, "http.write-timeout", "30s", \
      "How long a client may take to read an answer beyond 16 KiB a second.", .min = 1) \
    X(S, DURATION, http_idle_timeout_ms, "http.idle-timeout", "3m", \
      "How long a connection to an HTTP listener may be idle between two requests.", .min = 1) \
    X(S, UINT, http_connections_max, "http.max-connections", "10000", \
      "Open connections of each HTTP listener; more are closed at once.", .min = 1, \
      .max = 1000000)

#define GRPC_FLAGS(X, S) \
    X(S, ADDR, grpc_address, "grpc-address", "0.0.0.0:10901", \
      "Listener for the Store API and for writes of other receivers.") \
    X(S, DURATION, grpc_grace_period_ms, "grpc-grace-period", "2m", \
      "How long gRPC calls in flight may take once the process is told to stop.") \
    X(S, STRING, grpc_tls_cert, "grpc-server-tls-cert", "", \
      "Certificate of the gRPC listener, PEM; empty: no TLS.") \
    X(S, STRING, grpc_tls_key, "grpc-server-tls-key", "", \
      "Key of that certificate, PEM.") \
    X(S, STRING, grpc_tls_client_ca, "grpc-server-tls-client-ca", "", \
      "CA that gRPC clients must be signed by, PEM.") \
    X(S, ENUM, grpc_tls_min_version, "grpc-server-tls-min-version", "1.3", \
      "Least TLS version of the gRPC listener.", .choices = "1.0|1.1|1.2|1.3") \
    X(S, LIST, grpc_tls_ciphers, "grpc-server-tls-ciphers", NULL, \
      "Cipher suites up to TLS 1.2 of the gRPC listener.") \
    X(S, LIST, grpc_tls_curves, "grpc-server-tls-curves", NULL, \
      "Key exchange groups of the gRPC listener.") \
    X(S, DURATION, grpc_connection_age_max_ms, "grpc-server-max-connection-age", "60m", \
      "Age at which a gRPC connection is asked to reconnect.")

#define REMOTE_WRITE_FLAGS(X, S) \
    X(S, ADDR, remote_write_address, "remote-write.address", "0.0.0.0:19291", \
      "Listener for remote writes.") \
    X(S, STRING, remote_write_http_config, "remote-write.http-config", "", \
      "The same file as http.config for the write listener; its TLS, or that of the flags here.") \
    X(S, STRING, remote_write_tls_cert, "remote-write.server-tls-cert", "", \
      "Certificate of the write listener, PEM; empty: no TLS.") \
    X(S, STRING, remote_write_tls_key, "remote-write.server-tls-key", "", \
      "Key of that certificate, PEM.") \
    X(S, STRING, remote_write_tls_client_ca, "remote-write.server-tls-client-ca", "", \
      "CA that senders must be signed by, PEM.") \
    X(S, ENUM, remote_write_tls_min_version, "remote-write.server-tls-min-version", "1.3", \
      "Least TLS version of the write listener.", .choices = "1.0|1.1|1.2|1.3") \
    X(S, LIST, remote_write_tls_ciphers, "remote-write.server-tls-ciphers", NULL, \
      "Cipher suite up to TLS 1.2 of the write listener, as Go names it; none: Go's own choice.") \
    X(S, LIST, remote_write_tls_curves, "remote-write.server-tls-curves", NULL, \
      "Key exchange group of the write listener: CurveP256, CurveP384, CurveP521 or X25519.")

#define TENANT_FLAGS(X, S) \
    X(S, STRING, tenant_header, "receive.tenant-header", "THANOS-TENANT", \
      "Request header that names the tenant of a write.") \
    X(S, STRING, default_tenant_id, "receive.default-tenant-id", "default-tenant", \
      "Tenant of writes without that header.") \
    X(S, STRING, tenant_label_name, "receive.tenant-label-name", "tenant_id", \
      "External label that carries the tenant.")

#define POLICY_FLAGS(X, S) \
    X(S, ENUM, tenant_certificate_field, "receive.tenant-certificate-field", "", \
      "Field of the client certificate that names the tenant; empty: the header does.", \
      .choices = "|organization|organizationalUnit|commonName") \
    X(S, STRING, tenant_jwt_claim, "receive.tenant-jwt-claim", "", \
      "Claim of a JSON Web Token that names the tenant: every request to the write listener must " \
      "bring such a token as its bearer token. Empty: the header names the tenant.") \
    X(S, STRING, tenant_jwt_key_file, "receive.tenant-jwt-key-file", "", \
      "File of the public keys that those tokens are verified with, PEM or a JWK set; read again " \
      "when it changes.") \
    X(S, STRING, tenant_jwt_issuer, "receive.tenant-jwt-issuer", "", \
      "Issuer that those tokens must name; empty: any.") \
    X(S, STRING, tenant_jwt_audience, "receive.tenant-jwt-audience", "", \
      "Audience that those tokens must name; empty: only tokens that name none are taken.") \
    X(S, STRING, split_tenant_label_name, "receive.split-tenant-label-name", "", \
      "Label of a series that names its tenant, and is taken off it; empty: none does.") \
    X(S, CONTENT, relabel_config, "receive.relabel-config", NULL, \
      "YAML list of relabelling rules for incoming series; a file is read again when it changes.") \
    X(S, CONTENT, limits_config, "receive.limits-config", NULL, \
      "YAML of limits per tenant; a file is read again when it changes.", \
      .notes = FLAG_HIDDEN | FLAG_SECRET) \
    X(S, DURATION, limits_reload_ms, "receive.limits-config-reload-timer", "1s", \
      "How often both files are looked at; less than 1s counts as that.", .min = 1, \
      .notes = FLAG_HIDDEN)

#define OTLP_FLAGS(X, S) \
    X(S, BOOL, otlp_target_info, "receive.otlp-enable-target-info", "true", \
      "Make target_info series of OTLP resources.") \
    X(S, LIST, otlp_promote_attributes, "receive.otlp-promote-resource-attributes", NULL, \
      "OTLP resource attribute that becomes a label.")

#define API_FLAGS(X, S) \
    X(S, UINT, read_samples_max, "storage.remote.read-sample-limit", "50000000", \
      "Most samples of one answer to a remote read of samples; 0: no limit.", \
      .notes = FLAG_HIDDEN) \
    X(S, UINT, reads_max, "storage.remote.read-concurrent-limit", "10", \
      "Remote reads answered at once; more wait.", .min = 1, .max = 10000, \
      .notes = FLAG_HIDDEN) \
    X(S, UINT, read_frame_bytes_max, "storage.remote.read-max-bytes-in-frame", "1048576", \
      "Bytes of a frame of a streamed remote read, if a single chunk is not larger.", .min = 1, \
      .max = 1 << 30, .notes = FLAG_HIDDEN) \
    X(S, BOOL, web_disable_cors, "web.disable-cors", "false", \
      "Leave out the headers by which pages of other origins may use the query API.") \
    X(S, ENUM, web_api_flavour, "web.api-flavour", "prometheus", \
      "Whose query API is answered where those of Prometheus and Thanos differ.", \
      .choices = "prometheus|thanos") \
    X(S, BOOL, web_enable_admin_api, "web.enable-admin-api", "false", \
      "Serve the API that deletes series, cleans up and makes snapshots, to whoever can reach " \
      "the HTTP listener.", .notes = FLAG_HIDDEN) \
    X(S, LIST, features, "enable-feature", NULL, \
      "Features to turn on, comma-separated: promql-experimental-functions, " \
      "promql-extended-range-selectors, promql-binop-fill-modifiers, " \
      "promql-delayed-name-removal, use-start-timestamps.")

#define TSDB_FLAGS(X, S) \
    X(S, DURATION, tsdb_retention_ms, "tsdb.retention", "15d", \
      "Age at which local blocks are deleted; 0d keeps them for ever.") \
    X(S, DURATION, tsdb_block_min_ms, "tsdb.min-block-duration", "2h", \
      "Time span of a block cut from the head.", .min = 1000, .notes = FLAG_HIDDEN) \
    X(S, DURATION, tsdb_block_max_ms, "tsdb.max-block-duration", "2h", \
      "Longest time span of a local block.", .min = 1000, .notes = FLAG_HIDDEN) \
    X(S, BYTES, tsdb_retention_bytes, "tsdb.max-retention-bytes", "0", \
      "Size of one tenant's blocks above which the oldest is deleted; 0: no limit.") \
    X(S, DURATION, tsdb_future_window_ms, "tsdb.too-far-in-future.time-window", "0s", \
      "Samples later than now plus this are refused; 0s: none are.") \
    X(S, DURATION, tsdb_ooo_window_ms, "tsdb.out-of-order.time-window", "0s", \
      "How much older than the newest sample of its tenant a sample may be; 0s: not at all.") \
    X(S, INT, tsdb_ooo_cap_max, "tsdb.out-of-order.cap-max", "0", \
      "Most samples of a chunk of out-of-order samples; 0 or less: 32.", \
      .min = FLAG_NO_MIN, .max = 255) \
    X(S, BOOL, tsdb_allow_overlap, "tsdb.allow-overlapping-blocks", "false", \
      "Accepted for Thanos, where it does nothing either.") \
    X(S, BOOL, tsdb_wal_compression, "tsdb.wal-compression", "true", \
      "Compress the records of the write-ahead log with snappy.") \
    X(S, ENUM, tsdb_wal_sync, "tsdb.wal-sync", "none", \
      "When a write is acknowledged: none, once the kernel has it; batch, once the disk has " \
      "it (a group of writes shares one sync).", .choices = "none|batch") \
    X(S, BOOL, tsdb_no_lockfile, "tsdb.no-lockfile", "false", \
      "Accepted for Thanos; the lock is advisory and vanishes with the process.") \
    X(S, BYTES, tsdb_head_postings_cache_bytes, "tsdb.head.expanded-postings-cache-size", "0", \
      "Memory for cached postings of the head; 0: none.", .notes = FLAG_NOT_YET) \
    X(S, BYTES, tsdb_block_postings_cache_bytes, "tsdb.block.expanded-postings-cache-size", "0", \
      "Memory for cached postings of blocks; 0: none.", .notes = FLAG_NOT_YET) \
    X(S, INT, tsdb_exemplars_max, "tsdb.max-exemplars", "0", \
      "Exemplars kept for a tenant; 0 or less: none.", .min = FLAG_NO_MIN, \
      .max = 1 << 24) \
    X(S, INT, tsdb_write_queue_chunks, "tsdb.write-queue-size", "0", \
      "Accepted for Thanos; chunks are written without a queue.", .notes = FLAG_HIDDEN) \
    X(S, BOOL, tsdb_memory_snapshot, "tsdb.memory-snapshot-on-shutdown", "false", \
      "Write the head to disk at shutdown for a faster start.", .notes = FLAG_HIDDEN) \
    X(S, BOOL, tsdb_native_histograms, "tsdb.enable-native-histograms", "true", \
      "Accepted for Thanos, where it does nothing either.")
/* clang-format on */
