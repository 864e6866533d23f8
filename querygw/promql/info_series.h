/* info_series.h - the info series that info() takes labels from: at each step, for each info
 * metric and each combination of identifying labels, the one with the newest sample.
 *
 * Source: prometheus promql/info.go. Threads: one query, one thread. */
#pragma once
#include "querygw/promql/held.h"
#include "querygw/promql/op.h"
#include "querygw/promql/series_key.h"

/* The labels by which a series finds its info series. */
enum { INFO_IDENTIFYING = 2 };
extern const struct str info_identifying[INFO_IDENTIFYING]; /* sorted */

/* Values of one identifying label. */
struct info_values {
    struct key_map numbers;
    struct str *v; /* the arena's */
    size_t count, cap;
};

/* Info series of one metric that have the same identifying labels. */
struct info_group {
    uint32_t *winner; /* a step: 1 + number of the series, 0 for none */
};

struct info_series {
    struct exec *x;                              /* borrowed */
    const struct plan_node *plan;                /* of info() */
    struct info_values values[INFO_IDENTIFYING]; /* that the other side has */
    uint64_t *asked; /* steps at which the other side has an element: set by the caller */
    struct key_map names, groups;
    struct str *name; /* of info metrics */
    struct info_group *group;
    struct held_column **series; /* their values are the times of samples, in seconds */
    size_t name_count, name_cap, group_count, group_cap, series_count, series_cap, held;
    uint32_t conflict_step;    /* the first of `asked` at which two series are equally new, */
    struct labels conflict[2]; /* and the two; the grid's length: none */
    double conflict_time;
    struct label_scratch scratch;
};

void info_series_init(struct info_series *s, struct exec *x, const struct plan_node *plan);
/* A series of the other side; info series are read for those only. */
struct err info_series_want(struct info_series *s, struct labels labels);
/* Reads. ERR_EXECUTION when two series are equally new; what the store fails with. */
struct err info_series_read(struct info_series *s);
/* The group of metric `name` for a series with these labels, or NULL. */
const struct info_group *info_series_find(struct info_series *s, size_t name, struct labels labels);
/* Gives the memory limit back what reading took. */
void info_series_release(struct info_series *s);
