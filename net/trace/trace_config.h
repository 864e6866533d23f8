/* trace_config.h - the YAML of --tracing.config, as Thanos takes it: `type` and `config`.
 *
 * All of Thanos' providers are read strictly; an unknown key is an error here, where Thanos
 * overlooks it. What cannot be exported to says so in `unsupported`: the process then runs without
 * tracing. Threads: any (pure). */
#pragma once
#include "conf/yaml.h"

enum {
    TRACE_TIMEOUT_MS_DEFAULT = 10 * 1000,
    TRACE_RETRY_FIRST_MS_DEFAULT = 5 * 1000,
    TRACE_RETRY_PAUSE_MS_DEFAULT = 30 * 1000,
    TRACE_RETRY_TOTAL_MS_DEFAULT = 60 * 1000,
};

enum trace_sampler { TRACE_SAMPLE_ALWAYS, TRACE_SAMPLE_NEVER, TRACE_SAMPLE_RATIO };

struct trace_pair {
    struct str name, value;
};
struct trace_pairs {
    struct trace_pair *v;
    size_t n;
};

struct trace_config {
    const char *unsupported; /* NULL, or why nothing is exported; static */
    struct str service_name;
    struct trace_pairs attributes; /* of the resource */
    struct str url;
    struct trace_pairs headers; /* secret */
    bool gzip;
    int64_t timeout_ms; /* of one request */
    struct {
        int64_t first_ms, pause_max_ms, total_ms;
    } retry;
    struct {
        struct str ca_file, cert_file, key_file; /* "": none */
        bool skip_verify;
    } tls;
    enum trace_sampler sampler;
    double ratio;      /* of TRACE_SAMPLE_RATIO */
    bool parent_based; /* the caller's decision goes before */
};

/* Texts live in the arena, each with a NUL behind it. ERR_INVALID with line and column. */
struct err trace_config_read(struct arena *a, struct str yaml, struct trace_config *ret_config);
