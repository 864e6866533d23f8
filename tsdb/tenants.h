/* tenants.h - tenant name -> database; each is a directory below one root, as Thanos lays out.
 *
 * A database is lent by reference: as long as one is held it stays open. A tenant that nobody uses
 * is flushed and closed, opened again by the next who needs it, and removed once all it has is
 * older than the retention. States, invariants T6 to T11: README.md.
 * Threads: any, unless a function says otherwise. */
#pragma once
#include "base/metrics.h"
#include "base/pool.h"
#include "tsdb/db.h"
#include "tsdb/tenant_name.h"

struct tenants;
struct tenant; /* a reference; opaque */

enum { TENANTS_MAX = 100000 };

/* What a test may put in the place of a database's own answer. */
struct tenant_hooks {
    struct err (*flush)(struct db *db, bool *ret_empty); /* NULL: db_flush() */
    bool (*head_is_empty)(struct db *db);                /* NULL: it has no series, no sample */
};

struct tenants_opts {
    const char *dir;           /* root; copied; made when missing */
    struct db_opts db;         /* dir, external_labels and cut_delay_ms are filled in a tenant */
    struct metrics *metrics;   /* borrowed for life */
    struct labels labels;      /* external labels of all tenants; copied */
    struct str tenant_label;   /* the external label that names the tenant; copied; empty: none */
    int64_t retention_ms;      /* 0: no tenant is ever removed */
    int64_t flush_after_ms;    /* unwritten; 0: tenant_flush_after_ms() */
    int64_t close_after_ms;    /* unused; 0: TENANT_CLOSE_AFTER_MS */
    struct tenant_hooks hooks; /* zero in production */
};

/* Opens every tenant directory found, in parallel on `pool`, which is borrowed until
 * tenants_finish() has returned; those with an empty head are closed at once. A tenant that cannot
 * be opened is an error of the whole: an operator must see it. Labels that are not valid give
 * ERR_INVALID. */
struct err tenants_open(const struct tenants_opts *opts, struct pool *pool,
                        struct tenants **ret_tenants);
/* Ends maintenance and metrics, waits for passes under way, finishes and closes every database in
 * parallel; failures are logged. Nobody may hold or take a reference from here on. */
void tenants_finish(struct tenants *t);
/* Frees; without tenants_finish() as a crash would. No call may be in flight. NULL is allowed. */
void tenants_close(struct tenants *t);

/* For a write: the tenant is made when new and opened when closed, once, while others wait for
 * it. The caller owns the reference. */
struct err tenants_acquire(struct tenants *t, struct str name, struct tenant **ret_tenant);
/* For a query: *ret_tenant is NULL when there is no such tenant, or when it is closed and has no
 * sample between these times (inclusive): then there is nothing to open it for. */
struct err tenants_acquire_to_read(struct tenants *t, struct str name, int64_t mint_ms,
                                   int64_t maxt_ms, struct tenant **ret_tenant);
/* NULL is allowed. */
void tenant_release(struct tenant *n);
DEFINE_AUTO(struct tenant *, tenant_release)
/* Valid while the reference is held. */
struct db *tenant_db(const struct tenant *n);
/* A write failed: the next maintenance looks at this tenant, unless it is in a back-off. */
void tenant_hurry(struct tenant *n);

/* There is such a tenant, open or closed. */
bool tenants_know(struct tenants *t, struct str name);
size_t tenants_count(struct tenants *t);
/* The names of all of them, sorted; copies in the arena. */
struct str_list tenants_names(struct tenants *t, struct arena *a);
/* The sorted external labels of a tenant, which need not exist; in the arena. The tenant's own
 * label goes before one of the same name in tenants_opts.labels. */
struct labels tenants_labels(const struct tenants *t, struct str name, struct arena *a);

/* Passes over the tenants that are due, until none is: upkeep, flush, close, prune. Costs nothing
 * for the others. Called every second; several threads may be in here, each with another tenant,
 * one less than the pool has: a further caller returns at once. */
void tenants_maintain(struct tenants *t);

DEFINE_AUTO(struct tenants *, tenants_close)
