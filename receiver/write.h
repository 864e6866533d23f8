/* write.h - one write request from body to stored samples: the write spine.
 *
 * Threads: a worker, top to bottom. */
#pragma once
#include "base/memory_limit.h"
#include "ingest/admit.h"
#include "ingest/decode.h"
#include "ingest/sink.h"
#include "ingest/tenant.h"
#include "net/trace/trace.h"
#include "receiver/policy.h"
#include "receiver/write_protocol.h"

struct write {
    /* In: borrowed for the call. */
    struct tenant_sources tenant;
    struct ingest_body body;
    struct write_protocol protocol;     /* of the body */
    const struct ingest_limits *limits; /* of a request, where the policy has none */
    struct policy *policy;              /* counts hits; NULL: none */
    struct policy_hold hold;            /* of the policy; zeros: no rules, no limits */
    struct memory_limit *memory;        /* NULL: none */
    struct sink *sink;
    struct arena *arena;
    struct trace *trace; /* NULL: not traced */
    struct buf *decoded; /* scratch for the decompressed body */
    /* Out: as far as the write came. */
    bool negotiated; /* `format` is known, as it is of WRITE_REMOTE only */
    struct ingest_format format;
    struct batch batch;          /* lives as long as arena and *decoded */
    bool reached_sink;           /* something was given to the sink */
    struct rewritten rewritten;  /* by tenant; lives as long as batch and hold */
    struct append_result result; /* of all of them; zero unless the sink took something */
    uint64_t retry_after_s; /* ERR_OVERLOAD: the tenant may write again then; 0: not its fault */
};

/* The second half of write_run(), for a batch that came by another way: admit, rewrite, store. */
struct err write_batch(struct write *q);
/* An error refuses the request as a whole. Without one, `result` says what of it was not stored:
 * see verdict.h. */
struct err write_run(struct write *q);
