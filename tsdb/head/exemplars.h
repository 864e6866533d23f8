/* exemplars.h - the newest exemplars of one tenant: a ring that the oldest arrivals fall out of.
 *
 * Series are told apart by their labels, so exemplars outlive the series' place in the head. The
 * ring knows no log: who wants a log judges first, logs what is good, then appends.
 * Rules (spec/tsdb.md section 12, prometheus tsdb/exemplar.go): an exemplar is taken when it is
 * not before the newest of its series in time, value and labels, in this order, or before it by
 * less than the out-of-order window; an exact copy of the newest is nothing new.
 * Threads: any; one lock, under which nothing but memory and matchers is touched. */
#pragma once
#include "base/arena.h"
#include "base/mem.h"
#include "tsdb/head/append.h"

struct exemplars;

enum {
    EXEMPLARS_CAPACITY_MAX = 1 << 24, /* a slot takes 64 bytes before it is filled */
    EXEMPLARS_PAGE = 1024,            /* copied under one hold of the lock */
};

/* `capacity` 0: disabled, every exemplar gets EXEMPLAR_DISABLED. At most EXEMPLARS_CAPACITY_MAX.
 * The caller owns the result. */
struct exemplars *exemplars_open(size_t capacity, int64_t ooo_window_ms);
void exemplars_close(struct exemplars *x); /* NULL is allowed */
/* Keeps the newest arrivals. */
void exemplars_resize(struct exemplars *x, size_t capacity);
void exemplars_set_window(struct exemplars *x, int64_t ooo_window_ms);

/* What would become of the exemplars of one series, appended in this order: fates[i] of v[i], an
 * enum exemplar_fate. An older one within the window may turn out to be EXEMPLAR_REPEATED. */
void exemplars_judge(struct exemplars *x, struct labels series, const struct exemplar *v, size_t n,
                     uint8_t *fates);
/* Stores copies of those whose fates[i] is EXEMPLAR_STORED, judging them again. */
void exemplars_append(struct exemplars *x, struct labels series, const struct exemplar *v, size_t n,
                      uint8_t *fates);

/* Series with exemplars that the query wants, sorted by labels. In the arena; ERR_LIMIT above its
 * budget. */
struct err exemplars_select(struct exemplars *x, const struct exemplar_query *q, struct arena *a,
                            struct series_exemplars_list *ret_list);

/* For logs and snapshots: all there is in order of arrival, a page at a time. *at starts as 0; a
 * page of 0 items is the end. What arrives meanwhile is told too, what falls out is not. */
struct exemplar_arrival {
    struct labels series;
    struct exemplar exemplar;
};
struct exemplars_page {
    struct exemplar_arrival v[EXEMPLARS_PAGE];
    size_t n;
};
void exemplars_next_page(struct exemplars *x, uint64_t *at, struct arena *a,
                         struct exemplars_page *ret_page);

struct exemplars_stats {
    size_t capacity, count, series;
    uint64_t appended;     /* since open */
    uint64_t out_of_order; /* refused by exemplars_append(), since open */
    int64_t oldest_ms;     /* time of the oldest arrival; 0 while empty */
};
void exemplars_stats(struct exemplars *x, struct exemplars_stats *ret_stats);
/* ERR_CORRUPT when ring, lists and index disagree: for tests. */
struct err exemplars_check(struct exemplars *x);

DEFINE_AUTO(struct exemplars *, exemplars_close)
