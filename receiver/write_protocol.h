/* write_protocol.h - what a write may be written in, beside remote write.
 *
 * Threads: any. */
#pragma once
#include "ingest/formats.h"

struct write;

enum write_protocol_kind { WRITE_REMOTE, WRITE_OTLP, WRITE_TEXT, WRITE_PROTOCOL_COUNT };

struct write_protocol {
    enum write_protocol_kind kind;
    const struct otlp_options *otlp; /* of WRITE_OTLP; borrowed */
    int64_t now_ms;                  /* of WRITE_TEXT: the time of samples without one */
};

/* The stage of write_run(): `body` to q->batch, but for the tenant. */
struct err write_decode(struct write *q, const struct ingest_body *body);
