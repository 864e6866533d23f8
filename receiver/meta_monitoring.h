/* meta_monitoring.h - how many series each tenant has in all receivers, asked of a server that
 * monitors them (meta_monitoring_url of the limits file).
 *
 * One thread of its own asks at once when limits are set, and every 15 s after that; no write waits
 * for it. What an answer does not name is forgotten with it; when nobody answers, the last answer
 * counts for META_MONITORING_KEPT_MS, then no tenant is refused by it.
 * Threads: open, close and set by one at a time; the rest any. */
#pragma once
#include "base/clock.h"
#include "base/log.h"
#include "base/map.h"
#include "base/metrics.h"
#include "ingest/limits.h"

enum {
    META_MONITORING_INTERVAL_S = 15,
    META_MONITORING_TIMEOUT_MS = 10 * 1000,
    META_MONITORING_KEPT_MS = 60 * 1000,
    META_MONITORING_ANSWER_BYTES_MAX = 16 << 20,
};

struct meta_monitoring;

struct meta_monitoring_opts {
    struct metrics *metrics; /* borrowed for life, as the others */
    const struct clock *clock;
    struct log *log; /* may be NULL */
};
/* Asks nobody yet, and has no thread. */
struct meta_monitoring *meta_monitoring_open(const struct meta_monitoring_opts *opts);
void meta_monitoring_close(struct meta_monitoring *m); /* NULL is allowed */

/* From now on asks as these limits say; nobody when they name no URL, or limit no head. Forgets
 * what it knew. Takes a reference. */
void meta_monitoring_set(struct meta_monitoring *m, struct limits *l);
/* The tenant has `limit` series or more; *ret_series says how many. False when nothing is known. */
bool meta_monitoring_is_over(struct meta_monitoring *m, struct str tenant, uint64_t limit,
                             double *ret_series);

/* The URL of the question at this wall time. */
void meta_monitoring_url(const struct limits_monitoring *c, int64_t now_ms, struct buf *to);
/* From an answer of /api/v1/query to map of tenant -> double *, in the arena; the map was
 * initialised with borrowed keys. ERR_INVALID for what is no vector. */
struct err meta_monitoring_read(struct str answer, struct arena *a, struct map *to);
