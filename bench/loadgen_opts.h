/* loadgen_opts.h - the command line of bench/loadgen. */
#pragma once
#include "bench/loadgen_http.h"
#include "bench/loadgen_series.h"

enum { LOAD_TARGETS_MAX = 16 };
enum load_protocol { LOAD_REMOTE_WRITE_1, LOAD_REMOTE_WRITE_2, LOAD_OTLP };

struct loadgen_opts {
    enum load_protocol protocol;
    struct http_target targets[LOAD_TARGETS_MAX]; /* of one path */
    uint64_t target_count;
    struct load_spec load;
    struct str tenant;   /* of the header THANOS-TENANT; empty: no header */
    const char *ack_log; /* NULL: none */
    uint64_t series, first_series;
    uint64_t samples_per_series; /* rounds; one round writes one sample of every series ... */
    uint64_t first_sample;       /* ... from this index on */
    uint64_t samples_per_row;    /* of one series in one request */
    uint64_t request_samples;
    uint64_t connections;
    uint64_t rate;    /* samples a second of all connections; 0: as fast as possible */
    uint64_t tenants; /* 1: `tenant` itself; more: NAME-0, NAME-1, ..., a run of series each */
    uint64_t seconds; /* repeat everything until then; 0: once */
    uint64_t timeout_ms;
    uint64_t retry_ms; /* keep trying a request for so long; 0: once */
    bool print_series; /* list the label sets and stop */
};

/* Arguments are borrowed for the life of *ret_opts. ERR_INVALID names the bad one; ERR_CANCELED:
 * --help was asked for and answered. */
struct err loadgen_opts_parse(int argc, char **argv, int64_t now_ms, struct loadgen_opts *ret_opts);
