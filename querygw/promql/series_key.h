/* series_key.h - which labels identify an output series: dropping names, grouping, duplicates.
 *
 * Operators that change what a value means drop the labels that describe the metric itself:
 * __name__, __type__ and __unit__ (prometheus model/labels, DropReserved). That can make label
 * sets equal; label_guard finds out. Threads: one query, one thread. */
#pragma once
#include "querygw/promql/exec.h"
#include "querygw/promql/key_map.h"
#include "querygw/promql/step.h"

/* Reused room for one label set and its bytes; strings are borrowed from where they came. */
struct label_scratch {
    struct arena *arena; /* borrowed */
    struct label *v;
    size_t cap;
    char *bytes;
    size_t bytes_cap;
};

/* `l` without the labels that describe the metric; valid until the next call with `to`. */
struct labels labels_drop_metric(struct label_scratch *to, struct labels l);

/* `l` with this value of `name`; an empty one takes the label away. Valid as above. */
struct labels labels_set(struct label_scratch *to, struct labels l, struct str name,
                         struct str value);

/* by (...) keeps the listed labels, without (...) drops them and __name__. */
struct grouping {
    const struct str *names; /* sorted, unique */
    size_t count;
    bool without;
    bool keeps_name; /* without: __name__ stays, unless it is listed */
};
/* The labels of the group that `l` belongs to; valid until the next call with `to`. */
struct labels labels_group(struct label_scratch *to, const struct grouping *g, struct labels l);

/* `l` with the labels that are listed in `names` as `from` has them, or not at all; valid until
 * the next call with `to`. */
struct labels labels_include(struct label_scratch *to, const struct grouping *names,
                             struct labels l, struct labels from);

/* A hash that equal label sets share and others do not. */
struct hash128 labels_key(struct label_scratch *scratch, struct labels l, uint64_t seed);

/* Refuses two output series with the same labels. */
enum label_guard_mode {
    LABEL_GUARD_UNIQUE,   /* at all */
    LABEL_GUARD_DISJOINT, /* at the same step; they are parts of one series otherwise */
};
struct label_guard {
    struct exec *x; /* borrowed */
    enum label_guard_mode mode;
    const char *text; /* of the error */
    uint32_t steps;
    struct key_map seen;
    struct label_scratch scratch;
    uint64_t **present; /* DISJOINT: steps taken so far, a bitmap a label set */
    size_t cap;
};
void label_guard_init(struct label_guard *g, struct exec *x, enum label_guard_mode mode,
                      uint32_t steps);
/* ERR_EXECUTION "vector cannot contain metrics with the same labelset", unless `text` was
 * changed. */
struct err label_guard_pass(struct label_guard *g, const struct column *c);
