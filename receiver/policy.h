/* policy.h - what operators say about writes in files that may change while the process runs:
 * relabelling rules and limits.
 *
 * Each text becomes a snapshot that takes the last one's place as a whole; a text with a fault
 * changes nothing. A write holds on to the snapshots that it began with, and nobody waits for
 * another. Threads: any; setters one at a time. */
#pragma once
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "ingest/rates.h"
#include "ingest/rewrite.h"
#include "receiver/write_gate.h"

struct policy;

struct policy_opts {
    struct metrics *metrics; /* borrowed for life, as the clock */
    const struct clock *clock;
    struct log *log;                /* may be NULL; borrowed as well */
    struct str split_label;         /* copied; names a series' tenant; empty: none does */
    size_t rewrite_cache_bytes_max; /* 0: REWRITE_CACHE_BYTES_MAX */
    struct tenant_limits base;      /* shown where the file has no limit */
};

/* Without rules and limits. The caller closes it when no write is under way. */
struct policy *policy_open(const struct policy_opts *opts);
void policy_close(struct policy *p); /* NULL is allowed */
DEFINE_AUTO(struct policy *, policy_close)

struct err policy_set_relabel(struct policy *p, struct str yaml);
struct err policy_set_limits(struct policy *p, struct str yaml);
/* Meta-monitoring, if the limits name one, says that the tenant has `limit` series or more in all
 * receivers (meta_monitoring.h). */
bool policy_is_over_monitored(struct policy *p, struct str tenant, uint64_t limit,
                              double *ret_series);

/* What holds for one write. */
struct policy_hold {
    struct limits *limits;
    struct rewrite *rewrite; /* NULL: nothing to rewrite */
};
struct policy_hold policy_acquire(struct policy *p);
void policy_release(struct policy_hold *hold);

struct write_gate *policy_gate(struct policy *p);
struct rates *policy_rates(struct policy *p);
/* Counts hits of a limit. */
void policy_count_hits(struct policy *p, struct str tenant, enum limit_kind kind, uint64_t hits);
void policy_count_dropped(struct policy *p, uint64_t rows);
