/* write.h - one write request from body to stored samples: the write spine.
 *
 * Threads: a worker, top to bottom. */
#pragma once
#include "ingest/admit.h"
#include "ingest/decode.h"
#include "ingest/sink.h"
#include "ingest/tenant.h"

struct write {
    /* In: borrowed for the call. */
    struct tenant_sources tenant;
    struct ingest_body body;
    const struct ingest_limits *limits;
    struct sink *sink;
    struct arena *arena;
    struct buf *decoded; /* scratch for the decompressed body */
    /* Out: as far as the write came. */
    struct batch batch;          /* lives as long as arena and *decoded */
    bool reached_sink;           /* something was given to the sink */
    struct append_result result; /* zero unless the sink took the batch */
};

/* An error refuses the request as a whole. Without one, `result` says what of it was not stored:
 * see verdict.h. */
struct err write_run(struct write *q);
