/* receive_int.h - the receiver as its request handlers see it. */
#pragma once
#include <stdatomic.h>

#include "receiver/receive.h"
#include "receiver/scratch.h"
#include "receiver/write_metrics.h"

enum receiver_state { RECEIVER_STARTING, RECEIVER_OPEN, RECEIVER_DRAINING };

struct receiver {
    /* Configuration, immutable. */
    char *tenant_header, *replica_header, *default_tenant; /* owned */
    size_t decoded_bytes_max;
    struct ingest_limits limits;
    enum tenant_field tenant_field;
    bool tenant_by_token;
    struct policy *policy; /* owned */
    struct pool *pool;
    struct memory_limit *memory;
    struct log *log;
    const struct clock *clock;
    struct numberings *numberings; /* owned */
    struct otlp_options otlp; /* its promoted names are owned */
    struct write_metrics metrics;
    /* State. */
    struct sink *sink; /* set before RECEIVER_OPEN, whose release publishes it, as the next */
    struct replicator *replicator;      /* NULL: no ring */
    _Atomic(enum receiver_state) state; /* acquire by handlers */
    struct scratch_pool scratches;
    struct log_throttle throttle;
};

/* write_job.c: ERR_UNAVAILABLE unless it is open. */
struct err receiver_check_state(const struct receiver *v);
/* write_http.c: handlers of routes; arg is the receiver. */
void write_http_receive(void *arg, struct http_request *r);
void write_http_write(void *arg, struct http_request *r);
void write_http_otlp(void *arg, struct http_request *r);
void write_http_import(void *arg, struct http_request *r);
