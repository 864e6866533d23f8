/* partial.h - the verdict on a write whose decoder may have refused parts of it: OTLP and texts.
 *
 * Whatever is good is stored. An OTLP request of which anything is stored is a success, and the
 * rest is told as its partial success; one of which nothing is stored is not. A text with any fault
 * is told so. Threads: any (pure). */
#pragma once
#include "ingest/batch.h"
#include "receiver/verdict.h"
#include "receiver/write_protocol.h"

struct partial {
    struct verdict verdict;
    /* Points of OTLP that are not stored. Exact for what could not be mapped; what the head refused
     * is counted in samples, of which a histogram has many, but never above the points there were.
     */
    uint64_t refused;
};

/* `result` is that of `batch`; not for WRITE_REMOTE. */
struct partial partial_of(enum write_protocol_kind protocol, const struct batch *batch,
                          const struct append_result *result, struct arena *a);
/* The same, where rows were refused because their own label names no valid tenant. */
struct partial partial_with_bad_tenants(struct partial p, enum write_protocol_kind protocol,
                                        const struct append_result *result, uint64_t rows,
                                        struct str example, struct arena *a);
