/* label_rows.h - label sets by number: the groups of an aggregation, the rows of a result.
 *
 * Numbers run from 0 in the order of first sight; the labels are copies in the query's arena.
 * Threads: one query, one thread. */
#pragma once
#include "querygw/promql/series_key.h"

struct label_rows {
    struct exec *x; /* borrowed */
    struct key_map numbers;
    struct label_scratch scratch;
    struct labels *v;
    bool *drop_name; /* of the rows of label_rows_add(), for its caller */
    size_t count, cap, drop_cap;
};

void label_rows_init(struct label_rows *r, struct exec *x);
/* The number of `l`; it is new when it is the count of before. ERR_LIMIT. */
struct err label_rows_find(struct label_rows *r, struct labels l, uint32_t *ret_number);
/* A row of its own, also for labels that others have. ERR_LIMIT past UINT32_MAX rows. */
struct err label_rows_add(struct label_rows *r, struct labels l, uint32_t *ret_number);
