/* series_set.h - the waist of the read path: a pull iterator over series with their chunks.
 *
 * Heads, blocks, other stores and merges of them all yield this shape. Series come in
 * ascending label order (labels_cmp), each label set once; the chunks of a series ascend by
 * mint and may overlap only where a source says so.
 * Threads: one at a time; may block. */
#pragma once
#include <stdbool.h>

#include "base/err.h"
#include "base/mem.h"
#include "tsdb/chunk/chunk.h"
#include "tsdb/model/labels.h"

/* Valid until the next series_set_next() or series_set_close(). */
struct series_view {
    struct labels labels;
    const struct chunk_view *chunks; /* none when only labels were asked for */
    size_t chunk_count;
};

struct series_set;
struct series_set_ops {
    struct err (*next)(struct series_set *set, struct series_view *ret_series, bool *ret_more);
    void (*close)(struct series_set *set);
};
/* The first member of every implementation. */
struct series_set {
    const struct series_set_ops *ops;
};

/* *ret_more is false behind the last series, and *ret_series is then untouched. */
static inline struct err
series_set_next(struct series_set *set, struct series_view *ret_series, bool *ret_more)
{
    return set->ops->next(set, ret_series, ret_more);
}
/* NULL is allowed. */
static inline void
series_set_close(struct series_set *set)
{
    if (set)
        set->ops->close(set);
}
DEFINE_AUTO(struct series_set *, series_set_close)

enum select_want { SELECT_CHUNKS, SELECT_LABELS };

/* What a reader asks of a source; both times inclusive. */
struct select_query {
    int64_t mint_ms, maxt_ms;
    enum select_want want;
    size_t series_limit; /* 0: none; more matching series give ERR_LIMIT */
};

/* Names or values: what a source has besides series. */
struct str_list {
    struct str *v; /* sorted, unique; array in the arena of the call, strings in the source */
    size_t n;
};
