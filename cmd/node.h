/* node.h - a process that takes writes and answers queries over local databases: the parts of
 * `receive` and `all`, wired.
 *
 * Threads: main. */
#pragma once
#include "base/log.h"
#include "cmd/node_ring.h"
#include "cmd/policy_files.h"
#include "conf/flags.h"
#include "net/tls.h"
#include "ingest/otlp.h"
#include "querygw/api/features.h"
#include "querygw/api/flavour.h"
#include "tsdb/db.h"

struct node_opts {
    const char *component; /* "receive", "all": label of thanos_status */
    const char *data_dir;
    struct str http_address, write_address;
    const char *http_web_file, *write_web_file; /* "": none */
    struct {
        int64_t read_timeout_ms, write_timeout_ms, idle_timeout_ms;
        size_t connections_max;
    } http_limits; /* of each listener */
    struct {
        const char *cert_file, *key_file, *client_ca_file, *min_version; /* "": none */
        struct tls_names ciphers, curves;
    } write_tls;
    struct str request_logging_yaml, tracing_yaml; /* empty: neither */
    int64_t stop_delay_ms; /* not ready, but serving, before a stop begins */
    int64_t grace_ms; /* for requests in flight when the process is told to stop */
    const char *write_tenant_header, *write_default_tenant;
    struct str tenant_certificate_field, split_tenant_label; /* empty: none */
    struct {
        const char *key_file; /* "": none */
        struct str claim, issuer, audience;
    } tenant_jwt;
    struct policy_texts policy;
    struct otlp_options otlp;
    const char *query_tenant_header, *query_default_tenant;
    int64_t query_timeout_ms, query_lookback_ms;
    size_t query_concurrent_max;
    const char *active_query_dir; /* NULL or "": running queries are not noted */
    struct api_features features;
    size_t read_samples_max, reads_max, read_frame_bytes_max; /* of remote reads; the first:
                                                               * 0 is none */
    bool api_admin;
    bool api_cors;
    enum api_flavour api_flavour;
    enum wal_sync_mode wal_sync;
    enum wal_compression wal_compression;
    int64_t future_window_ms;
    int64_t ooo_window_ms;
    uint32_t ooo_chunk_max; /* 0: the default */
    size_t exemplars_max; /* of a tenant */
    bool snapshot_on_finish;
    struct labels labels;    /* external ones */
    struct str tenant_label; /* external label that names the tenant; empty: none */
    int64_t retention_ms;    /* 0: for ever */
    uint64_t retention_bytes; /* of a tenant; 0: no limit */
    int64_t block_min_ms, block_max_ms;
    uint64_t memory_limit_bytes; /* 0: none */
    struct node_ring_opts ring;
    struct node_grpc_opts grpc;
    const struct flag_set *flags; /* for /api/v1/status/flags, with their values */
    const void *flag_values;
};

/* Runs until SIGTERM or SIGINT, then drains, finishes the databases and returns OK. An error
 * is one of starting, and everything that was started is stopped again. */
struct err node_run(const struct node_opts *opts, struct log *log);
