/* metrics_int.h - what metrics.c (values) and the expositions share. */
#pragma once
#include <stdatomic.h>

#include "base/lock.h"
#include "base/map.h"
#include "base/metrics.h"
#include "base/vec.h"

struct metric {
    struct metric_family *family; /* immutable */
    struct str *values;           /* one a label; immutable, owned */
    size_t place;                 /* GUARDED_BY(registry->lock): in family->children */
    /* The value is `whole` + `rest`: counters add whole numbers to the first without a loop;
     * gauges and the sums of histograms use the second alone (the bits of a double). */
    _Atomic(uint64_t) whole, rest_bits;
    _Atomic(uint64_t) *buckets; /* histograms: bucket_count + 1, the last is +Inf; owned */
};

VEC_TYPE(metric_vec, struct metric *);

struct metric_family {
    struct metrics *registry;   /* immutable */
    struct metric_spec spec;    /* immutable */
    size_t label_count;         /* immutable */
    struct map by_values;       /* GUARDED_BY(registry->lock): packed label values -> child */
    struct metric_vec children; /* GUARDED_BY(registry->lock); all but `other` are in the map */
    struct metric *other;       /* GUARDED_BY(registry->lock): NULL until children_max is passed */
};

/* A set of label values. */
struct metric_bound {
    struct metrics *registry; /* immutable, as max */
    size_t max;
    struct map seen; /* GUARDED_BY(registry->lock) */
};

struct collector {
    void (*collect)(void *arg);
    void *arg;
};

VEC_TYPE(family_vec, struct metric_family *);
VEC_TYPE(collector_vec, struct collector);

struct metrics {
    struct lock lock;   /* LOCK_RANK_METRICS; guards all below and the families */
    struct map by_name; /* -> family */
    struct family_vec families;
    struct map bounds; /* by name; owned */
    struct collector_vec collectors;
    size_t collecting;         /* expositions that may be inside a collector */
    size_t showing;            /* expositions that may read families and children */
    struct metric_vec removed; /* freed once nobody shows */
    struct cond collected;     /* `collecting` fell to 0 */
    struct metric *overflows;  /* immutable once opened */
};

/* Snapshots under the lock, sorted. Families never die before the registry does, children not
 * between begin and end. */
void metrics_begin_show(struct metrics *m, struct family_vec *to);
void metrics_end_show(struct metrics *m);
void metrics_copy_children(struct metric_family *f, struct metric_vec *to);
