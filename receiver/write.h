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
#include "replication/replicator.h"
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
    struct sink *sink;                  /* NULL: this machine stores nothing, only others do */
    struct replicator *replicator;      /* NULL: all rows are for the sink */
    unsigned replica;           /* with a replicator: 0, or the number of the copy this is */
    struct place_keeper keeper; /* with a replicator: of the arena, *decoded and hold; or zeros */
    void (*decided)(void *arg); /* with a replicator: see write_run() */
    void *decided_arg;
    struct arena *arena;
    struct trace *trace; /* NULL: not traced */
    struct buf *decoded; /* scratch for the decompressed body */
    /* Out: as far as the write came. */
    bool negotiated; /* `format` is known, as it is of WRITE_REMOTE only */
    struct ingest_format format;
    struct batch batch;             /* lives as long as arena and *decoded */
    bool reached_sink;              /* something was given to the sink */
    struct rewritten rewritten;     /* by tenant; lives as long as batch and hold */
    struct append_result result;    /* of all of them; zero unless the sink took something */
    bool pending;                   /* decided() was called, or will be */
    struct replication replication; /* of a pending one */
    struct append_result before;    /* what `result` was before it was replicated */
    struct votes_answer refused; /* what others refuse and this machine does not: an outcome other
                                  * than VOTE_OK */
    uint64_t retry_after_s; /* ERR_OVERLOAD: the tenant may write again then; 0: not its fault */
};

/* The second half of write_run(), for a batch that came by another way: admit, rewrite, store. */
struct err write_batch(struct write *q);
/* An error refuses the request as a whole. Without one, `result` says what of it was not stored:
 * see verdict.h. Where `pending` is set, it says so only after write_settle(). decided() may be
 * called on any thread, before this returns. */
struct err write_run(struct write *q);
/* After decided(): what the owners of the rows have made of it. */
struct err write_settle(struct write *q);
/* The last call for a write, whatever became of it. */
void write_end(struct write *q);

/* write.c, for write_replicate.c: rows of one tenant into the sink. */
struct err write_store(struct write *q, const struct rewritten_batch *b);
/* write_replicate.c: rows to their owners, this machine among them; q->pending as write_run(). */
struct err write_replicate(struct write *q);
/* What of it was refused, as a text for people. */
struct str write_refusal_text(const struct append_result *r, struct arena *a);
