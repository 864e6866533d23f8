/* batch_rows.h - some rows of requests as a request of their own: counted, then copied.
 *
 *   batch_rows_count(&b, row);                      each row that is to come
 *   TRY(batch_rows_make(&b, arena));
 *   batch_rows_add(&b, from, row, row->label_key);  the same rows in the same order
 *   ... b.request
 * Threads: one at a time. */
#pragma once
#include "base/arena.h"
#include "tsdb/head/append.h"

/* Creation: all zero, but for `has_keys`. */
struct batch_rows {
    bool has_keys;                 /* the rows' keys (append.h) are copied, too */
    struct append_request request; /* what was added so far; no metadata */
    /* private: room */
    size_t rows_max, samples_max, histograms_max, exemplars_max;
    struct append_row *rows;
    struct hash128 *keys;
    struct sample *samples;
    struct histogram_sample *histograms;
    struct exemplar *exemplars;
};

static inline void
batch_rows_count(struct batch_rows *b, const struct append_row *row)
{
    b->rows_max++;
    b->samples_max += row->sample_count;
    b->histograms_max += row->histogram_count;
    b->exemplars_max += row->exemplar_count;
}

/* Room for what was counted. Errors of arena_admit(). */
struct err batch_rows_make(struct batch_rows *b, struct arena *a);
/* Copies the row, which gets this key; texts and buckets stay where they are. */
void batch_rows_add(struct batch_rows *b, const struct append_request *from,
                    const struct append_row *row, struct str label_key);
