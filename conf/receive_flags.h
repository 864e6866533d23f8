/* receive_flags.h - the flags of `mneme receive`: every flag of `thanos receive` (0.43), and
 * tsdb.wal-sync. Rows marked FLAG_NOT_YET are parsed and checked; cmd warns when one is given. */
#pragma once
#include "conf/common_flags.h"

/* clang-format off */
#define RECEIVE_OWN_FLAGS(X, S) \
    X(S, INT, limit_request_series, "store.limits.request-series", "0", \
      "Most series of one Series call; 0: no limit.", .notes = FLAG_NOT_YET) \
    X(S, INT, limit_request_samples, "store.limits.request-samples", "0", \
      "Most samples of one Series call; 0: no limit.", .notes = FLAG_NOT_YET) \
    X(S, STRING, client_tls_cert, "remote-write.client-tls-cert", "", \
      "Certificate shown to other receivers, PEM.") \
    X(S, STRING, client_tls_key, "remote-write.client-tls-key", "", \
      "Key of that certificate, PEM.") \
    X(S, STRING, client_tls_ca, "remote-write.client-tls-ca", "", \
      "CA that other receivers must be signed by, PEM.") \
    X(S, STRING, client_server_name, "remote-write.client-server-name", "", \
      "Host name expected in the certificates of other receivers.") \
    X(S, ENUM, client_tls_min_version, "remote-write.client-tls-min-version", "1.3", \
      "Least TLS version towards other receivers.", .choices = "1.0|1.1|1.2|1.3") \
    X(S, BOOL, client_tls_secure, "remote-write.client-tls-secure", "false", \
      "Use TLS towards other receivers.") \
    X(S, BOOL, client_tls_skip_verify, "remote-write.client-tls-skip-verify", "false", \
      "Take any certificate of other receivers.") \
    X(S, STRING, tsdb_path, "tsdb.path", "./data", \
      "Data directory; each tenant has a directory in it.") \
    X(S, LIST, labels, "label", NULL, \
      "External label of this receiver, name=\"value\".", \
      .notes = FLAG_REQUIRED) \
    X(S, CONTENT, objstore_config, "objstore.config", NULL, \
      "YAML of the bucket that blocks are uploaded to; absent: no upload.", \
      .notes = FLAG_NOT_YET | FLAG_SECRET) \
    X(S, STRING, hashrings_file, "receive.hashrings-file", "", \
      "JSON file of the hashrings; read again when it changes.") \
    X(S, STRING, hashrings, "receive.hashrings", "", \
      "The hashrings as JSON text; the file comes first.") \
    X(S, ENUM, hashrings_algorithm, "receive.hashrings-algorithm", "hashmod", \
      "How series are spread over nodes where a hashring does not say.", \
      .choices = "hashmod|ketama") \
    X(S, DURATION, hashrings_refresh_ms, "receive.hashrings-file-refresh-interval", "5m", \
      "How often the file is read again even without a sign of change.") \
    X(S, STRING, local_endpoint, "receive.local-endpoint", "", \
      "Address of this receiver in the hashrings.") \
    X(S, STRING, replica_header, "receive.replica-header", "THANOS-REPLICA", \
      "Request header with the replica number of a write.") \
    X(S, UINT, replication_factor, "receive.replication-factor", "1", \
      "Copies of each sample.", .min = 1, .max = 64) \
    X(S, ENUM, write_quorum, "receive.write-quorum", "majority", \
      "How many copies a write must have before it is acknowledged; a majority of two is one.", \
      .choices = "one|majority|all") \
    X(S, STRING, local_zone, "receive.local-zone", "", \
      "Zone of this receiver: copies in other zones are made later, from disk, and count for no " \
      "quorum. Empty: all zones are alike.") \
    X(S, STRING, handoff_dir, "receive.handoff-dir", "", \
      "Directory of what other receivers could not take yet; empty: #handoff in tsdb.path.") \
    X(S, BYTES, handoff_bytes_max, "receive.handoff-max-bytes", "1GiB", \
      "Most of that for one receiver; the oldest goes.", .min = 1 << 20) \
    X(S, DURATION, handoff_age_max_ms, "receive.handoff-max-age", "6h", \
      "How long that is kept.", .min = 1) \
    X(S, BYTES, handoff_rate, "receive.handoff-max-rate", "64MiB", \
      "Most of that sent to one receiver in a second.", .min = 1 << 10) \
    X(S, ENUM, replication_protocol, "receive.replication-protocol", "protobuf", \
      "Protocol between receivers.", .choices = "protobuf|capnproto", .notes = FLAG_NOT_YET) \
    X(S, ADDR, capnproto_address, "receive.capnproto-address", "0.0.0.0:19391", \
      "Listener for writes of other receivers by Cap'n Proto.", .notes = FLAG_NOT_YET) \
    X(S, ENUM, grpc_compression, "receive.grpc-compression", "snappy", \
      "Compression of writes to other receivers; among mneme it is zstd.", \
      .choices = "snappy|none") \
    X(S, STRING, grpc_service_config, "receive.grpc-service-config", "", \
      "JSON of the gRPC service configuration towards other receivers.", \
      .notes = FLAG_NOT_YET) \
    X(S, UINT, forward_workers, "receive.forward.async-workers", "5", \
      "Accepted for Thanos; another receiver gets its writes in order, gathered.", .min = 1) \
    X(S, DURATION, forward_timeout_ms, "receive-forward-timeout", "5s", \
      "Time limit of a write to other receivers.", .min = 1, \
      .notes = FLAG_HIDDEN) \
    X(S, DURATION, forward_backoff_max_ms, "receive-forward-max-backoff", "5s", \
      "Longest pause before a failed receiver is tried again.", .min = 1, \
      .notes = FLAG_HIDDEN) \
    X(S, DURATION, artificial_delay_max_ms, "receive.artificial-max-delay", "0s", \
      "Delays each write by up to this, for tests.", .notes = FLAG_HIDDEN | FLAG_NOT_YET) \
    X(S, UINT, lazy_responses_max, "receive.lazy-retrieval-max-buffered-responses", "20", \
      "Answers buffered for each tenant of a Series call.", .min = 1, .notes = FLAG_NOT_YET) \
    X(S, BOOL, writer_intern, "writer.intern", "false", \
      "Accepted for Thanos; labels are always kept once.", .notes = FLAG_HIDDEN) \
    X(S, ENUM, hash_func, "hash-func", "", \
      "Hash of uploaded files in meta.json; empty: none.", .choices = "|SHA256", \
      .notes = FLAG_NOT_YET) \
    X(S, UINT, upload_concurrency, "shipper.upload-concurrency", "0", \
      "Files of a block that are uploaded at once; 0: one.", .notes = FLAG_NOT_YET) \
    X(S, BOOL, upload_out_of_order, "shipper.allow-out-of-order-uploads", "false", \
      "Go on with younger blocks when one cannot be uploaded.", \
      .notes = FLAG_HIDDEN | FLAG_NOT_YET) \
    X(S, BOOL, upload_skip_corrupted, "shipper.skip-corrupted-blocks", "false", \
      "Go on when a local block is corrupt.", .notes = FLAG_HIDDEN | FLAG_NOT_YET) \
    X(S, UINT, matcher_cache_entries, "matcher-cache-size", "0", \
      "Cached matchers; 0: none.", .notes = FLAG_NOT_YET)

#define RECEIVE_FLAGS(X, S) \
    LOG_FLAGS(X, S) PROCESS_FLAGS(X, S) MEMORY_FLAGS(X, S) HTTP_FLAGS(X, S) GRPC_FLAGS(X, S) \
    REMOTE_WRITE_FLAGS(X, S) TENANT_FLAGS(X, S) POLICY_FLAGS(X, S) OTLP_FLAGS(X, S) \
    TSDB_FLAGS(X, S) API_FLAGS(X, S) RECEIVE_OWN_FLAGS(X, S)
/* clang-format on */

struct receive_flags {
    RECEIVE_FLAGS(FLAG_FIELD, receive_flags)
};
