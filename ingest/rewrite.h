/* rewrite.h - between decoding and storing: relabelling, split tenants, limits on labels.
 *
 * A row is rewritten as a function of its label key alone, and the outcome remembered, so that
 * series which come again cost a look-up. Rules and cache are one snapshot, used by a request from
 * its beginning to its end; another snapshot takes its place without anybody waiting.
 * Threads: any. */
#pragma once
#include "ingest/batch.h"
#include "ingest/limits.h"
#include "ingest/relabel.h"

enum { REWRITE_TENANTS_MAX = 10000 }; /* of one request */

struct rewriter; /* which snapshot counts now */
struct rewrite;  /* a snapshot */

/* `cache_bytes_max` of the cache of one snapshot; 0: REWRITE_CACHE_BYTES_MAX. */
struct rewriter *rewriter_open(size_t cache_bytes_max);
/* No snapshot may be in use. NULL is allowed. */
void rewriter_close(struct rewriter *w);
DEFINE_AUTO(struct rewriter *, rewriter_close)

/* From now on these. Takes the rules (NULL: none); copies the name of the label that names a
 * series' tenant (empty: none does). */
void rewriter_set(struct rewriter *w, struct relabel_rules *rules, struct str split_label);

/* NULL when there is nothing to rewrite, unless `limits` limit labels: then their lengths are to be
 * known. The caller gives it back with rewrite_release(), after the last use of what came of it. */
struct rewrite *rewrite_acquire(struct rewriter *w, const struct limits *limits);
void rewrite_release(struct rewrite *r); /* NULL is allowed */
DEFINE_AUTO(struct rewrite *, rewrite_release)

/* The rows of one tenant. */
struct rewritten_batch {
    struct batch batch;
    const struct tenant_limits *limits; /* of its tenant */
    uint64_t hits[LIMIT_KIND_COUNT];    /* rows that limits on labels have refused */
};

/* What rules have dropped: nobody is told, for somebody wanted it so. */
struct rewrite_dropped {
    uint64_t rows, samples, histograms, exemplars;
};

/* What became of a batch. */
struct rewritten {
    const struct rewritten_batch *batches; /* the request's own tenant first; may be empty */
    size_t count;
    struct rewrite_dropped dropped;
    uint64_t label_faults[LABEL_FAULT_COUNT]; /* rows refused, for what rules made of them or for a
                                               * tenant's limits */
    uint64_t bad_tenant_rows;                 /* refused: the split label's value is no name */
    struct str bad_tenant;                    /* the first of them */
};

/* The batches live as long as `in`, arena and snapshot. Limits on labels are those of the tenant
 * that a row goes to. ERR_TOO_LARGE above REWRITE_TENANTS_MAX; errors of arena_admit(). */
struct err rewrite_batch(struct rewrite *r, struct arena *a, const struct batch *in,
                         const struct limits *limits, struct rewritten *ret_rewritten);
/* The same where there is nothing to rewrite: one batch, of a tenant with these limits. */
struct rewritten rewrite_nothing(struct arena *a, const struct batch *in,
                                 const struct tenant_limits *limits);
